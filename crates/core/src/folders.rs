//! Which files bulk work may use: manifests and pictures under `IMAGES_ROOT` or `DATA_DIR`, and lists
//! of failures in `DATA_DIR`. Symbolic links are resolved first.
//!
//! The API checks this before it makes a job, and the worker checks it again before it runs one,
//! since the queue is not trusted either.

use std::path::{Path, PathBuf};

use clippy_common::paths::without_dots;

use crate::paths::Root;
use crate::{Error, ErrorCode, Result};

/// The extensions that a list of failures may have, so that it never overwrites another kind of
/// file.
const LISTS: [&str; 2] = ["txt", "log"];

/// The folders of a server or a worker. Its methods wait for the disk.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    images_root: Option<PathBuf>,
    data_dir: Option<PathBuf>,
}

impl Folders {
    /// Makes the list of allowed folders; `None` allows nothing.
    #[must_use]
    pub fn new(images_root: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        Self {
            images_root,
            data_dir,
        }
    }

    /// Resolves a file to read. The path is absolute, or relative to one of the folders.
    ///
    /// # Errors
    /// `Forbidden` outside of the folders, `InvalidInput` when it does not exist. The message names
    /// `field`.
    pub fn file(&self, field: &str, given: &str) -> Result<PathBuf> {
        let found = self.existing(field, given, &[])?;
        if found.is_file() {
            return Ok(found);
        }
        Err(Error::invalid(format!(
            "{field} is \"{given}\", which is not a file"
        )))
    }

    /// Resolves a folder to read pictures from. It is in one of the folders or of `recorded`.
    ///
    /// # Errors
    /// As [`Folders::file`].
    pub fn folder(&self, field: &str, given: &str, recorded: &[String]) -> Result<PathBuf> {
        let found = self.existing(field, given, recorded)?;
        if found.is_dir() {
            return Ok(found);
        }
        Err(Error::invalid(format!(
            "{field} is \"{given}\", which is not a folder"
        )))
    }

    /// Resolves a list to write in `DATA_DIR`. The path is absolute or relative to it.
    ///
    /// # Errors
    /// As [`Folders::file`]; `InvalidInput` for another extension than `.txt` and `.log`.
    pub fn list(&self, field: &str, given: &str) -> Result<PathBuf> {
        let data = self
            .data_dir
            .as_deref()
            .and_then(|folder| folder.canonicalize().ok())
            .ok_or_else(|| {
                Error::new(
                    ErrorCode::Forbidden,
                    format!("{field}: there is no DATA_DIR to write lists to"),
                )
            })?;
        let wanted = data.join(given);
        let known = wanted
            .extension()
            .and_then(|kind| kind.to_str())
            .is_some_and(|kind| LISTS.contains(&kind));
        let (Some(folder), Some(name)) = (wanted.parent(), wanted.file_name().filter(|_| known))
        else {
            return Err(Error::invalid(format!(
                "{field} is \"{given}\", but must be a file that ends in .txt or .log"
            )));
        };
        match folder.canonicalize() {
            // Writing would follow a link in the file's place.
            Ok(folder) if folder.starts_with(&data) && folder.join(name).is_symlink() => {
                Err(Error::new(
                    ErrorCode::Forbidden,
                    format!("{field} is \"{given}\", which is a symbolic link"),
                ))
            }
            Ok(folder) if folder.starts_with(&data) => Ok(folder.join(name)),
            Err(error) if without_dots(folder).is_some_and(|folder| folder.starts_with(&data)) => {
                Err(Error::invalid(format!(
                    "{field} is \"{given}\", whose folder cannot be used: {error}"
                )))
            }
            _ => Err(Error::new(
                ErrorCode::Forbidden,
                format!("{field} is \"{given}\", but must lie under DATA_DIR"),
            )),
        }
    }

