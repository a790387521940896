//! The two contracts: [`JobStore`], which everybody uses, and [`JobTransport`], which the runner
//! needs as well.
//!
//! Every call that changes something is one Lua script or one SQLite transaction: it happens wholly
//! or not at all. A run is fenced: [`RunKey`] names one claim of one job, and `beat`, `append`,
//! `add_children` and `finish` refuse a run that is no longer the job's current one. So a worker
//! that was frozen past its lease cannot write.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::events::{EventId, EventKind, EventNotice, EventPage};
use crate::record::{
    Children, Created, Job, JobFailure, JobId, JobKind, JobState, Lane, NewChild, NewJob, Progress,
};
use crate::runner::Tick;
use crate::time::Timestamp;

/// One claim of one job. The number is the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The job.
    pub job: JobId,
    /// Which claim of it, from 1.
    pub run: u64,
}

/// Whether a job begins, or its children have all ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first part, and for most jobs the only one. A parent makes its children here.
    Start,
    /// A parent's second part: all children have ended, counted here.
    Merge,
}

/// What a worker got when it asked for a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is this worker's now, until the lease ends.
    Run(Box<ClaimedJob>),
    /// Another worker holds it, and its lease has not ended: nothing to do, the sweep looks after
    /// it.
    Busy,
    /// It has ended, or it waits for its children, or for its time, or is gone: nothing to do.
    Nothing,
    /// The lane is paused: ask again when it is not.
    Paused,
    /// A worker process ended while it ran this job: claim it with [`JobStore::claim`] once nothing
    /// else runs in this lane of this process. Only [`JobStore::claim_beside`] answers so.
    Alone,
    /// Its record cannot be read. It was set aside, and a dead letter says why.
    Damaged {
        /// What is wrong with it.
        reason: String,
    },
}

/// A job under a lease.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedJob {
    /// The job as it stands.
    pub job: Job,
    /// The fence of this run.
    pub key: RunKey,
    /// Beginning, or merging.
    pub step: Step,
    /// Where the last run got to, in the handler's own terms.
    pub cursor: Option<Value>,
}

/// What a running job tells about itself while it renews its lease.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beat {
    /// How far it is, if that changed.
    pub progress: Option<Progress>,
    /// Where to go on after a crash, if that changed.
    pub cursor: Option<Value>,
    /// Whether the cursor says that the job got further. Its attempts count anew then, this run
    /// being the first.
    pub further: bool,
}

/// The answer to a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatAnswer {
    /// The lease is renewed.
    Ok,
    /// The lease is renewed, and the job is asked to stop.
    Cancel,
    /// The job is another's now, or has ended: nothing this run writes counts any more.
    Lost,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done, with what came out.
    Succeeded {
        /// What came out.
        result: Value,
        /// What of the request was honoured.
        receipt: Option<Value>,
    },
    /// The planner is done: wait for the children, then run again as [`Step::Merge`].
    WaitForChildren,
    /// Given up.
    Failed(JobFailure),
    /// Stopped on request.
    Cancelled,
    /// Queue it again after `delay`; with no attempts left it fails with `failure`.
    Retry {
        /// How long to wait.
        delay: Duration,
        /// Why.
        failure: JobFailure,
    },
    /// Queue it again after `delay`; the attempt does not count.
    Later {
        /// How long to wait.
        delay: Duration,
    },
}

/// What became of a run's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It counts; the job is in this state now.
    Accepted(JobState),
    /// The run is no longer the job's current one: nothing was written.
    Fenced,
}

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

