//! What a provider accepts and produces.

use serde::{Deserialize, Serialize};

use super::ratio::AspectRatio;
use super::request::MOST_REFERENCES;

/// How well an input is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Exactly as asked.
    Yes,
    /// Only roughly: described in words, or as a hint.
    Approximate,
    /// Not at all.
    No,
}

/// The aspect ratios that a provider can produce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ratios {
    /// Any.
    Any,
    /// Only these; for any other ratio the nearest one is used.
    Listed(Vec<AspectRatio>),
}

/// What kind of progress a provider reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressKind {
    /// The finished part as a number.
    Steps,
    /// Only the current phase.
    Phases,
}

/// What happens when a generation is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelKind {
    /// The provider stops working.
    Stops,
    /// The provider's answer is discarded, but may still be billed.
    DropsBilled,
}

/// What a provider accepts and produces. Validation, receipts and the web page rely on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The provider's name.
    pub provider: String,
    /// The model, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// References of role `style`.
    pub style_references: Support,
    /// References of role `subject`.
    pub subject_references: Support,
    /// Weights of references.
    pub weights: Support,
    /// The largest number of references for one picture.
    pub max_references: usize,
    /// Why references are only approximated.
    pub reference_note: String,
    /// A sketch as structure.
    pub sketch: Support,
    /// A picture to start from.
    pub base: Support,
    /// An edit that changes nothing outside of a mask.
    pub mask: Support,
    /// How the mask is applied.
    pub mask_note: String,
    /// Words.
    pub prompt: Support,
    /// How the prompt is used.
    pub prompt_note: String,
    /// A seed that makes the picture repeatable.
    pub seed: Support,
    /// A negative prompt.
    pub negative_prompt: Support,
    /// The aspect ratios that can be produced.
    pub ratios: Ratios,
    /// The names of the presets that it supports.
    pub presets: Vec<String>,
    /// The style tags that have an effect; empty means all of them.
    pub style_tags: Vec<String>,
    /// The largest number of pictures that one call can produce.
    pub images_per_call: u32,
    /// What kind of progress it reports.
    pub progress: ProgressKind,
    /// Whether it sends unfinished pictures.
    pub previews: bool,
    /// What happens when a generation is cancelled.
    pub cancel: CancelKind,
    /// Whether calls cost money.
    pub paid: bool,
}

impl Capabilities {
    /// Supports every input exactly as asked; a starting point for a provider's own table.
    #[must_use]
    pub fn everything(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            model: None,
            style_references: Support::Yes,
            subject_references: Support::Yes,
            weights: Support::Yes,
            max_references: MOST_REFERENCES,
            reference_note: "the provider takes references as a hint only".to_owned(),
            sketch: Support::Yes,
            base: Support::Yes,
            mask: Support::Yes,
            mask_note: "the white part is repainted, every pixel outside of it stays unchanged"
                .to_owned(),
            prompt: Support::Yes,
            prompt_note: "the words as given".to_owned(),
            seed: Support::Yes,
            negative_prompt: Support::Yes,
            ratios: Ratios::Any,
            presets: Vec::new(),
            style_tags: Vec::new(),
            images_per_call: 1,
            progress: ProgressKind::Steps,
            previews: true,
            cancel: CancelKind::Stops,
            paid: false,
        }
    }
}
