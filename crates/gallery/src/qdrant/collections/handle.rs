//! Checks writes to a physical collection: they are recorded for followers, wait while writing is
//! paused, and are refused once the collection is not the live one any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use futures::future::BoxFuture;

use super::Shared;
use crate::guarded::Guard;
use crate::qdrant::QdrantGallery;
use crate::qdrant::shape::Shape;

/// How often a waiting writer checks whether the pause is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// One physical collection.
pub(super) struct Handle {
    pub(super) name: String,
    /// Whether it was live when it was handed out. Such a handle writes to the live collection
    /// only.
    pub(super) as_live: bool,
    pub(super) inner: Arc<QdrantGallery>,
    pub(super) shared: Arc<Shared>,
}

impl Handle {
    /// Waits while writing is paused, and returns the collection as it is then.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when it is not the live one any more.
    async fn open_to_writes(&self, mut shape: Arc<Shape>) -> Result<Arc<Shape>> {
        let mut waited = false;
        while shape.lifecycle.is_paused() {
            waited = true;
            tokio::time::sleep(LOOK_AGAIN).await;
            shape = self.inner.inner.refresh().await?;
        }
        // A switch changes the collection's metadata first; without such a change there was no
        // switch.
        let may_be_replaced = waited || shape.lifecycle.kept_since_us > 0;
        if may_be_replaced && !self.shared.is_live(&self.name).await? {
            return Err(Error::new(
                ErrorCode::Unavailable,
                format!(
                    "the collection {} is not the live one any more: a re-index replaced it. \
                     Nothing was written; try again",
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
        for follower in &shape.lifecycle.followers {
            self.shared.changes_of(follower).record(ids).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Guard for Handle {
    type Inner = Arc<QdrantGallery>;

    fn inner(&self) -> &Arc<QdrantGallery> {
        &self.inner
    }

    /// Runs a write. The module's documentation says why it reads the metadata twice.
    async fn write(&self, ids: Vec<PointId>, work: BoxFuture<'static, Result<()>>) -> Result<()> {
        if !self.as_live {
            // The collection that is being built: nobody else writes to it, and its builder must
            // continue during a pause.
            return work.await;
        }
        let before = self.open_to_writes(self.inner.inner.shape()?).await?;
        self.record(&ids, &before).await?;
        work.await?;
        // Again: a follower may have read the first record together with the old point.
        self.record(&ids, &before).await?;
        let after = self.inner.inner.refresh().await?;
        let paused = after.lifecycle.is_paused();
        let after = self.open_to_writes(after).await?;
        if paused || after.lifecycle.followers != before.lifecycle.followers {
            self.record(&ids, &after).await?;
        }
        Ok(())
    }
}
