//! Backups: copies of a data folder, and their checks.
//!
//! A backup is a data folder that can be used as it is, with one more file that lists all others
//! with their checksums.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clippy_common::{files, trees};
use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use crate::folder::{NewFolder, is_unfinished};
use crate::hashing::Checksum;
use crate::ports::Progress;

/// The file that lists the others.
const INDEX_FILE: &str = "backup.json";
/// What [`Index::format`] says.
const FORMAT: &str = "clippy-backup";
/// The version of the index that this program writes and reads.
const VERSION: u32 = 1;
/// The largest index that is read, in bytes.
const LARGEST_INDEX: u64 = 1 << 30;
/// The most files that an error names.
const EXAMPLES: usize = 5;
/// Files that belong to a running process, or that are made again.
const NOT_COPIED: [&str; 3] = ["lock", "backup.lock", clippy_core::backup::TARGET_FILE];
/// Small copies of pictures, which are made again.
const THUMBNAILS: &str = "thumbnails";
/// Folders of collections, and their list. A running server copies the live one itself.
const COLLECTIONS: [&str; 3] = ["collection", "collections", "collections.json"];

#[derive(Debug, Serialize, Deserialize)]
struct Index {
    format: String,
    version: u32,
    clippy: String,
    created_at: u64,
    /// How many pictures the collection has, if a server copied it.
    points: Option<u64>,
    files: BTreeMap<String, Checksum>,
}

/// What a backup has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The folder.
    pub folder: PathBuf,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// Pictures of the collection, where they are known.
    pub points: Option<u64>,
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// A backup that is being written.
#[derive(Debug)]
pub struct NewBackup {
    data: PathBuf,
    folder: NewFolder,
}

impl NewBackup {
    /// Begins a backup of a data folder.
    ///
    /// # Errors
    /// `NotFound` without a data folder, `InvalidInput` for a folder inside of it, `Conflict` when
    /// the folder is not empty.
    pub fn begin(data: &Path, folder: &Path) -> Result<Self> {
        let data = data.canonicalize().map_err(|error| {
            Error::not_found(format!("{} cannot be read: {error}", data.display()))
        })?;
        let folder = std::path::absolute(folder).map_err(|error| {
            Error::invalid(format!("{} is not a path: {error}", folder.display()))
        })?;
        let mut above = folder
            .ancestors()
            .filter_map(|path| path.canonicalize().ok());
        if above.next().is_some_and(|above| above.starts_with(&data)) {
            return Err(Error::invalid(format!(
                "{} is inside of {}: name a folder outside of it",
                folder.display(),
                data.display()
            )));
        }
        Ok(Self {
            data,
            folder: NewFolder::begin(&folder)?,
        })
    }

    /// The folder that the copy is written to.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Copies all files but the databases, which need more than a copy of their files. The
    /// collections are left out if a server copied the live one.
    ///
    /// # Errors
    /// `Internal` when a file cannot be read or written.
    pub fn copy_files(
        &self,
        databases: &[&str],
        without_collections: bool,
        thumbnails: bool,
    ) -> Result<()> {
        let leave_out = |path: &Path| {
            let mut parts = path.iter().filter_map(|part| part.to_str());
            let (first, last) = (parts.next().unwrap_or_default(), parts.next_back());
            let is_lock = COLLECTIONS.contains(&first) && last == Some("lock");
            let is_database =
                last.is_none() && databases.iter().any(|name| first.starts_with(name));
            is_lock
                || is_database
                || (last.is_none() && NOT_COPIED.contains(&first))
                || (first == THUMBNAILS && !thumbnails)
                || (COLLECTIONS.contains(&first) && without_collections)
        };
        trees::copy(&self.data, self.path(), &leave_out).map_err(|error| {
            Error::internal(format!("{} could not be copied", self.data.display()))
                .with_source(error)
        })
    }

    /// Lists all files with their checksums, and gives the backup its name.
    ///
    /// # Errors
    /// `Internal` when a file cannot be read or written.
    pub fn finish(self, points: Option<u64>, progress: &dyn Progress) -> Result<BackupReport> {
        let failed = |error: std::io::Error| {
            Error::internal(format!("{} could not be completed", self.path().display()))
                .with_source(error)
        };
        let mut files = BTreeMap::new();
        let found = trees::list(self.path()).map_err(failed)?;
        let total = found.len() as u64;
        for (done, path) in found.into_iter().enumerate() {
            let name = name_of(&path)?;
            if is_mark(&name) {
                continue;
            }
            let checksum = Checksum::of_file(&self.path().join(&path)).map_err(failed)?;
            files.insert(name, checksum);
            progress.report("checking", done as u64 + 1, total);
        }
        let index = Index {
            format: FORMAT.to_owned(),
            version: VERSION,
            clippy: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: clippy_core::trash::now(),
            points,
            files,
        };
        let text = serde_json::to_vec_pretty(&index)
            .map_err(|error| Error::internal("the index cannot be written").with_source(error))?;
        files::replace(&self.path().join(INDEX_FILE), &text).map_err(failed)?;
        let folder = self.folder.finish()?;
        Ok(index.report(folder))
    }
}

impl Index {
    fn report(&self, folder: PathBuf) -> BackupReport {
        BackupReport {
            folder,
            created_at: self.created_at,
            points: self.points,
            files: self.files.len() as u64,
            bytes: self.files.values().map(|file| file.bytes).sum(),
        }
    }
}

fn is_mark(name: &str) -> bool {
    name == crate::folder::MARK
}

