//! A query in several spaces at once, every candidate scored in all of them, in two round trips.
//!
//! The first asks, in one batch, for the best of each space and for the bearers of the lexical
//! tags: ids and scores alone. The second asks, in one batch, for the exact scores of those
//! candidates in the spaces that did not name them, and for their payloads. No vector travels, but
//! for those of points that a walk over a graph has missed. A third is made only when such a walk
//! ended before it had as many as there are. docs/benchmarks.md compares other ways of asking.

use std::collections::HashMap;

use clippy_core::gallery::{Candidate, Candidates, HybridQuery, Payload, PerSpace, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;

use super::connection::Connection;
use super::convert::{id_out, payload_out, vectors_out, with_payload, with_vectors};
use super::filter::{bears_any, filter_in, has_id, lacks_vector, narrowed};
use super::shape::Shape;
use crate::spellings::Spellings;

type Scores = PerSpace<Option<f32>>;

/// How many more candidates than asked for are taken from compressed vectors, before their true
/// scores are looked at.
const OVERSAMPLING: f64 = 3.0;

/// One part of a batch, and what its answer means.
enum Part {
    /// The best of a space.
    Best(Space),
    /// The best bearers of the lexical tags, by the text.
    Bearers,
    /// Bearers that the text says nothing about, in the order of their ids.
    OtherBearers,
}

/// Runs a query whose vectors are of unit length.
pub(super) async fn hybrid(
    connection: &Connection,
    shape: &Shape,
    query: &HybridQuery,
    spellings: &Spellings,
) -> Result<Candidates> {
    let search = Search {
        shape,
        query,
        spellings,
        filter: filter_in(&query.filter, shape, spellings),
    };
    let asked: Vec<Space> = query
        .vectors
        .iter()
        .filter_map(|(space, vector)| (vector.is_some() && shape.has(space)).then_some(space))
        .collect();
    if query.candidates == 0 || (asked.is_empty() && query.lexical_tags.is_empty()) {
        return Ok(Candidates::default());
    }

    let (parts, requests) = search.first(&asked);
    let answers = batch(connection, &shape.physical, "search", requests).await?;
    let mut union = Union::default();
    let mut short = Vec::new();
    let mut other_bearers = Vec::new();
    let mut bearers_are_short = false;
    for (part, answer) in parts.into_iter().zip(answers) {
        let found = scored(&answer)?;
        // A walk over the graph may end early; only a look at every point tells that there are no
        // more.
        let ends_early = found.len() <= query.candidates && !query.exact;
        match part {
            Part::Best(space) if ends_early => {
                short.push(space);
                union.add(space, &found);
            }
            Part::Best(space) => {
                *union.floors.get_mut(space) = union.add_best(space, found, query.candidates)
            }
            Part::Bearers => {
                bearers_are_short = ends_early;
                let taken = found.len().min(query.candidates);
                union.bearers = taken;
                union.lexical_floor = union.add_best(Space::Text, found, query.candidates);
            }
            Part::OtherBearers => other_bearers = found,
        }
    }
    if !bearers_are_short {
        union.add_other_bearers(&other_bearers, query.candidates);
    }

    let (wants, requests) = search.second(&asked, &union, &short, bearers_are_short);
    let mut looked_past = Vec::new();
    if !requests.is_empty() {
        let answers = batch(
            connection,
            &shape.physical,
            "score the candidates",
            requests,
        )
        .await?;
        let mut bearers_again = None;
        for (want, answer) in wants.into_iter().zip(answers) {
            match want {
                Want::Scores(space) => union.score(space, &scored(&answer)?),
                Want::Payloads => union.take_payloads(answer)?,
                Want::AllOf(space) => {
                    let found = union.take_whole(&search, &asked, answer)?;
                    *union.floors.get_mut(space) = union.add_best(space, found, query.candidates);
                    if union.floors.get(space).is_some() {
                        looked_past.push(space);
                    }
                }
                Want::AllBearers => {
                    bearers_again = Some(union.take_whole(&search, &asked, answer)?)
                }
                Want::OtherBearers => {
                    let found = union.take_whole(&search, &asked, answer)?;
                    let best = bearers_again.take().unwrap_or_default();
                    union.bearers = best.len().min(query.candidates);
                    union.lexical_floor = union.add_best(Space::Text, best, query.candidates);
                    union.add_other_bearers(&found, query.candidates);
                }
            }
        }
    }
    // A walk that ended early although there is more than was asked for: what another space named
    // may lie beyond.
    let (wants, requests) = search.scores(looked_past.into_iter(), &union);
    if !requests.is_empty() {
        let answers = batch(
            connection,
            &shape.physical,
            "score the candidates",
            requests,
        )
        .await?;
        for (want, answer) in wants.into_iter().zip(answers) {
            if let Want::Scores(space) = want {
                union.score(space, &scored(&answer)?);
            }
        }
    }
    Ok(union.finish(query.with_payload))
}

/// What an answer of the second batch is.
enum Want {
    /// The exact scores of candidates in a space that did not name them.
    Scores(Space),
    /// The candidates' payloads.
    Payloads,
    /// The best of a space, found by looking at every point.
    AllOf(Space),
    /// Likewise the best bearers of the lexical tags.
    AllBearers,
    /// Bearers that the text says nothing about; comes after [`Want::AllBearers`].
    OtherBearers,
}

/// What all requests of one query have in common.
struct Search<'a> {
    shape: &'a Shape,
    query: &'a HybridQuery,
    spellings: &'a Spellings,
    filter: Option<wire::Filter>,
}

