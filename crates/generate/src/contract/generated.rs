//! The result of a generation.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::generation::Mode;
use super::receipt::Receipt;

/// A finished picture.
#[derive(Debug, Clone)]
pub struct GeneratedImage {
    /// The whole file.
    pub bytes: Bytes,
    /// Its media type, determined from its content.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The seed that reproduces this picture, if there is one.
    pub seed: Option<u64>,
}

/// Facts about a generation in addition to its pictures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GenerationMeta {
    /// The provider.
    pub provider: String,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `edit`, `subject`, `style` or `generate`.
    pub mode: String,
    /// The prompt that was actually sent.
    pub constructed_prompt: String,
    /// The negative prompt that was actually sent.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub negative_prompt: String,
    /// Why pictures are missing, one reason for each.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub filtered: Vec<String>,
    /// The number of paid calls.
    pub calls: u32,
    /// The most that the calls cost, in US dollars, if the price is set. Calls with an unknown
    /// outcome are included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
}

impl GenerationMeta {
    /// For this provider and mode, with everything else empty.
    #[must_use]
    pub fn new(provider: &str, mode: Mode) -> Self {
        Self {
            provider: provider.to_owned(),
            mode: mode.as_str().to_owned(),
            ..Self::default()
        }
    }
}

/// The result of a generation.
#[derive(Debug, Clone)]
pub struct Generated {
    /// At least one picture.
    pub images: Vec<GeneratedImage>,
    /// Facts about them.
    pub meta: GenerationMeta,
    /// What became of each input.
    pub receipt: Receipt,
}
