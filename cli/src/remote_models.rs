//! Uses the model of another process (`EMBEDDER_URL`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::collections::{ModelSource, Models};
use clippy_core::embedding::Embedder;
use clippy_core::settings::{Address, Settings};
use clippy_core::{Error, ErrorCode, Result};
use clippy_remote::{RemoteEmbedder, RemoteOptions};

use crate::failure::Failure;
use crate::model_choice;

/// How long to wait for an unavailable worker.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// The model of a worker, whichever that is.
pub struct RemoteModels {
    settings: Settings,
    options: RemoteOptions,
    configured: ModelSource,
}

impl RemoteModels {
    /// Uses the model of the worker at this address.
    pub fn new(settings: &Settings, url: &Address) -> Result<Self, Failure> {
        let server = &settings.server;
        let key = server
            .api_keys
            .first()
            .or_else(|| server.admin_keys.first())
            .cloned();
        let options = RemoteOptions {
            key,
            ..RemoteOptions::new(url.expose())
        };
        Ok(Self {
            settings: settings.clone(),
            options,
            configured: model_choice::configured(settings)?,
        })
    }

    /// Connects without waiting for an unavailable worker.
    pub async fn connect_at_once(&self) -> Result<RemoteEmbedder> {
        RemoteEmbedder::connect(&self.options).await
    }

    async fn connect(&self) -> Result<RemoteEmbedder> {
        let begun = std::time::Instant::now();
        loop {
            match self.connect_at_once().await {
                Err(error) if error.code.is_retryable() && begun.elapsed() < PATIENCE => {
                    tracing::warn!(%error, "waiting for the embedder");
                    tokio::time::sleep(PAUSE).await;
                }
                other => return other,
            }
        }
    }
}

#[async_trait]
impl Models for RemoteModels {
    fn configured(&self) -> ModelSource {
        self.configured.clone()
    }

    /// Returns the worker's model, whichever that is. The caller compares its fingerprint with the
    /// collection's. A model that is neither in the settings nor recorded with the live collection
    /// is refused.
    async fn load(&self, source: &ModelSource) -> Result<Arc<dyn Embedder>> {
        if *source != self.configured
            && model_choice::read_recorded(&self.settings).await?.as_ref() != Some(source)
        {
            let message = format!(
                "EMBEDDER_URL is set, so this process uses the model of {} and cannot load \
                 others. Run this in a worker without EMBEDDER_URL",
                self.options.url
            );
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        Ok(Arc::new(self.connect().await?))
    }
}
