//! What somebody who asks for jobs needs: submit, look, list, cancel, retry, and follow events.
//!
//! Every call that changes something is one Lua script or one SQLite transaction: it happens
//! completely or not at all. What a run of a job needs is in [`crate::RunStore`].

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
    /// Asked for by this owner only.
    pub owner: Option<String>,
    /// This parent's children; without it, jobs that are nobody's children.
    pub parent: Option<JobId>,
    /// Older than this one: `next_cursor` of the page before.
    pub before: Option<JobId>,
    /// At most this many; 0 means 50, and 500 is the most.
    pub limit: usize,
}

impl JobFilter {
    /// The children of a job, as many as a page holds.
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

/// Jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobPage {
    /// The jobs. A page may be short, or empty, although there are more: a filter that matches
    /// little looks at no more than some thousands of jobs a call.
    pub jobs: Vec<Job>,
    /// Pass it as [`JobFilter::before`] to go on; absent at the end.
    pub next_cursor: Option<JobId>,
    /// Records that were left out because they cannot be read. The log names each once.
    #[serde(default)]
    pub damaged: u64,
}

/// One lane, counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaneStatus {
    /// Which.
    pub lane: Lane,
    /// Whether workers are told to take nothing from it.
    pub paused: bool,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that may wait before `create` answers [`clippy_core::ErrorCode::Overloaded`].
    pub limit: u64,
    /// How long the first job in line has waited, in seconds.
    pub oldest_secs: Option<f64>,
    /// Worker processes that were seen lately.
    pub workers: u64,
    /// Jobs of this lane that ended well, since the store was made.
    pub succeeded: u64,
    /// Jobs of this lane that failed, since the store was made.
    pub failed: u64,
    /// Jobs of this lane that were stopped, since the store was made.
    pub cancelled: u64,
}

/// A task that could not be read, set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was set aside.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The beginning of what was found.
    pub payload: String,
}

/// Jobs as their callers see them: the API and the command line.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Makes a job and queues it, in one step.
    ///
    /// # Errors
    /// `Unsupported` (422) when the idempotency key was used with another body, `Overloaded` when
    /// the lane is full, `TooLarge` and `InvalidInput` for what can never work, `Unavailable`
    /// when the store is away.
    async fn create(&self, job: &NewJob) -> Result<Created>;

    /// The job that this owner made with this idempotency key, while the key is remembered. What is
    /// made with [`JobStore::create`] may be looked for first, so that nothing else is done for
    /// a job that is there.
    ///
    /// # Errors
    /// `Unsupported` (422) when it was made of a body with another digest, `InvalidInput` for what
    /// can be no key.
    async fn find_by_key(&self, owner: &str, key: &str, digest: &str) -> Result<Option<Job>>;

    /// The job, with its place in line.
    ///
    /// # Errors
    /// `NotFound` when there is none, or no longer.
    async fn get(&self, id: JobId) -> Result<Job>;

    /// Jobs, newest first.
    async fn list(&self, filter: &JobFilter) -> Result<JobPage>;

    /// Ends a queued or waiting job at once, and asks a running one to stop. Its children follow.
    /// Asking twice is the same as asking once.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`, naming the state, when it has ended.
    async fn cancel(&self, id: JobId) -> Result<Job>;

    /// Queues a failed or cancelled job again, with all its attempts; a parent's failed children
    /// with it.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`, naming the state, when it has not ended so, or when its parent has
    /// ended; `Overloaded` when the lane is full.
    async fn retry(&self, id: JobId) -> Result<Job>;

    /// Events after an id (from the first one without it), at most `limit` of them. Events that
    /// cannot be read are left out. An id after the job's last event was never given out (or
    /// was lost with the store's latest writes): that is a gap, and events come from the first
    /// one.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn events_after(
        &self,
        id: JobId,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage>;

    /// The last preview, as it was given.
    async fn last_preview(&self, id: JobId) -> Result<Option<Value>>;

    /// All lanes, in order.
    async fn lanes(&self) -> Result<Vec<LaneStatus>>;

    /// Stops or restarts the handing out of a lane's jobs; what runs goes on.
    async fn pause(&self, lane: Lane, paused: bool) -> Result<()>;

    /// The newest tasks that were set aside as unreadable.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>>;

    /// Which jobs have news. A notice may be lost (a lost connection, a slow reader): ask as well,
    /// now and then.
    fn watch_events(&self) -> broadcast::Receiver<EventNotice>;
}
