//! Maps a provider's failure to the failure of its job.

use clippy_core::ErrorCode;
use clippy_generate::{FailureClass, GenerateError};
use clippy_jobs::JobError;

/// Maps an error of a provider. Only a transient one is retried automatically.
pub(super) fn job_error(error: GenerateError) -> JobError {
    let code = match error.class {
        FailureClass::Transient => {
            return JobError::Transient {
                code: ErrorCode::Unavailable,
                message: error.message,
                after: error.retry_after,
            };
        }
        FailureClass::Cancelled => return JobError::Cancelled,
        FailureClass::InvalidInput => ErrorCode::InvalidInput,
        // The provider's key belongs to the server, so for the caller this is `Unsupported` and not
        // a failed authentication.
        FailureClass::Permanent | FailureClass::Auth => ErrorCode::Unsupported,
        FailureClass::Blocked => ErrorCode::Blocked,
        FailureClass::MaybeCharged => ErrorCode::MaybeCharged,
    };
    JobError::permanent(code, error.message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_a_transient_failure_is_retried_and_after_the_pause_that_the_provider_asks_for() {
        for (class, code) in [
            (FailureClass::InvalidInput, ErrorCode::InvalidInput),
            (FailureClass::Permanent, ErrorCode::Unsupported),
            (FailureClass::Auth, ErrorCode::Unsupported),
            (FailureClass::Blocked, ErrorCode::Blocked),
            (FailureClass::MaybeCharged, ErrorCode::MaybeCharged),
        ] {
            assert_eq!(
                job_error(GenerateError::new(class, "no")),
                JobError::permanent(code, "no")
            );
        }
        assert_eq!(job_error(GenerateError::cancelled()), JobError::Cancelled);
        let wait = Some(Duration::from_secs(13));
        let busy = job_error(GenerateError::transient("busy", wait));
        let expected = JobError::Transient {
            code: ErrorCode::Unavailable,
            message: "busy".to_owned(),
            after: wait,
        };
        assert_eq!(busy, expected);
    }
}
