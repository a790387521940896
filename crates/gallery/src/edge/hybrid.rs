//! A query with several probes, every candidate scored by all of them.

use std::collections::{BTreeMap, HashMap};

use clippy_core::Result;
use clippy_core::gallery::{
    Candidate, Candidates, HybridQuery, Payload, Point, Probe, Space, With,
};
use clippy_core::ids::PointId;
use clippy_core::search::product;
use qdrant_edge as engine;

use super::convert::id_in;
use super::filter::{filter_in, has_lexical_tag, lacks_vector, narrowed};
use super::shard::Shard;
use crate::spellings::Spellings;

/// Runs a query whose vectors have unit length.
pub(super) fn hybrid(
    shard: &Shard,
    query: &HybridQuery,
    spellings: &Spellings,
) -> Result<Candidates> {
    if query.candidates == 0 {
        return Ok(Candidates {
            floors: vec![None; query.probes.len()],
            ..Candidates::default()
        });
    }
    let mut search = Search {
        shard,
        query,
        spellings,
        filter: filter_in(&query.filter, spellings)?,
        scores: HashMap::new(),
    };
    let mut floors = Vec::with_capacity(query.probes.len());
    for probe in 0..query.probes.len() {
        floors.push(search.list(probe, search.filter.clone())?.floor);
    }
    Ok(Candidates {
        floors,
        lexical_floor: search.list_lexical()?,
        lacking_floor: search.list_lacking()?,
        hits: search.complete()?,
    })
}

/// One query while it runs.
struct Search<'a> {
    shard: &'a Shard,
    query: &'a HybridQuery,
    spellings: &'a Spellings,
    filter: Option<engine::Filter>,
    /// The candidates, with the scores that are known.
    scores: HashMap<PointId, Vec<Option<f32>>>,
}

/// A list that was added to the candidates.
struct Listed {
    length: usize,
    /// The lowest score in the list, when there are more points.
    floor: Option<f32>,
}

impl Search<'_> {
    fn scores_of(&mut self, id: PointId) -> &mut Vec<Option<f32>> {
        let probes = self.query.probes.len();
        self.scores.entry(id).or_insert_with(|| vec![None; probes])
    }

    /// Adds the best points by a probe.
    fn list(&mut self, probe: usize, filter: Option<engine::Filter>) -> Result<Listed> {
        let mut hits = self.nearest(&self.query.probes[probe], filter)?;
        let more = hits.len() > self.query.candidates;
        hits.truncate(self.query.candidates);
        for (id, score) in &hits {
            self.scores_of(*id)[probe] = Some(*score);
        }
        let floor = hits.last().filter(|_| more).map(|(_, score)| *score);
        Ok(Listed {
            length: hits.len(),
            floor,
        })
    }

    /// Returns the points nearest to a probe: one more than requested, which shows whether there
    /// are more.
    fn nearest(
        &self,
        probe: &Probe,
        filter: Option<engine::Filter>,
    ) -> Result<Vec<(PointId, f32)>> {
        let nearest = |exact: bool, filter: Option<engine::Filter>| {
            let params = engine::SearchParams {
                hnsw_ef: Some(self.query.beam()),
                exact,
                ..engine::SearchParams::default()
            };
            let limit = self.query.candidates.saturating_add(1);
            self.shard
                .nearest(probe.space(), probe.vector.clone(), filter, params, limit)
        };
        let hits = nearest(self.query.exact, filter.clone())?;
        // A walk over the graph may end early; only a comparison with every point proves that there
        // are no more.
        if hits.len() <= self.query.candidates && !self.query.exact {
            return nearest(true, filter);
        }
        Ok(hits)
    }

    /// Adds points that have one of the lexical tags: the best by the text probe first, then those
    /// without a text vector by id. Returns the floor of the list.
    fn list_lexical(&mut self) -> Result<Option<f32>> {
        if self.query.lexical_tags.is_empty() {
            return Ok(None);
        }
        let tagged = has_lexical_tag(self.query, self.spellings)?;
        let tagged = narrowed(self.filter.clone(), tagged);
        let (best, rest) = match self.query.lexical_probe() {
            Some(probe) => (
                self.list(probe, Some(tagged.clone()))?,
                narrowed(Some(tagged), lacks_vector(Space::Text)),
            ),
            None => (
                Listed {
                    length: 0,
                    floor: None,
                },
                tagged,
            ),
        };
        let room = self.query.candidates - best.length;
        let (points, next) =
            self.shard
                .scroll(Some(rest), None, room.saturating_add(1), With::NOTHING)?;
        for point in points.iter().take(room) {
            self.scores_of(point.id);
        }
        if points.len() > room || next.is_some() {
            // A point that is left over has no text vector, which counts as a score of 0.
            return Ok(Some(best.floor.map_or(0.0, |floor| floor.max(0.0))));
        }
        Ok(best.floor)
    }

    /// Adds points that lack a vector, the best by a probe of another space; returns the floor.
    fn list_lacking(&mut self) -> Result<Option<f32>> {
        let Some(lacking) = self.query.lacking else {
            return Ok(None);
        };
        let filter = narrowed(self.filter.clone(), lacks_vector(lacking.space));
        Ok(self.list(lacking.probe, Some(filter))?.floor)
    }

    /// Fetches what the lists lack: exact scores by the other probes, and payloads. Each candidate
    /// is read once, with those vectors only that its missing scores need.
    fn complete(self) -> Result<Vec<Candidate>> {
        let mut by_missing: BTreeMap<Vec<Space>, Vec<PointId>> = BTreeMap::new();
        for (id, scores) in &self.scores {
            by_missing
                .entry(self.missing_spaces(scores))
                .or_default()
                .push(*id);
        }
        let (query, shard, mut scores) = (self.query, self.shard, self.scores);
        let mut candidates = Vec::with_capacity(scores.len());
        for (spaces, mut ids) in by_missing {
            if spaces.is_empty() && !query.with_payload {
                candidates.extend(ids.into_iter().filter_map(|id| {
                    let scores = scores.remove(&id)?;
                    let payload = Payload::default();
                    Some(Candidate {
                        id,
                        scores,
                        payload,
                    })
                }));
                continue;
            }
            // Points that are stored together are read together in the engine's order. A point
            // that was deleted since the search is not read, and is no candidate.
            ids.sort_unstable_by_key(|id| id_in(*id));
            for point in shard.retrieve_spaces(&ids, query.with_payload, &spaces)? {
                let Some(scores) = scores.remove(&point.id) else {
                    continue;
                };
                candidates.push(scored(query, point, scores));
            }
        }
        Ok(candidates)
    }

    /// Returns the spaces of the probes that have not scored a point, in their order.
    fn missing_spaces(&self, scores: &[Option<f32>]) -> Vec<Space> {
        let is_missing = |space: &Space| {
            let probes = self.query.probes.iter().zip(scores);
            probes
                .filter(|(probe, _)| probe.space() == *space)
                .any(|(_, score)| score.is_none())
        };
        Space::ALL.into_iter().filter(is_missing).collect()
    }
}

/// Adds to the known scores of a point those by the vectors that were read with it.
fn scored(query: &HybridQuery, point: Point, mut scores: Vec<Option<f32>>) -> Candidate {
    for (score, probe) in scores.iter_mut().zip(&query.probes) {
        if score.is_none() {
            let stored = point.vectors.get(probe.space());
            *score = stored.as_ref().map(|stored| product(&probe.vector, stored));
        }
    }
    Candidate {
        id: point.id,
        scores,
        payload: point.payload,
    }
}
