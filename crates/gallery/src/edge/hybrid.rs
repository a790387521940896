//! A query in several spaces at once, every candidate scored in all of them.

use std::collections::{HashMap, HashSet};

use clippy_core::Result;
use clippy_core::gallery::{
    Candidate, Candidates, HybridQuery, Payload, PerSpace, Point, Space, With,
};
use clippy_core::ids::PointId;
use clippy_core::search::product;
use qdrant_edge as engine;

use super::convert::id_in;
use super::filter::{bears_any, filter_in, lacks_vector, narrowed};
use super::shard::Shard;
use crate::spellings::Spellings;

type Scores = PerSpace<Option<f32>>;

/// Runs a query whose vectors are of unit length.
pub(super) fn hybrid(
    shard: &Shard,
    query: &HybridQuery,
    spellings: &Spellings,
) -> Result<Candidates> {
    let filter = filter_in(&query.filter, spellings)?;
    let asked: Vec<Space> = query
        .vectors
        .iter()
        .filter_map(|(space, vector)| vector.is_some().then_some(space))
        .collect();
    let mut found: HashMap<PointId, Scores> = HashMap::new();
    let mut floors = Scores::default();
    if query.candidates > 0 {
        for &space in &asked {
            let best = best_of(shard, query, space, filter.clone())?;
            *floors.get_mut(space) = best.floor;
            add(&mut found, space, &best.hits);
        }
    }
    let lexical_floor = if query.candidates == 0 || query.lexical_tags.is_empty() {
        None
    } else {
        add_bearers(shard, query, spellings, filter.as_ref(), &mut found)?
    };
    let hits = complete(shard, query, &asked, found)?;
    Ok(Candidates {
        hits,
        floors,
        lexical_floor,
    })
}

struct Best {
    hits: Vec<(PointId, f32)>,
    floor: Option<f32>,
}

fn add(found: &mut HashMap<PointId, Scores>, space: Space, hits: &[(PointId, f32)]) {
    for (id, score) in hits {
        *found.entry(*id).or_default().get_mut(space) = Some(*score);
    }
}

/// The best of one space. One more than asked for is looked up, which tells whether the space has
/// more.
fn best_of(
    shard: &Shard,
    query: &HybridQuery,
    space: Space,
    filter: Option<engine::Filter>,
) -> Result<Best> {
    let Some(vector) = query.vectors.get(space) else {
        return Ok(Best {
            hits: Vec::new(),
            floor: None,
        });
    };
    let search = |exact: bool, filter: Option<engine::Filter>| {
        let params = engine::SearchParams {
            hnsw_ef: Some(query.beam()),
            exact,
            ..engine::SearchParams::default()
        };
        shard.nearest(
            space,
            vector.clone(),
            filter,
            params,
            query.candidates.saturating_add(1),
        )
    };
    let mut hits = search(query.exact, filter.clone())?;
    // A walk over the graph may end early; only a look at every point tells that there are no more.
    if hits.len() <= query.candidates && !query.exact {
        hits = search(true, filter)?;
    }
    let more = hits.len() > query.candidates;
    hits.truncate(query.candidates);
    let floor = if more {
        hits.last().map(|(_, score)| *score)
    } else {
        None
    };
    Ok(Best { hits, floor })
}

/// Adds points that bear one of the lexical tags: best by the text first, then those without a text
/// vector by id.
fn add_bearers(
    shard: &Shard,
    query: &HybridQuery,
    spellings: &Spellings,
    filter: Option<&engine::Filter>,
    found: &mut HashMap<PointId, Scores>,
) -> Result<Option<f32>> {
    let bearers = narrowed(filter.cloned(), bears_any(&query.lexical_tags, spellings)?);
    let (mut floor, mut room, rest) = if query.vectors.text.is_some() {
        let best = best_of(shard, query, Space::Text, Some(bearers.clone()))?;
        add(found, Space::Text, &best.hits);
        (
            best.floor,
            query.candidates - best.hits.len(),
            narrowed(Some(bearers), lacks_vector(Space::Text)),
        )
    } else {
        (None, query.candidates, bearers)
    };
    let (points, next) = shard.scroll(Some(rest), None, room.saturating_add(1), With::NOTHING)?;
    for point in points {
        if room == 0 {
            // A bearer that is left over and has no text vector gets 0 from the text space.
            return Ok(Some(floor.map_or(0.0, |floor| floor.max(0.0))));
        }
        found.entry(point.id).or_default();
        room -= 1;
    }
    if next.is_some() {
        floor = Some(floor.map_or(0.0, |floor| floor.max(0.0)));
    }
    Ok(floor)
}

/// Fetches what the searches did not tell: exact scores in the other spaces, and payloads.
fn complete(
    shard: &Shard,
    query: &HybridQuery,
    asked: &[Space],
    mut found: HashMap<PointId, Scores>,
) -> Result<Vec<Candidate>> {
    // A space named most of its own best, and only the vectors of the others are fetched.
    for &space in asked {
        let Some(wanted) = query.vectors.get(space) else {
            continue;
        };
        let unknown = sorted(
            found
                .iter()
                .filter(|(_, scores)| scores.get(space).is_none())
                .map(|(id, _)| *id),
        );
        if unknown.is_empty() {
            continue;
        }
        let points = shard.retrieve_spaces(&unknown, false, &[space])?;
        if points.len() < unknown.len() {
            // A point that was deleted since the search is not there any more, and no hit.
            let there: HashSet<PointId> = points.iter().map(|point| point.id).collect();
            found.retain(|id, scores| scores.get(space).is_some() || there.contains(id));
        }
        for point in points {
            if let (Some(scores), Some(stored)) =
                (found.get_mut(&point.id), point.vectors.get(space))
            {
                *scores.get_mut(space) = Some(product(wanted, stored));
            }
        }
    }
    if !query.with_payload {
        let bare = |(id, scores)| Candidate {
            id,
            scores,
            payload: Payload::default(),
        };
        return Ok(found.into_iter().map(bare).collect());
    }
    let points = shard.retrieve_spaces(&sorted(found.keys().copied()), true, &[])?;
    let hit = |Point { id, payload, .. }| {
        found.remove(&id).map(|scores| Candidate {
            id,
            scores,
            payload,
        })
    };
    Ok(points.into_iter().filter_map(hit).collect())
}

/// In the engine's order, in which points that are stored together are read together.
fn sorted(ids: impl Iterator<Item = PointId>) -> Vec<PointId> {
    let mut ids: Vec<PointId> = ids.collect();
    ids.sort_unstable_by_key(|id| id_in(*id));
    ids
}
