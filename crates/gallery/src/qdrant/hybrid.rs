//! A query with several probes, every candidate scored by all of them, in two round trips.
//!
//! The first request asks, in one batch, for all lists of candidates: ids and scores only. The
//! second asks, in one batch, for the candidates' missing exact scores and their payloads. Vectors
//! are sent only for points that a walk over a graph missed. A third round trip is made only when
//! such a walk ended before it had enough points. docs/benchmarks.md compares other ways to ask.

mod union;

use clippy_core::gallery::{Candidates, HybridQuery, Space};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;

use self::union::Union;
use super::connection::Connection;
use super::convert::{id_out, with_payload, with_vectors};
use super::filter::{filter_in, has_id, has_lexical_tag, lacks_vector, narrowed};
use super::shape::Shape;
use crate::spellings::Spellings;

/// How many more candidates than asked for are taken from compressed vectors before their exact
/// scores are compared.
const OVERSAMPLING: f64 = 3.0;

/// A list of candidates. The number is the index of the probe that orders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    /// The best by a probe.
    Best(usize),
    /// The best by a probe among points without a vector in this space.
    Lacking(usize, Space),
    /// The best among points with a lexical tag.
    Lexical(usize),
    /// Points with a lexical tag that no probe orders, by id.
    OtherLexical,
}

impl List {
    /// Returns the probe that orders the list.
    fn probe(self) -> Option<usize> {
        match self {
            Self::Best(probe) | Self::Lacking(probe, _) | Self::Lexical(probe) => Some(probe),
            Self::OtherLexical => None,
        }
    }
}

/// Runs a query whose vectors have unit length.
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
    let mut union = Union::new(query);
    let lists = search.lists();
    if query.candidates == 0 || lists.is_empty() {
        return Ok(union.finish(false));
    }

    let requests = lists.iter().map(|list| search.list(*list, query.exact));
    let requests = requests.collect();
    let answers = batch(connection, &shape.physical, "search", requests).await?;
    let mut short = Vec::new();
    let mut other_lexical = Vec::new();
    for (list, answer) in lists.iter().zip(answers) {
        let found = scored(&answer)?;
        if *list == List::OtherLexical {
            other_lexical = found;
            continue;
        }
        // A walk over the graph may end early; only a comparison with every point proves that there
        // are no more.
        if found.len() <= query.candidates && !query.exact {
            short.push(*list);
        }
        union.add_list(*list, found);
    }
    let is_lexical = |list: &List| matches!(list, List::Lexical(_));
    if short.iter().any(is_lexical) {
        short.push(List::OtherLexical);
    } else {
        union.add_other_lexical(&other_lexical);
    }

    let (parts, requests) = search.second(&union, &short);
    let mut incomplete = Vec::new();
    if !requests.is_empty() {
        let what = "score the candidates";
        let answers = batch(connection, &shape.physical, what, requests).await?;
        for (part, answer) in parts.into_iter().zip(answers) {
            match part {
                Part::Scores(probe) => union.add_scores(probe, &scored(&answer)?),
                Part::Payloads => union.add_payloads(answer)?,
                Part::List(List::OtherLexical) => {
                    let found = union.keep_whole(query, answer)?;
                    union.add_other_lexical(&found);
                }
                Part::List(list) => {
                    let found = union.keep_whole(query, answer)?;
                    union.add_list(list, found);
                    if let (List::Best(probe), true) = (list, union.has_floor(list)) {
                        incomplete.push(probe);
                    }
                }
            }
        }
    }
    // Walks that ended early although there are more points: candidates of other lists may lack a
    // score.
    let (parts, requests) = search.scores(incomplete.into_iter(), &union);
    if !requests.is_empty() {
        let what = "score the candidates";
        let answers = batch(connection, &shape.physical, what, requests).await?;
        for (part, answer) in parts.into_iter().zip(answers) {
            if let Part::Scores(probe) = part {
                union.add_scores(probe, &scored(&answer)?);
            }
        }
    }
    Ok(union.finish(query.with_payload))
}

/// A part of the second batch.
enum Part {
    /// The exact scores of candidates that a probe did not list.
    Scores(usize),
    /// The payloads of the candidates.
    Payloads,
    /// A list whose walk over the graph may have ended early, again, compared with every point.
    List(List),
}

/// What all requests of one query have in common.
struct Search<'a> {
    shape: &'a Shape,
    query: &'a HybridQuery,
    spellings: &'a Spellings,
    filter: Option<wire::Filter>,
}

