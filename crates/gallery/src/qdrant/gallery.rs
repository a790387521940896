//! The gallery's methods, as calls to the server.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, GalleryNotes, GalleryReader,
    GalleryWriter, HybridQuery, Page, Payload, PerSpace, Point, Space, Vectors, With, check_note,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::points_update_operation::{self as operation, Operation};
use serde_json::Value;

use super::convert::{
    id_in, id_out, payload_in, point_out, selector, vectors_in, with_payload, with_vectors,
};
use super::crowding::crowding;
use super::errors::{Trouble, explain, trouble};
use super::filter::filter_in;
use super::hybrid::hybrid;
use super::metadata::root_entry;
use super::shape::Shape;
use super::{Inner, QdrantGallery};
use crate::schema::Schema;
use crate::vectors::{check_and_normalise, check_and_normalise_probes, last_of_each, of_point};

/// Points that are fetched by their ids in one call, so that they fit a message.
const RETRIEVED_AT_ONCE: usize = 512;
/// Points that are read after a page that looks like the last one. A walk ends there only when all
/// of them are deleted within the few microseconds in which the server reads them.
const FOLLOWING: u32 = 256;
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
    async fn get(
        &self,
        shape: &Shape,
        ids: &[PointId],
        payload: bool,
        spaces: &[Space],
    ) -> Result<Vec<Point>> {
        let mut found: HashMap<PointId, Point> = HashMap::with_capacity(ids.len());
        for some in ids.chunks(RETRIEVED_AT_ONCE) {
            let request = wire::GetPoints {
                collection_name: shape.physical.clone(),
                ids: some.iter().copied().map(id_in).collect(),
                with_payload: with_payload(payload),
                with_vectors: with_vectors(spaces),
                ..wire::GetPoints::default()
            };
            let answer = self
                .connection
                .read("read points", |client| {
                    let request = request.clone();
                    async move { client.get_points(request).await }
                })
                .await?;
            for point in answer.result {
                let point = point_out(point)?;
                found.insert(point.id, point);
            }
        }
        // The server returns them in its own order.
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    pub(super) async fn count(&self, shape: &Shape, filter: Option<wire::Filter>) -> Result<u64> {
        let request = wire::CountPoints {
            collection_name: shape.physical.clone(),
            filter,
            exact: Some(true),
            ..wire::CountPoints::default()
        };
        let answer = self
            .connection
            .read("count points", |client| {
                let request = request.clone();
                async move { client.count(request).await }
            })
            .await?;
        Ok(answer.result.unwrap_or_default().count)
    }

    /// Returns a page of points in the order of their ids, and where the next one begins.
    async fn page(
        &self,
        shape: &Shape,
        request: wire::ScrollPoints,
    ) -> Result<(Vec<Point>, Option<PointId>)> {
        let request = wire::ScrollPoints {
            collection_name: shape.physical.clone(),
            ..request
        };
        let (points, next) = self.scroll_once(&request).await?;
        if next.is_some() {
            return Ok((points, next));
        }
        // The server lists ids first and reads the points afterwards. When one is deleted in
        // between, the page is short and looks like the last one. So ask once more for the points
        // that follow.
        let last = points.last().map(|point| point.id);
        let what_follows = wire::ScrollPoints {
            offset: last.map(id_in).or_else(|| request.offset.clone()),
            limit: Some(FOLLOWING),
            with_payload: with_payload(false),
            with_vectors: with_vectors(&[]),
            ..request
        };
        let (following, _) = self.scroll_once(&what_follows).await?;
        let next = following
            .into_iter()
            .map(|point| point.id)
            .find(|id| Some(*id) != last);
        Ok((points, next))
    }

    async fn scroll_once(
        &self,
        request: &wire::ScrollPoints,
    ) -> Result<(Vec<Point>, Option<PointId>)> {
        let answer = self
            .connection
            .read("walk over the points", |client| {
                let request = request.clone();
                async move { client.scroll(request).await }
            })
            .await?;
        let points = answer
            .result
            .into_iter()
            .map(point_out)
            .collect::<Result<_>>()?;
        let next = answer
            .next_page_offset
            .map(|id| id_out(Some(id)))
            .transpose()?;
        Ok((points, next))
    }

    /// Counts values by reading all points: for a collection without an index of the field.
    pub(super) async fn facet_by_walking(
        &self,
        shape: &Shape,
        field: &str,
        filter: Option<wire::Filter>,
    ) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        let mut from: Option<PointId> = None;
        let include = wire::PayloadIncludeSelector {
            fields: vec![field.to_owned()],
        };
        loop {
            let request = wire::ScrollPoints {
                filter: filter.clone(),
                offset: from.map(id_in),
                limit: Some(5_000),
                with_payload: Some(wire::WithPayloadSelector {
                    selector_options: Some(wire::with_payload_selector::SelectorOptions::Include(
                        include.clone(),
                    )),
                }),
                with_vectors: with_vectors(&[]),
                ..wire::ScrollPoints::default()
            };
            let (points, next) = self.page(shape, request).await?;
            for point in points {
                for value in distinct_words(point.payload.get(field)) {
                    *counts.entry(value).or_insert(0) += 1;
                }
            }
            if next.is_none() {
                return Ok(counts);
            }
            from = next;
        }
    }

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

