//! A collection as it is handed out: reads go straight through; writes are recorded for those who follow, wait while
//! writing is paused, and are refused once the collection is no longer the live one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::gallery::{
    Candidates, CollectionInfo, FacetCount, Filter, Gallery, HybridQuery, Page, Payload, Point, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use serde_json::Value;

use super::Shared;
use crate::qdrant::QdrantGallery;
use crate::qdrant::shape::Shape;

/// How often a writer that waits looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One physical collection.
pub(super) struct Handle {
    pub(super) name: String,
    /// Whether it was the live one when it was handed out: its holder means the live one, and nothing else.
    pub(super) as_live: bool,
    pub(super) inner: QdrantGallery,
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    /// Waits while writing is paused, and gives the collection as it is then.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when it is not the live one any more.
    async fn open_to_writes(&self, mut shape: Arc<Shape>) -> Result<Arc<Shape>> {
        let mut waited = false;
        while shape.place.is_paused() {
            waited = true;
            tokio::time::sleep(LOOK_AGAIN).await;
            shape = self.inner.inner.refresh().await?;
        }
        // A switch leaves a trace on the collection before it is made; without one, there was none.
        let may_be_replaced = waited || shape.place.kept_since_us > 0;
        if may_be_replaced && !self.shared.is_live(&self.name).await? {
            return Err(Error::new(
                ErrorCode::Unavailable,
                format!(
                    "the collection {} is not the live one any more: a re-index has put another in its place. Nothing \
                     was written; try again",
                    self.name
                ),
            ));
        }
        Ok(shape)
    }

    async fn record(&self, ids: &[PointId], shape: &Shape) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        for follower in &shape.place.followers {
            self.shared.changes_of(follower).record(ids).await?;
        }
        Ok(())
    }

    /// Carries a write out. The module's documentation tells why it looks twice.
    async fn write<F>(&self, ids: Vec<PointId>, work: impl FnOnce(QdrantGallery) -> F + Send) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send,
    {
        if !self.as_live {
            // Its builder's: it is not what others write to, and must go on while they wait.
            return work(self.inner.clone()).await;
        }
        let before = self.open_to_writes(self.inner.inner.shape()?).await?;
        self.record(&ids, &before).await?;
        work(self.inner.clone()).await?;
        let after = self.inner.inner.refresh().await?;
        let paused = after.place.is_paused();
        let after = self.open_to_writes(after).await?;
        if paused || after.place.followers != before.place.followers {
            self.record(&ids, &after).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Gallery for Handle {
    async fn info(&self) -> Result<CollectionInfo> {
        self.inner.info().await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        let ids = points.iter().map(|point| point.id).collect();
        self.write(ids, move |inner| async move { inner.upsert(points).await }).await
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        let ids = updates.iter().map(|(id, _)| *id).collect();
        self.write(ids, move |inner| async move { inner.update_vectors(updates).await }).await
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.write(vec![id], move |inner| async move { inner.set_payload(id, fields).await }).await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.inner.retrieve(ids, with).await
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.inner.hybrid(query).await
    }

    async fn scroll(&self, filter: &Filter, from: Option<PointId>, limit: usize, with: With) -> Result<Page> {
        self.inner.scroll(filter, from, limit, with).await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        self.inner.count(filter).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        self.inner.facet(field, filter, limit).await
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        let ids = ids.to_vec();
        self.write(ids.clone(), move |inner| async move { inner.delete(&ids).await }).await
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        let root = root.to_owned();
        self.write(Vec::new(), move |inner| async move { inner.add_root(&root).await }).await
    }

    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.inner.note(name).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        // About this collection's own points, whichever collection is live.
        self.inner.set_note(name, note).await
    }

    async fn optimize(&self) -> Result<()> {
        self.inner.optimize().await
    }
}
