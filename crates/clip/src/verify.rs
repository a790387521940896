//! Checks a model's files.

use std::path::{Path, PathBuf};

use clippy_core::embedding::{ModelInfo, ModelPixels};
use tch::Device;

use crate::config::ModelConfig;
use crate::device::Precision;
use crate::error::{ClipError, Result};
use crate::hugging;
use crate::pretrained::{CONFIG_FILE, WEIGHTS_FILE};
use crate::source::{LoadedModel, ModelSource};

/// The result of a check.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Name, dimension, transform and fingerprint.
    pub info: ModelInfo,
    /// The architecture.
    pub config: ModelConfig,
    /// The weights file.
    pub weights: PathBuf,
    /// Its size; of shards, all together.
    pub bytes: u64,
}

/// Checks a model: the configuration is supported, every tensor that it asks for exists in its
/// shape, none is left over, and a picture and a text embed to finite vectors.
///
/// `path` is a folder with configuration and weights, a folder that `clippy models pull` made, or a
/// `.safetensors` file. A file does not contain its architecture, so `model` names it, unless the
/// file is where `pull` stores it. The whole model is read into memory, in fp32 on the CPU.
///
/// # Errors
/// Names the wrong file, field or tensor, as [`LoadedModel::load`] does.
pub fn verify(path: &Path, model: Option<&str>) -> Result<Verified> {
    let source = source_at(path, model)?;
    let description = source.describe()?;
    let loaded = LoadedModel::load(&source, Device::Cpu, Some(Precision::Fp32))?;
    let side = loaded.info.transform.side;
    let grey = ModelPixels {
        side,
        rgb: vec![127; side as usize * side as usize * 3],
    };
    loaded.model.embed_images(&[&grey])?;
    loaded.model.embed_texts(&[&loaded.tokenizer.encode("")?])?;
    let mut bytes = 0;
    for path in description.files() {
        let metadata = std::fs::metadata(path).map_err(|source| ClipError::Io {
            path: path.clone(),
            source,
        })?;
        bytes += metadata.len();
    }
    Ok(Verified {
        info: (*loaded.info).clone(),
        config: loaded.config,
        weights: description.weights,
        bytes,
    })
}

fn source_at(path: &Path, model: Option<&str>) -> Result<ModelSource> {
    let missing = |advice: &str| ClipError::NotThere {
        path: path.to_owned(),
        advice: advice.to_owned(),
    };
    let folder = if path.is_dir() {
        path
    } else if path.is_file() {
        if let Some(model) = model {
            return Ok(ModelSource::File {
                model: model.to_owned(),
                weights: path.to_owned(),
            });
        }
        path.parent().unwrap_or(Path::new("."))
    } else {
        return Err(missing("name a model folder or a .safetensors file"));
    };
    let is_weights_of_folder =
        path.is_dir() || path.file_name().is_some_and(|name| name == WEIGHTS_FILE);
    if is_weights_of_folder && folder.join(CONFIG_FILE).is_file() {
        return Ok(ModelSource::Folder(folder.to_owned()));
    }
    if path.is_dir() && folder.join(hugging::CONFIG_FILE).is_file() {
        return Ok(ModelSource::Folder(folder.to_owned()));
    }
    // `<models>/<architecture>/<tag>/`, the layout of `pull`.
    let folder = std::path::absolute(folder).map_err(|source| ClipError::Io {
        path: folder.to_owned(),
        source,
    })?;
    let name = |path: &Path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
    };
    if is_weights_of_folder
        && let (Some(tag), Some(parent)) = (name(&folder), folder.parent())
        && let (Some(model), Some(models)) = (name(parent), parent.parent())
        && crate::pretrained::find(&model, &tag).is_ok()
    {
        return Ok(ModelSource::Tag {
            model,
            tag,
            models: models.to_owned(),
            cache: None,
        });
    }
    if path.is_dir() {
        return Err(ClipError::NotThere {
            path: path.join(CONFIG_FILE),
            advice: format!("a model folder holds {CONFIG_FILE} and {WEIGHTS_FILE}"),
        });
    }
    Err(ClipError::InvalidConfig(format!(
        "{} holds weights, but does not say of which architecture: name it, such as ViT-B-32",
        path.display()
    )))
}
