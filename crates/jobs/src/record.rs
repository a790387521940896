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
    /// planning twice makes no child twice. It carries the parent's time, and so lies beside
    /// its parent.
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

    /// Anything that is no UUID is the id of no job: [`ErrorCode::NotFound`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Uuid::parse_str(text).map(Self).map_err(|_| {
            let shown = shorten(text, 60);
            Error::not_found(format!("There is no job \"{shown}\": a job's id is a UUID"))
        })
    }
}

/// Gives an enum its names: as JSON, as text, and from text with an error that lists what would
/// have been right.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$variant_doc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name as it stands in answers, settings and keys.
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
                    Error::invalid(format!(concat!("\"{}\" is no ", $what, ": use one of {}"), shown, names.join(", ")))
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
        /// Fills vectors that are missing.
        Backfill => "backfill",
        /// Builds the collection anew beside the live one.
        Reindex => "reindex",
    }
}

named! {
    /// The queue a job waits in. Each has workers of its own, so that bulk work never delays
    /// interactive work.
    Lane, "lane", {
        /// Somebody is waiting for it.
        Interactive => "interactive",
        /// Chunks of long work.
        Bulk => "bulk",
        /// Planning, merging and upkeep.
        Control => "control",
    }
}

named! {
    /// Where a job is in its life.
    JobState, "state of a job", {
        /// Waits for a worker, or for the time of its next attempt.
        Queued => "queued",
        /// A worker holds it under a lease.
        Running => "running",
        /// A parent whose children are not all finished.
        Waiting => "waiting",
        /// Done.
        Succeeded => "succeeded",
        /// Ended without success, with the reason in `error`.
        Failed => "failed",
        /// Stopped on request.
        Cancelled => "cancelled",
    }
}

impl JobState {
    /// Whether the job has ended. It changes again only if somebody retries it.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
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
    /// Made so far.
    pub total: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Given up.
    pub failed: u64,
    /// Stopped.
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
    /// Where it waits.
    pub lane: Lane,
    /// Where it is in its life.
    pub state: JobState,
    /// Place in its lane, from 1; only while queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Attempts since the job last got further.
    pub attempt: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// How often somebody retried it after it had ended. Attempts are counted from 1 again each
    /// time.
    #[serde(default)]
    pub retries: u32,
    /// How often a worker process ended while it ran the job, since the job last got further.
    #[serde(default)]
    pub losses: u32,
    /// How far it is.
    pub progress: Progress,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The handler's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it, or its last attempt, failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobFailure>,
    /// What of the request was honoured, and what was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Value>,
    /// The job this one is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<JobId>,
    /// Its parts, counted; only when it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
    /// Who asked for it: the name of a key, never the key itself.
    #[serde(default, skip_serializing)]
    pub owner: Option<String>,
    /// An [`crate::Envelope`]. Not shown to clients, since it may hold personal text.
    #[serde(default, skip_serializing)]
    pub payload: Value,
    /// Changes with every change of the record; good for an `ETag`.
    #[serde(default)]
    pub version: u64,
}

impl Job {
    /// Whether it was cancelled, and a run of it may have left something elsewhere.
    pub(crate) fn was_cancelled_after_a_run(&self) -> bool {
        self.state == JobState::Cancelled && self.started_at.is_some()
    }
}

/// A request for a job.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// Where it waits.
    pub lane: Lane,
    /// What is asked for: ids and small parameters, with a version of their own.
    pub payload: Value,
    /// Deliveries allowed before it is given up, crashes included.
    pub max_attempts: u32,
    /// Who asks.
    pub owner: Option<String>,
    /// The client's `Idempotency-Key`: the same owner, key and payload give the same job.
    pub idempotency_key: Option<String>,
    /// What tells two bodies under one key apart: a digest of the body as it was sent, in
    /// hexadecimal. Without one, the payload itself tells.
    pub digest: Option<String>,
    /// The job's id, when the caller must be able to look for the job although the answer was lost.
    /// Without one, the store makes it.
    pub id: Option<JobId>,
}

impl NewJob {
    /// Deliveries allowed unless said otherwise.
    pub const MAX_ATTEMPTS: u32 = 3;
    /// The largest payload, in bytes of JSON: pictures are stored beside a job, never in it.
    pub const MAX_PAYLOAD: usize = 1024 * 1024;
    /// The longest `Idempotency-Key`, in bytes.
    pub const MAX_KEY: usize = 256;

    /// A job with three attempts, no owner and no key.
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

    /// Sets who asks.
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

    /// Sets the digest of the body as it was sent.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// Sets how many deliveries are allowed.
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

    /// Checks the limits; gives the payload as JSON text and the digest that tells two bodies
    /// apart.
    pub(crate) fn checked(&self) -> Result<(String, String), Error> {
        let payload = self.payload.to_string();
        if payload.len() > Self::MAX_PAYLOAD {
            let message = format!(
                "The job's parameters are {} bytes, more than the {} allowed: store files first \
                 and name them",
                payload.len(),
                Self::MAX_PAYLOAD
            );
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        if self.max_attempts == 0 {
            return Err(Error::invalid(
                "max_attempts is 0: a job needs one attempt at least",
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
    /// Where it waits.
    pub lane: Lane,
    /// What it is to do.
    pub payload: Value,
    /// How much of the parent's progress it is, in the parent's units.
    pub weight: u64,
}

/// What [`crate::JobStore::create`] did.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The job, new or found.
    pub job: Job,
    /// Whether the idempotency key named a job that was there already.
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
                .contains("generate, ingest, backfill, reindex"),
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
