//! Why a run cannot begin or go on.

use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Bad arguments.
    #[error("{0}")]
    Usage(String),
    /// The output folder has another run or somebody else's files in it.
    #[error("{0}")]
    Refused(String),
    /// Another run uses the output folder now.
    #[error("{0}")]
    Busy(String),
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

/// Runs work that waits for the disk on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    clippy_common::run_blocking(work, |error| FetchError::File(error.to_string())).await
}