impl Search<'_> {
    fn first(&self, asked: &[Space]) -> (Vec<Part>, Vec<wire::QueryPoints>) {
        let (mut parts, mut requests) = (Vec::new(), Vec::new());
        for &space in asked {
            parts.push(Part::Best(space));
            requests.push(self.nearest(space, self.filter.clone(), self.query.exact));
        }
        if !self.query.lexical_tags.is_empty() {
            if asked.contains(&Space::Text) {
                parts.push(Part::Bearers);
                requests.push(self.nearest(Space::Text, Some(self.bearers()), self.query.exact));
            }
            parts.push(Part::OtherBearers);
            requests.push(self.other_bearers(asked));
        }
        (parts, requests)
    }

    fn second(
        &self,
        asked: &[Space],
        union: &Union,
        short: &[Space],
        bearers_are_short: bool,
    ) -> (Vec<Want>, Vec<wire::QueryPoints>) {
        // When every space is looked through, as under a filter that keeps little, each tells its
        // own scores.
        let all_short = short.len() == asked.len() && !bearers_are_short;
        let (mut wants, mut requests) = if all_short {
            (Vec::new(), Vec::new())
        } else {
            self.scores(asked.iter().copied(), union)
        };
        if self.query.with_payload && !union.found.is_empty() {
            wants.push(Want::Payloads);
            let limit = union.found.len() as u64;
            let filter = wire::Filter {
                must: vec![has_id(union.found.keys().copied())],
                ..wire::Filter::default()
            };
            requests.push(wire::QueryPoints {
                limit: Some(limit),
                with_payload: with_payload(true),
                ..self.listing(filter)
            });
        }
        // What these find anew is scored here, so that no third trip is needed.
        let whole = |request: wire::QueryPoints| wire::QueryPoints {
            with_payload: with_payload(self.query.with_payload),
            with_vectors: with_vectors(if all_short { &[] } else { asked }),
            ..request
        };
        for &space in short {
            wants.push(Want::AllOf(space));
            requests.push(whole(self.nearest(space, self.filter.clone(), true)));
        }
        if bearers_are_short {
            wants.push(Want::AllBearers);
            requests.push(whole(self.nearest(Space::Text, Some(self.bearers()), true)));
            wants.push(Want::OtherBearers);
            requests.push(whole(self.other_bearers(asked)));
        }
        (wants, requests)
    }

    /// Asks for the scores that are missing in these spaces.
    fn scores(
        &self,
        spaces: impl Iterator<Item = Space>,
        union: &Union,
    ) -> (Vec<Want>, Vec<wire::QueryPoints>) {
        let (mut wants, mut requests) = (Vec::new(), Vec::new());
        for space in spaces {
            let unknown: Vec<PointId> = union
                .found
                .iter()
                .filter(|(_, hit)| hit.scores.get(space).is_none())
                .map(|(id, _)| *id)
                .collect();
            if !unknown.is_empty() {
                wants.push(Want::Scores(space));
                let limit = unknown.len() as u64;
                let filter = wire::Filter {
                    must: vec![has_id(unknown)],
                    ..wire::Filter::default()
                };
                requests.push(wire::QueryPoints {
                    limit: Some(limit),
                    ..self.nearest(space, Some(filter), true)
                });
            }
        }
        (wants, requests)
    }

    fn bearers(&self) -> wire::Filter {
        narrowed(
            self.filter.clone(),
            bears_any(&self.query.lexical_tags, self.spellings),
        )
    }

    fn other_bearers(&self, asked: &[Space]) -> wire::QueryPoints {
        let by_text = asked.contains(&Space::Text);
        let bearers = self.bearers();
        self.listing(if by_text {
            narrowed(Some(bearers), lacks_vector(Space::Text))
        } else {
            bearers
        })
    }

    /// One more than asked for, which tells whether there are more.
    fn limit(&self) -> Option<u64> {
        Some(self.query.candidates as u64 + 1)
    }

    /// Points in the order of their ids.
    fn listing(&self, filter: wire::Filter) -> wire::QueryPoints {
        wire::QueryPoints {
            collection_name: self.shape.physical.clone(),
            filter: Some(filter),
            limit: self.limit(),
            ..wire::QueryPoints::default()
        }
    }

    /// The best of a space, ids and scores alone.
    fn nearest(
        &self,
        space: Space,
        filter: Option<wire::Filter>,
        exact: bool,
    ) -> wire::QueryPoints {
        let vector = self.query.vectors.get(space).clone().unwrap_or_default();
        let request = nearest(self.shape, space, vector, self.query.beam());
        let params = request.params.map(|params| wire::SearchParams {
            exact: Some(exact),
            ..params
        });
        wire::QueryPoints {
            filter,
            params,
            limit: self.limit(),
            ..request
        }
    }
}