/// Jobs, wherever they are kept. What the API and the command line see.
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
    async fn made_with(&self, owner: &str, key: &str, digest: &str) -> Result<Option<Job>>;

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

    /// Takes a job for `lease`.
    async fn claim(&self, id: JobId, owner: &str, lease: Duration) -> Result<Claim>;

    /// As [`JobStore::claim`], for a worker that runs other jobs of the lane at the same time: a
    /// job that was lost with its worker is not given out beside them, see [`Claim::Alone`].
    /// The control lane has no such jobs: its planners must run while their parts do.
    async fn claim_beside(&self, id: JobId, owner: &str, lease: Duration) -> Result<Claim>;

    /// Renews the lease, and writes progress and cursor.
    async fn beat(&self, key: RunKey, lease: Duration, beat: &Beat) -> Result<BeatAnswer>;

    /// Writes a `preview` or `log` event; `false` when the run is fenced.
    async fn append(&self, key: RunKey, kind: EventKind, data: &Value) -> Result<bool>;

    /// Makes and queues children of a running job; those that exist are left as they are. Gives all
    /// of the parent's children, counted; `None` when the run is fenced. At most 1,000 a call.
    /// `unit` is what their weights count, in the parent's progress.
    async fn add_children(
        &self,
        key: RunKey,
        unit: &str,
        children: &[NewChild],
    ) -> Result<Option<Children>>;

    /// Ends a run. When it is the last child's, its parent is queued for [`Step::Merge`] in the
    /// same step.
    async fn finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished>;
}

/// What a lane's workers are told at once, when they listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// There is work in this lane.
    Wake(Lane),
    /// This job is asked to stop.
    Cancel(JobId),
    /// This lane was paused, or is no longer.
    Lane(Lane),
}

/// What the queue carries: the id of a job, or the bytes that should have been one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A job to claim.
    Job(JobId),
    /// Something else, and why it cannot be read.
    Unreadable {
        /// What was found.
        payload: Vec<u8>,
        /// What is wrong with it.
        reason: String,
    },
}

/// Takes deliveries. Returning means that the queue may forget the delivery.
#[async_trait]
pub trait Deliver: Send + Sync + 'static {
    /// Sees one delivery through to its end.
    async fn deliver(&self, lane: Lane, delivery: Delivery);
}

/// One worker loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneWorker {
    /// The lane it takes from.
    pub lane: Lane,
    /// A name used once and never again.
    pub name: String,
    /// Jobs it runs at once.
    pub concurrency: usize,
}

/// How the side loop is to look after the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepSettings {
    /// A worker loop silent for longer is taken for dead, and what it had fetched is queued again.
    pub dead_after: Duration,
    /// A queued job that has waited for longer is checked for a lost task.
    pub rescue_after: Duration,
}

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Delayed jobs whose time had come.
    pub promoted: u64,
    /// Running jobs whose lease had ended, queued again or given up.
    pub reaped: u64,
    /// Tasks taken back from dead workers.
    pub released: u64,
    /// Queued jobs whose task was lost, queued again.
    pub rescued: u64,
    /// Finished jobs dropped after their time.
    pub expired: u64,
}

/// A store that workers can take jobs from.
#[async_trait]
pub trait JobTransport: JobStore {
    /// Takes tasks of one lane and hands them on, until `stop` or an error. It is not waited for
    /// after `stop`: the caller drops it, and then calls [`JobTransport::release_worker`].
    async fn run_lane(
        &self,
        worker: &LaneWorker,
        tick: Tick,
        deliver: Arc<dyn Deliver>,
        stop: CancellationToken,
    ) -> Result<()>;

    /// Queues again what this worker had fetched and not ended. Tasks that cannot be read go to the
    /// dead letters.
    async fn release_worker(&self, lane: Lane, name: &str) -> Result<u64>;

    /// Says that these worker loops are alive.
    async fn keep_alive(&self, workers: &[(Lane, String)]) -> Result<()>;

    /// Queues delayed jobs whose time has come.
    async fn promote(&self) -> Result<u64>;

    /// Looks after everything that may have been left lying: expired leases, dead workers, lost
    /// tasks, old jobs.
    async fn sweep(&self, settings: &SweepSettings) -> Result<Swept>;

    /// Sets an unreadable task aside.
    async fn bury(&self, payload: &[u8], reason: &str) -> Result<()>;

    /// What workers are told. A notice may be lost: poll as well.
    fn watch_control(&self) -> broadcast::Receiver<Control>;
}
