//! A folder that appears under its name only when it is complete.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clippy_common::files::{self, remove_folder};
use clippy_core::{Error, ErrorCode, Result};

/// The extension of a folder that is not complete.
const EXTENSION: &str = "part";
/// The file in such a folder by which the next run recognises it.
pub(crate) const MARK: &str = "unfinished-clippy-copy";

/// A folder that is being written.
#[derive(Debug)]
pub(crate) struct NewFolder {
    unfinished: PathBuf,
    folder: PathBuf,
}

impl NewFolder {
    /// Begins to write a folder. It is made beside its place, as `NAME.part`. What an interrupted
    /// run left there is removed.
    ///
    /// # Errors
    /// `Conflict` when there are files in its place, or others than an interrupted run left beside
    /// it; `InvalidInput` when it cannot be made.
    pub(crate) fn begin(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder).map_err(|error| unusable(folder, &error))?;
        let name = folder.file_name().ok_or_else(|| {
            Error::invalid(format!("{} is not the name of a folder", folder.display()))
        })?;
        let mut part = name.to_owned();
        part.push(".");
        part.push(EXTENSION);
        let unfinished = folder.with_file_name(part);
        check_free(&folder)?;
        match unfinished.symlink_metadata() {
            Ok(_) if unfinished.join(MARK).is_file() => {
                remove_folder(&unfinished).map_err(|error| unusable(&unfinished, &error))?;
            }
            Ok(_) => check_free(&unfinished)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(&unfinished, &error)),
        }
        std::fs::create_dir_all(&unfinished)
            .and_then(|()| files::replace(&unfinished.join(MARK), b""))
            .map_err(|error| unusable(&unfinished, &error))?;
        Ok(Self { unfinished, folder })
    }

    /// Where its files are written.
    pub(crate) fn path(&self) -> &Path {
        &self.unfinished
    }

    /// Gives it its name. Its files must be on the disk already.
    ///
    /// # Errors
    /// `Internal` for errors of the file system.
    pub(crate) fn finish(self) -> Result<PathBuf> {
        let done = std::fs::remove_file(self.unfinished.join(MARK))
            .and_then(|()| files::sync_folder(&self.unfinished))
            .and_then(|()| std::fs::rename(&self.unfinished, &self.folder))
            .and_then(|()| self.folder.parent().map_or(Ok(()), files::sync_folder));
        done.map_err(|error| unusable(&self.folder, &error))?;
        Ok(self.folder)
    }
}

/// Whether a run that was interrupted, or that is still writing, left this folder.
pub(crate) fn is_unfinished(folder: &Path) -> bool {
    folder.join(MARK).is_file()
}

/// Checks that there is nothing, or an empty folder.
fn check_free(folder: &Path) -> Result<()> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "{} exists and is not empty: name a new folder, or remove it first",
                folder.display()
            ),
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unusable(folder, &error)),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(format!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_when_it_is_complete_and_replaces_only_what_a_run_left() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path().join("copy");
        let first = NewFolder::begin(&folder).expect("begun");
        std::fs::write(first.path().join("a"), "1").expect("written");
        assert!(is_unfinished(first.path()) && !folder.exists());
        // As after a kill.
        let second = NewFolder::begin(&folder).expect("begun again");
        assert!(!second.path().join("a").exists());
        std::fs::write(second.path().join("b"), "2").expect("written");
        assert_eq!(second.finish().expect("complete"), folder);
        assert!(folder.join("b").is_file() && !is_unfinished(&folder));
        let error = NewFolder::begin(&folder).expect_err("not empty");
        assert_eq!(error.code, ErrorCode::Conflict);
    }

    #[test]
    fn an_empty_folder_is_used_and_a_folder_of_somebody_else_is_not_removed() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path().join("copy");
        std::fs::create_dir(&folder).expect("made");
        NewFolder::begin(&folder)
            .expect("empty")
            .finish()
            .expect("complete");
        let foreign = place.path().join("copy.part");
        std::fs::create_dir(&foreign).expect("made");
        std::fs::write(foreign.join("mine"), "1").expect("written");
        assert!(NewFolder::begin(&folder).is_err());
        assert!(foreign.join("mine").is_file());
    }
}
