//! `export.json`: what an export has, and how its files are checked.

use std::collections::BTreeMap;
use std::path::Path;

use clippy_common::files;
use clippy_core::gallery::{CollectionInfo, PerSpace};
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use crate::folder::is_unfinished;
use crate::hashing::Checksum;

/// The file that makes a folder an export.
pub const INDEX_FILE: &str = "export.json";
/// The checksum of [`INDEX_FILE`], as `sha256sum` writes it.
const SUM_FILE: &str = "export.json.sha256";
/// The pictures: one JSON object a line, which `clippy ingest` reads, too.
pub const MANIFEST_FILE: &str = "manifest.jsonl";
/// The notes of the collection, as one JSON object.
pub(crate) const NOTES_FILE: &str = "notes.json";
/// The preferences: one artist a line.
pub(crate) const TASTES_FILE: &str = "tastes.jsonl";
/// The boards, one a line. Exports of earlier versions have none.
pub(crate) const BOARDS_FILE: &str = "boards.jsonl";
/// The deleted and hidden pictures, one a line.
pub(crate) const TRASH_FILE: &str = "trash.jsonl";
/// The files that every export has, besides those of the vectors.
pub(crate) const FILES: [&str; 4] = [MANIFEST_FILE, NOTES_FILE, TASTES_FILE, TRASH_FILE];

/// What [`Index::format`] says.
const FORMAT: &str = "clippy-export";
/// The version of the format that this program writes and reads.
const VERSION: u32 = 1;
/// The largest index, and the largest notes, that are read, in bytes.
pub(crate) const LARGEST_JSON: u64 = 64 << 20;

/// The name of a file of vectors.
pub(crate) fn shard_name(number: usize) -> String {
    format!("vectors-{number:05}.safetensors")
}

/// A file of vectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    /// Its name.
    pub(crate) name: String,
    /// How many pictures it has: the next lines of the manifest.
    pub(crate) points: u64,
    /// Its content.
    #[serde(flatten)]
    pub(crate) checksum: Checksum,
}

/// The content of [`INDEX_FILE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// Always the same text.
    pub(crate) format: String,
    /// Counted up when an older program could not read the files.
    pub(crate) version: u32,
    /// The version of Clippy that wrote it.
    pub(crate) clippy: String,
    /// When, in seconds since 1970.
    pub(crate) created_at: u64,
    /// The collection: its model, its schema, and the folders of its pictures.
    pub(crate) collection: CollectionInfo,
    /// How many pictures there are.
    pub(crate) points: u64,
    /// How many of them have a vector, in each space.
    pub(crate) vectors: PerSpace<u64>,
    /// How many artists have preferences.
    pub(crate) artists: u64,
    /// How many boards there are.
    #[serde(default)]
    pub(crate) boards: u64,
    /// How many pictures were deleted or hidden.
    pub(crate) deleted: u64,
    /// The other files. A later version may add some.
    pub(crate) files: BTreeMap<String, Checksum>,
    /// The files of vectors, in the order of the manifest.
    pub(crate) shards: Vec<Shard>,
}

impl Index {
    /// Makes an index without files.
    pub(crate) fn new(collection: CollectionInfo) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            clippy: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: clippy_core::trash::now(),
            points: 0,
            vectors: PerSpace::default(),
            artists: 0,
            boards: 0,
            deleted: 0,
            collection,
            files: BTreeMap::new(),
            shards: Vec::new(),
        }
    }

    /// Writes the index into a folder.
    ///
    /// # Errors
    /// An error of the file system.
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?;
        files::replace(&folder.join(SUM_FILE), sum_of(&text).as_bytes())?;
        files::replace(&folder.join(INDEX_FILE), &text)
    }

    /// Reads and checks the index of a folder.
    ///
    /// # Errors
    /// `NotFound` when the folder is no export, or one that was not completed; `Conflict` for a
    /// newer version; `InvalidInput` when it is damaged.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let (path, shown) = (folder.join(INDEX_FILE), folder.display());
        if is_unfinished(folder) {
            return Err(Error::not_found(format!(
                "{shown} is an export that was not completed: run `clippy export` again"
            )));
        }
        let size = path.metadata().map_err(|error| {
            Error::not_found(format!(
                "{shown} is no export of Clippy: {INDEX_FILE} cannot be read ({error})"
            ))
        })?;
        if size.len() > LARGEST_JSON {
            return Err(damaged(&path, "it is too large"));
        }
        let text = std::fs::read(&path).map_err(|error| damaged(&path, &error.to_string()))?;
        let value: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| damaged(&path, &error.to_string()))?;
        if value["format"] != FORMAT {
            return Err(damaged(&path, "it is not the index of an export"));
        }
        if let Some(version) = value["version"].as_u64()
            && version > u64::from(VERSION)
        {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "{shown} is an export of version {version}, but this clippy knows versions up \
                     to {VERSION}: use the newer clippy that made it"
                ),
            ));
        }
        let sum = std::fs::read(folder.join(SUM_FILE)).unwrap_or_default();
        if sum != sum_of(&text).as_bytes() {
            let reason = format!("its checksum is not the one in {SUM_FILE}");
            return Err(damaged(&path, &reason));
        }
        let index = Self::deserialize(value).map_err(|error| damaged(&path, &error.to_string()))?;
        index.check(&path)?;
        Ok(index)
    }

    /// Checks that the parts fit together.
    fn check(&self, path: &Path) -> Result<()> {
        if let Some(missing) = FILES.iter().find(|name| !self.files.contains_key(**name)) {
            return Err(damaged(path, &format!("it does not list {missing}")));
        }
        let names = self.shards.iter().map(|shard| &shard.name);
        for name in names.chain(self.files.keys()) {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            if !name.chars().all(is_plain) || name.starts_with('.') || name.is_empty() {
                return Err(damaged(path, "it lists a file outside of the folder"));
            }
        }
        let listed: u64 = self.shards.iter().map(|shard| shard.points).sum();
        if listed != self.points {
            return Err(damaged(path, "its counts of pictures do not match"));
        }
        Ok(())
    }
}

fn sum_of(text: &[u8]) -> String {
    format!("{}  {INDEX_FILE}\n", Checksum::of(text).sha256)
}

/// The error of a damaged file.
pub(crate) fn damaged(path: &Path, reason: &str) -> Error {
    Error::invalid(format!(
        "{} is damaged: {reason}. Nothing was imported from it: copy the export again from where \
         it was made, or make a new one",
        path.display()
    ))
}
