//! The runner: takes jobs from its lanes, runs their handlers, and sweeps the store.
//!
//! It is independent of the kinds of jobs. Each process has one runner, with worker loops for each
//! of its lanes and a side loop for sweeps. apalis ends a worker loop on any error of the store;
//! the runner starts it again under a new name. The loop's jobs are not affected, since each runs
//! in a task of its own.

mod context;
mod engine;
mod execution;
mod side;
mod timing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::{Error, Result};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::backend::WorkerBackend;
use crate::failure::JobError;
use crate::record::{Job, JobKind, Lane};
use engine::Engine;

pub use context::{Hold, JobContext, LogLevel, StopReason};
pub use timing::Timing;

/// Runs the jobs of one kind.
///
/// A job may run twice: when a worker is killed, or frozen until its lease ends, another one runs
/// the job again. So everything that a handler does outside its [`JobContext`] must be idempotent.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// The kind it runs.
    fn kind(&self) -> JobKind;

    /// Runs a job or a part of one, and returns its result.
    async fn run(&self, context: JobContext) -> Result<Value, JobError>;

    /// Removes what earlier runs of a job left elsewhere for its next run. Called when the job was
    /// cancelled between two runs, so that no run follows. Every worker process that is notified
    /// calls this, so it may happen several times, or not at all if no worker is running.
    async fn clean_up(&self, _cancelled: &Job) {}
}

/// One handler for each kind of job.
#[derive(Clone, Default)]
pub struct Handlers(HashMap<JobKind, Arc<dyn JobHandler>>);

impl Handlers {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler. A second one for the same kind replaces the first.
    #[must_use]
    pub fn with(mut self, handler: impl JobHandler) -> Self {
        self.0.insert(handler.kind(), Arc::new(handler));
        self
    }

    /// The handler of a kind.
    #[must_use]
    pub fn get(&self, kind: JobKind) -> Option<Arc<dyn JobHandler>> {
        self.0.get(&kind).cloned()
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Which lanes a runner serves, and how many jobs it runs at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerSettings {
    /// Lanes, each with the number of jobs run at once.
    pub lanes: Vec<(Lane, usize)>,
    /// The intervals and time limits.
    pub timing: Timing,
    /// How long running jobs may continue after the runner was asked to stop. Then they are handed
    /// back.
    pub drain: Duration,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            lanes: vec![(Lane::Interactive, 16), (Lane::Bulk, 2), (Lane::Control, 2)],
            timing: Timing::default(),
            drain: Duration::from_secs(20),
        }
    }
}

impl RunnerSettings {
    /// For the only process that uses a store; see [`Timing::embedded`].
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            timing: Timing::embedded(),
            ..Self::default()
        }
    }
}

/// Runs jobs. Make one with [`Runner::new`], and [`Runner::run`] it.
pub struct Runner {
    engine: Arc<Engine>,
}

impl Runner {
    /// Makes a runner, and checks its settings.
    ///
    /// # Errors
    /// `InvalidInput` when the timing is inconsistent, there is no lane, or a lane appears twice or
    /// has a concurrency of 0.
    pub fn new(
        store: Arc<dyn WorkerBackend>,
        handlers: Handlers,
        settings: RunnerSettings,
    ) -> Result<Self> {
        settings.timing.check()?;
        let mut lanes: Vec<Lane> = settings.lanes.iter().map(|(lane, _)| *lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        if lanes.is_empty() || lanes.len() != settings.lanes.len() {
            return Err(Error::invalid(
                "A runner needs at least one lane, and each only once",
            ));
        }
        if let Some((lane, _)) = settings
            .lanes
            .iter()
            .find(|(_, concurrency)| *concurrency == 0)
        {
            return Err(Error::invalid(format!(
                "The {lane} lane has a concurrency of 0: set at least 1, or leave the lane out"
            )));
        }
        Ok(Self {
            engine: Arc::new(Engine::new(store, handlers, settings)),
        })
    }

    /// Runs until `stop`. Then it takes no more jobs, waits for those that run, and hands back
    /// those that do not end in time. After `stop` it returns within the drain time, the longest
    /// [`JobContext::hold`], the grace time and some seconds together.
    pub async fn run(self, stop: CancellationToken) {
        let side = tokio::spawn(side::run(Arc::clone(&self.engine)));
        self.engine.run(stop).await;
        side.abort();
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Runner").finish_non_exhaustive()
    }
}
