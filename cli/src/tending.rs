//! Takes care of the history of generated pictures while a server runs.

use std::time::Duration;

use clippy_core::Result;
use clippy_history::HistoryKeeper;
use tokio_util::task::AbortOnDropHandle;

/// The time between two rounds. Uploads of deleted entries wait for one.
const INTERVAL: Duration = Duration::from_secs(600);

/// Adds older pictures, deletes what is older than `keep`, and completes deletions: now and every
/// ten minutes, until the handle is dropped.
pub fn start(keeper: HistoryKeeper, keep: Option<Duration>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            if let Err(error) = tend(&keeper, keep).await {
                tracing::warn!(
                    %error,
                    "the history of generated pictures could not be tidied up; this is tried again \
                     in ten minutes"
                );
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }))
}

async fn tend(keeper: &HistoryKeeper, keep: Option<Duration>) -> Result<()> {
    // It also completes deletions that a crash interrupted.
    let found = keeper.import_older().await?;
    if found > 0 {
        tracing::info!(found, "looked at older generated pictures for the history");
    }
    if let Some(keep) = keep {
        let removed = keeper.expire(keep).await?;
        if removed > 0 {
            tracing::info!(
                removed,
                "deleted generated pictures after OUTPUTS_KEEP_DAYS"
            );
        }
    }
    Ok(())
}
