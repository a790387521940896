//! Changes of points, as calls to the server.

use std::collections::HashSet;

use async_trait::async_trait;
use clippy_core::gallery::{GalleryWriter, Payload, PerSpace, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::points_update_operation::{self as operation, Operation};

use super::convert::{id_in, payload_in, selector, vectors_in};
use super::errors::{Trouble, explain, trouble};
use super::metadata::root_entry;
use super::shape::Shape;
use super::{Inner, QdrantGallery};
use crate::vectors::{check_and_normalise, last_of_each, of_point};

/// How often vectors are sent again, without points that were deleted meanwhile.
const ATTEMPTS: u32 = 4;

/// Checks that the server completed a change.
fn check_completed(
    what: &str,
    results: impl IntoIterator<Item = wire::UpdateResult>,
) -> Result<()> {
    for result in results {
        match wire::UpdateStatus::try_from(result.status) {
            Ok(wire::UpdateStatus::Completed) => {}
            Ok(wire::UpdateStatus::WaitTimeout) => {
                return Err(Error::new(
                    ErrorCode::Timeout,
                    format!("could not {what}: Qdrant accepted it but did not finish in time"),
                ));
            }
            other => {
                return Err(Error::new(
                    ErrorCode::Unavailable,
                    format!("could not {what}: Qdrant answered {other:?} instead of completing it"),
                ));
            }
        }
    }
    Ok(())
}

impl Inner {
    /// Replaces whole points. The vectors that a point lacks are deleted explicitly: the engine
    /// keeps them when it moves the old point out of a segment with graphs.
    fn put(&self, shape: &Shape, points: Vec<Point>) -> wire::UpdateBatchPoints {
        let mut missing: PerSpace<Vec<PointId>> = PerSpace::default();
        for point in &points {
            for (space, vector) in point.vectors.iter() {
                if vector.is_none() && shape.has(space) {
                    missing.get_mut(space).push(point.id);
                }
            }
        }
        let points = points
            .into_iter()
            .map(|point| wire::PointStruct {
                id: Some(id_in(point.id)),
                vectors: Some(vectors_in(point.vectors)),
                payload: payload_in(point.payload),
            })
            .collect();
        let mut operations = vec![Operation::Upsert(operation::PointStructList {
            points,
            ..operation::PointStructList::default()
        })];
        for (space, ids) in missing.iter().filter(|(_, ids)| !ids.is_empty()) {
            operations.push(Operation::DeleteVectors(operation::DeleteVectors {
                points_selector: Some(selector(ids.iter().copied())),
                vectors: Some(wire::VectorsSelector {
                    names: vec![space.name().to_owned()],
                }),
                ..operation::DeleteVectors::default()
            }));
        }
        wire::UpdateBatchPoints {
            collection_name: shape.physical.clone(),
            wait: Some(true),
            operations: operations
                .into_iter()
                .map(|operation| wire::PointsUpdateOperation {
                    operation: Some(operation),
                })
                .collect(),
            ..wire::UpdateBatchPoints::default()
        }
    }
}

#[async_trait]
impl GalleryWriter for QdrantGallery {
    async fn upsert(&self, mut points: Vec<Point>) -> Result<()> {
        let dimension = self.inner.shape()?.dimension;
        let mut used: HashSet<Space> = HashSet::new();
        for point in &mut points {
            check_and_normalise(&mut point.vectors, dimension)
                .map_err(|error| of_point(point.id, error))?;
            used.extend(
                point
                    .vectors
                    .iter()
                    .filter(|(_, vector)| vector.is_some())
                    .map(|(space, _)| space),
            );
        }
        if points.is_empty() {
            return Ok(());
        }
        let shape = self.inner.ensure_spaces(used.into_iter()).await?;
        self.inner
            .known_spellings
            .learn(points.iter().map(|point| &point.payload));
        let request = self.inner.put(&shape, last_of_each(points));
        let what = "store points";
        let answer = self
            .inner
            .connection
            .write(what, async |client| {
                client.update_points_batch(request).await
            })
            .await?;
        check_completed(what, answer.result)
    }

    async fn update_vectors(&self, mut updates: Vec<(PointId, Vectors)>) -> Result<()> {
        let dimension = self.inner.shape()?.dimension;
        let mut used: HashSet<Space> = HashSet::new();
        for (id, update) in &mut updates {
            check_and_normalise(update, dimension).map_err(|error| of_point(*id, error))?;
            used.extend(
                update
                    .iter()
                    .filter(|(_, vector)| vector.is_some())
                    .map(|(space, _)| space),
            );
        }
        updates.retain(|(_, update)| update.iter().any(|(_, vector)| vector.is_some()));
        if updates.is_empty() {
            return Ok(());
        }
        let shape = self.inner.ensure_spaces(used.into_iter()).await?;
        let what = "store vectors";
        let connection = &self.inner.connection;
        for attempt in 1.. {
            // The server refuses points that do not exist, after it has changed the others.
            let ids: Vec<PointId> = updates.iter().map(|(id, _)| *id).collect();
            let existing = self.inner.get(&shape, &ids, false, &[]).await?;
            let existing: HashSet<PointId> = existing.into_iter().map(|point| point.id).collect();
            updates.retain(|(id, _)| existing.contains(id));
            if updates.is_empty() {
                return Ok(());
            }
            let points = updates
                .iter()
                .map(|(id, vectors)| wire::PointVectors {
                    id: Some(id_in(*id)),
                    vectors: Some(vectors_in(vectors.clone())),
                })
                .collect();
            let request = wire::UpdatePointVectors {
                collection_name: shape.physical.clone(),
                wait: Some(true),
                points,
                ..wire::UpdatePointVectors::default()
            };
            match connection
                .try_write(what, async |client| client.update_vectors(request).await)
                .await?
            {
                Ok(answer) => return check_completed(what, answer.result),
                Err(error) if trouble(&error) == Trouble::NoPoint && attempt < ATTEMPTS => {}
                Err(error) => return Err(explain(connection.about(), what, error)),
            }
        }
        Ok(())
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        let shape = self.inner.shape()?;
        let missing = || {
            Error::not_found(format!(
                "the collection {} has no picture {id}",
                self.inner.name
            ))
        };
        if self.inner.get(&shape, &[id], false, &[]).await?.is_empty() {
            return Err(missing());
        }
        self.inner.known_spellings.learn([&fields]);
        let request = wire::SetPayloadPoints {
            collection_name: shape.physical.clone(),
            wait: Some(true),
            payload: payload_in(fields),
            points_selector: Some(selector([id])),
            ..wire::SetPayloadPoints::default()
        };
        let what = "store a payload";
        let connection = &self.inner.connection;
        match connection
            .try_write(what, async |client| client.set_payload(request).await)
            .await?
        {
            Ok(answer) => check_completed(what, answer.result),
            Err(error) if trouble(&error) == Trouble::NoPoint => Err(missing()),
            Err(error) => Err(explain(connection.about(), what, error)),
        }
    }

    async fn set_payload_of(&self, ids: &[PointId], fields: Payload) -> Result<()> {
        let shape = self.inner.shape()?;
        self.inner.known_spellings.learn([&fields]);
        let what = "store a payload";
        let connection = &self.inner.connection;
        for attempt in 1.. {
            // A server refuses the whole call when one of the points does not exist.
            let existing = self.inner.get(&shape, ids, false, &[]).await?;
            if existing.is_empty() {
                break;
            }
            let request = wire::SetPayloadPoints {
                collection_name: shape.physical.clone(),
                wait: Some(true),
                payload: payload_in(fields.clone()),
                points_selector: Some(selector(existing.iter().map(|point| point.id))),
                ..wire::SetPayloadPoints::default()
            };
            match connection
                .try_write(what, async |client| client.set_payload(request).await)
                .await?
            {
                Ok(answer) => return check_completed(what, answer.result),
                Err(error) if trouble(&error) == Trouble::NoPoint && attempt < ATTEMPTS => {}
                Err(error) => return Err(explain(connection.about(), what, error)),
            }
        }
        Ok(())
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let shape = self.inner.shape()?;
        let request = wire::DeletePoints {
            collection_name: shape.physical.clone(),
            wait: Some(true),
            points: Some(selector(ids.iter().copied())),
            ..wire::DeletePoints::default()
        };
        let what = "delete points";
        let answer = self
            .inner
            .connection
            .write(what, async |client| client.delete_points(request).await)
            .await?;
        check_completed(what, answer.result)
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        let shape = self.inner.refresh().await?;
        if shape.roots.iter().any(|known| known == root) {
            return Ok(());
        }
        let request = wire::UpdateCollection {
            collection_name: shape.physical.clone(),
            metadata: root_entry(root)?,
            ..wire::UpdateCollection::default()
        };
        let what = "write the collection's metadata";
        self.inner
            .connection
            .write(what, async |client| client.update_collection(request).await)
            .await?;
        self.inner.refresh().await?;
        Ok(())
    }

    /// Waits until the server has built the graphs, which it does by itself.
    async fn optimize(&self) -> Result<()> {
        self.inner.wait_for_graphs().await
    }
}