    fn existing(&self, field: &str, given: &str, recorded: &[String]) -> Result<PathBuf> {
        if given.is_empty() || given.contains('\0') {
            return Err(Error::invalid(format!("{field} is empty or not a path")));
        }
        let own = self
            .images_root
            .iter()
            .chain(&self.data_dir)
            .map(PathBuf::as_path);
        let folders = own
            .chain(recorded.iter().map(Path::new))
            .filter_map(|folder| Root::open(folder).ok());
        let (mut reason, mut leads_outside) = (None, false);
        for root in folders {
            // `join` drops the folder when the given path is absolute.
            let wanted = root.resolved().join(given);
            match wanted.canonicalize() {
                Ok(found) if root.holds(&found) => return Ok(found),
                Ok(_) => leads_outside = true,
                // Only for paths in these folders may the caller learn whether a file exists.
                Err(error) if root.names(&wanted) => {
                    reason.get_or_insert(error);
                }
                Err(_) => {}
            }
        }
        Err(match reason.filter(|_| !leads_outside) {
            Some(error) => Error::invalid(format!(
                "{field} is \"{given}\", which cannot be read: {error}"
            )),
            None => Error::new(
                ErrorCode::Forbidden,
                format!(
                    "{field} is \"{given}\", but must lie under the IMAGES_ROOT or DATA_DIR of the \
                     server that runs: start it with IMAGES_ROOT set to that folder, or stop it and \
                     run the command without a server"
                ),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed_folders() -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["images/sub", "data", "other"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        for name in ["images/sub/m.jsonl", "data/d.jsonl", "other/o.jsonl"] {
            std::fs::write(folder.path().join(name), "{}").expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(
            folder.path().join("other"),
            folder.path().join("images/out"),
        )
        .expect("linked");
        let path = |name: &str| Some(folder.path().join(name));
        let folders = Folders {
            images_root: path("images"),
            data_dir: path("data"),
        };
        (folder, folders)
    }

    #[test]
    fn files_under_the_folders_are_found_and_others_are_not() {
        let (folder, folders) = allowed_folders();
        let absolute = folder
            .path()
            .join("images/sub/m.jsonl")
            .display()
            .to_string();
        for good in [
            "sub/m.jsonl",
            "./sub/../sub/m.jsonl",
            "d.jsonl",
            absolute.as_str(),
        ] {
            assert!(folders.file("manifest", good).expect(good).is_absolute());
        }
        let outside = folder.path().join("other/o.jsonl").display().to_string();
        let nowhere = folder.path().join("other/none.jsonl").display().to_string();
        for (bad, code) in [
            (outside.as_str(), ErrorCode::Forbidden),
            (nowhere.as_str(), ErrorCode::Forbidden),
            ("../other/o.jsonl", ErrorCode::Forbidden),
            ("out/o.jsonl", ErrorCode::Forbidden),
            ("/etc/passwd", ErrorCode::Forbidden),
            ("sub/none.jsonl", ErrorCode::InvalidInput),
            ("sub", ErrorCode::InvalidInput),
            ("", ErrorCode::InvalidInput),
        ] {
            let error = folders.file("manifest", bad).expect_err(bad);
            assert_eq!(error.code, code, "{bad}: {error}");
            assert!(error.message.contains("manifest"), "{error}");
        }
        let other = folder.path().join("other").display().to_string();
        assert!(folders.folder("images_root", &other, &[]).is_err());
        assert!(
            folders
                .folder("images_root", &other, std::slice::from_ref(&other))
                .is_ok(),
            "recorded"
        );
    }

    #[test]
    fn lists_are_written_to_the_data_folder_and_replace_no_other_file() {
        let (folder, folders) = allowed_folders();
        let written = folders.list("fail_log", "failed.txt").expect("good");
        assert_eq!(
            written,
            folder
                .path()
                .canonicalize()
                .expect("there")
                .join("data/failed.txt")
        );
        for bad in [
            "clippy.db",
            "d.jsonl",
            "none/failed.txt",
            "../images/failed.txt",
            "/tmp/failed.txt",
            "..",
        ] {
            assert!(folders.list("fail_log", bad).is_err(), "{bad}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(
                folder.path().join("other/o.jsonl"),
                folder.path().join("data/link.txt"),
            )
            .expect("linked");
            assert_eq!(
                folders
                    .list("fail_log", "link.txt")
                    .expect_err("a link")
                    .code,
                ErrorCode::Forbidden
            );
        }
        let none = Folders::default();
        assert_eq!(
            none.list("fail_log", "f.txt").expect_err("nowhere").code,
            ErrorCode::Forbidden
        );
    }
}
