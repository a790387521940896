//! Which model filled a collection, and which version of the schema it has. Both the embedded
//! engine's folder and a Qdrant server store it.

use clippy_core::embedding::ModelInfo;
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use crate::schema::Schema;

/// Which model filled a collection, and which version of the schema it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// open_clip's name of the model.
    pub(crate) model: String,
    /// Its weights.
    pub(crate) pretrained: String,
    /// Fingerprint of the model.
    pub(crate) fingerprint: String,
    /// Length of the vectors.
    pub(crate) dimension: usize,
    /// Version of the schema.
    pub(crate) schema_version: u32,
}

impl Identity {
    /// Makes the identity of a collection of this model, with the newest schema.
    pub(crate) fn new(model: &ModelInfo) -> Self {
        Self {
            model: model.name.clone(),
            pretrained: model.pretrained.clone(),
            fingerprint: model.fingerprint.clone(),
            dimension: model.dimension,
            schema_version: Schema::current().version,
        }
    }

    /// Refuses a collection that another model filled, or a newer clippy made.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`], with both sides and the remedy.
    pub(crate) fn check(&self, name: &str, model: &ModelInfo) -> Result<()> {
        self.check_version(name)?;
        if self.dimension != model.dimension || self.fingerprint != model.fingerprint {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "the collection {name} was filled by {} ({}, {} dimensions, {}), but the \
                     model in use is {} ({}, {} dimensions, {}): vectors of different models \
                     cannot be compared. Use the first model again, or run `clippy reindex`, or \
                     name another DATA_DIR or QDRANT_COLLECTION",
                    self.model,
                    self.pretrained,
                    self.dimension,
                    short(&self.fingerprint),
                    model.name,
                    model.pretrained,
                    model.dimension,
                    short(&model.fingerprint),
                ),
            ));
        }
        Ok(())
    }

    /// Refuses a collection that a newer clippy made.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`], with both versions.
    pub(crate) fn check_version(&self, name: &str) -> Result<()> {
        let known = Schema::current().version;
        if self.schema_version > known {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "the collection {name} has schema version {}, but this clippy knows versions \
                     up to {known}: use the newer clippy that made it, or name another DATA_DIR \
                     or QDRANT_COLLECTION",
                    self.schema_version
                ),
            ));
        }
        Ok(())
    }
}

/// Shortens a fingerprint; the rest is enough to distinguish two.
fn short(fingerprint: &str) -> String {
    let cut: String = fingerprint.chars().take(12).collect();
    format!("fingerprint {cut}")
}
