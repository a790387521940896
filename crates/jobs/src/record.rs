//! The job record, as every part of Clippy and every client sees it.

use std::fmt;
use std::str::FromStr;

use clippy_common::shorten;
use clippy_core::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::time::Timestamp;

/// A job's id: a UUIDv7, so that ids sort by the time of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// Makes a new id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of a parent's child named `key`. The same parent and key give the same id, so that
    /// planning twice makes no child twice. It has the parent's timestamp, so it sorts next to its
    /// parent.
    #[must_use]
    pub fn child(parent: Self, key: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(parent.0.as_bytes());
        digest.update(key.as_bytes());
        let digest = digest.finalize();
        let mut bytes = *parent.0.as_bytes();
        bytes[6..].copy_from_slice(&digest[..10]);
        bytes[6] = (bytes[6] & 0x0f) | 0x70;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl FromStr for JobId {
    type Err = Error;

    /// Text that is not a UUID is the id of no job: [`ErrorCode::NotFound`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Uuid::parse_str(text).map(Self).map_err(|_| {
            let shown = shorten(text, 60);
            Error::not_found(format!("There is no job \"{shown}\": a job's id is a UUID"))
        })
    }
}

/// Defines an enum with a name for each variant, in JSON and as text. Parsing an unknown name gives
/// an error that lists the valid ones.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal,
    { $($(#[$variant_doc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in answers, settings and keys.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| {
                    let shown = shorten(text, 60);
                    let names: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
                    Error::invalid(format!(concat!("\"{}\" is not a ", $what, ": use one of {}"),
                    shown, names.join(", ")))
                })
            }
        }
    };
}

named! {
    /// What a job does. A handler is registered for each kind.
    JobKind, "kind of job", {
        /// Makes pictures with a provider.
        Generate => "generate",
        /// Embeds a manifest's pictures and stores them.
        Ingest => "ingest",
        /// Computes vectors that are missing.
        Backfill => "backfill",
        /// Builds a new collection beside the live one, and switches to it.
        Reindex => "reindex",
        /// Fetches pictures from a site.
        Fetch => "fetch",
    }
}

named! {
    /// The queue a job waits in. Each has workers of its own, so that bulk work never delays
    /// interactive work.
    Lane, "lane", {
        /// Jobs that a person waits for.
        Interactive => "interactive",
        /// Parts of long jobs.
        Bulk => "bulk",
        /// Planning, merging and upkeep.
        Control => "control",
    }
}

named! {
    /// The state of a job.
    JobState, "state of a job", {
        /// Waits for a worker, or for the time of its next attempt.
        Queued => "queued",
        /// A worker holds it under a lease.
        Running => "running",
        /// A parent whose children have not all finished.
        Waiting => "waiting",
        /// Ended with a result.
        Succeeded => "succeeded",
        /// Ended without success, with the reason in `error`.
        Failed => "failed",
        /// Stopped on request.
        Cancelled => "cancelled",
    }
}

impl JobState {
    /// Whether the job has ended. It changes again only if the job is retried.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Units done.
    pub done: u64,
    /// Units in all; absent while it is not known.
    #[serde(default)]
    pub total: Option<u64>,
    /// What is counted: `pictures`, `steps`.
    #[serde(default)]
    pub unit: String,
    /// The step that is running: `embed`, `upsert`.
    #[serde(default)]
    pub stage: String,
    /// A sentence for a person.
    #[serde(default)]
    pub message: String,
}

/// Why a job failed, or why its last attempt did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// The kind of failure.
    pub code: ErrorCode,
    /// What happened, why, and what to do.
    pub message: String,
    /// Whether `retry` may help.
    pub retryable: bool,
}

/// A parent's children, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Children {
    /// All that were made so far.
    pub total: u64,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
}

impl Children {
    /// Children that have not ended.
    #[must_use]
    pub const fn outstanding(&self) -> u64 {
        self.total
            .saturating_sub(self.succeeded + self.failed + self.cancelled)
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// UUIDv7.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The lane it waits in.
    pub lane: Lane,
    /// Its state.
    pub state: JobState,
    /// Position in its lane, from 1; only while queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Attempts since the job last made progress: a checkpoint, or a child that succeeded.
    pub attempt: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// How often it was retried after it had ended. Each time, attempts are counted from 1 again.
    #[serde(default)]
    pub retries: u32,
    /// How often a worker process ended while it ran the job, since the job last made progress.
    #[serde(default)]
    pub losses: u32,
    /// Its progress.
    pub progress: JobProgress,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The handler's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why the job or its last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobFailure>,
    /// Which parts of the request were honoured, and which were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Value>,
    /// The job this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<JobId>,
    /// The counts of its children; only when it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
    /// The owner: the name of an API key, never the key itself.
    #[serde(default, skip_serializing)]
    pub owner: Option<String>,
    /// An [`crate::Envelope`]. Not shown to clients, since it may hold personal text.
    #[serde(default, skip_serializing)]
    pub payload: Value,
    /// Increases with every change of the record, so it can serve as an `ETag`.
    #[serde(default)]
    pub version: u64,
}

impl Job {
    /// Whether the job was cancelled after a run had begun, which may have left something behind.
    pub(crate) fn was_cancelled_after_a_run(&self) -> bool {
        self.state == JobState::Cancelled && self.started_at.is_some()
    }
}

/// A request for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// The lane it waits in.
    pub lane: Lane,
    /// An [`crate::Envelope`] with ids and small parameters.
    pub payload: Value,
    /// Attempts allowed before the job fails, including those that crashed.
    pub max_attempts: u32,
    /// The owner.
    pub owner: Option<String>,
    /// The client's `Idempotency-Key`: the same owner, key and payload give the same job.
    pub idempotency_key: Option<String>,
    /// A hexadecimal digest of the request's body, which tells two bodies under one key apart.
    /// Without it, the kind, lane and payload are compared.
    pub digest: Option<String>,
    /// The job's id, for a caller that must find the job even if the store's answer is lost.
    /// Without it, the store makes one.
    pub id: Option<JobId>,
}

