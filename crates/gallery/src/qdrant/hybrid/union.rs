//! The candidates of one query while it runs.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::gallery::{Candidate, Candidates, HybridQuery, Payload, Probe, Vectors};
use clippy_core::ids::PointId;
use clippy_core::search::product;
use qdrant_client::qdrant as wire;

use super::List;
use crate::qdrant::convert::{id_out, payload_out, vectors_out};

/// The scores and payload of a point, as far as they are known.
struct Known {
    scores: Vec<Option<f32>>,
    payload: Option<Payload>,
}

/// The candidates so far.
pub(super) struct Union {
    /// The length of a list.
    length: usize,
    found: HashMap<PointId, Known>,
    /// Points that came with vectors and payload, and may become candidates.
    whole: HashMap<PointId, Known>,
    floors: Vec<Option<f32>>,
    lacking_floor: Option<f32>,
    lexical_floor: Option<f32>,
    /// How many points with a lexical tag were taken in the order of a probe.
    lexical: usize,
}

impl Union {
    pub(super) fn new(query: &HybridQuery) -> Self {
        Self {
            length: query.candidates,
            found: HashMap::new(),
            whole: HashMap::new(),
            floors: vec![None; query.probes.len()],
            lacking_floor: None,
            lexical_floor: None,
            lexical: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = PointId> {
        self.found.keys().copied()
    }

    /// Candidates without a score by this probe.
    pub(super) fn unscored(&self, probe: usize) -> Vec<PointId> {
        let unscored = |(_, known): &(&PointId, &Known)| known.scores[probe].is_none();
        let found = self.found.iter().filter(unscored);
        found.map(|(id, _)| *id).collect()
    }

    fn candidate(&mut self, id: PointId) -> &mut Known {
        let (whole, probes) = (&mut self.whole, self.floors.len());
        self.found.entry(id).or_insert_with(|| {
            whole.remove(&id).unwrap_or_else(|| Known {
                scores: vec![None; probes],
                payload: None,
            })
        })
    }

    /// Adds a list that a probe orders. It may have one point more than the list's length, which
    /// shows that there are more; then the lowest score in the list is its floor.
    pub(super) fn add_list(&mut self, list: List, mut found: Vec<(PointId, f32)>) {
        let more = found.len() > self.length;
        found.truncate(self.length);
        let floor = found.last().filter(|_| more).map(|(_, score)| *score);
        if let Some(probe) = list.probe() {
            for (id, score) in &found {
                self.candidate(*id).scores[probe] = Some(*score);
            }
        }
        match list {
            List::Best(probe) => self.floors[probe] = floor,
            List::Lacking(..) => self.lacking_floor = floor,
            List::Lexical(_) => {
                self.lexical_floor = floor;
                self.lexical = found.len();
            }
            List::OtherLexical => {}
        }
    }

    /// Returns whether a list has more points than were taken.
    pub(super) fn has_floor(&self, list: List) -> bool {
        match list {
            List::Best(probe) => self.floors[probe].is_some(),
            List::Lacking(..) => self.lacking_floor.is_some(),
            List::Lexical(_) | List::OtherLexical => self.lexical_floor.is_some(),
        }
    }

    /// Adds points with a lexical tag that no probe orders, as far as their list has room.
    pub(super) fn add_other_lexical(&mut self, found: &[(PointId, f32)]) {
        let room = self.length - self.lexical;
        for (id, _) in found.iter().take(room) {
            self.candidate(*id);
        }
        if found.len() > room {
            // A point that is left over has no text vector, which counts as a score of 0.
            self.lexical_floor = Some(self.lexical_floor.map_or(0.0, |floor| floor.max(0.0)));
        }
    }

    pub(super) fn add_scores(&mut self, probe: usize, found: &[(PointId, f32)]) {
        for (id, score) in found {
            if let Some(known) = self.found.get_mut(id) {
                known.scores[probe] = Some(*score);
            }
        }
    }

    pub(super) fn add_payloads(&mut self, points: Vec<wire::ScoredPoint>) -> Result<()> {
        for point in points {
            let id = id_out(point.id)?;
            if let Some(known) = self.found.get_mut(&id) {
                known.payload = Some(payload_out(point.payload));
            }
        }
        Ok(())
    }

    /// Keeps points that came with their vectors, scored by all probes; returns their ids and the
    /// scores that they came with.
    pub(super) fn keep_whole(
        &mut self,
        query: &HybridQuery,
        points: Vec<wire::ScoredPoint>,
    ) -> Result<Vec<(PointId, f32)>> {
        let mut found = Vec::with_capacity(points.len());
        for point in points {
            let id = id_out(point.id)?;
            found.push((id, point.score));
            if self.found.contains_key(&id) {
                continue;
            }
            let vectors: Vectors = vectors_out(point.vectors);
            let score = |probe: &Probe| {
                let stored = vectors.get(probe.space()).as_ref()?;
                Some(product(&probe.vector, stored))
            };
            let known = Known {
                scores: query.probes.iter().map(score).collect(),
                payload: Some(payload_out(point.payload)),
            };
            self.whole.insert(id, known);
        }
        Ok(found)
    }

    pub(super) fn finish(self, with_payload: bool) -> Candidates {
        let hits = self
            .found
            .into_iter()
            // A point that was deleted since the first trip is no hit.
            .filter(|(_, known)| !with_payload || known.payload.is_some())
            .map(|(id, known)| Candidate {
                id,
                scores: known.scores,
                payload: known.payload.filter(|_| with_payload).unwrap_or_default(),
            })
            .collect();
        Candidates {
            hits,
            floors: self.floors,
            lexical_floor: self.lexical_floor,
            lacking_floor: self.lacking_floor,
        }
    }
}
