//! Failures of a generation, classified by what can be done about them.

use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use serde::{Deserialize, Serialize};

/// What can be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The request cannot work unless it is changed.
    InvalidInput,
    /// The provider will refuse until its configuration changes: a retired model, a missing node,
    /// a disabled API.
    Permanent,
    /// A later attempt may succeed.
    Transient,
    /// The key, the token or its rights are wrong.
    Auth,
    /// A safety filter of the provider stopped the request or all of its pictures.
    Blocked,
    /// The call was sent and its outcome is not known, so it may have been charged. It is only
    /// repeated when a person asks for it.
    MaybeCharged,
    /// It was cancelled, or another run continues it.
    Cancelled,
}

impl FailureClass {
    /// Whether the same call may be repeated automatically.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Transient => true,
            Self::InvalidInput
            | Self::Permanent
            | Self::Auth
            | Self::Blocked
            | Self::MaybeCharged
            | Self::Cancelled => false,
        }
    }

    /// The name in a job's `error.code`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::Permanent => "provider_refused",
            Self::Transient => "provider_unavailable",
            Self::Auth => "provider_auth",
            Self::Blocked => "blocked",
            Self::MaybeCharged => "maybe_charged",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a provider's error says more exactly than its class, where something is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    /// The provider has no such model.
    NoSuchModel,
    /// The address is not one of the provider's.
    NoSuchAddress,
    /// The account lacks the right to this call.
    NotAllowed,
}

/// A failure with its class and a message for a person.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct GenerateError {
    /// What can be done about it.
    pub class: FailureClass,
    /// What happened, why, and what to do.
    pub message: String,
    /// How long to wait before the next attempt, if the provider said so.
    pub retry_after: Option<Duration>,
    /// Whether the provider may charge for the failed call; false only if it certainly does not.
    pub charged: bool,
    /// Its exact cause, if it is known.
    pub cause: Option<FailureCause>,
}

impl GenerateError {
    /// A failure of this class.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            retry_after: None,
            charged: class == FailureClass::MaybeCharged,
            cause: None,
        }
    }

    /// [`FailureClass::InvalidInput`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureClass::InvalidInput, message)
    }

    /// [`FailureClass::Permanent`].
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, message)
    }

    /// [`FailureClass::Transient`], with the wait that the provider asked for.
    pub fn transient(message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..Self::new(FailureClass::Transient, message)
        }
    }

    /// [`FailureClass::MaybeCharged`].
    pub fn maybe_charged(message: impl Into<String>) -> Self {
        Self::new(FailureClass::MaybeCharged, message)
    }

    /// [`FailureClass::Cancelled`].
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(FailureClass::Cancelled, "the generation was cancelled")
    }

    /// Adds the exact cause.
    #[must_use]
    pub fn with_cause(self, cause: FailureCause) -> Self {
        Self {
            cause: Some(cause),
            ..self
        }
    }

    /// Marks a failure whose call the provider may still charge for.
    #[must_use]
    pub fn mark_charged(mut self) -> Self {
        self.charged = true;
        self
    }
}

impl From<GenerateError> for Error {
    fn from(error: GenerateError) -> Self {
        let code = match error.class {
            FailureClass::InvalidInput => ErrorCode::InvalidInput,
            FailureClass::Permanent | FailureClass::Blocked => ErrorCode::Unsupported,
            FailureClass::Transient => ErrorCode::Unavailable,
            FailureClass::Auth => ErrorCode::Unauthorized,
            FailureClass::MaybeCharged | FailureClass::Cancelled => ErrorCode::Conflict,
        };
        Self::new(code, error.message)
    }
}

impl From<Error> for GenerateError {
    fn from(error: Error) -> Self {
        let class = if error.code.is_retryable() {
            FailureClass::Transient
        } else {
            FailureClass::InvalidInput
        };
        Self::new(class, error.message)
    }
}
