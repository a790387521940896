//! What the client says went wrong, as errors for a person.

use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use qdrant_client::QdrantError;
use tonic::{Code, Status};

/// What an error is about.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// The server's address.
    pub(super) url: String,
    /// The collection's name.
    pub(super) collection: String,
}

/// What kind of trouble an answer tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No answer, or the connection broke: the call may have been executed or not.
    Away,
    /// It took too long.
    Slow,
    /// The server has too much to do.
    Busy,
    /// No key, or a wrong one.
    Key,
    /// The key may not do this.
    Rights,
    /// The collection is not there.
    NoCollection,
    /// A point is not there.
    NoPoint,
    /// The collection lacks a named vector.
    NoVector,
    /// There is such a thing already.
    Exists,
    /// The server does not know the call.
    Unknown,
    /// Its disk is full.
    DiskFull,
    /// Its disk cannot be written to.
    ReadOnly,
    /// No node serves a part of the collection.
    DeadShard,
    /// It lacks an index.
    NoIndex,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Whether the server could not be reached or did not answer: what opens the circuit, and what
    /// reading again may mend.
    pub(super) fn is_outage(self) -> bool {
        matches!(self, Self::Away | Self::Slow)
    }
}

/// The kind of trouble that a failed call tells of.
pub(super) fn trouble(error: &QdrantError) -> Trouble {
    match error {
        QdrantError::ResponseError { status } => of_status(status),
        QdrantError::ResourceExhaustedError { .. } => Trouble::Busy,
        QdrantError::Io(_) => Trouble::Away,
        _ => Trouble::Other,
    }
}

fn of_status(status: &Status) -> Trouble {
    let message = status.message();
    let says = |words: &str| message.contains(words);
    match status.code() {
        Code::Unauthenticated => Trouble::Key,
        // Some versions answer a wrong key like this.
        Code::PermissionDenied if says("Invalid API key") || says("Must provide an API key") => {
            Trouble::Key
        }
        Code::PermissionDenied => Trouble::Rights,
        Code::NotFound if says("Collection") => Trouble::NoCollection,
        Code::NotFound => Trouble::NoPoint,
        Code::AlreadyExists => Trouble::Exists,
        Code::Unimplemented => Trouble::Unknown,
        Code::InvalidArgument if says("Not existing vector name") => Trouble::NoVector,
        Code::InvalidArgument if says("already exists") => Trouble::Exists,
        Code::InvalidArgument if says("No appropriate index") || says("Index required") => {
            Trouble::NoIndex
        }
        Code::ResourceExhausted => Trouble::Busy,
        Code::DeadlineExceeded => Trouble::Slow,
        // The client's own time-out; else the connection was closed.
        Code::Cancelled if says("Timeout expired") => Trouble::Slow,
        Code::Cancelled => Trouble::Away,
        _ if says("No space left")
            || says("exceeds available disk space")
            || says("Not enough space") =>
        {
            Trouble::DiskFull
        }
        _ if says("Read-only file system") || says("read-only mode") => Trouble::ReadOnly,
        _ if says("no active replica")
            || says("does not have enough active replicas")
            || says("replicas are dead") =>
        {
            Trouble::DeadShard
        }
        Code::Unavailable => Trouble::Away,
        // What the client makes of a connection that cannot be had.
        Code::Internal if says("Failed to connect") => Trouble::Away,
        Code::Internal | Code::Unknown if is_transport(status) => Trouble::Away,
        _ => Trouble::Other,
    }
}

/// Whether the connection broke, rather than the server having answered.
fn is_transport(status: &Status) -> bool {
    let words = [
        "h2 protocol error",
        "transport error",
        "connection error",
        "broken pipe",
        "stream closed",
        "error reading",
    ];
    words.iter().any(|words| status.message().contains(words))
        || std::error::Error::source(status).is_some()
}

