//! A query with several probes, every candidate scored by all of them.

use std::collections::{HashMap, HashSet};

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

    /// Fetches what the lists lack: exact scores by the other probes, and payloads.
    fn complete(mut self) -> Result<Vec<Candidate>> {
        for space in Space::ALL {
            self.score_in(space)?;
        }
        let Self {
            shard,
            query,
            mut scores,
            ..
        } = self;
        if !query.with_payload {
            let bare = |(id, scores)| Candidate {
                id,
                scores,
                payload: Payload::default(),
            };
            return Ok(scores.into_iter().map(bare).collect());
        }
        let points = shard.retrieve_spaces(&sorted(scores.keys().copied()), true, &[])?;
        let hit = |Point { id, payload, .. }| {
            scores.remove(&id).map(|scores| Candidate {
                id,
                scores,
                payload,
            })
        };
        Ok(points.into_iter().filter_map(hit).collect())
    }

    /// Scores the candidates by the probes of one space. The lists have most scores, so only the
    /// vectors of the other candidates are fetched, once for all probes.
    fn score_in(&mut self, space: Space) -> Result<()> {
        let probes: Vec<(usize, &Probe)> = self
            .query
            .probes
            .iter()
            .enumerate()
            .filter(|(_, probe)| probe.space() == space)
            .collect();
        let is_scored =
            |scores: &[Option<f32>]| probes.iter().all(|(index, _)| scores[*index].is_some());
        let unscored = sorted(
            self.scores
                .iter()
                .filter(|(_, scores)| !is_scored(scores))
                .map(|(id, _)| *id),
        );
        if unscored.is_empty() {
            return Ok(());
        }
        let points = self.shard.retrieve_spaces(&unscored, false, &[space])?;
        if points.len() < unscored.len() {
            // A point that was deleted since the search is no hit.
            let exist: HashSet<PointId> = points.iter().map(|point| point.id).collect();
            self.scores
                .retain(|id, scores| is_scored(scores) || exist.contains(id));
        }
        for point in points {
            let (Some(scores), Some(stored)) =
                (self.scores.get_mut(&point.id), point.vectors.get(space))
            else {
                continue;
            };
            for (index, probe) in &probes {
                scores[*index].get_or_insert_with(|| product(&probe.vector, stored));
            }
        }
        Ok(())
    }
}

/// Sorts ids in the engine's order, in which points that are stored together are read together.
fn sorted(ids: impl Iterator<Item = PointId>) -> Vec<PointId> {
    let mut ids: Vec<PointId> = ids.collect();
    ids.sort_unstable_by_key(|id| id_in(*id));
    ids
}
