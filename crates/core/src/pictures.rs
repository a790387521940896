//! The contract between those who show pictures and the folders that hold their files.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// Widest thumbnail that is made; whoever asks for more gets this.
pub const WIDEST_THUMBNAIL: u32 = 2048;

/// A picture's file, or a thumbnail of it, as it goes to a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedPicture {
    /// The whole file.
    pub bytes: Bytes,
    /// Its media type, told by its content: `image/png`, `image/jpeg`, …
    pub content_type: String,
    /// Changes whenever the bytes do: letters, digits, `-` and `_` only, without the quotes of the header.
    pub etag: String,
}

/// Where the files of the collection's pictures are read.
#[async_trait]
pub trait Pictures: Send + Sync + 'static {
    /// The file that a payload's `path` names, or a thumbnail at most `width` pixels wide (from 1 to
    /// [`WIDEST_THUMBNAIL`]); a picture that is narrower already comes as it is.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotFound`] when there is no such file, [`crate::ErrorCode::Forbidden`] when it lies
    /// outside of the roots (symlinks resolved), [`crate::ErrorCode::InvalidPicture`] when it is no picture that
    /// can be shown.
    async fn open(&self, path: &str, width: Option<u32>) -> Result<ServedPicture>;
}
