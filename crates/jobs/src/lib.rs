//! Durable jobs: records, events and queues, in Redis or in an embedded database.
//!
//! apalis carries the ids of jobs to workers and nothing else. Everything about a job (its state,
//! attempts, lease, events, children) is ours, in one of two stores:
//!
//! - [`RedisJobs`] on apalis-redis, for any number of processes;
//! - [`SqliteJobs`] on apalis-sqlite, for one process and one file.
//!
//! The API and the command line use [`JobStore`]. A worker process builds a [`Runner`] with a
//! [`JobHandler`] for each kind of job; the runner uses [`RunStore`] and [`JobTransport`].
//!
//! A job runs at least once. What it writes through its [`JobContext`] counts once, since a run
//! that lost its lease is fenced. Its other effects may happen twice, so a handler must be
//! idempotent: it replaces by id, and never appends.

mod backend;
mod checks;
mod damage;
mod envelope;
mod events;
mod failure;
mod follow;
mod record;
mod redis;
mod runner;
mod runs;
mod sqlite;
mod store;
mod time;
mod transport;

pub use crate::redis::{LaneLimits, PROTOCOL, RedisJobs, RedisReport, RedisSettings};
pub use backend::{JobBackend, WorkerBackend};
pub use envelope::{Envelope, PAYLOAD_VERSION};
pub use events::{
    Event, EventId, EventKind, EventNotice, EventPage, KEPT_PREVIEWS, MAX_LOG, MAX_PREVIEW,
};
pub use failure::{Backoff, JobError};
pub use follow::{EventHub, Follow, FollowSettings, Following};
pub use record::{
    Children, Created, Job, JobFailure, JobId, JobKind, JobProgress, JobState, Lane, NewChild,
    NewJob,
};
pub use runner::{
    Handlers, Hold, JobContext, JobHandler, LogLevel, Runner, RunnerSettings, StopReason, Timing,
};
pub use runs::{
    Beat, BeatAnswer, Claim, Claimant, ClaimedJob, Finished, Outcome, Phase, RunKey, RunStore,
};
pub use sqlite::{SqliteJobs, SqliteSettings};
pub use store::{DeadLetter, JobFilter, JobPage, JobStore, LaneStatus};
pub use time::Timestamp;
pub use transport::{
    Control, Deliver, Delivery, JobTransport, LaneWorker, SweepSettings, Swept, Tick,
};