/// Asks for what is nearest to a vector in a space, by the graph, ids and scores alone.
pub(super) fn nearest(
    shape: &Shape,
    space: Space,
    vector: Vec<f32>,
    beam: usize,
) -> wire::QueryPoints {
    let dense = wire::vector_input::Variant::Dense(wire::DenseVector { data: vector });
    let quantization = shape.quantized.then_some(wire::QuantizationSearchParams {
        ignore: None,
        rescore: Some(true),
        oversampling: Some(OVERSAMPLING),
    });
    wire::QueryPoints {
        collection_name: shape.physical.clone(),
        query: Some(wire::Query {
            variant: Some(wire::query::Variant::Nearest(wire::VectorInput {
                variant: Some(dense),
            })),
        }),
        using: Some(space.name().to_owned()),
        params: Some(wire::SearchParams {
            hnsw_ef: Some(beam as u64),
            quantization,
            ..wire::SearchParams::default()
        }),
        ..wire::QueryPoints::default()
    }
}

/// Several queries in one round trip.
pub(super) async fn batch(
    connection: &Connection,
    physical: &str,
    what: &str,
    requests: Vec<wire::QueryPoints>,
) -> Result<Vec<Vec<wire::ScoredPoint>>> {
    let expected = requests.len();
    let request = wire::QueryBatchPoints {
        collection_name: physical.to_owned(),
        query_points: requests,
        ..wire::QueryBatchPoints::default()
    };
    let answer = connection
        .read(what, |client| {
            let request = request.clone();
            async move { client.query_batch(request).await }
        })
        .await?;
    if answer.result.len() != expected {
        return Err(Error::internal(format!(
            "Qdrant answered {} of {expected} queries of a batch",
            answer.result.len()
        )));
    }
    Ok(answer
        .result
        .into_iter()
        .map(|result| result.result)
        .collect())
}

