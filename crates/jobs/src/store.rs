//! What callers do with jobs: create, get, list, cancel and retry them, and follow their events.
//!
//! Every call that changes something is atomic: one Lua script or one SQLite transaction. The calls
//! of a job's run are in [`crate::RunStore`].

use async_trait::async_trait;
use clippy_core::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::events::{EventId, EventNotice, EventPage};
use crate::record::{Created, Job, JobId, JobKind, JobState, Lane, NewJob};
use crate::time::Timestamp;

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    /// Of this kind only.
    pub kind: Option<JobKind>,
    /// In this state only.
    pub state: Option<JobState>,
    /// Of this owner only.
    pub owner: Option<String>,
    /// This parent's children; without it, jobs that have no parent.
    pub parent: Option<JobId>,
    /// Older than this one: the `next_cursor` of the page before.
    pub before: Option<JobId>,
    /// At most this many; 0 means 50, and the most is 500.
    pub limit: usize,
}

impl JobFilter {
    /// The children of a job, in pages of the largest size.
    pub(crate) fn children_of(parent: JobId, before: Option<JobId>) -> Self {
        Self {
            parent: Some(parent),
            before,
            limit: 500,
            ..Self::default()
        }
    }

    pub(crate) fn page_size(&self) -> usize {
        if self.limit == 0 {
            50
        } else {
            self.limit.min(500)
        }
    }
}

/// A page of jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobPage {
    /// The jobs. A page may be short or empty although there are more, since one call reads at most
    /// some thousands of records.
    pub jobs: Vec<Job>,
    /// Pass it as [`JobFilter::before`] to get the next page; absent at the end.
    pub next_cursor: Option<JobId>,
    /// Records that were left out because they cannot be read. The log names each once.
    #[serde(default)]
    pub damaged: u64,
}

/// The status of one lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaneStatus {
    /// The lane.
    pub lane: Lane,
    /// Whether it is paused: workers take no jobs from it.
    pub paused: bool,
    /// Jobs that are queued.
    pub queued: u64,
    /// Jobs that are running.
    pub running: u64,
    /// Jobs that may be queued before `create` answers [`clippy_core::ErrorCode::Overloaded`].
    pub limit: u64,
    /// How long the first queued job has waited, in seconds.
    pub oldest_secs: Option<f64>,
    /// Worker processes that are alive.
    pub workers: u64,
    /// Jobs that succeeded, since the store was created.
    pub succeeded: u64,
    /// Jobs that failed, since the store was created.
    pub failed: u64,
    /// Jobs that were cancelled, since the store was created.
    pub cancelled: u64,
}

/// A task or record that could not be read and was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was set aside.
    pub at: Timestamp,
    /// Why it cannot be read.
    pub reason: String,
    /// The beginning of its contents.
    pub payload: String,
}

/// The part of a job store that callers use: the API and the command line.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Makes a job and queues it, in one step.
    ///
    /// # Errors
    /// `Unsupported` when the idempotency key was used with another body, `Overloaded` when
    /// the lane is full, `TooLarge` and `InvalidInput` for an invalid request, `Unavailable` when
    /// the store is unavailable.
    async fn create(&self, job: &NewJob) -> Result<Created>;

    /// Finds the job that this owner made with this idempotency key, while the key is remembered. A
    /// caller can use it before [`JobStore::create`], to skip the preparation of a job that exists.
    ///
    /// # Errors
    /// `Unsupported` when the job was made from a body with another digest, `InvalidInput`
    /// for an invalid key.
    async fn find_by_key(&self, owner: &str, key: &str, digest: &str) -> Result<Option<Job>>;

    /// Returns a job, with its position in its lane.
    ///
    /// # Errors
    /// `NotFound` when there is no such job, or it was dropped.
    async fn get(&self, id: JobId) -> Result<Job>;

    /// Lists jobs, newest first.
    async fn list(&self, filter: &JobFilter) -> Result<JobPage>;

    /// Ends a queued or waiting job at once, and asks a running one to stop. The same applies to
    /// its children. Cancelling twice has no further effect.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`, naming the state, when it has ended.
    async fn cancel(&self, id: JobId) -> Result<Job>;

    /// Queues a failed or cancelled job again, with all its attempts, and the failed and cancelled
    /// children of a parent.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`, naming the state, when the job is neither failed nor cancelled, or
    /// its parent has ended; `Overloaded` when the lane is full.
    async fn retry(&self, id: JobId) -> Result<Job>;

    /// Returns at most `limit` events after an id, or from the first event without one. Events that
    /// cannot be read are left out. An id after the job's last event is unknown (or was lost with
    /// the store's latest writes): the page then starts at the first event, with `gap` set.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn events_after(
        &self,
        id: JobId,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage>;

    /// Returns the last preview.
    async fn last_preview(&self, id: JobId) -> Result<Option<Value>>;

    /// Returns the status of all lanes, in order.
    async fn lanes(&self) -> Result<Vec<LaneStatus>>;

    /// Pauses or resumes a lane. Jobs that are running continue.
    async fn pause(&self, lane: Lane, paused: bool) -> Result<()>;

    /// Returns the newest dead letters.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>>;

    /// Records the id of the data folder that belongs to this queue, unless one is recorded. Returns
    /// the recorded one.
    async fn record_data_folder(&self, id: &str) -> Result<String>;

    /// Subscribes to notices of jobs with new events. A notice may be lost (a lost connection, a
    /// slow reader): poll as well.
    fn watch_events(&self) -> broadcast::Receiver<EventNotice>;
}
