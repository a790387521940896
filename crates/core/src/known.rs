//! What is remembered about files of folders that were added, so that an unchanged file is not read
//! again.
//!
//! A scan proposes what it found; only when the collection has acknowledged the pictures is a
//! proposal confirmed. A crash in between costs a second look at those files, and nothing else.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Result;
use crate::ids::PointId;

/// What tells, without opening a file, that it was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Bytes.
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970; 0 where the file system does not tell.
    pub modified_ns: u64,
    /// Its number in the file system; 0 where there is none.
    pub inode: u64,
}

/// What a file was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownContent {
    /// A picture, and the point that its content makes.
    Picture(PointId),
    /// Something else, and what.
    Other(String),
}

/// A file as a scan found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// The folder that it lies in, absolute.
    pub folder: String,
    /// Its name there.
    pub name: String,
    /// What the file system said of it.
    pub stamp: FileStamp,
    /// Fingerprint of all else that its line was made from: the files beside it, and the options.
    pub context: String,
    /// What it is.
    pub content: KnownContent,
}

/// A run of names in the order of their bytes: after one, up to another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameRange {
    /// Names after this one; `None` begins with the first name.
    pub after: Option<String>,
    /// Names up to and with this one; `None` goes on to the last name.
    pub upto: Option<String>,
}

/// Remembers files, for each collection by its public name.
#[async_trait]
pub trait KnownFiles: Send + Sync + 'static {
    /// The files of a folder whose names lie in this range, in the order of their names.
    async fn in_folder(
        &self,
        collection: &str,
        folder: &str,
        names: &NameRange,
    ) -> Result<Vec<KnownFile>>;

    /// The folders at and below this one that files are known of.
    async fn folders(&self, collection: &str, root: &str) -> Result<Vec<String>>;

    /// All known files with the content of these points.
    async fn holders(&self, collection: &str, points: &[PointId]) -> Result<Vec<KnownFile>>;

    /// Remembers files; one that is known is replaced.
    async fn remember(&self, collection: &str, files: &[KnownFile]) -> Result<()>;

    /// Forgets files, by folder and name.
    async fn forget(&self, collection: &str, files: &[(String, String)]) -> Result<()>;

    /// Notes pictures that a run wants to be stored. Proposing a file again replaces it.
    async fn propose(&self, collection: &str, run: Uuid, files: &[KnownFile]) -> Result<()>;

    /// Takes back what a run proposed for these points: they were not stored.
    async fn withdraw(&self, run: Uuid, points: &[PointId]) -> Result<()>;

    /// The points whose content would be in no file any more once the run is confirmed: their files
    /// were overwritten.
    async fn replaced(&self, run: Uuid) -> Result<Vec<PointId>>;

    /// Remembers all that a run proposed and did not take back.
    async fn confirm(&self, run: Uuid) -> Result<()>;

    /// Drops the proposals of a run.
    async fn discard(&self, run: Uuid) -> Result<()>;

    /// Drops the proposals of runs that are older than this id (a UUID of version 7): they broke
    /// off.
    async fn discard_older(&self, than: Uuid) -> Result<()>;
}
