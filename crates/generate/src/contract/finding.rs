//! Results of checking whether a provider could work.

use serde::{Deserialize, Serialize};

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// It works.
    Ok,
    /// Something does not work, or could not be checked.
    Warning,
    /// No picture can be made.
    Fault,
}

/// The result of one check: of a key, a model, or a kind of input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was checked: `server`, `key`, `model gemini-3.1-flash-image`, `sketch`, …
    pub subject: String,
    /// How serious it is.
    pub level: FindingLevel,
    /// The result, and what to do about it.
    pub message: String,
}

impl Finding {
    /// It works.
    pub fn ok(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            level: FindingLevel::Ok,
            message: message.into(),
        }
    }

    /// Something does not work, or could not be checked.
    pub fn warning(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            level: FindingLevel::Warning,
            message: message.into(),
        }
    }

    /// No picture can be made.
    pub fn fault(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            level: FindingLevel::Fault,
            message: message.into(),
        }
    }
}
