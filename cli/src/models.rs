//! Which model, and reading it: the settings' one, the one that the data folder remembers, or one
//! for a re-index.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use clippy_clip::{DeviceChoice, EmbedderOptions, LoadedModel, TorchEmbedder, parse_precision};
use clippy_core::collections::{ModelSource, Models};
use clippy_core::embedding::{Embedder, ModelInfo};
use clippy_core::settings::Settings;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_gallery::{EdgeCollections, QdrantCollections};
use tokio::sync::Mutex;

use crate::bundled;
use crate::failure::Failure;
use crate::qdrant;
use crate::remote_models::RemoteModels;

/// open_clip's prefix for a folder with a configuration and weights.
const LOCAL_FOLDER: &str = "local-dir:";

/// The model to begin with: what the settings name; else what the collection remembers from a
/// re-index; else the bundled one.
pub async fn wanted(settings: &Settings) -> Result<ModelSource, Failure> {
    let named = named(settings)?;
    if named != ModelSource::default() {
        return Ok(named);
    }
    Ok(remembered(settings).await?.unwrap_or_default())
}

/// The model that the collection remembers, wherever it is kept.
pub async fn remembered(settings: &Settings) -> Result<Option<ModelSource>> {
    match qdrant::server(settings) {
        Some(server) => QdrantCollections::remembered(&server, &settings.collection.name).await,
        None => EdgeCollections::remembered(&settings.collection.data_dir),
    }
}

/// What the settings name; neither field when they name nothing.
pub fn named(settings: &Settings) -> Result<ModelSource, Failure> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    absolute(ModelSource {
        model: filled(&settings.model.name),
        pretrained: filled(&settings.model.pretrained),
    })
}

/// Paths from the root of the file system on: who reads them later may run in another folder.
pub fn absolute(source: ModelSource) -> Result<ModelSource, Failure> {
    let from_root = |path: &str| -> Result<PathBuf, Failure> {
        std::path::absolute(path)
            .map_err(|error| Failure::run(format!("{path} is no path: {error}")))
    };
    let resolved = |text: Option<String>| -> Result<Option<String>, Failure> {
        Ok(match text {
            Some(text) if text.starts_with(LOCAL_FOLDER) => Some(format!(
                "{LOCAL_FOLDER}{}",
                from_root(&text[LOCAL_FOLDER.len()..])?.display()
            )),
            Some(text) if text.ends_with(".safetensors") => {
                Some(from_root(&text)?.display().to_string())
            }
            other => other,
        })
    };
    Ok(ModelSource {
        model: resolved(source.model)?,
        pretrained: resolved(source.pretrained)?,
    })
}

/// A refusal of the model that the settings name says, too, which one the collection remembers.
pub async fn with_hint(settings: &Settings, error: Error) -> Failure {
    if error.code != ErrorCode::Conflict {
        return error.into();
    }
    let Some(remembered) = remembered(settings).await.ok().flatten() else {
        return error.into();
    };
    let model = remembered
        .model
        .iter()
        .map(|model| format!("MODEL_NAME={model}"));
    let says: Vec<_> = model
        .chain(
            remembered
                .pretrained
                .iter()
                .map(|tag| format!("PRETRAINED={tag}")),
        )
        .collect();
    let or_set = if says.is_empty() {
        String::new()
    } else {
        format!(", or set {}", says.join(" "))
    };
    Failure::run(format!(
        "{}. This collection remembers its model: unset MODEL_NAME and PRETRAINED{or_set}",
        error.message
    ))
}

/// Where this process has its models from.
pub fn of(settings: &Settings) -> Result<Arc<dyn Models>, Failure> {
    Ok(match &settings.model.embedder_url {
        Some(url) => Arc::new(RemoteModels::new(settings, url)?),
        None => Arc::new(TorchModels::new(settings)?),
    })
}

/// What the model to begin with is, and where it computes. It is read for that, and let go of
/// again.
pub async fn looked_at(settings: &Settings) -> Result<(Arc<ModelInfo>, String), Failure> {
    if let Some(url) = &settings.model.embedder_url {
        let embedder = RemoteModels::new(settings, url)?.connect_at_once().await?;
        return Ok((Arc::clone(embedder.info()), format!("at {url}")));
    }
    let model = TorchModels::new(settings)?
        .read(&wanted(settings).await?)
        .await?;
    Ok((model.info, model.precision.to_string()))
}

/// Models on libtorch, each on a thread of its own, shared by all who hold it.
pub struct TorchModels {
    models: PathBuf,
    device: String,
    precision: &'static str,
    configured: ModelSource,
    /// Held while a model is read: one is read at a time, and nobody reads the same one twice.
    started: Mutex<HashMap<ModelSource, Weak<dyn Embedder>>>,
}

impl TorchModels {
    /// Reads models as the settings say: pulled ones from the data folder, onto the device.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            models: settings.collection.data_dir.join("models"),
            device: settings.model.device.clone(),
            precision: settings
                .model
                .precision
                .map_or("auto", |precision| match precision {
                    clippy_core::settings::Precision::Fp32 => "fp32",
                    clippy_core::settings::Precision::Fp16 => "fp16",
                    clippy_core::settings::Precision::Bf16 => "bf16",
                }),
            configured: named(settings)?,
            started: Mutex::default(),
        })
    }

    async fn read(&self, source: &ModelSource) -> Result<LoadedModel> {
        let found = clippy_source(source, &self.models)?;
        let (device, precision) = (self.device.clone(), self.precision);
        blocking("reading the model", move || {
            let device = device.parse::<DeviceChoice>()?.resolve()?;
            Ok(LoadedModel::load(
                &found,
                device,
                parse_precision(precision)?,
            )?)
        })
        .await
    }
}

fn clippy_source(source: &ModelSource, models: &Path) -> Result<clippy_clip::ModelSource> {
    let (model, pretrained) = (source.model.as_deref(), source.pretrained.as_deref());
    Ok(clippy_clip::ModelSource::parse(
        model,
        pretrained,
        models,
        &bundled::model(),
    )?)
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
        let embedder = blocking("starting the model", || {
            Ok(TorchEmbedder::start(model, EmbedderOptions::default())?)
        })
        .await?;
        let embedder: Arc<dyn Embedder> = Arc::new(embedder);
        started.retain(|_, known| known.strong_count() > 0);
        started.insert(source.clone(), Arc::downgrade(&embedder));
        Ok(embedder)
    }
}
