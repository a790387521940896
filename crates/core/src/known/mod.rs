//! The record of files in folders that were added, so that an unchanged file is not read again.
//!
//! A scan proposes what it found. A proposal is confirmed only after the collection has
//! acknowledged the pictures. After a crash in between, those files are only read again.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::ids::PointId;

mod proposed;

pub use proposed::ProposedFiles;

/// Shows, without opening a file, whether it was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Its size in bytes.
    pub size: u64,
    /// The time of its last change, in nanoseconds since 1970; 0 if it is unknown.
    pub modified_ns: u64,
    /// Its number in the file system; 0 if there is none.
    pub inode: u64,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownContent {
    /// A picture, with the point of its content.
    Picture(PointId),
    /// Something else, with its description.
    Other(String),
}

/// Begins the context of a picture whose file is gone. The rest is its context before that.
const GONE: &str = "gone:";
/// Begins the context of a picture that an aborted run stored. It is described again.
const AGAIN: &str = "again:";

/// A file as a scan found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// The absolute path of its folder.
    pub folder: String,
    /// Its name in the folder.
    pub name: String,
    /// Its size, time and inode.
    pub stamp: FileStamp,
    /// The fingerprint of everything else that its line was made from: the files beside it, its root,
    /// and the options.
    pub context: String,
    /// What it is.
    pub content: KnownContent,
}

impl KnownFile {
    /// The point of a picture.
    #[must_use]
    pub fn point(&self) -> Option<PointId> {
        match self.content {
            KnownContent::Picture(point) => Some(point),
            KnownContent::Other(_) => None,
        }
    }

    /// Whether the file was gone when its folder was scanned last.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.context.starts_with(GONE)
    }

    /// Returns the record of the file after it went. When the file is back, its context is another
    /// one, so it is read and described again.
    #[must_use]
    pub fn gone(mut self) -> Self {
        if !self.is_gone() {
            self.context.insert_str(0, GONE);
        }
        self
    }

    /// Returns the record of a file whose picture is stored, but perhaps not as it was described.
    #[must_use]
    pub fn again(mut self) -> Self {
        if !self.context.starts_with(AGAIN) {
            self.context.insert_str(0, AGAIN);
        }
        self
    }

    /// The context that it had when the file was there.
    #[must_use]
    pub fn context_while_there(&self) -> &str {
        self.context.strip_prefix(GONE).unwrap_or(&self.context)
    }
}

/// A range of names in byte order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameRange {
    /// The name before the first one, exclusive; `None` starts at the first name.
    pub after: Option<String>,
    /// The last name, inclusive; `None` ends at the last name.
    pub upto: Option<String>,
}

impl NameRange {
    /// Returns a range that ends with a name and begins shortly before it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let mut before = name.to_owned();
        before.pop();
        Self {
            after: (!before.is_empty()).then_some(before),
            upto: Some(name.to_owned()),
        }
    }
}

/// The record of known files, for each collection by its public name.
#[async_trait]
pub trait KnownFiles: ProposedFiles {
    /// Returns the files of a folder whose names are in this range, in any order.
    async fn in_folder(
        &self,
        collection: &str,
        folder: &str,
        names: &NameRange,
    ) -> Result<Vec<KnownFile>>;

    /// Returns this folder and those below it, if they have known files.
    async fn folders(&self, collection: &str, root: &str) -> Result<Vec<String>>;

    /// Returns all known files with the content of these points.
    async fn holders(&self, collection: &str, points: &[PointId]) -> Result<Vec<KnownFile>>;

    /// Records files. Earlier records of them are replaced.
    async fn remember(&self, collection: &str, files: &[KnownFile]) -> Result<()>;

    /// Deletes the records of files, by folder and name.
    async fn forget(&self, collection: &str, files: &[(String, String)]) -> Result<()>;

    /// Returns the files that have the content of these points, as far as is recorded: known files,
    /// and those that any run proposed, without those that are gone. The disk may have changed
    /// since.
    async fn claims(&self, collection: &str, points: &[PointId]) -> Result<Vec<KnownFile>>;
}
