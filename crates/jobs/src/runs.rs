//! What a run of a job needs: claiming it, renewing its lease, writing events, and finishing it.
//!
//! A run is fenced: a [`RunKey`] names one claim of one job, and `beat`, `append`, `add_children`
//! and `finish` refuse a run that is no longer the job's current one. So a worker that was frozen
//! until its lease ended cannot write.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use serde_json::Value;

use crate::events::EventKind;
use crate::record::{Children, Job, JobFailure, JobId, JobProgress, JobState, NewChild};
use crate::store::JobPage;

/// One claim of one job. Writes are fenced by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The job.
    pub job: JobId,
    /// Which claim of it, from 1.
    pub run: u64,
}

/// A worker that claims a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// The worker process.
    pub owner: String,
    /// Names one delivery of a job to the worker. A worker that got no answer claims again with the
    /// same name, and gets the run that it already has.
    pub delivery: String,
    /// Whether the worker runs other jobs of the lane at the same time. A suspect is not claimed
    /// beside them; see [`Claim::Alone`]. The control lane has no suspects, since its planners must
    /// run while their parts do.
    pub beside: bool,
}

impl Claimant {
    /// Makes a claimant with a new delivery, for a worker that runs nothing else in the lane.
    #[must_use]
    pub fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            delivery: ulid::Ulid::generate().to_string(),
            beside: false,
        }
    }
}

/// The phase of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first phase, and for most jobs the only one. A parent makes its children here.
    Start,
    /// A parent's second phase: all children have ended, and their results are added up.
    Merge,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// This worker has the job until the lease ends.
    Run(Box<ClaimedJob>),
    /// Another worker has the job under a lease that has not ended. Nothing to do: if that worker
    /// dies, the sweep queues the job again.
    Busy,
    /// The job has ended, was dropped, or waits for its children or its delay. Nothing to do.
    Nothing,
    /// The lane is paused. Claim again when it is resumed.
    Paused,
    /// The job is a suspect: a worker process ended while it ran it. Claim it when nothing else
    /// runs in this lane of this process. Only a [`Claimant`] with `beside` gets this answer.
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
    /// The job after the claim.
    pub job: Job,
    /// The fence of this run.
    pub key: RunKey,
    /// The phase to run.
    pub phase: Phase,
    /// The last checkpoint, in the handler's own format.
    pub cursor: Option<Value>,
}

/// What a heartbeat writes besides renewing the lease.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beat {
    /// The progress, if it changed.
    pub progress: Option<JobProgress>,
    /// The checkpoint to continue from after a crash, if it changed.
    pub cursor: Option<Value>,
    /// Whether the checkpoint counts as progress. If so, attempts are counted again, with this run
    /// as the first.
    pub further: bool,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatAnswer {
    /// The lease is renewed.
    Ok,
    /// The lease is renewed, and the job is asked to stop.
    Cancel,
    /// Another run has the job, or it has ended: the writes of this run are refused.
    Lost,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The job succeeded.
    Succeeded {
        /// The handler's result.
        result: Value,
        /// Which parts of the request were honoured.
        receipt: Option<Value>,
    },
    /// All parts are planned: wait for the children, then run again as [`Phase::Merge`].
    WaitForChildren,
    /// The job failed, and is not tried again.
    Failed(JobFailure),
    /// Stopped on request.
    Cancelled,
    /// Queue the job again after `delay`. With no attempts left it fails with `failure`.
    Retry {
        /// How long to wait.
        delay: Duration,
        /// Why this attempt failed.
        failure: JobFailure,
    },
    /// Queue the job again after `delay`. The attempt does not count.
    Later {
        /// How long to wait.
        delay: Duration,
    },
}

/// The answer to [`RunStore::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Written; the job is in this state now.
    Accepted(JobState),
    /// The run is no longer the job's current one: nothing was written.
    Fenced,
}

/// The part of a job store that runs use.
#[async_trait]
pub trait RunStore: Send + Sync + 'static {
    /// Claims a job until `lease` has passed. A delivery that did not get the answer to its claim
    /// gets the same run again. That is neither another attempt nor a lost worker, unless another
    /// delivery claimed the job in between.
    async fn claim_for(&self, id: JobId, claimant: &Claimant, lease: Duration) -> Result<Claim>;

    /// [`RunStore::claim_for`] with a new delivery.
    async fn claim(&self, id: JobId, owner: &str, lease: Duration) -> Result<Claim> {
        self.claim_for(id, &Claimant::new(owner), lease).await
    }

    /// Renews the lease, and writes progress and checkpoint.
    async fn beat(&self, key: RunKey, lease: Duration, beat: &Beat) -> Result<BeatAnswer>;

    /// Writes a `preview` or `log` event; `false` when the run is fenced.
    async fn append(&self, key: RunKey, kind: EventKind, data: &Value) -> Result<bool>;

    /// Makes and queues children of a running job, at most 1,000 in a call. Children that exist are
    /// left as they are. `unit` is the unit of their weights in the parent's progress. Returns the
    /// counts of all the parent's children; `None` when the run is fenced.
    async fn add_children(
        &self,
        key: RunKey,
        unit: &str,
        children: &[NewChild],
    ) -> Result<Option<Children>>;

    /// Ends a run. When the job is its parent's last child to end, the parent is queued for
    /// [`Phase::Merge`] in the same step.
    async fn finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished>;

    /// Returns a job that was cancelled after one of its runs had begun, and `None` for any other
    /// job.
    ///
    /// # Errors
    /// `NotFound` if there is no such job.
    async fn cancelled(&self, id: JobId) -> Result<Option<Job>>;

    /// Counts the children of a job.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn count_children(&self, parent: JobId) -> Result<Children>;

    /// Lists the children of a job with their results, newest first, one page at a time.
    async fn list_children(&self, parent: JobId, before: Option<JobId>) -> Result<JobPage>;
}
