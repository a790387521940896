//! The error type at the boundaries between crates.
//!
//! Inside, a crate may use a more precise error type, which it converts to an [`Error`] at its
//! boundary. The API maps [`ErrorCode`] to a status in one place; the command line prints the
//! message.

use std::io::ErrorKind;

/// The result type at the boundaries between crates.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure. There are few, so that decisions can match all of them.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    /// The caller sent something that can never work. The message says what and why.
    InvalidInput,
    /// The file is not a picture, or cannot be decoded.
    InvalidPicture,
    /// The body, the picture or the file is larger than the limit.
    TooLarge,
    /// No such point, job, picture or route.
    NotFound,
    /// This caller may not see or do it.
    Forbidden,
    /// No key, or a wrong one.
    Unauthorized,
    /// The request conflicts with what exists, such as another model, dimension or state.
    Conflict,
    /// The request is valid, but not supported here.
    Unsupported,
    /// Too many requests are waiting. A later retry may succeed.
    Overloaded,
    /// A service that the request needs is unavailable. A later retry may succeed.
    Unavailable,
    /// It took longer than allowed.
    Timeout,
    /// A provider's safety filter blocked it.
    Blocked,
    /// A paid call was sent and its outcome is unknown. It is never retried automatically.
    MaybeCharged,
    /// The daily budget does not cover it.
    OverBudget,
    /// A fault in Clippy. The message is for the log, not for callers.
    Internal,
}

impl ErrorCode {
    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Overloaded | Self::Unavailable | Self::Timeout => true,
            Self::InvalidInput
            | Self::InvalidPicture
            | Self::TooLarge
            | Self::NotFound
            | Self::Forbidden
            | Self::Unauthorized
            | Self::Conflict
            | Self::Unsupported
            | Self::Blocked
            | Self::MaybeCharged
            | Self::OverBudget
            | Self::Internal => false,
        }
    }

    /// Returns the name in answers and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A failure: its kind, a message for a person, and its cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind of failure.
    pub code: ErrorCode,
    /// What happened, why, and what to do about it.
    pub message: String,
    /// The cause. It is logged, never shown to callers.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes a failure of this kind, with a message for a person.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: None,
        }
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Makes an error with [`ErrorCode::InvalidInput`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message)
    }

    /// Makes an error with [`ErrorCode::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// Makes an error with [`ErrorCode::Unavailable`] for something that a full disk prevented, such
    /// as "the database cannot be written".
    pub fn disk_full(
        what: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(
            ErrorCode::Unavailable,
            format!("{what}, since its disk is full: make room there, then try again"),
        )
        .with_source(std::io::Error::new(ErrorKind::StorageFull, source))
    }

    /// Whether a full disk is the cause.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>()
                && error.kind() == ErrorKind::StorageFull
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Makes an error with [`ErrorCode::Internal`]: its message goes only to the log.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }
}