impl NewJob {
    /// The default number of attempts.
    pub const MAX_ATTEMPTS: u32 = 3;
    /// The largest payload, in bytes of JSON. Pictures are stored as files, never in a job.
    pub const MAX_PAYLOAD: usize = 1024 * 1024;
    /// The longest `Idempotency-Key`, in bytes.
    pub const MAX_KEY: usize = 256;

    /// A request with three attempts, no owner and no idempotency key.
    #[must_use]
    pub fn new(kind: JobKind, lane: Lane, payload: Value) -> Self {
        Self {
            kind,
            lane,
            payload,
            max_attempts: Self::MAX_ATTEMPTS,
            owner: None,
            idempotency_key: None,
            digest: None,
            id: None,
        }
    }

    /// Sets the job's id.
    #[must_use]
    pub fn id(mut self, id: JobId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the owner.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the client's `Idempotency-Key`.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets the digest of the request's body.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// Sets how many attempts are allowed.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    pub(crate) fn check_key(key: &str) -> Result<(), Error> {
        if key.is_empty() {
            return Err(Error::invalid(
                "The Idempotency-Key is empty: send one, or leave it out",
            ));
        }
        if key.len() > Self::MAX_KEY {
            return Err(Error::invalid(format!(
                "The Idempotency-Key is longer than {} bytes",
                Self::MAX_KEY
            )));
        }
        Ok(())
    }

    /// Checks the limits. Returns the payload as JSON text, and the digest that tells two bodies
    /// apart.
    pub(crate) fn checked(&self) -> Result<(String, String), Error> {
        let payload = self.payload.to_string();
        if payload.len() > Self::MAX_PAYLOAD {
            let message = format!(
                "The job's parameters are {} bytes, more than the {} allowed: store large data as \
                 files, and give their names",
                payload.len(),
                Self::MAX_PAYLOAD
            );
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        if self.max_attempts == 0 {
            return Err(Error::invalid(
                "max_attempts is 0: a job needs at least one attempt",
            ));
        }
        self.idempotency_key
            .as_deref()
            .map_or(Ok(()), Self::check_key)?;
        if let Some(digest) = &self.digest {
            if digest.is_empty() || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(Error::internal("a body's digest is not hexadecimal"));
            }
            return Ok((payload, digest.clone()));
        }
        let mut digest = Sha256::new();
        for part in [self.kind.as_str(), self.lane.as_str(), &payload] {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        Ok((payload, hex::encode(digest.finalize())))
    }
}

/// A part of a job, made by its planner.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChild {
    /// Its name within the parent, the same whenever the parent is planned: `lines-000512`.
    pub key: String,
    /// The lane it waits in.
    pub lane: Lane,
    /// An [`crate::Envelope`] with the part to work on.
    pub payload: Value,
    /// Its share of the parent's progress, in the parent's unit.
    pub weight: u64,
}

/// The result of [`crate::JobStore::create`].
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The job, new or found.
    pub job: Job,
    /// Whether the idempotency key belongs to a job that existed already.
    pub existing: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_one_id_and_it_is_a_uuid_of_version_7() {
        let parent = JobId::generate();
        let child = JobId::child(parent, "lines-0");
        assert_eq!(child, JobId::child(parent, "lines-0"));
        assert_ne!(child, JobId::child(parent, "lines-1"));
        assert_ne!(child, JobId::child(JobId::generate(), "lines-0"));
        assert_eq!(child.0.get_version_num(), 7);
        assert_eq!(child.0.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn unknown_names_are_refused_with_the_right_ones() {
        let error = "upscale".parse::<JobKind>().expect_err("no such kind");
        assert_eq!(error.code, ErrorCode::InvalidInput);
        assert!(
            error
                .message
                .contains("generate, ingest, backfill, reindex, fetch"),
            "{}",
            error.message
        );
        assert!("fast".parse::<Lane>().is_err());
        assert_eq!(
            "not-a-uuid".parse::<JobId>().expect_err("no id").code,
            ErrorCode::NotFound
        );
    }

    #[test]
    fn a_payload_over_its_limit_is_refused() {
        let big = "x".repeat(NewJob::MAX_PAYLOAD);
        let error = NewJob::new(JobKind::Ingest, Lane::Bulk, Value::from(big))
            .checked()
            .expect_err("too large");
        assert_eq!(error.code, ErrorCode::TooLarge);
    }
}
