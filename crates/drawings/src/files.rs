//! Writes files that are always complete, and are not touched when nothing changed.

use std::fs;
use std::io::{Cursor, ErrorKind};
use std::path::Path;

use clippy_common::files;
use image::{ImageFormat, RgbImage};

use crate::error::Error;

/// Makes the file contain the bytes. Returns whether it had to be written: a file that contains
/// them already is not touched.
///
/// Does not sync to disk: the next run finds and repairs what a power cut damaged.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<bool, Error> {
    if read(path)?.as_deref() == Some(bytes) {
        return Ok(false);
    }
    files::replace_without_sync(path, bytes).map_err(Error::file(path))?;
    Ok(true)
}

/// Reads a file's bytes; `None` when it does not exist.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path)(error)),
    }
}

/// Removes the file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file(path)(error)),
        _ => Ok(()),
    }
}

/// Makes the folder and those above it.
pub(crate) fn folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::file(path))
}

/// Encodes a picture as PNG.
pub(crate) fn png(picture: &RgbImage) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| Error::Picture(error.to_string()))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_only_when_it_differs_and_leaves_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        assert!(keep(&path, b"one").unwrap());
        assert!(!keep(&path, b"one").unwrap());
        assert!(keep(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_the_file_and_leaves_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("is_a_folder");
        fs::create_dir(&path).unwrap();
        let fault = keep(&path, b"one").unwrap_err().to_string();
        assert!(fault.contains("is_a_folder"), "{fault}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
