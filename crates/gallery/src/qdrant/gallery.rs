//! The gallery's methods, as calls to the server.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::gallery::{
    ADDED_FIELD, Candidates, CollectionInfo, Crowding, FacetCount, Filter, GalleryNotes,
    GalleryReader, HybridQuery, Page, Point, Space, With, check_note,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;
use serde_json::Value;

use super::convert::{id_in, id_out, point_out, with_payload, with_vectors};
use super::crowding::crowding;
use super::facets::most_frequent;
use super::filter::filter_in;
use super::hybrid::hybrid;
use super::shape::Shape;
use super::{Inner, QdrantGallery};
use crate::schema::Schema;
use crate::vectors::check_and_normalise_probes;

/// Points that are fetched by their ids in one call, so that they fit a message.
const RETRIEVED_AT_ONCE: usize = 512;
/// Points that are read after a page that looks like the last one. A walk ends there only when all
/// of them are deleted within the few microseconds in which the server reads them.
const FOLLOWING: u32 = 256;

impl Inner {
    pub(super) async fn get(
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
    pub(super) async fn page(
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

    async fn newest(&self, filter: &Filter, most: usize) -> Result<Vec<PointId>> {
        let shape = self.inner.shape()?;
        if !shape.indexes.contains(ADDED_FIELD) {
            return Ok(Vec::new());
        }
        let filter = self.filter_in(filter, &shape).await;
        self.inner.newest(&shape, filter, most).await
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
impl GalleryNotes for QdrantGallery {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.read_note(name).await
    }

    async fn notes(&self) -> Result<BTreeMap<String, Value>> {
        self.read_notes().await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        check_note(name, &note)?;
        self.write_note(name, note).await
    }
}
