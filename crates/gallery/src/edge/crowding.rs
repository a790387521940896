//! The crowding around points.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::gallery::{Crowding, Space};
use clippy_core::ids::PointId;
use qdrant_edge::SearchParams;

use super::shard::Shard;
use crate::neighbourhood::{BEAM, mean_of_others};

/// Returns the crowding around each of these points, in their order.
pub(super) fn crowding(
    shard: &Shard,
    ids: &[PointId],
    spaces: &[Space],
    neighbours: usize,
) -> Result<Vec<Crowding>> {
    let points = shard.retrieve_spaces(ids, false, spaces)?;
    let mut known = HashMap::with_capacity(points.len());
    for point in points {
        let mut crowding = Crowding::default();
        for &space in spaces {
            if let Some(vector) = point.vectors.get(space) {
                // One more, since the point itself is among them.
                let limit = neighbours.saturating_add(1);
                let params = SearchParams {
                    hnsw_ef: Some(BEAM.max(limit)),
                    ..SearchParams::default()
                };
                let found = shard.nearest(space, vector.clone(), None, params, limit)?;
                *crowding.get_mut(space) = mean_of_others(point.id, found, neighbours);
            }
        }
        known.insert(point.id, crowding);
    }
    Ok(ids
        .iter()
        .map(|id| known.get(id).copied().unwrap_or_default())
        .collect())
}
