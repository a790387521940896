//! The progress of preparations that run while the server already answers. The terminal and `GET
//! /api/preparing` show it.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// A stage of the preparations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreparingStage {
    /// Pictures of a gallery are drawn.
    Drawing,
    /// Pictures are embedded and stored.
    Embedding,
    /// A sample of the collection is taken to calibrate scores.
    Calibrating,
}

/// The progress of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparingState {
    /// What is being done.
    pub stage: PreparingStage,
    /// How many of `total` are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// Progress, written by the work and read by the code that shows it. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Preparing(Arc<Mutex<Option<PreparingState>>>);

impl Preparing {
    /// Returns what is being prepared; `None` when nothing is.
    #[must_use]
    pub fn now(&self) -> Option<PreparingState> {
        *self.0.lock()
    }

    /// Reports progress. Within a stage it never decreases, in whatever order threads report.
    pub fn report(&self, stage: PreparingStage, done: u64, total: u64) {
        let mut state = self.0.lock();
        let known = state
            .filter(|known| known.stage == stage)
            .map_or(0, |known| known.done);
        *state = Some(PreparingState {
            stage,
            done: done.max(known),
            total,
        });
    }

    /// Reports that everything is ready.
    pub fn finish(&self) {
        *self.0.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_decreases_until_everything_is_ready() {
        let preparing = Preparing::default();
        let shown = preparing.clone();
        assert_eq!(preparing.now(), None);
        preparing.report(PreparingStage::Drawing, 2, 3);
        preparing.report(PreparingStage::Drawing, 1, 3);
        let drawn = PreparingState {
            stage: PreparingStage::Drawing,
            done: 2,
            total: 3,
        };
        assert_eq!(shown.now(), Some(drawn));
        preparing.report(PreparingStage::Embedding, 0, 3);
        assert_eq!(
            preparing.now().map(|now| (now.stage, now.done)),
            Some((PreparingStage::Embedding, 0))
        );
        preparing.finish();
        assert_eq!(preparing.now(), None);
    }
}