/// The ids and scores of an answer.
pub(super) fn scored(points: &[wire::ScoredPoint]) -> Result<Vec<(PointId, f32)>> {
    points
        .iter()
        .map(|point| Ok((id_out(point.id.clone())?, point.score)))
        .collect()
}

#[derive(Default)]
struct Hit {
    scores: Scores,
    payload: Option<Payload>,
}

/// The candidates so far.
#[derive(Default)]
struct Union {
    found: HashMap<PointId, Hit>,
    /// Whole points that may become candidates.
    whole: HashMap<PointId, Hit>,
    floors: Scores,
    lexical_floor: Option<f32>,
    /// How many bearers were taken by the text.
    bearers: usize,
}

impl Union {
    fn hit(&mut self, id: PointId) -> &mut Hit {
        let whole = &mut self.whole;
        self.found
            .entry(id)
            .or_insert_with(|| whole.remove(&id).unwrap_or_default())
    }

    fn add(&mut self, space: Space, found: &[(PointId, f32)]) {
        for (id, score) in found {
            *self.hit(*id).scores.get_mut(space) = Some(*score);
        }
    }

    /// Adds the best `most`; gives the lowest score among them when there are more.
    fn add_best(
        &mut self,
        space: Space,
        mut found: Vec<(PointId, f32)>,
        most: usize,
    ) -> Option<f32> {
        let more = found.len() > most;
        found.truncate(most);
        self.add(space, &found);
        if more {
            found.last().map(|(_, score)| *score)
        } else {
            None
        }
    }

    /// Fills what room the bearers that were taken by the text have left.
    fn add_other_bearers(&mut self, found: &[(PointId, f32)], most: usize) {
        let room = most - self.bearers;
        for (id, _) in found.iter().take(room) {
            self.hit(*id);
        }
        if found.len() > room {
            // A bearer that is left over and has no text vector gets 0 from the text space.
            self.lexical_floor = Some(self.lexical_floor.map_or(0.0, |floor| floor.max(0.0)));
        }
    }

    fn score(&mut self, space: Space, found: &[(PointId, f32)]) {
        for (id, score) in found {
            if let Some(hit) = self.found.get_mut(id) {
                *hit.scores.get_mut(space) = Some(*score);
            }
        }
    }

    fn take_payloads(&mut self, points: Vec<wire::ScoredPoint>) -> Result<()> {
        for point in points {
            let id = id_out(point.id)?;
            if let Some(hit) = self.found.get_mut(&id) {
                hit.payload = Some(payload_out(point.payload));
            }
        }
        Ok(())
    }

    /// Keeps points that came with their vectors, scored in all spaces; gives their ids and scores
    /// as they came.
    fn take_whole(
        &mut self,
        search: &Search<'_>,
        asked: &[Space],
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
            let mut hit = Hit {
                payload: Some(payload_out(point.payload)),
                ..Hit::default()
            };
            for &space in asked {
                if let (Some(query), Some(stored)) =
                    (search.query.vectors.get(space), vectors.get(space))
                {
                    *hit.scores.get_mut(space) = Some(product(query, stored));
                }
            }
            self.whole.insert(id, hit);
        }
        Ok(found)
    }

    fn finish(self, with_payload: bool) -> Candidates {
        let hits = self
            .found
            .into_iter()
            // A point that was deleted since the first trip is not there any more, and no hit.
            .filter(|(_, hit)| !with_payload || hit.payload.is_some())
            .map(|(id, hit)| {
                let payload = if with_payload {
                    hit.payload.unwrap_or_default()
                } else {
                    Payload::default()
                };
                Candidate {
                    id,
                    scores: hit.scores,
                    payload,
                }
            })
            .collect();
        Candidates {
            hits,
            floors: self.floors,
            lexical_floor: self.lexical_floor,
        }
    }
}

fn product(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}
