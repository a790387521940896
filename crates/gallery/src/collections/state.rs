//! The list of a data folder's physical collections, in one small file that is replaced as a whole.
//!
//! ```text
//! <data>/collection/            the first collection, as it always was
//! <data>/collections.json       what is live, what is built, what is kept; absent until the first re-index
//! <data>/collections/<name>/    every later collection
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clippy_core::collections::{ModelSource, PhysicalCollection, Role};
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use clippy_common::files::{self, remove_folder};

/// The file that says which collection is the live one.
pub(super) const STATE_FILE: &str = "collections.json";
/// The folder of the first collection.
const FIRST_FOLDER: &str = "collection";
/// The folder of all others.
const OTHERS_FOLDER: &str = "collections";
/// The version of the file that this program writes and reads.
const VERSION: u32 = 1;

/// One collection in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Relative to the data folder.
    pub(super) folder: PathBuf,
    #[serde(default)]
    pub(super) source: Option<ModelSource>,
    pub(super) fingerprint: String,
    #[serde(default)]
    pub(super) owner: String,
}

impl Entry {
    pub(super) fn physical(&self, role: Role) -> PhysicalCollection {
        let Self {
            name,
            source,
            fingerprint,
            owner,
            ..
        } = self.clone();
        let owner = if role == Role::Building {
            owner
        } else {
            String::new()
        };
        PhysicalCollection {
            name,
            role,
            source,
            fingerprint,
            owner,
        }
    }
}

/// The content of [`STATE_FILE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) version: u32,
    /// Number of the newest collection, so that no name is used twice.
    pub(super) numbered: u64,
    pub(super) live: Entry,
    #[serde(default)]
    pub(super) building: Option<Entry>,
    #[serde(default)]
    pub(super) previous: Option<Entry>,
}

impl State {
    /// Makes the state of a data folder in which nothing was re-indexed yet.
    pub(super) fn first(name: &str, fingerprint: &str, source: Option<ModelSource>) -> Self {
        let live = Entry {
            name: name.to_owned(),
            folder: PathBuf::from(FIRST_FOLDER),
            source,
            fingerprint: fingerprint.to_owned(),
            owner: String::new(),
        };
        Self {
            version: VERSION,
            numbered: 0,
            live,
            building: None,
            previous: None,
        }
    }

    /// Reads the file; `None` when there is none.
    pub(super) fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join(STATE_FILE);
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
        let state: Self = serde_json::from_slice(&text).map_err(|error| {
            Error::internal(format!(
                "{} is damaged: clippy did not write it like this",
                path.display()
            ))
            .with_source(error)
        })?;
        if state.version > VERSION {
            let (found, shown) = (state.version, path.display());
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "{shown} has version {found}, but this clippy knows versions up to {VERSION}: \
                     use the newer one"
                ),
            ));
        }
        Ok(Some(state))
    }

    /// Replaces the file: at any moment the old or the new one exists.
    pub(super) fn write(&self, data: &Path) -> Result<()> {
        let path = data.join(STATE_FILE);
        serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|text| files::replace(&path, &text))
            .map_err(|error| {
                Error::internal(format!("{} could not be written", path.display()))
                    .with_source(error)
            })
    }

    /// Returns the folder of a collection that is not the first, relative to the data folder.
    pub(super) fn folder_of(name: &str) -> PathBuf {
        Path::new(OTHERS_FOLDER).join(name)
    }

    /// Returns all collections, the live one first.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Role, &Entry)> {
        [
            (Role::Live, Some(&self.live)),
            (Role::Building, self.building.as_ref()),
            (Role::Previous, self.previous.as_ref()),
        ]
        .into_iter()
        .filter_map(|(role, entry)| entry.map(|entry| (role, entry)))
    }

    /// Returns the role of a collection, and its entry.
    pub(super) fn role_of(&self, name: &str) -> Option<(Role, &Entry)> {
        self.entries().find(|(_, entry)| entry.name == name)
    }
}

/// Removes folders of collections that the list does not name: a kill came before their folders
/// were removed.
pub(super) fn remove_leftovers(data: &Path, state: &State) -> Result<()> {
    let named: HashSet<PathBuf> = state
        .entries()
        .map(|(_, entry)| data.join(&entry.folder))
        .collect();
    let mut found = vec![data.join(FIRST_FOLDER)];
    match std::fs::read_dir(data.join(OTHERS_FOLDER)) {
        Ok(entries) => found.extend(entries.flatten().map(|entry| entry.path())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(
                Error::internal("the folder of collections could not be read").with_source(error),
            );
        }
    }
    for folder in found {
        if !named.contains(&folder) && folder.exists() {
            tracing::info!(folder = %folder.display(), "removing a collection that was dropped");
            remove_folder(&folder).map_err(|error| {
                Error::internal(format!("{} could not be removed", folder.display()))
                    .with_source(error)
            })?;
        }
    }
    Ok(())
}
