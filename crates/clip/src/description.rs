//! What is known of a model before its weights are read.

use std::path::PathBuf;

use clippy_core::embedding::ImageTransform;

use crate::config::ModelConfig;
use crate::hugging::Shards;

/// A model's configuration and the path of its weights.
#[derive(Debug, Clone)]
pub struct Description {
    /// The architecture, or the folder's name.
    pub name: String,
    /// The tag, or the path that the weights are read from.
    pub pretrained: String,
    /// What is computed.
    pub config: ModelConfig,
    /// How pictures are prepared.
    pub transform: ImageTransform,
    /// The weights file, or the index of its shards.
    pub weights: PathBuf,
    /// The files of weights that have Hugging Face's names; `None` for open_clip's.
    pub shards: Option<Shards>,
}

impl Description {
    /// The files that hold the tensors.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        let own = std::slice::from_ref(&self.weights);
        self.shards.as_ref().map_or(own, Shards::files)
    }
}