/// An error for a person: what was wanted, what is wrong, and what mends it.
pub(super) fn explain(about: &About, what: &str, error: QdrantError) -> Error {
    let About { url, collection } = about;
    let trouble = trouble(&error);
    let (code, message) = match trouble {
        Trouble::Away => (
            ErrorCode::Unavailable,
            format!(
                "could not {what}: Qdrant does not answer at {url}. Is it running there, and is \
                 QDRANT_URL its gRPC address (port 6334, http or https)?"
            ),
        ),
        Trouble::Slow => (
            ErrorCode::Timeout,
            format!(
                "could not {what}: Qdrant at {url} did not answer in time (QDRANT_TIMEOUT_SECS)"
            ),
        ),
        Trouble::Busy => (
            ErrorCode::Overloaded,
            match &error {
                QdrantError::ResourceExhaustedError {
                    retry_after_seconds,
                    ..
                } => format!(
                    "could not {what}: Qdrant at {url} has too much to do, and asks for \
                     {retry_after_seconds} s of rest"
                ),
                _ => format!("could not {what}: Qdrant at {url} has too much to do"),
            },
        ),
        // Not "unauthorized": it is this server's key that is wrong, not the caller's.
        Trouble::Key => (
            ErrorCode::Internal,
            format!(
                "could not {what}: Qdrant at {url} refuses the key. Set QDRANT_API_KEY to the \
                 server's key"
            ),
        ),
        Trouble::Rights => (
            ErrorCode::Internal,
            format!(
                "could not {what}: the key in QDRANT_API_KEY may only read at {url}. Writing \
                 needs a key that may write"
            ),
        ),
        Trouble::NoCollection => (
            ErrorCode::Unavailable,
            format!(
                "could not {what}: the collection {collection} is not on {url} any more. Bring it \
                 back from a snapshot, or make it anew with `clippy migrate` and ingest again"
            ),
        ),
        Trouble::NoPoint => (
            ErrorCode::NotFound,
            format!("could not {what}: a picture is not in {collection}"),
        ),
        Trouble::NoVector => (
            ErrorCode::Conflict,
            format!(
                "could not {what}: the collection {collection} on {url} lacks one of the vectors \
                 image, edge and text. `clippy migrate` adds it"
            ),
        ),
        Trouble::Exists => (
            ErrorCode::Conflict,
            format!("could not {what}: there is something of that name on {url} already"),
        ),
        Trouble::Unknown => (
            ErrorCode::Unsupported,
            format!(
                "could not {what}: the Qdrant server at {url} does not know this call. Upgrade it"
            ),
        ),
        Trouble::DiskFull => (
            ErrorCode::Unavailable,
            format!(
                "could not {what}: the disk of Qdrant at {url} is full. Make room there; nothing \
                 was stored"
            ),
        ),
        Trouble::ReadOnly => (
            ErrorCode::Unavailable,
            format!(
                "could not {what}: Qdrant at {url} cannot write to its disk, which is read-only. \
                 Nothing was stored"
            ),
        ),
        Trouble::DeadShard => (
            ErrorCode::Unavailable,
            format!(
                "could not {what}: a shard of {collection} on {url} has no replica that is alive. \
                 Bring its node back; a replication factor above 1 (QDRANT_REPLICATION_FACTOR) \
                 lives through the loss of one"
            ),
        ),
        Trouble::NoIndex => (
            ErrorCode::Conflict,
            format!(
                "could not {what}: the collection {collection} lacks an index. `clippy migrate` \
                 makes it"
            ),
        ),
        Trouble::Other => (
            ErrorCode::Internal,
            format!("Qdrant at {url} could not {what}"),
        ),
    };
    Error::new(code, message).with_source(error)
}

/// Nothing came within the time that the settings allow.
pub(super) fn too_slow(about: &About, what: &str, limit: Duration) -> Error {
    Error::new(
        ErrorCode::Timeout,
        format!(
            "could not {what}: Qdrant at {} did not answer within {:.1} s (QDRANT_TIMEOUT_SECS)",
            about.url,
            limit.as_secs_f64()
        ),
    )
}

/// The circuit is open.
pub(super) fn left_alone(about: &About, what: &str, wait: Duration) -> Error {
    Error::new(
        ErrorCode::Unavailable,
        format!(
            "could not {what}: Qdrant at {} did not answer several times in a row, and is asked \
             again in {:.1} s",
            about.url,
            wait.as_secs_f64()
        ),
    )
}
