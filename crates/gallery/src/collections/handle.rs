//! A collection as it is handed out: reads go straight through; writes are recorded for those who follow, wait while
//! writing is paused, and are refused once the collection is no longer the live one.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::collections::Role;
use clippy_core::gallery::{
    Candidates, CollectionInfo, FacetCount, Filter, Gallery, HybridQuery, Page, Payload, Point, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};

use super::Shared;
use crate::edge::EdgeGallery;

/// One physical collection.
pub(super) struct Handle {
    pub(super) name: String,
    /// Whether it was the live one when it was handed out: its holder means the live one, and nothing else.
    pub(super) as_live: bool,
    pub(super) inner: Arc<EdgeGallery>,
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    /// Carries a write out, to its end even when nobody waits for it any more: a pause must know of it.
    async fn write<F>(&self, ids: Vec<PointId>, work: impl FnOnce(Arc<EdgeGallery>) -> F + Send + 'static) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send,
    {
        let (name, as_live) = (self.name.clone(), self.as_live);
        let (inner, shared) = (Arc::clone(&self.inner), Arc::clone(&self.shared));
        let written = tokio::spawn(async move {
            if !as_live && shared.role_of(&name) != Some(Role::Live) {
                // Its builder's: it is not what others write to, and must go on while they wait.
                return work(inner).await;
            }
            let _turn = shared.turn_to_write().await?;
            if shared.role_of(&name) != Some(Role::Live) {
                return Err(Error::new(
                    ErrorCode::Unavailable,
                    format!(
                        "the collection {name} is not the live one any more: a re-index has put another in its place. \
                         Nothing was written; try again"
                    ),
                ));
            }
            if !ids.is_empty() {
                shared.record(ids).await?;
            }
            work(inner).await
        });
        written.await.map_err(|error| Error::internal("a write ended abruptly").with_source(error))?
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

    async fn optimize(&self) -> Result<()> {
        self.inner.optimize().await
    }
}
