//! Turns the client's errors into errors for a person.

use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use qdrant_client::QdrantError;
use tonic::{Code, Status};

/// The server and collection that an error names.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// The server's address.
    pub(super) url: String,
    /// The collection's name.
    pub(super) collection: String,
}

/// The kind of a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No answer, or the connection broke: the call may have been executed or not.
    NoAnswer,
    /// It took too long.
    Slow,
    /// The server has too much to do.
    Busy,
    /// No key, or a wrong one.
    Key,
    /// The key may not do this.
    Rights,
    /// The collection does not exist.
    NoCollection,
    /// A point does not exist.
    NoPoint,
    /// The collection lacks a named vector.
    NoVector,
    /// Something with this name exists already.
    Exists,
    /// The server does not support the call.
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
    /// Returns whether the server could not be reached or did not answer. Such errors open the
    /// circuit, and reads are retried.
    pub(super) fn is_outage(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Slow)
    }
}

/// Returns the kind of a failed call.
pub(super) fn trouble(error: &QdrantError) -> Trouble {
    match error {
        QdrantError::ResponseError { status } => of_status(status),
        QdrantError::ResourceExhaustedError { .. } => Trouble::Busy,
        QdrantError::Io(_) => Trouble::NoAnswer,
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
        // The client's own timeout; otherwise the connection was closed.
        Code::Cancelled if says("Timeout expired") => Trouble::Slow,
        Code::Cancelled => Trouble::NoAnswer,
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
        Code::Unavailable => Trouble::NoAnswer,
        // The client's error when it cannot connect.
        Code::Internal if says("Failed to connect") => Trouble::NoAnswer,
        Code::Internal | Code::Unknown if is_transport(status) => Trouble::NoAnswer,
        _ => Trouble::Other,
    }
}

/// Returns whether the connection broke, so that the server did not answer.
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

/// Explains an error to a person: what was tried, what went wrong, and what to do.
pub(super) fn explain(about: &About, what: &str, error: QdrantError) -> Error {
    let About { url, collection } = about;
    let trouble = trouble(&error);
    let (code, message) = match trouble {
        Trouble::NoAnswer => (
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
                    "could not {what}: Qdrant at {url} is overloaded, and asks for a \
                     pause of {retry_after_seconds} s"
                ),
                _ => format!("could not {what}: Qdrant at {url} is overloaded"),
            },
        ),
        // Not "unauthorized": this server's key is wrong, not the caller's.
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
                "could not {what}: the collection {collection} is not on {url} any more. Restore \
                 it from a snapshot, or make it again with `clippy migrate` and ingest again"
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
            format!("could not {what}: something with that name exists on {url} already"),
        ),
        Trouble::Unknown => (
            ErrorCode::Unsupported,
            format!(
                "could not {what}: the Qdrant server at {url} does not support this call. Upgrade \
                 it"
            ),
        ),
        Trouble::DiskFull => (
            ErrorCode::Unavailable,
            format!(
                "could not {what}: the disk of Qdrant at {url} is full. Free some space there; \
                 nothing was stored"
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
                "could not {what}: a shard of {collection} on {url} has no live replica. \
                 Restart its node; a replication factor above 1 (QDRANT_REPLICATION_FACTOR) \
                 survives the loss of one"
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

/// Makes the error for a call without an answer within the time limit.
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

/// Makes the error for a call while the circuit is open.
pub(super) fn circuit_open(about: &About, what: &str, wait: Duration) -> Error {
    Error::new(
        ErrorCode::Unavailable,
        format!(
            "could not {what}: Qdrant at {} did not answer several times in a row; the next \
             attempt is in {:.1} s",
            about.url,
            wait.as_secs_f64()
        ),
    )
}
