//! Describes the collection that an export is made of.

use std::collections::BTreeMap;

use clippy_core::gallery::CollectionInfo;
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A collection, without its points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Its model, schema, size and the folders of its pictures.
    pub collection: CollectionInfo,
    /// Its notes, by their names: calibration, style head, styles.
    pub notes: BTreeMap<String, Value>,
}

impl Description {
    /// Checks that the vectors can be compared with those of this model.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] that names both models, and says what to do.
    pub fn check_model(&self, model: &str, pretrained: &str, fingerprint: &str) -> Result<()> {
        let theirs = &self.collection;
        if theirs.fingerprint == fingerprint {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "the vectors of the export were made by {} ({}), but the model in use is {model} \
                 ({pretrained}), and vectors of different models cannot be compared: set \
                 MODEL_NAME and PRETRAINED to the first model and import into another DATA_DIR or \
                 QDRANT_COLLECTION, or run `clippy ingest` with the manifest.jsonl of the export, \
                 which embeds its pictures again",
                theirs.model, theirs.pretrained
            ),
        ))
    }
}
