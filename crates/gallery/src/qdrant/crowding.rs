//! The crowding around points: one batch of searches, one for each point and space.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::gallery::{Crowding, Point, Space};
use clippy_core::ids::PointId;
use qdrant_client::qdrant as wire;

use super::connection::Connection;
use super::hybrid::{batch, nearest, scored};
use super::shape::Shape;
use crate::neighbourhood::{BEAM, mean_of_others};

/// Returns the crowding around these ids, in their order, by the vectors of the points that exist.
/// A query by id would not need the vectors here, but the server refuses the whole batch when a
/// single point was deleted or has no vector.
pub(super) async fn crowding(
    connection: &Connection,
    shape: &Shape,
    ids: &[PointId],
    points: Vec<Point>,
    spaces: &[Space],
    neighbours: usize,
) -> Result<Vec<Crowding>> {
    // One more, since the point itself is among them.
    let limit = neighbours.saturating_add(1);
    let (mut asked, mut requests) = (Vec::new(), Vec::new());
    for mut point in points {
        for &space in spaces {
            if let Some(vector) = point.vectors.get_mut(space).take() {
                asked.push((point.id, space));
                let request = nearest(shape, space, vector, BEAM.max(limit));
                requests.push(wire::QueryPoints {
                    limit: Some(limit as u64),
                    ..request
                });
            }
        }
    }
    let mut known: HashMap<PointId, Crowding> = HashMap::new();
    if !requests.is_empty() {
        let answers = batch(connection, &shape.physical, "look at neighbours", requests).await?;
        for ((id, space), answer) in asked.into_iter().zip(answers) {
            *known.entry(id).or_default().get_mut(space) =
                mean_of_others(id, scored(&answer)?, neighbours);
        }
    }
    Ok(ids
        .iter()
        .map(|id| known.get(id).copied().unwrap_or_default())
        .collect())
}
