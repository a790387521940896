//! Follows switches of the live collection that other processes made.

use std::sync::Arc;

use clippy_core::collections::{Collections, Models, NOTICE_WITHIN};
use clippy_core::live::{Live, LivePair};
use clippy_core::{Error, ErrorCode, Result};

/// Polls which collection is live, and replaces the pair when it changed. Until the new model is
/// loaded, searches use the old pair. Never returns.
pub async fn follow(
    collections: Arc<dyn Collections>,
    models: Arc<dyn Models>,
    pair: Arc<LivePair>,
) {
    loop {
        tokio::time::sleep(NOTICE_WITHIN).await;
        if let Err(error) = follow_once(collections.as_ref(), models.as_ref(), &pair).await {
            tracing::warn!(
                code = %error.code, %error,
                "this process could not switch to the live collection; it still uses the old one"
            );
        }
    }
}

async fn follow_once(
    collections: &dyn Collections,
    models: &dyn Models,
    pair: &LivePair,
) -> Result<()> {
    let live = collections.live().await?;
    if live.name == pair.now().name {
        return Ok(());
    }
    let source = live.source.clone().unwrap_or_else(|| models.configured());
    let embedder = models.load(&source).await?;
    if !live.fingerprint.is_empty() && embedder.info().fingerprint != live.fingerprint {
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "the collection {} was filled by a model whose weights differ from those of {} \
                 here",
                live.name,
                embedder.info().name
            ),
        ));
    }
    let gallery = collections.open(&live.name).await?;
    if pair.now().name != live.name {
        tracing::info!(
            collection = %live.name, model = %embedder.info().name,
            "following a switch"
        );
        pair.replace(Live {
            name: live.name,
            embedder,
            gallery,
        });
    }
    Ok(())
}