impl Search<'_> {
    /// Returns the probes of spaces that the collection has.
    fn probes(&self) -> impl Iterator<Item = usize> {
        let probes = self.query.probes.iter().enumerate();
        probes.filter_map(|(index, probe)| self.shape.has(probe.space()).then_some(index))
    }

    fn lexical_probe(&self) -> Option<usize> {
        let probe = self.query.lexical_probe()?;
        self.shape.has(Space::Text).then_some(probe)
    }

    /// Returns all lists of candidates.
    fn lists(&self) -> Vec<List> {
        let mut lists: Vec<List> = self.probes().map(List::Best).collect();
        if let Some(lacking) = self.query.lacking
            && self.probes().any(|probe| probe == lacking.probe)
            && self.shape.has(lacking.space)
        {
            lists.push(List::Lacking(lacking.probe, lacking.space));
        }
        if !self.query.lexical_tags.is_empty() {
            lists.extend(self.lexical_probe().map(List::Lexical));
            lists.push(List::OtherLexical);
        }
        lists
    }

    fn list(&self, list: List, exact: bool) -> wire::QueryPoints {
        let lexical = || {
            let tagged = has_lexical_tag(self.query, self.shape, self.spellings);
            narrowed(self.filter.clone(), tagged)
        };
        match list {
            List::Best(probe) => self.nearest(probe, self.filter.clone(), exact),
            List::Lacking(probe, space) => {
                let filter = narrowed(self.filter.clone(), lacks_vector(space));
                self.nearest(probe, Some(filter), exact)
            }
            List::Lexical(probe) => self.nearest(probe, Some(lexical()), exact),
            List::OtherLexical if self.lexical_probe().is_some() => {
                self.by_id(narrowed(Some(lexical()), lacks_vector(Space::Text)))
            }
            List::OtherLexical => self.by_id(lexical()),
        }
    }

    fn second(&self, union: &Union, short: &[List]) -> (Vec<Part>, Vec<wire::QueryPoints>) {
        // When every probe is compared with every point, as with a filter that few points pass,
        // each list brings its own scores.
        let is_short = |probe| short.contains(&List::Best(probe));
        let all_short = self.probes().all(is_short) && !short.contains(&List::OtherLexical);
        let (mut parts, mut requests) = if all_short {
            (Vec::new(), Vec::new())
        } else {
            self.scores(self.probes(), union)
        };
        if self.query.with_payload && !union.is_empty() {
            parts.push(Part::Payloads);
            let filter = wire::Filter {
                must: vec![has_id(union.ids())],
                ..wire::Filter::default()
            };
            requests.push(wire::QueryPoints {
                limit: Some(union.len() as u64),
                with_payload: with_payload(true),
                ..self.by_id(filter)
            });
        }
        // Additional points of these lists are scored here, so that no third trip is needed.
        let mut spaces: Vec<Space> = Vec::new();
        if !all_short {
            spaces.extend(self.probes().map(|probe| self.query.probes[probe].space()));
            spaces.sort_unstable();
            spaces.dedup();
        }
        for list in short {
            parts.push(Part::List(*list));
            requests.push(wire::QueryPoints {
                with_payload: with_payload(self.query.with_payload),
                with_vectors: with_vectors(&spaces),
                ..self.list(*list, true)
            });
        }
        (parts, requests)
    }

    /// Asks for the missing scores by these probes.
    fn scores(
        &self,
        probes: impl Iterator<Item = usize>,
        union: &Union,
    ) -> (Vec<Part>, Vec<wire::QueryPoints>) {
        let (mut parts, mut requests) = (Vec::new(), Vec::new());
        for probe in probes {
            let unscored = union.unscored(probe);
            if !unscored.is_empty() {
                parts.push(Part::Scores(probe));
                let limit = unscored.len() as u64;
                let filter = wire::Filter {
                    must: vec![has_id(unscored)],
                    ..wire::Filter::default()
                };
                requests.push(wire::QueryPoints {
                    limit: Some(limit),
                    ..self.nearest(probe, Some(filter), true)
                });
            }
        }
        (parts, requests)
    }

    /// Returns one more than the number of candidates, which shows whether there are more.
    fn limit(&self) -> Option<u64> {
        Some(self.query.candidates as u64 + 1)
    }

    /// Points in the order of their ids.
    fn by_id(&self, filter: wire::Filter) -> wire::QueryPoints {
        wire::QueryPoints {
            collection_name: self.shape.physical.clone(),
            filter: Some(filter),
            limit: self.limit(),
            ..wire::QueryPoints::default()
        }
    }

    /// Makes the query for the nearest points to a probe, without payloads.
    fn nearest(
        &self,
        probe: usize,
        filter: Option<wire::Filter>,
        exact: bool,
    ) -> wire::QueryPoints {
        let probe = &self.query.probes[probe];
        let beam = self.query.beam();
        let request = nearest(self.shape, probe.space(), probe.vector.clone(), beam);
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

/// Asks for the points nearest to a vector in a space, by the graph, ids and scores alone.
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

/// Runs several queries in one round trip.
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

/// Returns the ids and scores of an answer.
pub(super) fn scored(points: &[wire::ScoredPoint]) -> Result<Vec<(PointId, f32)>> {
    points
        .iter()
        .map(|point| Ok((id_out(point.id.clone())?, point.score)))
        .collect()
}
