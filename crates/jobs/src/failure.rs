//! Why an attempt failed, and when the next one may start.

use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use rand::Rng;

use crate::record::JobFailure;

/// Why a handler stopped. The class decides what happens next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// A retry cannot help: bad input, moderation, a refusal. The job fails.
    #[error("{message}")]
    Permanent {
        /// The kind of failure.
        code: ErrorCode,
        /// What happened, why, and what to do.
        message: String,
    },
    /// A retry may help: a server that is busy or fails, a time-out, a lost connection. The job is
    /// tried again after a growing, jittered delay.
    #[error("{message}")]
    Transient {
        /// The kind of failure.
        code: ErrorCode,
        /// What happened, why, and what to do.
        message: String,
        /// The server's `Retry-After`: not before this.
        after: Option<Duration>,
    },
    /// Nothing failed, but it is too early: a local rate limit, or a device without free memory.
    /// Does not count as an attempt.
    #[error("too early: try again in {0:?}")]
    Snooze(Duration),
    /// Stopped on request.
    #[error("cancelled")]
    Cancelled,
    /// The worker is stopping: queue the job again, with its checkpoint. Does not count as an
    /// attempt.
    #[error("handed back")]
    HandedBack,
}

impl JobError {
    /// [`JobError::Permanent`].
    pub fn permanent(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Permanent {
            code,
            message: message.into(),
        }
    }

    /// [`JobError::Transient`] without a `Retry-After`.
    pub fn transient(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Transient {
            code,
            message: message.into(),
            after: None,
        }
    }

    pub(crate) fn failure(&self) -> JobFailure {
        let (code, retryable) = match self {
            Self::Permanent { code, .. } => (*code, false),
            Self::Transient { code, .. } => (*code, true),
            Self::Snooze(_) | Self::HandedBack => (ErrorCode::Unavailable, true),
            Self::Cancelled => (ErrorCode::Conflict, true),
        };
        JobFailure {
            code,
            message: self.to_string(),
            retryable,
        }
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        if error.code.is_retryable() {
            Self::Transient {
                code: error.code,
                message: error.message,
                after: None,
            }
        } else {
            Self::Permanent {
                code: error.code,
                message: error.message,
            }
        }
    }
}

/// Delays between attempts: full jitter of `base * 2^n`, never above `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first delay.
    pub base: Duration,
    /// The bound of all delays.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(600),
        }
    }
}

impl Backoff {
    /// The longest delay before attempt `attempt + 1`; attempts count from 1.
    #[must_use]
    pub fn bound(&self, attempt: u32) -> Duration {
        self.base
            .saturating_mul(2_u32.saturating_pow(attempt.min(20)))
            .min(self.cap)
    }

    /// A random delay within the bound, but never shorter than `after`, the server's `Retry-After`.
    #[must_use]
    pub fn delay(&self, attempt: u32, after: Option<Duration>) -> Duration {
        let jittered = self.bound(attempt).mul_f64(rand::rng().random::<f64>());
        jittered.max(after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_wait_for_the_server() {
        let backoff = Backoff::default();
        assert_eq!(backoff.bound(1), Duration::from_secs(2));
        assert_eq!(backoff.bound(3), Duration::from_secs(8));
        assert_eq!(backoff.bound(60), Duration::from_secs(600));
        for _ in 0..200 {
            assert!(backoff.delay(2, None) <= Duration::from_secs(4));
            assert!(backoff.delay(1, Some(Duration::from_secs(30))) >= Duration::from_secs(30));
        }
    }

    #[test]
    fn retryable_errors_are_transient_and_others_permanent() {
        let unavailable = JobError::from(Error::new(ErrorCode::Unavailable, "unavailable"));
        assert!(
            matches!(unavailable, JobError::Transient { .. }) && unavailable.failure().retryable
        );
        let wrong = JobError::from(Error::invalid("wrong"));
        assert!(matches!(wrong, JobError::Permanent { .. }) && !wrong.failure().retryable);
    }
}
