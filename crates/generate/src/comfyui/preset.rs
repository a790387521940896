//! The four recommended ways to mix references, as numbers for the graph.

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::inputs::{Generation, Mode};
use crate::request::{Role, shortened};

/// A recommended pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// One to three style references lead; subjects only whisper.
    StyleFirst,
    /// One or two clean subject references lead; style is a finish.
    SubjectFirst,
    /// From a base (or the first subject) at low strength, so that identity stays.
    Img2img,
    /// Only the masked part is painted anew, close to its references.
    TightEdit,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StyleFirst, Self::SubjectFirst, Self::Img2img, Self::TightEdit];

    /// The name in requests, templates and receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StyleFirst => "style_first",
            Self::SubjectFirst => "subject_first",
            Self::Img2img => "img2img",
            Self::TightEdit => "tight_edit",
        }
    }

    /// The preset of this name.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] that lists the names.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|preset| preset.as_str()).collect();
            Error::invalid(format!("preset is \"{}\", but must be one of {}", shortened(name), names.join(", ")))
        })
    }

    /// The one asked for, else the one that fits what was sent.
    #[must_use]
    pub fn of(generation: &Generation) -> Self {
        if let Some(asked) = generation.preset {
            return asked;
        }
        let heaviest = |role| generation.with_role(role).map(|reference| reference.weight).fold(0.0, f32::max);
        match generation.mode() {
            Mode::Edit => Self::TightEdit,
            _ if generation.base.is_some() => Self::Img2img,
            _ if heaviest(Role::Subject) > heaviest(Role::Style) => Self::SubjectFirst,
            _ => Self::StyleFirst,
        }
    }
}

/// What a preset sets. A template may bring its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PresetNumbers {
    /// Sampling steps.
    pub steps: u32,
    /// Guidance.
    pub cfg: f32,
    /// How much of a base is painted anew, 0 to 1. Without a base everything is.
    pub denoise: f32,
    /// What the weights of style references are multiplied with.
    pub style_weight: f32,
    /// What the weights of subject references are multiplied with.
    pub subject_weight: f32,
    /// IP-Adapter's `weight_type` of style references.
    pub style_type: String,
    /// IP-Adapter's `weight_type` of subject references.
    pub subject_type: String,
    /// What the sketch's weight is multiplied with.
    pub control_strength: f32,
    /// The share of the steps that the sketch steers.
    pub control_end: f32,
}
