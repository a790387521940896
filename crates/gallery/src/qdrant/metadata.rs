//! What a collection is, in its own metadata on the server.
//!
//! One entry says which model filled it and which version of the schema it has; one entry for each folder says where
//! pictures lie. The server merges entries by their names, so that two processes that add folders at the same time
//! take nothing away from each other.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use clippy_core::embedding::ModelInfo;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::edge::metadata::Metadata;
use crate::schema::Schema;

/// The entry that says what the collection is.
const IDENTITY: &str = "clippy";
/// Begins the names of the entries for folders; a hash of the folder follows.
const ROOT: &str = "clippy_root_";

/// Which model filled a collection, and which version of the schema it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// open_clip's name of the model.
    pub(super) model: String,
    /// Its weights.
    pub(super) pretrained: String,
    /// What tells two models apart.
    pub(super) fingerprint: String,
    /// Length of the vectors.
    pub(super) dimension: usize,
    /// Version of the schema.
    pub(super) schema_version: u32,
}

impl Identity {
    /// A collection of this model, with the newest schema.
    pub(super) fn new(model: &ModelInfo) -> Self {
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
    /// [`clippy_core::ErrorCode::Conflict`], with both sides and the mend.
    pub(super) fn check(&self, name: &str, model: &ModelInfo) -> Result<()> {
        let Self { model: known, pretrained, fingerprint, dimension, schema_version } = self.clone();
        Metadata { model: known, pretrained, fingerprint, dimension, schema_version, ..Metadata::new(model) }
            .check(name, model)
    }

    /// As an entry of the metadata.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when it cannot be written as JSON, which it always can.
    pub(super) fn entry(&self) -> Result<HashMap<String, wire::Value>> {
        Ok(HashMap::from([(IDENTITY.to_owned(), to_value(self)?)]))
    }
}

#[derive(Serialize, Deserialize)]
struct Root {
    path: String,
    /// Folders are told in the order in which they were added.
    added_us: u64,
}

/// A folder as an entry of the metadata.
///
/// # Errors
/// As [`Identity::entry`].
pub(super) fn root_entry(path: &str) -> Result<HashMap<String, wire::Value>> {
    let added_us = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
    let hash: String = Sha256::digest(path.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(HashMap::from([(format!("{ROOT}{hash}"), to_value(&Root { path: path.to_owned(), added_us })?)]))
}

fn to_value(entry: &impl Serialize) -> Result<wire::Value> {
    serde_json::to_value(entry)
        .map(Into::into)
        .map_err(|error| Error::internal("the collection's metadata cannot be written").with_source(error))
}

/// What the metadata says: the identity, when it is there, and the folders.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when an entry is not what clippy writes.
pub(super) fn read(metadata: &HashMap<String, wire::Value>) -> Result<(Option<Identity>, Vec<String>)> {
    let identity = metadata.get(IDENTITY).map(from_value).transpose()?;
    let mut roots: Vec<Root> = metadata
        .iter()
        .filter(|(name, _)| name.starts_with(ROOT))
        .map(|(_, value)| from_value(value))
        .collect::<Result<_>>()?;
    roots.sort_by(|left, right| (left.added_us, &left.path).cmp(&(right.added_us, &right.path)));
    Ok((identity, roots.into_iter().map(|root| root.path).collect()))
}

fn from_value<T: for<'a> Deserialize<'a>>(value: &wire::Value) -> Result<T> {
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(|error| Error::internal("the collection's metadata is not what clippy wrote").with_source(error))
}
