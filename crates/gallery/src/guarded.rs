//! A collection as it is handed out beside others of the same public name: reads go straight
//! through, and every write asks first.

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, Gallery, HybridQuery, Page, Payload,
    Point, Space, Vectors, With,
};
use clippy_core::ids::PointId;
use futures::future::BoxFuture;
use serde_json::Value;

/// Decides about writes to one physical collection.
#[async_trait]
pub(crate) trait Guard: Send + Sync + 'static {
    /// The collection. Cheap to clone.
    type Inner: std::ops::Deref<Target: Gallery> + Clone + Send + Sync + 'static;

    /// The collection itself, for reads.
    fn inner(&self) -> &Self::Inner;

    /// Carries a write to these points out, once it may be, or refuses it.
    async fn write(&self, ids: Vec<PointId>, work: BoxFuture<'static, Result<()>>) -> Result<()>;
}

/// A collection behind a [`Guard`].
pub(crate) struct Guarded<G>(pub(crate) G);

#[async_trait]
impl<G: Guard> Gallery for Guarded<G> {
    async fn info(&self) -> Result<CollectionInfo> {
        self.0.inner().info().await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        let (inner, ids) = (
            self.0.inner().clone(),
            points.iter().map(|point| point.id).collect(),
        );
        self.0
            .write(ids, Box::pin(async move { inner.upsert(points).await }))
            .await
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        let (inner, ids) = (
            self.0.inner().clone(),
            updates.iter().map(|(id, _)| *id).collect(),
        );
        self.0
            .write(
                ids,
                Box::pin(async move { inner.update_vectors(updates).await }),
            )
            .await
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        let inner = self.0.inner().clone();
        self.0
            .write(
                vec![id],
                Box::pin(async move { inner.set_payload(id, fields).await }),
            )
            .await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.0.inner().retrieve(ids, with).await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        self.0.inner().crowding(ids, spaces, neighbours).await
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.0.inner().hybrid(query).await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        self.0.inner().scroll(filter, from, limit, with).await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        self.0.inner().count(filter).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        self.0.inner().facet(field, filter, limit).await
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        let (inner, ids) = (self.0.inner().clone(), ids.to_vec());
        self.0
            .write(
                ids.clone(),
                Box::pin(async move { inner.delete(&ids).await }),
            )
            .await
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        let (inner, root) = (self.0.inner().clone(), root.to_owned());
        self.0
            .write(
                Vec::new(),
                Box::pin(async move { inner.add_root(&root).await }),
            )
            .await
    }

    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.0.inner().note(name).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        // About this collection's own points, whichever collection is live.
        self.0.inner().set_note(name, note).await
    }

    async fn optimize(&self) -> Result<()> {
        self.0.inner().optimize().await
    }
}
