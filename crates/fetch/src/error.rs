//! Why a run cannot begin or go on.

use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Bad arguments.
    #[error("{0}")]
    Usage(String),
    /// The output folder has another run in it.
    #[error("{0}")]
    Refused(String),
    /// The file system failed.
    #[error("{0}")]
    File(String),
}

impl FetchError {
    /// Names the file in an error of the file system.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File(format!("{}: {error}", path.display()))
    }
}
