//! A collection among others with the same public name: reads are forwarded, and every write is
//! checked by a guard.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::gallery::{
    ForwardReads, Gallery, GalleryNotes, GalleryWriter, Payload, Point, Vectors,
};
use clippy_core::ids::PointId;
use futures::future::BoxFuture;
use serde_json::Value;

/// Checks writes to one physical collection.
#[async_trait]
pub(crate) trait Guard: Send + Sync + 'static {
    /// The collection. Cheap to clone.
    type Inner: std::ops::Deref<Target: Gallery> + Clone + Send + Sync + 'static;

    /// Returns the collection itself, for reads.
    fn inner(&self) -> &Self::Inner;

    /// Runs a write to these points once it is allowed, or refuses it.
    async fn write(&self, ids: Vec<PointId>, work: BoxFuture<'static, Result<()>>) -> Result<()>;
}

/// A collection behind a [`Guard`].
pub(crate) struct Guarded<G>(pub(crate) G);

impl<G: Guard> ForwardReads for Guarded<G> {
    type Reader = G::Inner;

    fn reader(&self) -> G::Inner {
        self.0.inner().clone()
    }
}

#[async_trait]
impl<G: Guard> GalleryWriter for Guarded<G> {
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

    async fn set_payload_of(&self, ids: &[PointId], fields: Payload) -> Result<()> {
        let (inner, ids) = (self.0.inner().clone(), ids.to_vec());
        self.0
            .write(
                ids.clone(),
                Box::pin(async move { inner.set_payload_of(&ids, fields).await }),
            )
            .await
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

    async fn optimize(&self) -> Result<()> {
        self.0.inner().optimize().await
    }
}

/// Notes describe this collection's own points, so they are not checked.
#[async_trait]
impl<G: Guard> GalleryNotes for Guarded<G> {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.0.inner().note(name).await
    }

    async fn notes(&self) -> Result<BTreeMap<String, Value>> {
        self.0.inner().notes().await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        self.0.inner().set_note(name, note).await
    }
}
