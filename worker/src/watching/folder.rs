//! The task of one watched folder: creates a job for complete changes, and waits for its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clippy_core::bulk::{AddRequest, ScanPart};
use clippy_core::folders::Folders;
use clippy_core::{ErrorCode, Result, blocking};
use clippy_jobs::{Envelope, Job, JobFilter, JobId, JobKind, JobState, Lane, NewJob};
use clippy_watch::{Changes, Notice, WatchOptions, WatchState, watch};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::WatchTools;
use super::list::Entry;
use super::status::Status;

/// Notices that may wait.
const WAITING: usize = 4;
/// How often a task looks whether its job has ended.
const LOOK: Duration = Duration::from_millis(500);
/// The pause before changes are tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest such pause while files are being written.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest such pause after failures.
const LONGEST_FAILING: Duration = Duration::from_secs(3600);
/// Pages of jobs that are searched for one of the folder.
const MOST_PAGES: usize = 20;

/// What the task of a folder needs.
pub(super) struct Parts {
    pub(super) tools: WatchTools,
    pub(super) folders: Folders,
    pub(super) entry: Entry,
    pub(super) status: Arc<Status>,
}

/// The task of a folder.
pub(super) struct FolderTask {
    parts: Parts,
    /// Changes that no job covers yet, and when to create one.
    waiting: Option<(Changes, Instant)>,
    /// The unfinished job of the folder, with the changes that it covers; `None` for one that
    /// somebody else created.
    job: Option<(JobId, Option<Changes>)>,
    /// How long the next attempt waits.
    pause: Duration,
    /// Whether watching has just begun: the first changes may be old.
    has_begun: bool,
}

impl FolderTask {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            parts,
            waiting: None,
            job: None,
            pause: FIRST_PAUSE,
            has_begun: false,
        }
    }

    /// Watches until the task is aborted.
    pub(super) async fn run(self) {
        let data = self.parts.tools.data.clone();
        let data = blocking("examining a folder", move || {
            Ok(data.canonicalize().unwrap_or(data))
        })
        .await;
        let options = WatchOptions {
            leave_out: data.into_iter().collect(),
            ..self.parts.tools.options.clone()
        };
        let (sender, notices) = mpsc::channel(WAITING);
        let watching = watch(self.parts.entry.path.clone(), options, sender);
        tokio::join!(watching, self.follow(notices));
    }

    async fn follow(mut self, mut notices: mpsc::Receiver<Notice>) {
        loop {
            let due = self.waiting.as_ref().map(|(_, due)| *due);
            let has_job = self.job.is_some();
            tokio::select! {
                notice = notices.recv() => match notice {
                    Some(notice) => self.receive(notice).await,
                    None => return,
                },
                () = sleep(LOOK), if has_job => self.look_at_job().await,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() && !has_job => {
                    self.start_job().await;
                }
            }
        }
    }

    async fn receive(&mut self, notice: Notice) {
        match notice {
            Notice::State(state) => {
                if !matches!(state, WatchState::Away(_)) {
                    self.allow().await;
                }
                self.has_begun = true;
                self.parts.status.watch_by(state);
            }
            Notice::Changed(changes) => {
                if !std::mem::take(&mut self.has_begun) {
                    self.parts.status.changed();
                }
                self.pause = FIRST_PAUSE;
                self.wait_for(changes, Duration::ZERO);
            }
        }
    }

    /// Allows this server to read the folder, as `clippy add` does.
    async fn allow(&self) {
        let (folders, path) = (self.parts.folders.clone(), self.parts.entry.path.clone());
        let allowed = blocking("writing a file", move || folders.allow(&[path])).await;
        if let Err(error) = allowed {
            tracing::warn!(%error, "a watched folder cannot be allowed");
        }
    }

    /// Adds changes to those that no job covers.
    fn wait_for(&mut self, changes: Changes, pause: Duration) {
        let due = Instant::now() + pause;
        self.waiting = Some(match self.waiting.take() {
            Some((waiting, earlier)) => (waiting.with(changes), due.min(earlier)),
            None => (changes, due),
        });
    }

    /// Like [`FolderTask::wait_for`], after a pause that grows each time.
    fn try_again(&mut self, changes: Changes, longest: Duration) {
        let pause = self.pause.min(longest);
        self.pause = (2 * self.pause).min(longest);
        self.wait_for(changes, pause);
    }

    async fn start_job(&mut self) {
        let Some((changes, _)) = self.waiting.take() else {
            return;
        };
        match self.create(&changes).await {
            Ok((job, true)) => self.job = Some((job, Some(changes))),
            // A job of the folder that has not ended. It may have been past these changes.
            Ok((job, false)) => {
                self.job = Some((job, None));
                self.wait_for(changes, Duration::ZERO);
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "changes in {} cannot be added now",
                    self.parts.entry.path.display()
                );
                self.parts.status.fail(error.message);
                self.try_again(changes, LONGEST_PAUSE);
                return;
            }
        }
        if let Some((job, _)) = &self.job {
            self.parts.status.begin_job(*job);
        }
    }

    /// Creates a job for changes. If the folder has an unfinished job, returns that one, and
    /// `false`.
    async fn create(&self, changes: &Changes) -> Result<(JobId, bool)> {
        let Parts { tools, entry, .. } = &self.parts;
        if let Some(job) = self.unfinished().await? {
            return Ok((job, false));
        }
        let only = match changes {
            Changes::Everything => Vec::new(),
            Changes::Parts(parts) => parts
                .iter()
                .map(|part| ScanPart {
                    folder: part.folder.clone(),
                    deep: part.deep,
                })
                .collect(),
        };
        let request = AddRequest {
            paths: vec![entry.path.clone()],
            tags_from_folders: entry.tags_from_folders,
            only,
            settled_secs: tools.options.quiet.as_secs(),
            ..AddRequest::default()
        };
        let payload = Envelope::whole(&request).to_payload()?;
        let new = NewJob::new(JobKind::Ingest, Lane::Control, payload);
        let created = tools.jobs.create(&new).await?;
        tracing::debug!(job = %created.job.id, "adds changes in {}", entry.path.display());
        Ok((created.job.id, true))
    }

    /// Finds an unfinished job of this folder: one of an earlier process, or of somebody else.
    async fn unfinished(&self) -> Result<Option<JobId>> {
        let Parts { tools, entry, .. } = &self.parts;
        for state in [JobState::Running, JobState::Waiting, JobState::Queued] {
            let mut filter = JobFilter {
                kind: Some(JobKind::Ingest),
                state: Some(state),
                limit: 500,
                ..JobFilter::default()
            };
            for _ in 0..MOST_PAGES {
                let page = tools.jobs.list(&filter).await?;
                let found = page.jobs.iter().find(|job| adds(job, &entry.path));
                if let Some(job) = found {
                    return Ok(Some(job.id));
                }
                filter.before = page.next_cursor;
                if filter.before.is_none() {
                    break;
                }
            }
        }
        Ok(None)
    }

    async fn look_at_job(&mut self) {
        let Some((id, _)) = &self.job else {
            return;
        };
        let ended = match self.parts.tools.jobs.get(*id).await {
            Ok(job) if !job.state.is_finished() => return,
            Ok(job) => Some(job),
            // It ended long ago, and was dropped.
            Err(error) if error.code == ErrorCode::NotFound => None,
            Err(error) => {
                tracing::debug!(%error, "a job cannot be looked up now");
                return;
            }
        };
        let changes = self.job.take().and_then(|(_, changes)| changes);
        let outcome = ended.as_ref().map(Outcome::of).unwrap_or_default();
        self.parts
            .status
            .end_job(outcome.error.clone(), outcome.seems_away.clone());
        if let Some(error) = &outcome.error {
            tracing::warn!(
                "the job that adds changes in {} ended without success: {error}",
                self.parts.entry.path.display()
            );
        }
        let Some(changes) = changes else { return };
        if outcome.is_incomplete {
            self.try_again(changes, LONGEST_PAUSE);
        } else if outcome.may_help_to_retry {
            self.try_again(changes, LONGEST_FAILING);
        } else {
            self.pause = FIRST_PAUSE;
        }
    }
}

