//! What a provider's failure means for its job.

use clippy_core::ErrorCode;
use clippy_generate::{FailureClass, GenerateError};
use clippy_jobs::JobError;

/// Only what may pass by itself is tried again by itself.
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
        // The provider's key is the server's, not the caller's: to the caller, the server cannot do
        // it.
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
    fn only_a_transient_failure_is_tried_again_and_not_before_the_provider_allows() {
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