/// Returns the values of a payload field, each once.
fn distinct_words(value: Option<&serde_json::Value>) -> HashSet<String> {
    match value {
        Some(serde_json::Value::String(word)) => HashSet::from([word.clone()]),
        Some(serde_json::Value::Array(values)) => values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect(),
        _ => HashSet::new(),
    }
}

fn most_frequent(counts: impl IntoIterator<Item = (String, u64)>, limit: usize) -> Vec<FacetCount> {
    let mut counts: Vec<FacetCount> = counts
        .into_iter()
        .map(|(value, count)| FacetCount { value, count })
        .filter(|found| found.count > 0)
        .collect();
    counts.sort_unstable_by(|left, right| {
        right
            .count
            .cmp(&left.count)
            .then_with(|| left.value.cmp(&right.value))
    });
    counts.truncate(limit);
    counts
}

impl QdrantGallery {
    /// Converts core's filter to the server's.
    async fn filter_in(&self, filter: &Filter, shape: &Arc<Shape>) -> Option<wire::Filter> {
        let spellings = self.inner.spellings_for(shape, filter, &[]).await;
        filter_in(filter, shape, &spellings)
    }
}

#[async_trait]
impl GalleryReader for QdrantGallery {
    /// Sent even when the circuit is open: the readiness check detects by it that the server is
    /// back.
    async fn info(&self) -> Result<CollectionInfo> {
        let shape = self.inner.refresh().await?;
        let points = self.inner.count(&shape, None).await?;
        let (model, pretrained, fingerprint) = match &shape.identity {
            Some(identity) => (
                identity.model.clone(),
                identity.pretrained.clone(),
                identity.fingerprint.clone(),
            ),
            None => ("unknown".to_owned(), String::new(), String::new()),
        };
        Ok(CollectionInfo {
            name: self.inner.physical.clone(),
            points,
            dimension: shape.dimension,
            model,
            pretrained,
            fingerprint,
            schema_version: shape.schema_version(),
            roots: shape.roots.clone(),
            indexed: shape.indexed,
        })
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        let shape = self.inner.shape()?;
        let spaces: &[Space] = if with.vectors { &shape.spaces } else { &[] };
        self.inner.get(&shape, ids, with.payload, spaces).await
    }

    async fn hybrid(&self, mut query: HybridQuery) -> Result<Candidates> {
        let shape = self.inner.shape()?;
        check_and_normalise_probes(&mut query.probes, shape.dimension)?;
        let spellings = self
            .inner
            .spellings_for(&shape, &query.filter, &query.lexical_tags)
            .await;
        hybrid(&self.inner.connection, &shape, &query, &spellings).await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        let shape = self.inner.shape()?;
        let there: Vec<Space> = spaces
            .iter()
            .copied()
            .filter(|space| shape.has(*space))
            .collect();
        let points = self.inner.get(&shape, ids, false, &there).await?;
        crowding(
            &self.inner.connection,
            &shape,
            ids,
            points,
            &there,
            neighbours,
        )
        .await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        let shape = self.inner.shape()?;
        let spaces: &[Space] = if with.vectors { &shape.spaces } else { &[] };
        let request = wire::ScrollPoints {
            filter: self.filter_in(filter, &shape).await,
            offset: from.map(id_in),
            limit: Some(u32::try_from(limit.max(1)).unwrap_or(u32::MAX)),
            with_payload: with_payload(with.payload),
            with_vectors: with_vectors(spaces),
            ..wire::ScrollPoints::default()
        };
        let (points, next) = self.inner.page(&shape, request).await?;
        Ok(Page { points, next })
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        let shape = self.inner.shape()?;
        let filter = self.filter_in(filter, &shape).await;
        self.inner.count(&shape, filter).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        if !Schema::current().is_keyword(field) {
            return Err(Error::invalid(format!(
                "values of \"{field}\" cannot be counted: it has no keyword index"
            )));
        }
        let shape = self.inner.shape()?;
        let filter = self.filter_in(filter, &shape).await;
        if !shape.indexes.contains(field) {
            return Ok(most_frequent(
                self.inner.facet_by_walking(&shape, field, filter).await?,
                limit,
            ));
        }
        let request = wire::FacetCounts {
            collection_name: shape.physical.clone(),
            key: field.to_owned(),
            // With a filter, even one that selects all points, the server counts points. Without
            // one it reads its index, which may still contain deleted points.
            filter: Some(filter.unwrap_or_default()),
            limit: Some(limit.max(1) as u64),
            exact: Some(true),
            ..wire::FacetCounts::default()
        };
        let answer = self
            .inner
            .connection
            .read("count values", |client| {
                let request = request.clone();
                async move { client.facet(request).await }
            })
            .await?;
        let counts = answer
            .hits
            .into_iter()
            .filter_map(|hit| match hit.value?.variant? {
                wire::facet_value::Variant::StringValue(value) => Some((value, hit.count)),
                _ => None,
            });
        Ok(most_frequent(counts, limit))
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

#[async_trait]
impl GalleryNotes for QdrantGallery {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.read_note(name).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        check_note(name, &note)?;
        self.write_note(name, note).await
    }
}
