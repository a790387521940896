//! Loads models into this process, or uses those of another process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use clippy_clip::hub::Cache;
use clippy_clip::{
    DeviceChoice, EmbedderOptions, LoadedModel, ModelFolders, TorchEmbedder, parse_precision,
};
use clippy_core::collections::{ModelSource, Models};
use clippy_core::embedding::{Embedder, ModelInfo};
use clippy_core::settings::Settings;
use clippy_core::{Result, blocking};
use tokio::sync::Mutex;

use crate::bundled;
use crate::failure::Failure;
use crate::model_choice::{configured, initial};
use crate::remote_models::RemoteModels;

/// Returns the loader of this process's models, or of those at `EMBEDDER_URL`.
pub fn open(settings: &Settings) -> Result<Arc<dyn Models>, Failure> {
    Ok(match &settings.model.embedder_url {
        Some(url) => Arc::new(RemoteModels::new(settings, url)?),
        None => Arc::new(TorchModels::new(settings)?),
    })
}

/// A model that was loaded, or called, for a look at it.
pub struct InspectedModel {
    /// Its description.
    pub info: Arc<ModelInfo>,
    /// How it runs: its precision, or the URL of the process that runs it.
    pub runs: String,
    /// The file that its style vectors come from, if that is in this process.
    pub style_weights: Option<PathBuf>,
}

/// Returns the description of the initial model. A model of this process is loaded for that, and
/// dropped again.
pub async fn inspect(settings: &Settings) -> Result<InspectedModel, Failure> {
    if let Some(url) = &settings.model.embedder_url {
        let embedder = RemoteModels::new(settings, url)?.connect_at_once().await?;
        return Ok(InspectedModel {
            info: Arc::clone(embedder.info()),
            runs: format!("at {url}"),
            style_weights: None,
        });
    }
    let model = TorchModels::new(settings)?
        .read(&initial(settings).await?)
        .await?;
    Ok(InspectedModel {
        info: model.info,
        runs: model.precision.to_string(),
        style_weights: model.style_weights,
    })
}

/// Loads models with libtorch, and runs each on its own thread. Callers that ask for the same model
/// share it.
pub struct TorchModels {
    folders: ModelFolders,
    device: String,
    precision: &'static str,
    options: EmbedderOptions,
    /// `STYLE_MODEL`.
    descriptors: Option<PathBuf>,
    configured: ModelSource,
    /// Locked while a model is loaded, so that none is loaded twice.
    started: Mutex<HashMap<ModelSource, Weak<dyn Embedder>>>,
}

impl TorchModels {
    /// Returns a loader of models from the data folder, for the configured device.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            folders: ModelFolders {
                models: settings.collection.data_dir.join("models"),
                bundled: bundled::model(),
                hub: Cache::new(&settings.hub.cache),
            },
            device: settings.model.device.clone(),
            precision: settings
                .model
                .precision
                .map_or("auto", |precision| match precision {
                    clippy_core::settings::Precision::Fp32 => "fp32",
                    clippy_core::settings::Precision::Fp16 => "fp16",
                    clippy_core::settings::Precision::Bf16 => "bf16",
                }),
            options: EmbedderOptions {
                max_batch_images: settings.model.embed_batch,
                ..EmbedderOptions::default()
            },
            descriptors: settings.model.style_model.clone(),
            configured: configured(settings)?,
            started: Mutex::default(),
        })
    }

    async fn read(&self, source: &ModelSource) -> Result<LoadedModel> {
        let found = clippy_source(source, &self.folders)?;
        let (device, precision) = (self.device.clone(), self.precision);
        let descriptors = self.descriptors.clone();
        blocking("reading the model", move || {
            let device = device.parse::<DeviceChoice>()?.resolve()?;
            Ok(LoadedModel::load_with_style(
                &found,
                device,
                parse_precision(precision)?,
                descriptors.as_deref(),
            )?)
        })
        .await
    }
}

fn clippy_source(source: &ModelSource, folders: &ModelFolders) -> Result<clippy_clip::ModelSource> {
    let (model, pretrained) = (source.model.as_deref(), source.pretrained.as_deref());
    Ok(clippy_clip::ModelSource::parse(model, pretrained, folders)?)
}

#[async_trait]
impl Models for TorchModels {
    fn configured(&self) -> ModelSource {
        self.configured.clone()
    }

    async fn load(&self, source: &ModelSource) -> Result<Arc<dyn Embedder>> {
        let mut started = self.started.lock().await;
        if let Some(model) = started.get(source).and_then(Weak::upgrade) {
            return Ok(model);
        }
        let model = self.read(source).await?;
        let options = self.options;
        let embedder = blocking("starting the model", move || {
            Ok(TorchEmbedder::start(model, options)?)
        })
        .await?;
        let embedder: Arc<dyn Embedder> = Arc::new(embedder);
        started.retain(|_, known| known.strong_count() > 0);
        started.insert(source.clone(), Arc::downgrade(&embedder));
        Ok(embedder)
    }
}
