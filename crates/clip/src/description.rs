//! What is known of a model before its weights are read.

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::embedding::ImageTransform;

use crate::config::ModelConfig;
use crate::error::Result;
use crate::hugging::{self, Shards};
use crate::model::weights::Stored;
use crate::timm;
use crate::tokenizer::{ModelTokenizer, Tokenizer, TokenizerFiles};

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
    /// The tokenizer's files; `None` for CLIP's, which is built in.
    pub tokenizer: Option<TokenizerFiles>,
}

impl Description {
    /// The files that hold the tensors.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        let own = std::slice::from_ref(&self.weights);
        self.shards.as_ref().map_or(own, Shards::files)
    }

    /// Reads the tokenizer. Returns also what the model's fingerprint must contain of it: nothing
    /// for CLIP's.
    ///
    /// # Errors
    /// As [`TokenizerFiles::load`].
    pub(crate) fn load_tokenizer(&self) -> Result<(ModelTokenizer, String)> {
        let text = &self.config.text;
        let (Some(files), Some(siglip)) = (&self.tokenizer, &text.siglip) else {
            let length = usize::try_from(text.context_length).unwrap_or_default();
            let tokenizer = ModelTokenizer::Clip(Tokenizer::new(length));
            return Ok((tokenizer, String::new()));
        };
        let tokenizer = files.load((text.vocab_size, text.context_length), siglip.cleaning)?;
        let fingerprint = tokenizer.fingerprint().to_owned();
        Ok((ModelTokenizer::File(Arc::new(tokenizer)), fingerprint))
    }

    /// The names that the files have for the loader's tensors; `None` if they are the same.
    pub(crate) fn names(&self) -> Option<fn(&str) -> Stored> {
        match (&self.shards, &self.config.text.siglip) {
            (None, None) => None,
            (None, Some(_)) => Some(timm::stored),
            (Some(_), None) => Some(hugging::stored),
            (Some(_), Some(_)) => Some(hugging::stored_by_siglip),
        }
    }
}
