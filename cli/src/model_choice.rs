//! Chooses the model: the one in the settings, the one recorded with the collection, or the bundled
//! one.

use std::path::PathBuf;

use clippy_clip::hub;
use clippy_core::collections::ModelSource;
use clippy_core::settings::Settings;
use clippy_core::{Error, ErrorCode, Result};
use clippy_gallery::{EdgeCollections, QdrantCollections};

use crate::failure::Failure;
use crate::qdrant;

/// open_clip's prefix for a folder with a configuration and weights.
const LOCAL_FOLDER: &str = "local-dir:";

/// Returns the model to start with: the one in the settings; else the one that a re-index recorded
/// with the collection; else the bundled one.
pub async fn initial(settings: &Settings) -> Result<ModelSource, Failure> {
    let configured = configured(settings)?;
    if configured != ModelSource::default() {
        return Ok(configured);
    }
    Ok(read_recorded(settings).await?.unwrap_or_default())
}

/// Returns the model that is recorded with the collection, on a server or in the data folder.
pub async fn read_recorded(settings: &Settings) -> Result<Option<ModelSource>> {
    match qdrant::server(settings) {
        Some(server) => QdrantCollections::recorded_model(&server, &settings.collection.name).await,
        None => EdgeCollections::recorded_model(&settings.collection.data_dir),
    }
}

/// Returns the model in the settings. Both fields are empty if there is none.
pub fn configured(settings: &Settings) -> Result<ModelSource, Failure> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    absolute(ModelSource {
        model: filled(&settings.model.name),
        pretrained: filled(&settings.model.pretrained),
    })
}

/// Makes paths absolute: the process that reads them later may run in another folder.
pub fn absolute(source: ModelSource) -> Result<ModelSource, Failure> {
    let from_root = |path: &str| -> Result<PathBuf, Failure> {
        std::path::absolute(path)
            .map_err(|error| Failure::run(format!("{path} is not a path: {error}")))
    };
    let resolved = |text: Option<String>| -> Result<Option<String>, Failure> {
        Ok(match text {
            Some(text) if text.starts_with(LOCAL_FOLDER) => Some(format!(
                "{LOCAL_FOLDER}{}",
                from_root(&text[LOCAL_FOLDER.len()..])?.display()
            )),
            Some(text) if text.starts_with(hub::PREFIX) => Some(text),
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

/// Converts an error to a failure. If the collection refused the model in the settings, the message
/// also names the recorded model.
pub async fn with_hint(settings: &Settings, error: Error) -> Failure {
    if error.code != ErrorCode::Conflict {
        return error.into();
    }
    let Some(remembered) = read_recorded(settings).await.ok().flatten() else {
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
        "{}. This collection has its model recorded: unset MODEL_NAME and PRETRAINED{or_set}",
        error.message
    ))
}
