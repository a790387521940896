//! Reads what describes a model in a folder: open_clip's form, or Hugging Face's.

use std::path::Path;

use clippy_core::embedding::ImageTransform;
use serde_json::Value;

use crate::config::ModelConfig;
use crate::description::Description;
use crate::error::{ClipError, Result};
use crate::hub::{Cache, Repository};
use crate::hugging;
use crate::preprocess;
use crate::pretrained::{CONFIG_FILE, Pretrained, WEIGHTS_FILE};
use crate::tokenizer::TokenizerFiles;

/// Describes published weights in a folder, which needs no configuration.
pub(crate) fn describe_tag(entry: &Pretrained, folder: &Path) -> Result<Description> {
    let config = entry.config()?;
    let transform = entry.transform(side(&config))?;
    let tokenizer = tokenizer_beside(folder, &config, Some(&entry.repository))?;
    Ok(Description {
        name: entry.model.clone(),
        pretrained: entry.tag.clone(),
        config,
        transform,
        weights: folder.join(WEIGHTS_FILE),
        shards: None,
        tokenizer,
    })
}

/// Describes a repository of the hub, as far as the cache has it.
pub(crate) fn describe_repository(repository: &Repository, cache: &Cache) -> Result<Description> {
    let advice = format!(
        "run `clippy models pull {repository}`, or copy the repository's folder into the cache of \
         Hugging Face that HF_HOME or HF_HUB_CACHE names"
    );
    let Some(folder) = cache.snapshot(repository) else {
        return Err(not_there(&cache.repository(repository), &advice));
    };
    let found = match is_only_hugging(&folder) {
        true => describe_hugging(&folder),
        false => describe_folder(&folder),
    };
    let found = found.map_err(|error| match error {
        ClipError::NotThere { path, .. } => not_there(&path, &advice),
        other => other,
    })?;
    Ok(Description {
        name: repository.name().to_owned(),
        pretrained: repository.to_string(),
        ..found
    })
}

/// Whether a snapshot has Hugging Face's form and only a part of open_clip's, as where Python's
/// transformers filled the cache.
fn is_only_hugging(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    let has_weights = has(hugging::WEIGHTS_FILE) || has(hugging::INDEX_FILE);
    has(hugging::CONFIG_FILE) && has_weights && !has(WEIGHTS_FILE)
}

fn describe_hugging(folder: &Path) -> Result<Description> {
    let found = hugging::describe(folder)?;
    Ok(Description {
        name: name_of(folder),
        pretrained: folder.display().to_string(),
        config: found.config,
        transform: found.transform,
        weights: found.weights,
        shards: Some(found.shards),
        tokenizer: found.tokenizer,
    })
}

/// Describes a folder in either form.
pub(crate) fn describe_folder(folder: &Path) -> Result<Description> {
    let path = folder.join(CONFIG_FILE);
    if !path.is_file() {
        if folder.join(hugging::CONFIG_FILE).is_file() {
            return describe_hugging(folder);
        }
        return Err(not_there(
            &path,
            "a model folder holds open_clip_config.json and open_clip_model.safetensors, or \
             config.json and model.safetensors of a CLIPModel or SiglipModel",
        ));
    }
    let OpenClipConfig {
        config,
        transform,
        tokenizer_origin,
    } = OpenClipConfig::read(&path)?;
    let weights = folder.join(WEIGHTS_FILE);
    if !weights.is_file() {
        return Err(not_there(
            &weights,
            "a model folder holds the weights as open_clip_model.safetensors",
        ));
    }
    let tokenizer = tokenizer_beside(folder, &config, tokenizer_origin.as_deref())?;
    Ok(Description {
        name: name_of(folder),
        pretrained: folder.display().to_string(),
        config,
        transform,
        weights,
        shards: None,
        tokenizer,
    })
}

/// What an `open_clip_config.json` says.
pub(crate) struct OpenClipConfig {
    /// What is computed.
    pub config: ModelConfig,
    /// How pictures are prepared.
    pub transform: ImageTransform,
    /// The repository that the tokenizer comes from.
    pub tokenizer_origin: Option<String>,
}

impl OpenClipConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// Names the file, and what is missing or not supported.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = hugging::read_text(path)?;
        let in_file = |error: &dyn std::fmt::Display| {
            ClipError::InvalidConfig(format!("{}: {error}", path.display()))
        };
        let json: Value = serde_json::from_str(&text).map_err(|error| in_file(&error))?;
        let model = json
            .get("model_cfg")
            .ok_or_else(|| in_file(&"there is no `model_cfg`"))?;
        let config = ModelConfig::from_json(model)?;
        let transform = preprocess::transform_from_json(json.get("preprocess_cfg"), side(&config))?;
        let origin = model.pointer("/text_cfg/hf_tokenizer_name");
        Ok(Self {
            config,
            transform,
            tokenizer_origin: origin.and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// The files of the tokenizer that a model without a built-in one needs.
pub(crate) fn tokenizer_beside(
    folder: &Path,
    config: &ModelConfig,
    origin: Option<&str>,
) -> Result<Option<TokenizerFiles>> {
    let is_needed = config.text.siglip.is_some();
    is_needed
        .then(|| TokenizerFiles::find(folder, origin))
        .transpose()
}

/// The name of a model that is known by its folder only.
fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || "model".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The side of the pictures that the model takes.
pub(crate) fn side(config: &ModelConfig) -> u32 {
    u32::try_from(config.vision.image_size).unwrap_or(u32::MAX)
}

/// The error for a file that is missing.
pub(crate) fn not_there(path: &Path, advice: &str) -> ClipError {
    ClipError::NotThere {
        path: path.to_owned(),
        advice: advice.to_owned(),
    }
}
