//! What a collection is, in a small file beside the engine's.

use std::collections::BTreeMap;
use std::path::Path;

use clippy_core::embedding::ModelInfo;
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::files::write_atomically;
use crate::schema::Schema;

/// The file's name inside the collection's folder.
pub(crate) const METADATA_FILE: &str = "collection.json";

/// The content of [`METADATA_FILE`]. The collection exists once this file does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// open_clip's name of the model.
    pub(crate) model: String,
    /// Its weights.
    pub(crate) pretrained: String,
    /// What tells two models apart.
    pub(crate) fingerprint: String,
    /// Length of the vectors.
    pub(crate) dimension: usize,
    /// Version of the schema.
    pub(crate) schema_version: u32,
    /// Folders that pictures may be served from.
    pub(crate) roots: Vec<String>,
    /// Which of the `shard-<n>` folders is the live one.
    pub(crate) generation: u64,
    /// How many points were written since the graphs were built, as of the last checkpoint.
    pub(crate) changed_points: u64,
    /// How many points there were at the last checkpoint, for a look without opening the engine.
    pub(crate) points: u64,
    /// What others keep with the collection. Collections of earlier versions have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) notes: BTreeMap<String, Value>,
}

impl Metadata {
    /// A new collection of this model.
    pub(crate) fn new(model: &ModelInfo) -> Self {
        Self {
            model: model.name.clone(),
            pretrained: model.pretrained.clone(),
            fingerprint: model.fingerprint.clone(),
            dimension: model.dimension,
            schema_version: Schema::current().version,
            roots: Vec::new(),
            generation: 1,
            changed_points: 0,
            points: 0,
            notes: BTreeMap::new(),
        }
    }

    /// Reads the metadata of a collection's folder; `None` when there is no collection.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] when the file is there and cannot be understood.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(METADATA_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Error::internal(format!("{} could not be read", path.display())).with_source(error));
            }
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::internal(format!("{} is not what clippy wrote there", path.display())).with_source(error)
        })
    }

    /// Writes the metadata; the old or the new one is there at any moment.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(METADATA_FILE);
        serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|text| write_atomically(&path, &text))
            .map_err(|error| Error::internal(format!("{} could not be written", path.display())).with_source(error))
    }

    /// Refuses a collection that another model filled, or a newer clippy made.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`], with both sides and the mend.
    pub(crate) fn check(&self, name: &str, model: &ModelInfo) -> Result<()> {
        self.check_version(name)?;
        if self.dimension != model.dimension || self.fingerprint != model.fingerprint {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "the collection {name} was filled by {} ({}, {} dimensions, {}), but the model in use is {} ({}, {} \
                     dimensions, {}): vectors of different models cannot be compared. Use the first model again, or \
                     run `clippy reindex`, or name another DATA_DIR or QDRANT_COLLECTION",
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
                    "the collection {name} has schema version {}, but this clippy knows versions up to {known}: use \
                     the newer clippy that made it, or name another DATA_DIR or QDRANT_COLLECTION",
                    self.schema_version
                ),
            ));
        }
        Ok(())
    }
}

/// Enough of a fingerprint to tell two apart.
fn short(fingerprint: &str) -> String {
    let cut: String = fingerprint.chars().take(12).collect();
    format!("fingerprint {cut}")
}
