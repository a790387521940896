//! Work that would block an async thread.

use clippy_common::run_blocking;

use crate::{Error, Result};

/// Runs blocking work (disk access, long computation) on tokio's blocking threads. `what` names the
/// work in the error.
///
/// # Errors
/// The work's own, and [`crate::ErrorCode::Internal`] when it panicked or the runtime was shut
/// down.
pub async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    run_blocking(work, |error| {
        Error::internal(format!("{what} ended early")).with_source(error)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[tokio::test]
    async fn answers_and_failures_are_passed_on() {
        let answer = blocking("adding", || Ok(1 + 1)).await;
        assert_eq!(answer.expect("two"), 2);
        let refused = blocking("looking", || Err::<(), _>(Error::not_found("nothing"))).await;
        assert_eq!(refused.expect_err("refused").code, ErrorCode::NotFound);
    }

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error_that_names_the_work() {
        let ended = blocking::<()>("reading a file", || panic!("a fault")).await;
        let error = ended.expect_err("it panicked");
        assert_eq!(error.code, ErrorCode::Internal);
        assert_eq!(error.message, "reading a file ended early");
    }
}
