//! Empties the trash of a server, and completes changes that a crash interrupted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::live::LivePair;
use clippy_core::trash::{Trash, now};
use clippy_core::{Result, blocking};
use clippy_keeping::{Keeper, complete_interrupted};
use clippy_library::uploads;
use serde_json::json;
use tokio_util::task::AbortOnDropHandle;

/// The time between two cleanings.
const INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// Cleans the trash now and every six hours, until the handle is dropped.
pub fn start(live: Arc<LivePair>, trash: Arc<dyn Trash>, data: PathBuf) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            if let Err(error) = clean(&live, &*trash, &data).await {
                tracing::warn!(%error, "the trash could not be emptied");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }))
}

async fn clean(live: &LivePair, trash: &dyn Trash, data: &Path) -> Result<()> {
    let live = live.now();
    let keeper = Keeper {
        gallery: &*live.gallery,
        embedder: &*live.embedder,
        trash,
        change: "cleaning",
        by: None,
    };
    let completed = complete_interrupted(&keeper, TEXT_TEMPLATE).await?;
    if completed > 0 {
        keeper.record("complete", completed, json!({})).await?;
    }
    let emptied = trash.empty(now()).await?;
    if emptied.is_empty() {
        return Ok(());
    }
    keeper
        .record("empty", emptied.len() as u64, json!({}))
        .await?;
    let data = data.to_owned();
    blocking("deleting pictures", move || {
        // Only copies in the data folder: files in folders of the user are never touched.
        emptied
            .into_iter()
            .try_for_each(|id| uploads::remove(&data, id))
    })
    .await
}
