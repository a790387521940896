//! A collection's description, in a small file beside the engine's.

use std::collections::BTreeMap;
use std::path::Path;

use clippy_core::embedding::ModelInfo;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::Identity;
use clippy_common::files;

/// The file's name inside the collection's folder.
pub(crate) const METADATA_FILE: &str = "collection.json";

/// The content of [`METADATA_FILE`]. The collection exists once this file does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    /// Which model filled it, and which version of the schema it has. Its fields are on the same
    /// level as the others.
    #[serde(flatten)]
    pub(crate) identity: Identity,
    /// Folders that pictures may be served from.
    pub(crate) roots: Vec<String>,
    /// Which of the `shard-<n>` folders is the live one.
    pub(crate) generation: u64,
    /// How many points were written since the graphs were built, as of the last checkpoint.
    pub(crate) changed_points: u64,
    /// Number of points at the last checkpoint, for reading without opening the engine.
    pub(crate) points: u64,
    /// Notes that are kept with the collection. Collections of earlier versions have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) notes: BTreeMap<String, Value>,
}

impl Metadata {
    /// Makes the metadata of a new collection of this model.
    pub(crate) fn new(model: &ModelInfo) -> Self {
        Self {
            identity: Identity::new(model),
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
    /// [`clippy_core::ErrorCode::Internal`] when the file exists and cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(METADATA_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(
                    Error::internal(format!("{} could not be read", path.display()))
                        .with_source(error),
                );
            }
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::internal(format!(
                "{} is damaged: clippy did not write it like this",
                path.display()
            ))
            .with_source(error)
        })
    }

    /// Writes the metadata; at any moment the old or the new file exists.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(METADATA_FILE);
        serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|text| files::replace(&path, &text))
            .map_err(|error| {
                Error::internal(format!("{} could not be written", path.display()))
                    .with_source(error)
            })
    }
}
