//! Errors of drawing or writing the gallery.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A drawing could not be turned into shapes; a fault in this crate's own data.
    #[error("the drawing of {subject} is not valid: {reason}")]
    Drawing {
        /// The subject.
        subject: String,
        /// The renderer's error.
        reason: String,
    },
    /// The renderer refused a picture, or a picture could not be encoded.
    #[error("the picture cannot be made: {0}")]
    Picture(String),
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The caller stopped the drawing.
    #[error("stopped before the gallery was drawn")]
    Stopped,
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
