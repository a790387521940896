//! What a provider says of itself when it is asked whether it could work.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// It works.
    Ok,
    /// A part does not work, or could not be asked.
    Warning,
    /// No picture can be made.
    Fault,
}

/// One thing that was asked: a key, a model, a kind of input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was asked: `server`, `key`, `model gemini-3.1-flash-image`, `sketch`, …
    pub subject: String,
    /// How bad it is.
    pub level: FindingLevel,
    /// What was found, and what to do about it.
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

    /// A part does not work, or could not be asked.
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
