//! How far a run is, told to whoever wants to know, at most a few times a second.

use std::time::{Duration, Instant};

use clippy_core::ledger::LedgerTotals;
use serde::Serialize;

const PAUSE: Duration = Duration::from_millis(200);

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Lines become points.
    Embedding,
    /// The collection builds its graphs.
    Indexing,
}

/// Is told how far a run is. Called between chunks on the runtime's threads, so it must not block.
pub trait Progress: Send + Sync {
    /// `done` of `total` lines are accounted for, as `totals` sums up.
    fn advanced(&self, done: u64, total: u64, totals: &LedgerTotals, stage: Stage);
}

/// For runs that nobody watches.
impl Progress for () {
    fn advanced(&self, _done: u64, _total: u64, _totals: &LedgerTotals, _stage: Stage) {}
}

/// Keeps calls apart.
pub(crate) struct Throttle<'p> {
    progress: &'p dyn Progress,
    total: u64,
    last: Option<Instant>,
}

impl<'p> Throttle<'p> {
    pub(crate) fn new(progress: &'p dyn Progress, total: u64) -> Self {
        Self {
            progress,
            total,
            last: None,
        }
    }

    pub(crate) fn advanced(&mut self, totals: &LedgerTotals) {
        if self.last.is_none_or(|last| last.elapsed() >= PAUSE) {
            self.last = Some(Instant::now());
            self.now(totals, Stage::Embedding);
        }
    }

    pub(crate) fn now(&self, totals: &LedgerTotals, stage: Stage) {
        self.progress
            .advanced(totals.lines, self.total, totals, stage);
    }
}