/// How a job ended.
#[derive(Debug, Default)]
struct Outcome {
    /// Why it ended without success.
    error: Option<String>,
    /// Whether a later attempt may succeed without further changes.
    may_help_to_retry: bool,
    /// Whether files were left for later.
    is_incomplete: bool,
    /// Why its scan took the drive for away.
    seems_away: Option<String>,
}

impl Outcome {
    fn of(job: &Job) -> Self {
        let scan = job.result.as_ref().map(|result| &result["scan"]);
        let away = scan.and_then(|scan| scan["away"].as_array());
        let seems_away = away
            .is_some_and(|away| !away.is_empty())
            .then(|| "none of its known pictures is there".to_owned());
        let being_written = scan.and_then(|scan| scan["being_written"].as_u64());
        let failed = job.error.as_ref();
        Self {
            error: match job.state {
                JobState::Failed => {
                    Some(failed.map_or_else(String::new, |error| error.message.clone()))
                }
                JobState::Cancelled => Some("its job was cancelled".to_owned()),
                _ => None,
            },
            may_help_to_retry: job.state == JobState::Failed
                && failed.is_some_and(|error| error.code != ErrorCode::InvalidInput),
            is_incomplete: being_written.is_some_and(|files| files > 0),
            seems_away,
        }
    }
}

/// Whether a job adds this folder, and nothing else.
fn adds(job: &Job, folder: &Path) -> bool {
    let paths = &job.payload["request"]["paths"];
    let Some([Value::String(path)]) = paths.as_array().map(Vec::as_slice) else {
        return false;
    };
    Path::new(path) == folder && job.payload["request"]["dry_run"] != Value::Bool(true)
}
