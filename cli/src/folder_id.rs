//! The id of a data folder, by which servers and workers find out whether they share it.

use std::io::ErrorKind;
use std::path::Path;

use clippy_core::{Error, Result};
use uuid::Uuid;

/// The name of the file with the id.
pub const FILE: &str = "folder_id";

/// Returns the id of this folder. It is created if there is none.
pub fn open(data: &Path) -> Result<String> {
    if let Some(id) = read(data)? {
        return Ok(id);
    }
    let path = data.join(FILE);
    // If another process creates it at the same time, both use the id of the first one.
    clippy_common::files::create(&path, Uuid::new_v4().to_string().as_bytes())
        .map_err(|error| unusable(&path, error))?;
    read(data)?.ok_or_else(|| Error::internal(format!("{} is empty: delete it", path.display())))
}

/// Returns the id of this folder, if it has one.
pub fn read(data: &Path) -> Result<Option<String>> {
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(id) => Ok(Some(id.trim().to_owned()).filter(|id| !id.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&path, error)),
    }
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    Error::internal(format!("{} cannot be read or written", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_id_and_no_other_has_it() {
        let (one, other) = (
            tempfile::tempdir().expect("a folder"),
            tempfile::tempdir().expect("a folder"),
        );
        assert_eq!(read(one.path()).expect("read"), None);
        let id = open(one.path()).expect("an id");
        assert_eq!(open(one.path()).expect("an id"), id);
        assert_ne!(open(other.path()).expect("an id"), id);
    }
}
