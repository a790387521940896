//! What a run of a job needs: claim it, renew its lease, write what it did, and finish it.
//!
//! A run is fenced: a [`RunKey`] names one claim of one job, and `beat`, `append`, `add_children`
//! and `finish` refuse a run that is no longer the job's current one. So a worker that was frozen
//! until its lease ended cannot write.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use serde_json::Value;

use crate::events::EventKind;
use crate::record::{Children, Job, JobFailure, JobId, JobState, NewChild, Progress};
use crate::store::JobPage;

/// One claim of one job. Writes are fenced by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The job.
    pub job: JobId,
    /// Which claim of it, from 1.
    pub run: u64,
}

/// Who asks for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// The worker process.
    pub owner: String,
    /// Names one delivery of a job to it. A worker that got no answer asks with the same name
    /// again, and gets the run that it has already.
    pub delivery: String,
    /// Whether it runs other jobs of the lane at the same time. A job that was lost with its worker
    /// is not given out beside them, see [`Claim::Alone`]. The control lane has no such jobs: its
    /// planners must run while their parts do.
    pub beside: bool,
}

impl Claimant {
    /// A worker with a new delivery, which runs nothing else in the lane.
    #[must_use]
    pub fn new(owner: &str) -> Self {
        Self {
            owner: owner.to_owned(),
            delivery: ulid::Ulid::generate().to_string(),
            beside: false,
        }
    }
}

/// Where a job is between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first phase, and for most jobs the only one. A parent makes its children here.
    Start,
    /// A parent's second phase: all children have ended, and their results are added up.
    Merge,
}

/// What a worker got when it asked for a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// This worker has it until the lease ends.
    Run(Box<ClaimedJob>),
    /// Another worker has it under a lease that has not ended. Nothing to do: if that worker dies,
    /// the sweep queues the job again.
    Busy,
    /// It has ended, was dropped, or waits for its children or its delay. Nothing to do.
    Nothing,
    /// The lane is paused: ask again when it is not.
    Paused,
    /// A worker process ended while it ran this job: claim it once nothing else runs in this lane
    /// of this process. Only those are answered so who claim [`Claimant::beside`] other jobs.
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
    /// Which phase is to be run.
    pub phase: Phase,
    /// The last checkpoint, in the handler's own terms.
    pub cursor: Option<Value>,
}

/// What a heartbeat writes besides renewing the lease.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beat {
    /// The progress, if it changed.
    pub progress: Option<Progress>,
    /// The checkpoint to continue from after a crash, if it changed.
    pub cursor: Option<Value>,
    /// Whether the checkpoint means that the job got further. If so, its attempts are counted from
    /// 1 again, and this run is the first.
    pub further: bool,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatAnswer {
    /// The lease is renewed.
    Ok,
    /// The lease is renewed, and the job is asked to stop.
    Cancel,
    /// Another run has the job, or it has ended: what this run writes is refused.
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
    /// The planner is done: wait for the children, then run again as [`Phase::Merge`].
    WaitForChildren,
    /// It failed, and is not tried again.
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
    /// Written; the job is in this state now.
    Accepted(JobState),
    /// The run is no longer the job's current one: nothing was written.
    Fenced,
}

/// Jobs as their runs see them.
#[async_trait]
pub trait RunStore: Send + Sync + 'static {
    /// Claims a job until `lease` has passed. A delivery whose claim was made and not answered gets
    /// the same run: that is neither another attempt nor a lost worker, unless somebody else
    /// claimed the job in between.
    async fn claim_for(&self, id: JobId, claimant: &Claimant, lease: Duration) -> Result<Claim>;

    /// [`RunStore::claim_for`] with a new delivery.
    async fn claim(&self, id: JobId, owner: &str, lease: Duration) -> Result<Claim> {
        self.claim_for(id, &Claimant::new(owner), lease).await
    }

    /// Renews the lease, and writes progress and checkpoint.
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

    /// Ends a run. When it is the last child's, its parent is queued for [`Phase::Merge`] in the
    /// same step.
    async fn finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished>;

    /// A job that was cancelled after a run of it had begun; `None` for every other.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn cancelled(&self, id: JobId) -> Result<Option<Job>>;

    /// The children of a job, counted.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn count_children(&self, parent: JobId) -> Result<Children>;

    /// The children of a job with their results, newest first, a page at a time.
    async fn list_children(&self, parent: JobId, before: Option<JobId>) -> Result<JobPage>;
}
