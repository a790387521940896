//! How the ids of queued jobs reach workers.
//!
//! apalis fetches tasks, which hold a job's id and nothing else. It is used in this folder only:
//! [`worker_loop`] has its worker and its one handler, [`redis`] and [`sqlite`] its two backends,
//! and [`tick`] its wake strategy.

pub(crate) mod redis;
pub(crate) mod sqlite;
mod tick;
mod worker_loop;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::record::{JobId, Lane};

pub(crate) use tick::Bell;
pub use tick::Tick;
pub(crate) use worker_loop::run_until;

/// Notices to workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// There are new jobs in this lane.
    Wake(Lane),
    /// This job is asked to stop.
    Cancel(JobId),
    /// This lane was paused or resumed.
    Lane(Lane),
}

/// The contents of a task: the id of a job, or bytes that cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A job to claim.
    Job(JobId),
    /// A task that cannot be read.
    Unreadable {
        /// Its contents.
        payload: Vec<u8>,
        /// Why they cannot be read.
        reason: String,
    },
}

/// Takes deliveries. Returning means that the queue may forget the delivery.
#[async_trait]
pub trait Deliver: Send + Sync + 'static {
    /// Handles one delivery completely.
    async fn deliver(&self, lane: Lane, delivery: Delivery);
}

/// One worker loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneWorker {
    /// The lane it fetches from.
    pub lane: Lane,
    /// Its name, which is never used again.
    pub name: String,
    /// The most jobs that it runs at once.
    pub concurrency: usize,
}

/// Limits of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepSettings {
    /// A worker loop that was silent for longer is considered dead, and its tasks are queued again.
    pub dead_after: Duration,
    /// A job that was queued for longer is checked for a lost task.
    pub rescue_after: Duration,
}

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Delayed jobs that were due, queued.
    pub promoted: u64,
    /// Running jobs whose lease had ended: queued again, or failed.
    pub reaped: u64,
    /// Tasks taken back from dead workers.
    pub released: u64,
    /// Queued jobs whose task was lost, queued again.
    pub rescued: u64,
    /// Old finished jobs, dropped.
    pub expired: u64,
}

/// Delivers the ids of queued jobs to workers, and cleans up after dead workers.
#[async_trait]
pub trait JobTransport: Send + Sync + 'static {
    /// Fetches tasks of one lane and delivers them, until `stop` or an error. After `stop` the
    /// caller drops the call without waiting for it, and then calls
    /// [`JobTransport::release_worker`].
    async fn run_lane(
        &self,
        worker: &LaneWorker,
        tick: Tick,
        deliver: Arc<dyn Deliver>,
        stop: CancellationToken,
    ) -> Result<()>;

    /// Queues a worker's unfinished tasks again. Tasks that cannot be read go to the dead letters.
    /// Returns how many were queued.
    async fn release_worker(&self, lane: Lane, name: &str) -> Result<u64>;

    /// Reports that these worker loops are alive.
    async fn keep_alive(&self, workers: &[(Lane, String)]) -> Result<()>;

    /// Queues delayed jobs that are due. Returns how many.
    async fn promote(&self) -> Result<u64>;

    /// Finds and handles ended leases, dead workers, lost tasks and old finished jobs.
    async fn sweep(&self, settings: &SweepSettings) -> Result<Swept>;

    /// Adds an unreadable task to the dead letters.
    async fn bury(&self, payload: &[u8], reason: &str) -> Result<()>;

    /// Subscribes to the notices to workers. A notice may be lost: poll as well.
    fn watch_control(&self) -> broadcast::Receiver<Control>;
}
