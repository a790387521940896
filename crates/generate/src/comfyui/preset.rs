//! The four recommended ways to mix references, as numbers for the graph.

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::inputs::Generation;
use crate::request::{GenerateRequest, Role, shortened};

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
    pub const ALL: [Self; 4] = [
        Self::StyleFirst,
        Self::SubjectFirst,
        Self::Img2img,
        Self::TightEdit,
    ];

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
        Self::ALL
            .into_iter()
            .find(|preset| preset.as_str() == name)
            .ok_or_else(|| {
                let names: Vec<&str> = Self::ALL.iter().map(|preset| preset.as_str()).collect();
                Error::invalid(format!(
                    "preset is \"{}\", but must be one of {}",
                    shortened(name),
                    names.join(", ")
                ))
            })
    }

    /// The one asked for, else the one that fits what was sent.
    #[must_use]
    pub fn of(generation: &Generation) -> Self {
        let heaviest = |role| {
            generation
                .with_role(role)
                .map(|reference| reference.weight)
                .fold(0.0, f32::max)
        };
        let (base, mask) = (generation.base.is_some(), generation.mask.is_some());
        generation.preset.unwrap_or_else(|| {
            Self::fitting(base, mask, heaviest(Role::Style), heaviest(Role::Subject))
        })
    }

    /// The same, before any picture was fetched.
    ///
    /// # Errors
    /// As [`Preset::named`] and [`GenerateRequest::role`].
    pub fn of_request(request: &GenerateRequest) -> Result<Self> {
        if let Some(asked) = &request.preset {
            return Self::named(asked);
        }
        let (mut style, mut subject) = (0.0, 0.0);
        for index in 0..request.refs.len() {
            let heaviest: &mut f32 = match request.role(index)? {
                Role::Style => &mut style,
                Role::Subject => &mut subject,
            };
            *heaviest = heaviest.max(request.weight(index));
        }
        Ok(Self::fitting(
            request.base.is_some(),
            request.mask.is_some(),
            style,
            subject,
        ))
    }

    fn fitting(base: bool, mask: bool, style: f32, subject: f32) -> Self {
        match (base, mask) {
            (true, true) => Self::TightEdit,
            (true, false) => Self::Img2img,
            _ if subject > style => Self::SubjectFirst,
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

impl PresetNumbers {
    /// What the weights of this role's references are multiplied with.
    #[must_use]
    pub fn scale(&self, role: Role) -> f32 {
        match role {
            Role::Style => self.style_weight,
            Role::Subject => self.subject_weight,
        }
    }

    /// IP-Adapter's `weight_type` of this role's references.
    #[must_use]
    pub fn kind(&self, role: Role) -> &str {
        match role {
            Role::Style => &self.style_type,
            Role::Subject => &self.subject_type,
        }
    }
}
