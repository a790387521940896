//! A collection's description, in its own metadata on the server.
//!
//! One entry has the model that filled it and the version of the schema; one entry for each folder
//! has the folders of the pictures. The server merges entries by their names, so that two processes
//! that add folders at the same time do not overwrite each other's.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use clippy_core::collections::ModelSource;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::identity::Identity;

/// The entry of the collection's identity.
const IDENTITY: &str = "clippy";
/// The entry of the collection's lifecycle.
const LIFECYCLE: &str = "clippy_place";
/// Begins the names of the entries for notes; the note's name follows.
const NOTE: &str = "clippy_note_";
/// Begins the names of the entries for folders; a hash of the folder follows.
const ROOT: &str = "clippy_root_";

/// Returns the identity as an entry of the metadata.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when it cannot be written as JSON; it always can.
pub(super) fn identity_entry(identity: &Identity) -> Result<HashMap<String, wire::Value>> {
    Ok(HashMap::from([(IDENTITY.to_owned(), to_value(identity)?)]))
}

/// The use of a collection among others with the same public name. Which one is live is not stored
/// here: the alias says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Lifecycle {
    /// Its model, as in the settings.
    pub(super) source: Option<ModelSource>,
    /// Whether it has never been the live one.
    pub(super) building: bool,
    /// The job that builds it.
    pub(super) owner: String,
    /// The collections that follow its changes while it is live.
    pub(super) followers: Vec<String>,
    /// Until when writes to it wait, in microseconds since 1970.
    pub(super) paused_until_us: u64,
    /// Since when it is not the live one any more; 0 while it is, or never was.
    pub(super) kept_since_us: u64,
    /// The highest number of a collection of this public name so far.
    pub(super) numbered: u64,
}

impl Lifecycle {
    /// Returns it as an entry of the metadata.
    ///
    /// # Errors
    /// Like [`identity_entry`].
    pub(super) fn entry(&self) -> Result<HashMap<String, wire::Value>> {
        Ok(HashMap::from([(LIFECYCLE.to_owned(), to_value(self)?)]))
    }

    /// Returns whether writes are paused now.
    pub(super) fn is_paused(&self) -> bool {
        self.paused_until_us > now_us()
    }
}

/// Microseconds since 1970.
pub(super) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

#[derive(Serialize, Deserialize)]
struct Root {
    path: String,
    /// Folders are returned in the order in which they were added.
    added_us: u64,
}

/// Returns a folder as an entry of the metadata.
///
/// # Errors
/// Like [`identity_entry`].
pub(super) fn root_entry(path: &str) -> Result<HashMap<String, wire::Value>> {
    let added_us = now_us();
    let hash = hex::encode(&Sha256::digest(path.as_bytes())[..8]);
    Ok(HashMap::from([(
        format!("{ROOT}{hash}"),
        to_value(&Root {
            path: path.to_owned(),
            added_us,
        })?,
    )]))
}

/// Returns a note as an entry of the metadata.
pub(super) fn note_entry(name: &str, note: serde_json::Value) -> HashMap<String, wire::Value> {
    HashMap::from([(format!("{NOTE}{name}"), note.into())])
}

/// Returns a note of this name.
///
/// # Errors
/// Like [`read`].
pub(super) fn note(
    metadata: &HashMap<String, wire::Value>,
    name: &str,
) -> Result<Option<serde_json::Value>> {
    metadata
        .get(&format!("{NOTE}{name}"))
        .map(from_value)
        .transpose()
}

/// Returns all notes, by their names.
///
/// # Errors
/// Like [`read`].
pub(super) fn notes(
    metadata: &HashMap<String, wire::Value>,
) -> Result<BTreeMap<String, serde_json::Value>> {
    metadata
        .iter()
        .filter_map(|(entry, value)| Some((entry.strip_prefix(NOTE)?, value)))
        .map(|(name, value)| Ok((name.to_owned(), from_value(value)?)))
        .collect()
}

fn to_value(entry: &impl Serialize) -> Result<wire::Value> {
    serde_json::to_value(entry)
        .map(Into::into)
        .map_err(|error| {
            Error::internal("the collection's metadata cannot be written").with_source(error)
        })
}

/// The parsed metadata.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    /// The model that filled it, when it was recorded.
    pub(super) identity: Option<Identity>,
    /// Its lifecycle.
    pub(super) lifecycle: Lifecycle,
    /// The folders.
    pub(super) roots: Vec<String>,
}

/// Parses a collection's metadata.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when an entry was not written by clippy.
pub(super) fn read(metadata: &HashMap<String, wire::Value>) -> Result<Metadata> {
    let identity = metadata.get(IDENTITY).map(from_value).transpose()?;
    let lifecycle = metadata
        .get(LIFECYCLE)
        .map(from_value)
        .transpose()?
        .unwrap_or_default();
    let mut roots: Vec<Root> = metadata
        .iter()
        .filter(|(name, _)| name.starts_with(ROOT))
        .map(|(_, value)| from_value(value))
        .collect::<Result<_>>()?;
    roots.sort_by(|left, right| (left.added_us, &left.path).cmp(&(right.added_us, &right.path)));
    Ok(Metadata {
        identity,
        lifecycle,
        roots: roots.into_iter().map(|root| root.path).collect(),
    })
}

fn from_value<T: for<'a> Deserialize<'a>>(value: &wire::Value) -> Result<T> {
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(|error| {
            Error::internal("the collection's metadata is not what clippy wrote").with_source(error)
        })
}
