//! The four recommended ways to mix references.

use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::text::shorten;

/// A recommended way to mix references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// One to three style references dominate; subjects have little influence.
    StyleFirst,
    /// One or two clean subject references dominate; style is only a finish.
    SubjectFirst,
    /// Starts from a base (or the first subject) at low strength, so that identity is preserved.
    Img2img,
    /// Repaints only the masked part, close to its references.
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
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.as_str() == name)
            .ok_or_else(|| {
                let names: Vec<&str> = Self::ALL.iter().map(|preset| preset.as_str()).collect();
                Error::invalid(format!(
                    "preset is \"{}\", but must be one of {}",
                    shorten(name),
                    names.join(", ")
                ))
            })
    }

    /// Chooses the preset that fits the inputs. `style` and `subject` are the weights of the
    /// heaviest style and subject reference.
    #[must_use]
    pub fn fitting(base: bool, mask: bool, style: f32, subject: f32) -> Self {
        match (base, mask) {
            (true, true) => Self::TightEdit,
            (true, false) => Self::Img2img,
            _ if subject > style => Self::SubjectFirst,
            _ => Self::StyleFirst,
        }
    }
}
