//! What an entry says about its run, as it is stored.

use clippy_core::history::HistoryEntry;
use clippy_core::{Error, Result};
use clippy_generate::{GenerateRequest, Receipt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is known of a run, besides what a history searches by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MadeFacts {
    /// The provider.
    pub provider: String,
    /// The model, if the provider has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `edit`, `subject`, `style` or `generate`.
    pub mode: String,
    /// The prompt that was sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub constructed_prompt: String,
    /// What was asked for; its uploads are names of stored files.
    pub request: GenerateRequest,
    /// Whether `request` is what the caller sent. That of a picture of an older data folder is put
    /// together from its lineage, which does not have everything.
    pub complete: bool,
    /// How each input was used; absent for pictures of older data folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl MadeFacts {
    /// Reads the facts of an entry.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when they cannot be read.
    pub fn of(entry: &HistoryEntry) -> Result<Self> {
        Self::deserialize(&entry.facts).map_err(|error| {
            Error::internal(format!("entry {} of the history cannot be read", entry.id))
                .with_source(error)
        })
    }

    pub(crate) fn to_value(&self) -> Result<Value> {
        serde_json::to_value(self)
            .map_err(|error| Error::internal("an entry of the history").with_source(error))
    }
}
