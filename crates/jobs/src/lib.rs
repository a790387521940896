//! Jobs that cannot be lost: records, events, and the queue, in Redis and embedded.
//!
//! apalis carries the ids of jobs to workers and nothing else; everything about a job (its state,
//! attempts, lease, events, children) is ours, in one of two stores behind one trait:
//!
//! - [`RedisJobs`] on apalis-redis, for any number of processes;
//! - [`SqliteJobs`] on apalis-sqlite, for one process and one file.
//!
//! The API and the command line use [`JobStore`]; a worker process builds a [`Runner`] with a
//! [`JobHandler`] for each kind of job. A job runs at least once; whatever it writes through its
//! [`JobContext`] counts once, since a run that lost its lease is fenced. A handler must therefore
//! be harmless when run twice: write by id, never add.

mod carrier;
mod checks;
mod damage;
mod events;
mod failure;
mod follow;
mod record;
mod redis;
mod runner;
mod sqlite;
mod store;
mod time;

pub use crate::redis::{LaneLimits, PROTOCOL, RedisJobs, RedisReport, RedisSettings};
pub use events::{
    Event, EventId, EventKind, EventNotice, EventPage, KEPT_PREVIEWS, MAX_LOG, MAX_PREVIEW,
};
pub use failure::{Backoff, JobError};
pub use follow::{EventHub, Follow, FollowSettings, Following};
pub use record::{
    Children, Created, Job, JobFailure, JobId, JobKind, JobState, Lane, NewChild, NewJob, Progress,
};
pub use runner::{
    Handlers, JobContext, JobHandler, LogLevel, Runner, RunnerSettings, Tick, Timing,
};
pub use sqlite::{SqliteJobs, SqliteSettings};
pub use store::{
    Beat, BeatAnswer, Claim, ClaimedJob, Control, DeadLetter, Deliver, Delivery, Finished,
    JobFilter, JobPage, JobStore, JobTransport, LaneStatus, LaneWorker, Outcome, RunKey, Step,
    SweepSettings, Swept,
};
pub use time::Timestamp;
