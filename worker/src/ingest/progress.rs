//! Reports the progress of a run, at most a few times a second.

use std::time::{Duration, Instant};

use clippy_core::ledger::LedgerTotals;
use serde::Serialize;

const PAUSE: Duration = Duration::from_millis(200);

/// The current stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Pictures are embedded and stored.
    Embedding,
    /// The collection builds its graphs.
    Indexing,
}

/// Receives the progress of a run. Called between chunks on the runtime's threads, so it must not
/// block.
pub trait IngestProgress: Send + Sync {
    /// Reports that `done` of `total` lines are recorded, with these totals.
    fn report(&self, done: u64, total: u64, totals: &LedgerTotals, stage: Stage);
}

/// Ignores the progress.
impl IngestProgress for () {
    fn report(&self, _done: u64, _total: u64, _totals: &LedgerTotals, _stage: Stage) {}
}

/// Limits how often progress is reported.
pub(crate) struct Throttle<'p> {
    progress: &'p dyn IngestProgress,
    total: u64,
    last: Option<Instant>,
}

impl<'p> Throttle<'p> {
    pub(crate) fn new(progress: &'p dyn IngestProgress, total: u64) -> Self {
        Self {
            progress,
            total,
            last: None,
        }
    }

    pub(crate) fn report_if_due(&mut self, totals: &LedgerTotals) {
        if self.last.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.last = Some(Instant::now());
            self.report_now(totals, Stage::Embedding);
        }
    }

    pub(crate) fn report_now(&self, totals: &LedgerTotals, stage: Stage) {
        self.progress
            .report(totals.lines, self.total, totals, stage);
    }
}
