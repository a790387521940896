//! The list of watched folders in the data folder.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The file in the data folder.
const FILE: &str = "watched_folders.json";
/// The longest list that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A folder of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The folder, absolute.
    pub(super) path: PathBuf,
    /// Whether it is watched.
    pub(super) on: bool,
    /// Whether the names of its sub-folders become tags and styles.
    #[serde(default)]
    pub(super) tags_from_folders: bool,
}

/// Reads the list. Waits for the disk.
pub(super) fn read(data: &Path) -> Result<Vec<Entry>> {
    let mut text = String::new();
    let file = match std::fs::File::open(data.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(&error.to_string())),
    };
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(&error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&error.to_string()))
}

/// Replaces the list. Waits for the disk.
pub(super) fn write(data: &Path, entries: &[Entry]) -> Result<()> {
    let text = serde_json::to_string_pretty(entries)
        .map_err(|error| Error::invalid(format!("a path cannot be recorded: {error}")))?;
    files::replace(&data.join(FILE), text.as_bytes()).map_err(|error| {
        Error::internal("the list of watched folders cannot be written").with_source(error)
    })
}

fn unreadable(reason: &str) -> Error {
    Error::invalid(format!(
        "{FILE} in the data folder, the list of watched folders, cannot be read ({reason}): \
         correct it or remove it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_as_it_was_written_and_a_damaged_one_is_an_error() {
        let data = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(read(data.path()).expect("no list"), []);
        let entries = [Entry {
            path: "/a".into(),
            on: true,
            tags_from_folders: false,
        }];
        write(data.path(), &entries).expect("written");
        assert_eq!(read(data.path()).expect("read"), entries);
        std::fs::write(data.path().join(FILE), "[").expect("written");
        let error = read(data.path()).expect_err("damaged");
        assert!(error.message.contains(FILE), "{error}");
    }
}
