//! A `CLIPModel` or `SiglipModel` in Hugging Face's form: `config.json`, `model.safetensors` or its
//! shards, perhaps `preprocessor_config.json`, and the tokenizer's files, which SigLIP's need.

mod config;
mod names;
mod preprocessor;
mod shards;
mod siglip;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clippy_core::embedding::ImageTransform;
use serde_json::Value;

use crate::config::ModelConfig;
use crate::error::{ClipError, Result};
use crate::tokenizer::TokenizerFiles;
use config::Family;
pub(crate) use names::{stored, stored_by_siglip};
pub use shards::Shards;
pub(crate) use shards::{INDEX_FILE, WEIGHTS_FILE, files_of_index};

/// The files besides configuration and weights that are used where they are there.
pub(crate) const OPTIONAL_FILES: [&str; 5] = [
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
];

/// Name of the configuration in a model folder.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// The largest text file that is read: a tokenizer's files have less than 4 MB.
const MOST_BYTES: u64 = 16 << 20;

/// What a folder describes.
pub(crate) struct Found {
    /// What is computed.
    pub config: ModelConfig,
    /// How pictures are prepared.
    pub transform: ImageTransform,
    /// The weights file, or the index of its shards.
    pub weights: PathBuf,
    /// The files of the weights.
    pub shards: Shards,
    /// The tokenizer's files; `None` for CLIP's, which is built in.
    pub tokenizer: Option<TokenizerFiles>,
}

/// Reads the folder's configuration and finds its weights, which are not read yet.
///
/// # Errors
/// Names the file and the field that is missing, cannot be read, or is not supported.
pub(crate) fn describe(folder: &Path) -> Result<Found> {
    let (config, transform, tokenizer) = read_config(folder)?;
    let (weights, shards) = Shards::find(folder)?;
    Ok(Found {
        config,
        transform,
        weights,
        shards,
        tokenizer,
    })
}

/// Reads the folder's configuration, and finds its tokenizer.
///
/// # Errors
/// As [`describe`], but the weights need not be there.
pub(crate) fn read_config(
    folder: &Path,
) -> Result<(ModelConfig, ImageTransform, Option<TokenizerFiles>)> {
    let path = folder.join(CONFIG_FILE);
    let json = read_json(&path)?;
    let family = Family::of(&json).map_err(|error| in_file(&path, error))?;
    let (config, tokenizer) = match family {
        Family::Clip => (config::from_json(&json), None),
        Family::Siglip => {
            let files = TokenizerFiles::find(folder, None)?;
            (siglip::from_json(&json, files.cleaning()), Some(files))
        }
    };
    let config = config.map_err(|error| in_file(&path, error))?;
    let path = folder.join("preprocessor_config.json");
    let preprocessor = path.is_file().then(|| read_json(&path)).transpose()?;
    let side = u32::try_from(config.vision.image_size).unwrap_or(u32::MAX);
    let transform = preprocessor::from_json(preprocessor.as_ref(), family, side)
        .map_err(|error| in_file(&path, error))?;
    if family == Family::Clip {
        vocabulary::check(folder)?;
    }
    Ok((config, transform, tokenizer))
}

fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|error| in_file(path, ClipError::InvalidConfig(error.to_string())))
}

/// Reads a text file of a model, up to 16 MiB.
///
/// # Errors
/// Where it cannot be read, is larger, or is no UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let io = |source| ClipError::Io {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(io)?;
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    if read.map_err(io)? as u64 > MOST_BYTES {
        return Err(ClipError::InvalidConfig(format!(
            "{} is larger than 16 MiB",
            path.display()
        )));
    }
    Ok(text)
}

/// Adds the file to an error about its content.
fn in_file(path: &Path, error: ClipError) -> ClipError {
    let path = path.display();
    match error {
        ClipError::UnsupportedConfig(what) => {
            ClipError::UnsupportedConfig(format!("{path}: {what}"))
        }
        ClipError::InvalidConfig(what) => ClipError::InvalidConfig(format!("{path}: {what}")),
        other => other,
    }
}
