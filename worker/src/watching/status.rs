//! The status of one watched folder.

use clippy_core::trash::now;
use clippy_core::watching::{WatchedFolder, WatchedState};
use clippy_jobs::JobId;
use clippy_watch::WatchState;
use parking_lot::Mutex;

use super::list::Entry;

/// The status of a folder, shared between its task and those who ask.
#[derive(Debug, Default)]
pub(super) struct Status(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    state: Option<WatchState>,
    /// Why the last scan took the drive for away.
    seems_away: Option<String>,
    last_change: Option<u64>,
    last_error: Option<String>,
    job: Option<JobId>,
}

impl Status {
    /// Notes how the folder is watched.
    pub(super) fn watch_by(&self, state: WatchState) {
        let mut parts = self.0.lock();
        parts.state = Some(state);
        parts.seems_away = None;
    }

    /// Notes that there are changes.
    pub(super) fn changed(&self) {
        self.0.lock().last_change = Some(now());
    }

    /// Notes the job that adds the changes.
    pub(super) fn begin_job(&self, job: JobId) {
        self.0.lock().job = Some(job);
    }

    /// Notes how the job ended: the reason if it failed, and the reason if its scan took the drive
    /// for away.
    pub(super) fn end_job(&self, error: Option<String>, seems_away: Option<String>) {
        let mut parts = self.0.lock();
        parts.job = None;
        parts.last_error = error;
        parts.seems_away = seems_away;
    }

    /// Notes that no job could be created.
    pub(super) fn fail(&self, error: String) {
        self.0.lock().last_error = Some(error);
    }

    /// Describes the folder.
    pub(super) fn describe(&self, entry: &Entry) -> WatchedFolder {
        let parts = self.0.lock();
        let (state, reason) = match (&parts.state, &parts.seems_away) {
            _ if !entry.on => (WatchedState::Off, None),
            (_, Some(reason)) => (WatchedState::Away, Some(reason.clone())),
            (None, None) => (WatchedState::Starting, None),
            (Some(WatchState::Events), None) => (WatchedState::Events, None),
            (Some(WatchState::Polling(why)), None) => (WatchedState::Polling, Some(why.clone())),
            (Some(WatchState::Away(why)), None) => (WatchedState::Away, Some(why.clone())),
        };
        WatchedFolder {
            path: entry.path.display().to_string(),
            state,
            reason,
            last_change: parts.last_change,
            last_error: parts.last_error.clone(),
            job: parts.job.map(|job| job.to_string()),
        }
    }
}
