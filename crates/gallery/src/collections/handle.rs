//! Checks writes to a physical collection: they are recorded for followers, wait while writing is
//! paused, and are refused once the collection is not the live one any more.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::collections::Role;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use futures::future::BoxFuture;

use super::Shared;
use crate::edge::EdgeGallery;
use crate::guarded::Guard;

/// One physical collection.
pub(super) struct Handle {
    pub(super) name: String,
    /// Whether it was live when it was handed out. Such a handle writes to the live collection
    /// only.
    pub(super) as_live: bool,
    pub(super) inner: Arc<EdgeGallery>,
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl Guard for Handle {
    type Inner = Arc<EdgeGallery>;

    fn inner(&self) -> &Arc<EdgeGallery> {
        &self.inner
    }

    /// Runs a write to its end, even when the caller has gone: a pause must wait for it.
    async fn write(&self, ids: Vec<PointId>, work: BoxFuture<'static, Result<()>>) -> Result<()> {
        let (name, as_live) = (self.name.clone(), self.as_live);
        let shared = Arc::clone(&self.shared);
        let written = tokio::spawn(async move {
            if !as_live && shared.role_of(&name) != Some(Role::Live) {
                // The collection that is being built: nobody else writes to it, and its builder
                // must continue during a pause.
                return work.await;
            }
            let _turn = shared.write_permit().await?;
            if shared.role_of(&name) != Some(Role::Live) {
                return Err(Error::new(
                    ErrorCode::Unavailable,
                    format!(
                        "the collection {name} is not the live one any more: a re-index replaced \
                         it. Nothing was written; try again"
                    ),
                ));
            }
            if !ids.is_empty() {
                shared.record(ids).await?;
            }
            work.await
        });
        written
            .await
            .map_err(|error| Error::internal("a write ended abruptly").with_source(error))?
    }
}