/// The path of a file in the index.
fn name_of(path: &Path) -> Result<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    let parts = parts.ok_or_else(|| {
        Error::invalid(format!(
            "the name of {} is not valid UTF-8: rename it, then make the backup again",
            path.display()
        ))
    })?;
    Ok(parts.join("/"))
}

/// Checks that every file of a backup is as it was written, and that there are no others.
///
/// # Errors
/// `NotFound` when the folder is no complete backup, `Conflict` for one of a newer version,
/// `InvalidInput` that names files that are missing, damaged or new.
pub fn verify(folder: &Path, progress: &dyn Progress) -> Result<BackupReport> {
    let index = read_index(folder)?;
    let total = index.files.len() as u64;
    let mut faults = Vec::new();
    for (done, (name, expected)) in index.files.iter().enumerate() {
        if name.split('/').any(|part| part == "..") || Path::new(name).is_absolute() {
            return Err(Error::invalid(format!(
                "{} lists a file outside of the folder",
                folder.join(INDEX_FILE).display()
            )));
        }
        match Checksum::of_file(&folder.join(name)) {
            Ok(found) if found == *expected => {}
            Ok(_) => faults.push(format!("{name} is not what was written")),
            Err(error) => faults.push(format!("{name} cannot be read ({error})")),
        }
        progress.report("checking", done as u64 + 1, total);
    }
    let there = trees::list(folder)
        .map_err(|error| Error::invalid(format!("{} cannot be read: {error}", folder.display())))?;
    for path in there {
        let name = path.to_string_lossy().replace('\\', "/");
        if name != INDEX_FILE && !index.files.contains_key(&name) {
            faults.push(format!("{name} is new"));
        }
    }
    if faults.is_empty() {
        return Ok(index.report(folder.to_owned()));
    }
    let more = match faults.len().saturating_sub(EXAMPLES) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    faults.truncate(EXAMPLES);
    Err(Error::invalid(format!(
        "{} is not as it was made: {}{more}. A copy that a server used changes; otherwise use \
         another backup",
        folder.display(),
        faults.join(", ")
    )))
}

fn read_index(folder: &Path) -> Result<Index> {
    let (path, shown) = (folder.join(INDEX_FILE), folder.display());
    if is_unfinished(folder) {
        return Err(Error::not_found(format!(
            "{shown} is a backup that was not completed: make it again"
        )));
    }
    let mut text = Vec::new();
    std::fs::File::open(&path)
        .and_then(|file| file.take(LARGEST_INDEX).read_to_end(&mut text))
        .map_err(|error| {
            Error::not_found(format!(
                "{shown} is no backup of Clippy: {INDEX_FILE} cannot be read ({error})"
            ))
        })?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|error| Error::invalid(format!("{} is damaged: {error}", path.display())))?;
    if index.format != FORMAT || index.version > VERSION {
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "{} is not the index of a backup that this clippy knows (version {}, it knows up \
                 to {VERSION}): use the clippy that made it",
                path.display(),
                index.version
            ),
        ));
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(place: &Path) -> PathBuf {
        let data = place.join("data");
        for name in [
            "lock",
            "clippy.db",
            "clippy.db-wal",
            "collection/lock",
            "collection/collection.json",
            "collections/x/lock",
            "outputs/lock",
            "outputs/a.png",
            "thumbnails/a",
            "backup_target.json",
        ] {
            let path = data.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, name).expect("written");
        }
        data
    }

    fn back_up(data: &Path, folder: &Path, running: bool) -> BackupReport {
        let backup = NewBackup::begin(data, folder).expect("begun");
        backup
            .copy_files(&["clippy.db"], running, false)
            .expect("copied");
        backup.finish(Some(3), &()).expect("complete")
    }

    #[test]
    fn files_of_the_process_are_left_out_and_all_others_are_checked() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let data = data(place.path());
        let whole = place.path().join("whole");
        let report = back_up(&data, &whole, false);
        assert_eq!((report.files, report.points), (3, Some(3)), "{report:?}");
        assert_eq!(verify(&whole, &()).expect("as it was made"), report);
        for name in [
            "collection/collection.json",
            "outputs/lock",
            "outputs/a.png",
        ] {
            assert!(whole.join(name).is_file(), "{name}");
        }
        let beside = back_up(&data, &place.path().join("beside"), true);
        assert_eq!(beside.files, 2, "a server copied the collection");
        assert!(NewBackup::begin(&data, &whole).is_err(), "it is not empty");
        assert!(NewBackup::begin(&data, &data.join("inside")).is_err());
    }

    #[test]
    fn a_flipped_bit_a_missing_file_and_a_new_one_are_named() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let data = data(place.path());
        let copy = place.path().join("copy");
        back_up(&data, &copy, false);
        let picture = copy.join("outputs/a.png");
        let content = std::fs::read(&picture).expect("read");
        let mut flipped = content.clone();
        flipped[3] ^= 1;
        std::fs::write(&picture, &flipped).expect("written");
        let error = verify(&copy, &()).expect_err("flipped");
        assert!(error.message.contains("outputs/a.png is not"), "{error}");
        std::fs::remove_file(&picture).expect("removed");
        let error = verify(&copy, &()).expect_err("missing");
        assert!(error.message.contains("outputs/a.png cannot"), "{error}");
        std::fs::write(&picture, &content).expect("written");
        std::fs::write(copy.join("more"), "1").expect("written");
        let error = verify(&copy, &()).expect_err("new");
        assert!(error.message.contains("more is new"), "{error}");
        assert!(verify(&data, &()).is_err(), "it is no backup");
    }
}
