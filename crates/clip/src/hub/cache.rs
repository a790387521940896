//! The cache of the hub's files, in the layout of Python's `huggingface_hub`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clippy_common::files;

use super::announcement::Announcement;
use super::repository::{Repository, is_commit};
use crate::error::{ClipError, Result};

/// The folder of all repositories: `HF_HUB_CACHE`, or `HF_HOME/hub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache(PathBuf);

impl Cache {
    /// The cache in this folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder of a repository.
    #[must_use]
    pub fn repository(&self, repository: &Repository) -> PathBuf {
        self.0.join(folder_name(repository))
    }

    /// Returns the folder with the files of a revision, as far as they were downloaded. The hub is
    /// not asked: a branch is where it was at the last download.
    #[must_use]
    pub fn snapshot(&self, repository: &Repository) -> Option<PathBuf> {
        let folder = self.repository(repository);
        let commit = match repository.commit() {
            Some(commit) => commit.to_owned(),
            None => {
                let path = folder.join("refs").join(repository.revision());
                fs::read_to_string(path).ok()?.trim().to_owned()
            }
        };
        let snapshot = is_commit(&commit).then(|| self.snapshot_of(repository, &commit))?;
        snapshot.is_dir().then_some(snapshot)
    }

    /// The folder of a commit's files.
    pub(crate) fn snapshot_of(&self, repository: &Repository, commit: &str) -> PathBuf {
        self.repository(repository).join("snapshots").join(commit)
    }

    /// The folder of the contents of a repository's files.
    pub(super) fn blobs(&self, repository: &Repository) -> PathBuf {
        self.repository(repository).join("blobs")
    }

    /// Where a file's content is.
    pub(super) fn blob(&self, repository: &Repository, announced: &Announcement) -> PathBuf {
        self.blobs(repository).join(announced.etag())
    }

    /// The file that is locked while the content is downloaded, by Python as well.
    pub(super) fn lock(&self, repository: &Repository, announced: &Announcement) -> PathBuf {
        let locks = self.0.join(".locks").join(folder_name(repository));
        locks.join(format!("{}.lock", announced.etag()))
    }

    /// Links a commit's file to its content. On a disk without links the content itself is put
    /// there: it is moved if this pull downloaded it (`is_new`), and otherwise copied, since other
    /// commits may link to it.
    pub(super) fn link(blob: &Path, pointer: &Path, is_new: bool) -> Result<()> {
        let io = ClipError::writing(pointer);
        let (Some(snapshot), Some(etag)) = (pointer.parent(), blob.file_name()) else {
            return Ok(());
        };
        fs::create_dir_all(snapshot).map_err(&io)?;
        // Relative, so that the cache can be moved.
        let target = Path::new("../../blobs").join(etag);
        if fs::read_link(pointer).is_ok_and(|there| there == target) {
            return Ok(());
        }
        match fs::remove_file(pointer) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        match link_to(&target, pointer) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) if is_without_links(&error) => put_itself(blob, pointer, is_new).map_err(io),
            linked => linked.map_err(io),
        }
    }

    /// Records the commit of a branch or tag.
    pub(crate) fn record(&self, repository: &Repository, commit: &str) -> Result<()> {
        if repository.commit().is_some() {
            return Ok(());
        }
        let refs = self.repository(repository).join("refs");
        let path = refs.join(repository.revision());
        if fs::read_to_string(&path).is_ok_and(|there| there == commit) {
            return Ok(());
        }
        let io = ClipError::writing(&path);
        fs::create_dir_all(path.parent().unwrap_or(&refs)).map_err(&io)?;
        files::replace(&path, commit.as_bytes()).map_err(io)
    }
}

fn folder_name(repository: &Repository) -> String {
    format!("models--{}", repository.id().replace('/', "--"))
}

/// Whether the disk has no links, or this user may not make them, as on Windows.
fn is_without_links(error: &io::Error) -> bool {
    // Windows: ERROR_INVALID_FUNCTION (of FAT) and ERROR_PRIVILEGE_NOT_HELD.
    let is_of_windows = cfg!(windows) && matches!(error.raw_os_error(), Some(1 | 1314));
    is_of_windows
        || matches!(
            error.kind(),
            io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
        )
}

/// Puts the content itself where a link cannot be.
fn put_itself(blob: &Path, pointer: &Path, is_new: bool) -> io::Result<()> {
    if is_new {
        return fs::rename(blob, pointer);
    }
    let mut content = fs::File::open(blob)?;
    files::replace_with(pointer, |copy| io::copy(&mut content, copy).map(|_| ()))
}

#[cfg(unix)]
fn link_to(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn link_to(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_disk_without_links_has_the_content_itself_in_a_snapshot() {
        for (kind, is_without) in [
            (io::ErrorKind::Unsupported, true),
            (io::ErrorKind::PermissionDenied, true),
            (io::ErrorKind::NotFound, false),
            (io::ErrorKind::StorageFull, false),
            (io::ErrorKind::InvalidFilename, false),
            (io::ErrorKind::Other, false),
        ] {
            assert_eq!(is_without_links(&kind.into()), is_without, "{kind}");
        }
    }

    #[test]
    fn content_that_was_there_before_stays_for_other_commits() {
        let folder = tempfile::tempdir().unwrap();
        let [blob, pointer] = ["blob", "pointer"].map(|name| folder.path().join(name));
        fs::write(&blob, "weights").unwrap();
        put_itself(&blob, &pointer, false).unwrap();
        for path in [&blob, &pointer] {
            assert_eq!(fs::read_to_string(path).unwrap(), "weights");
        }
        fs::write(&blob, "new weights").unwrap();
        put_itself(&blob, &pointer, true).unwrap();
        assert_eq!(fs::read_to_string(&pointer).unwrap(), "new weights");
        assert!(!blob.exists());
    }
}
