//! How crowded it is around points.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::gallery::{Crowding, Space};
use clippy_core::ids::PointId;
use qdrant_edge as engine;

use super::convert::id_out;
use super::shard::{Shard, guarded};
use crate::neighbourhood::{BEAM, mean_of_others};

/// The crowding around each of these points, in their order.
pub(super) fn crowding(shard: &Shard, ids: &[PointId], spaces: &[Space], neighbours: usize) -> Result<Vec<Crowding>> {
    let points = shard.retrieve_spaces(ids, false, spaces)?;
    let mut known = HashMap::with_capacity(points.len());
    for point in points {
        let mut crowding = Crowding::default();
        for &space in spaces {
            if let Some(vector) = point.vectors.get(space) {
                // One more, since the point itself is among them.
                let found = nearest(shard, space, vector.clone(), neighbours.saturating_add(1))?;
                *crowding.get_mut(space) = mean_of_others(point.id, found, neighbours);
            }
        }
        known.insert(point.id, crowding);
    }
    Ok(ids.iter().map(|id| known.get(id).copied().unwrap_or_default()).collect())
}

fn nearest(shard: &Shard, space: Space, vector: Vec<f32>, limit: usize) -> Result<Vec<(PointId, f32)>> {
    let request = engine::SearchRequest {
        query: engine::QueryEnum::Nearest(engine::NamedQuery {
            query: engine::VectorInternal::Dense(vector),
            using: Some(space.name().into()),
        }),
        filter: None,
        params: Some(engine::SearchParams { hnsw_ef: Some(BEAM.max(limit)), ..engine::SearchParams::default() }),
        limit,
        offset: 0,
        with_payload: Some(engine::WithPayloadInterface::Bool(false)),
        with_vector: Some(engine::WithVector::Bool(false)),
        score_threshold: None,
    };
    let hits = guarded("look at neighbours", || shard.engine().search(request))?;
    Ok(hits.into_iter().map(|hit| (id_out(hit.id), hit.score)).collect())
}
