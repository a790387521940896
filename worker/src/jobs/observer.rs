//! Follows a run over the gallery for its job: shows its progress and saves its checkpoints.

use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError, JobProgress};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Implements the observer traits of several crates, each in the file of its job.
pub(super) struct JobObserver<'c> {
    context: &'c JobContext,
    /// Why a checkpoint was not saved.
    stopped: Mutex<Option<JobError>>,
}

impl<'c> JobObserver<'c> {
    pub(super) fn new(context: &'c JobContext) -> Self {
        Self {
            context,
            stopped: Mutex::default(),
        }
    }

    /// Where the last attempt of this job ended, or the beginning.
    pub(super) fn last_cursor<C: DeserializeOwned + Default>(&self) -> C {
        self.context
            .last_checkpoint()
            .and_then(|cursor| C::deserialize(cursor).ok())
            .unwrap_or_default()
    }

    pub(super) fn show(&self, stage: &str, unit: &str, done: u64, total: u64) {
        self.context.progress(JobProgress {
            done,
            total: Some(total),
            unit: unit.to_owned(),
            stage: stage.to_owned(),
            message: String::new(),
        });
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.context.token().is_cancelled()
    }

    /// Saves a checkpoint. If that fails, [`Self::end`] returns the reason.
    pub(super) async fn save(&self, cursor: &(impl Serialize + Sync)) -> Result<()> {
        let cursor = serde_json::to_value(cursor)
            .map_err(|error| Error::internal("a place is not JSON").with_source(error))?;
        match self.context.save_checkpoint(cursor).await {
            Ok(()) => Ok(()),
            Err(error) => {
                *self.stopped.lock() = Some(error);
                Err(Error::internal("the checkpoint was not saved"))
            }
        }
    }

    /// Returns the result of the run. If the job was asked to stop, or its claim was lost, that is
    /// the cause of every error of the run.
    pub(super) fn end<T>(self, ended: Result<T>) -> Result<T, JobError> {
        self.context.go_on()?;
        match self.stopped.into_inner() {
            Some(error) => Err(error),
            None => Ok(ended?),
        }
    }
}
