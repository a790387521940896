//! Work that would block an async thread.

use tokio::task::JoinError;

/// Starts blocking work (disk access, long computation) on tokio's blocking threads, and returns
/// its outcome when that is awaited. `ended` makes the error of work that panicked, or of a runtime
/// that was shut down. The work goes on if the future is dropped.
pub fn run_blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ended: impl FnOnce(JoinError) -> E,
) -> impl Future<Output = Result<T, E>> {
    let started = tokio::task::spawn_blocking(work);
    async move { started.await.map_err(ended)? }
}
