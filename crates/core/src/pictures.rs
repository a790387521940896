//! The contract of reading picture files and thumbnails.

use std::fs::File;
use std::io::Read as _;

use async_trait::async_trait;
use bytes::Bytes;
use unicode_normalization::UnicodeNormalization;

use crate::{Error, Result};

/// The widest thumbnail. A larger width gives this one.
pub const WIDEST_THUMBNAIL: u32 = 2048;

/// A picture's content.
#[derive(Debug)]
pub enum PictureContent {
    /// Bytes in memory: thumbnails, which are small and shared.
    Memory(Bytes),
    /// An open file and its length in bytes. It is streamed to the caller.
    File(File, u64),
}

impl PictureContent {
    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// Reads all of it into memory. It blocks this thread while it reads a file.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Internal`] when the file cannot be read.
    pub fn whole(self) -> Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(file, length) => {
                let mut bytes = Vec::new();
                file.take(length).read_to_end(&mut bytes).map_err(|error| {
                    Error::internal("a picture's file could not be read").with_source(error)
                })?;
                Ok(bytes.into())
            }
        }
    }
}

/// A picture's file, or its thumbnail, for a browser.
#[derive(Debug)]
pub struct ServedPicture {
    /// The whole file, or the whole thumbnail.
    pub content: PictureContent,
    /// Its media type, recognised by its content: `image/png`, `image/jpeg`, …
    pub content_type: String,
    /// Changes whenever the bytes do: letters, digits, `-` and `_` only, without the quotes of the
    /// header.
    pub etag: String,
}

/// Reads the files of the collection's pictures.
#[async_trait]
pub trait Pictures: Send + Sync + 'static {
    /// Opens the file of a payload's `path`, or a thumbnail at most `width` pixels wide (from 1 to
    /// [`WIDEST_THUMBNAIL`]). A picture is never enlarged.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] when there is no such file, [`crate::ErrorCode::Forbidden`]
    /// when it is outside of the roots (symlinks resolved),
    /// [`crate::ErrorCode::InvalidPicture`] when it is not a picture.
    async fn open(&self, path: &str, width: Option<u32>) -> Result<ServedPicture>;
}

/// Returns the spellings under which a file system may have this path, the given one first: with
/// `/` for `\\` (manifests from Windows), and with accented letters composed or decomposed (macOS
/// and archives differ there).
#[must_use]
pub fn spellings(path: &str) -> Vec<String> {
    let mut found = vec![path.to_owned()];
    if !std::path::is_separator('\\') && path.contains('\\') {
        found.push(path.replace('\\', "/"));
    }
    for index in 0..found.len() {
        if !found[index].is_ascii() {
            let (composed, parts) = (
                found[index].nfc().collect::<String>(),
                found[index].nfd().collect::<String>(),
            );
            found.extend([composed, parts]);
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|spelling| seen.insert(spelling.clone()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_looked_for_as_other_systems_write_it() {
        assert_eq!(spellings("a/b.png"), ["a/b.png"]);
        let composed = "caf\u{e9}\\1.png";
        let found = spellings(composed);
        assert_eq!(found[0], composed, "as it is given comes first");
        for spelling in ["caf\u{e9}/1.png", "cafe\u{301}/1.png"] {
            assert!(
                cfg!(windows) || found.iter().any(|one| one == spelling),
                "{found:?}"
            );
        }
        assert!(spellings("cafe\u{301}.png").contains(&"caf\u{e9}.png".to_owned()));
    }
}
