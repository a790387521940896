//! One error for everything that crosses a boundary between parts.
//!
//! A part keeps its own precise error type inside and turns it into an [`Error`] where it hands it
//! on. The HTTP layer maps [`ErrorCode`] to a status once; the command line prints the message.

/// The result of everything that crosses a boundary between parts.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure this is: small enough to be matched exhaustively wherever a decision is
/// made.
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
    /// What was sent is not a picture that can be read.
    InvalidPicture,
    /// The body, the picture or the file is larger than the limit.
    TooLarge,
    /// No such point, job, picture or route.
    NotFound,
    /// Known, but not to be given to this caller.
    Forbidden,
    /// No key, or a wrong one.
    Unauthorized,
    /// It does not fit what is there already: another model, another dimension, another state.
    Conflict,
    /// Understood, but something asked for cannot be honoured here.
    Unsupported,
    /// Too much is waiting already; trying again later helps.
    Overloaded,
    /// Something this needs is away for the moment; trying again later helps.
    Unavailable,
    /// It took longer than allowed.
    Timeout,
    /// A safety filter of whoever makes pictures stopped it.
    Blocked,
    /// A call that costs money was sent and its outcome is not known: it is never repeated unasked.
    MaybeCharged,
    /// A fault of ours. The message is for the log, never for a caller.
    Internal,
}

impl ErrorCode {
    /// Whether the same request may succeed later without being changed.
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
            | Self::Internal => false,
        }
    }

    /// The name as it stands in answers and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A failure with its kind, a message for a person (what happened, why, what to do), and its cause.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind of failure.
    pub code: ErrorCode,
    /// What happened, why, and what to do about it.
    pub message: String,
    /// What lay underneath; logged, never shown.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of this kind, with a message for a person.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: None,
        }
    }

    /// Keeps what lay underneath for the log.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// [`ErrorCode::InvalidInput`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message)
    }

    /// [`ErrorCode::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// [`ErrorCode::Internal`]: the message goes to the log only.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }
}
