//! Runs work of the engine, which reads and writes files.

use clippy_common::run_blocking;
use tonic::Status;

/// Runs work of the engine on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    run_blocking(work, |error| Status::internal(error.to_string())).await
}
