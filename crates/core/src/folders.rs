//! Which files bulk work may use: manifests and pictures under `IMAGES_ROOT` or `DATA_DIR`, and
//! lists of failures in `DATA_DIR`. Symbolic links are resolved first.
//!
//! Whoever can write to `DATA_DIR` may allow further folders of pictures. `clippy add` does this
//! before it sends the request to the server of that folder.
//!
//! The API checks this before it makes a job, and the worker checks it again before it runs one,
//! since the queue is not trusted either.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clippy_common::paths::without_dots;

use crate::paths::Root;
use crate::{Error, ErrorCode, Result};

/// The file in `DATA_DIR` that lists further folders of pictures.
const ALLOWED_FILE: &str = "added_folders.json";
/// The longest list that is read, in bytes.
const LONGEST_LIST: u64 = 1 << 20;

/// Folders of `DATA_DIR` whose pictures belong to no gallery: callers' sketches, made pictures,
/// thumbnails, and the program's own files.
const OWN_FOLDERS: [&str; 5] = ["collection", "inputs", "outputs", "scans", "thumbnails"];

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

    /// Returns `IMAGES_ROOT`, if it is set.
    #[must_use]
    pub fn images_root(&self) -> Option<PathBuf> {
        self.images_root.clone()
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

    /// Resolves a folder to read pictures from. It must be in one of the folders, of `recorded`, or
    /// of the allowed folders.
    ///
    /// # Errors
    /// As [`Folders::file`].
    pub fn folder(&self, field: &str, given: &str, recorded: &[String]) -> Result<PathBuf> {
        let known: Vec<String> = recorded.iter().cloned().chain(self.allowed()).collect();
        let found = self.existing(field, given, &known)?;
        if found.is_dir() {
            return Ok(found);
        }
        Err(Error::invalid(format!(
            "{field} is \"{given}\", which is not a folder"
        )))
    }

    /// Resolves a folder or a file of pictures to add. It must be in one of the folders, of
    /// `recorded`, or of the allowed folders.
    ///
    /// # Errors
    /// As [`Folders::file`]. For a path elsewhere, the message says what to do.
    pub fn pictures(&self, given: &str, recorded: &[String]) -> Result<PathBuf> {
        let known: Vec<String> = recorded.iter().cloned().chain(self.allowed()).collect();
        let found = self.existing("paths", given, &known).map_err(|error| {
            if error.code != ErrorCode::Forbidden {
                return error;
            }
            Error::new(
                ErrorCode::Forbidden,
                format!(
                    "\"{given}\" is outside the folders that this server may read. Run \
                     `clippy add \"{given}\"` on the server's machine, or start the server with \
                     IMAGES_ROOT set to a folder that contains it"
                ),
            )
        })?;
        self.check_not_own(&found)?;
        Ok(found)
    }

    /// Checks that pictures to add are not those that the program made or keeps for itself.
    ///
    /// # Errors
    /// `InvalidInput` for `DATA_DIR` and those of its folders that hold no pictures of a gallery.
    pub fn check_not_own(&self, path: &Path) -> Result<()> {
        let data = self.data_dir.as_ref();
        let Some(data) = data.and_then(|data| data.canonicalize().ok()) else {
            return Ok(());
        };
        let Ok(path) = path.canonicalize() else {
            return Ok(());
        };
        let is_own = path == data
            || OWN_FOLDERS
                .iter()
                .any(|folder| path.starts_with(data.join(folder)));
        if is_own {
            return Err(Error::invalid(
                "the data folder is the program's own: name a folder of your pictures",
            ));
        }
        Ok(())
    }

    /// Returns the folders of pictures that the list in `DATA_DIR` allows.
    #[must_use]
    pub fn allowed(&self) -> Vec<String> {
        let list = self.data_dir.as_ref().map(|data| data.join(ALLOWED_FILE));
        let read = |list: &Path| -> Option<Vec<String>> {
            let mut text = String::new();
            std::fs::File::open(list)
                .ok()?
                .take(LONGEST_LIST)
                .read_to_string(&mut text)
                .ok()?;
            serde_json::from_str(&text).ok()
        };
        list.and_then(|list| read(&list)).unwrap_or_default()
    }

    /// Allows further folders of pictures by writing them to a list in `DATA_DIR`.
    ///
    /// # Errors
    /// `InvalidInput` if the list cannot be written.
    pub fn allow(&self, folders: &[PathBuf]) -> Result<()> {
        let Some(data) = &self.data_dir else {
            return Ok(());
        };
        let unwritable = |error: std::io::Error| {
            Error::invalid(format!(
                "the list of added folders in {} cannot be written: {error}",
                data.display()
            ))
        };
        // Two commands may do this at the same time.
        let lock = std::fs::File::create(data.join(format!(".{ALLOWED_FILE}.lock")))
            .map_err(unwritable)?;
        lock.lock().map_err(unwritable)?;
        let mut allowed = self.allowed();
        for folder in folders.iter().filter_map(|folder| folder.to_str()) {
            if !allowed.iter().any(|known| known == folder) {
                allowed.push(folder.to_owned());
            }
        }
        let text = serde_json::json!(allowed).to_string();
        clippy_common::files::replace(&data.join(ALLOWED_FILE), text.as_bytes()).map_err(unwritable)
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
                     server that runs: start it with IMAGES_ROOT set to that folder, or stop it \
                     and \
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
    fn the_programs_own_folders_are_no_folders_of_pictures() {
        let (folder, folders) = allowed_folders();
        for name in ["outputs/made", "thumbnails", "pictures/00", "comics"] {
            std::fs::create_dir_all(folder.path().join("data").join(name)).expect("made");
        }
        let data = folder.path().join("data");
        for own in [
            "",
            "outputs",
            "outputs/made",
            "thumbnails",
            "comics/../thumbnails",
        ] {
            let path = data.join(own);
            let given = path.display().to_string();
            let error = folders.pictures(&given, &[]).expect_err(own);
            assert_eq!(error.code, ErrorCode::InvalidInput, "{own}: {error}");
            assert!(folders.check_not_own(&path).is_err(), "{own}");
        }
        for good in ["pictures/00", "comics"] {
            let given = data.join(good).display().to_string();
            folders.pictures(&given, &[]).expect(good);
        }
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
    fn pictures_elsewhere_are_refused_with_advice_until_their_folder_is_allowed() {
        let (folder, folders) = allowed_folders();
        let other = folder
            .path()
            .canonicalize()
            .expect("there")
            .join("other/o.jsonl");
        let given = other.to_str().expect("UTF-8");
        let error = folders.pictures(given, &[]).expect_err("outside");
        assert_eq!(error.code, ErrorCode::Forbidden);
        for word in ["clippy add", given, "IMAGES_ROOT"] {
            assert!(error.message.contains(word), "{error}");
        }
        assert!(folders.pictures("sub", &[]).is_ok());
        let missing = folders.pictures("sub/none", &[]).expect_err("not there");
        assert_eq!(missing.code, ErrorCode::InvalidInput);
        let parent = other.parent().expect("a folder").to_owned();
        folders
            .allow(std::slice::from_ref(&parent))
            .expect("written");
        folders.allow(&[parent]).expect("written again");
        assert_eq!(folders.allowed().len(), 1);
        assert_eq!(folders.pictures(given, &[]).expect("allowed"), other);
        assert!(
            folders.file("manifest", given).is_err(),
            "only pictures are allowed there"
        );
        std::fs::write(folder.path().join("data/added_folders.json"), "nonsense").expect("written");
        assert!(folders.allowed().is_empty());
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
