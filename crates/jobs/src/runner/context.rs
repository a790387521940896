//! A handler's interface to its job: reading its data, and writing progress, checkpoints and parts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clippy_core::{Error, ErrorCode};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::events::EventKind;
use crate::failure::JobError;
use crate::record::{Children, Job, JobId, JobProgress, NewChild};
use crate::runs::{Beat, BeatAnswer, ClaimedJob, Phase, RunKey, RunStore};
use crate::store::JobPage;

/// How long a handler waits while the store is unavailable, before its attempt fails.
const STORE_PATIENCE: Duration = Duration::from_secs(600);

/// The retries of one call while the store is unavailable.
struct Patience {
    start: Instant,
    delay: Duration,
}

impl Patience {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            delay: Duration::from_millis(50),
        }
    }
}

/// Why a run was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The job was cancelled.
    Cancelled,
    /// The worker process is stopping.
    HandBack,
    /// Another run has the job now.
    Lost,
}

/// The level of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Information.
    Info,
    /// Something that may need attention.
    Warning,
    /// A part of the work was left out.
    Error,
}

/// One run of one job; shared by the handler, the heartbeat and the runner.
pub(crate) struct Run {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) claimed: ClaimedJob,
    pub(crate) token: CancellationToken,
    pub(crate) lease: Duration,
    reason: OnceLock<StopReason>,
    progress: Mutex<Option<JobProgress>>,
    receipt: Mutex<Option<Value>>,
    planned: AtomicBool,
    /// How long the handler may continue after it was asked to stop.
    hold: watch::Sender<Option<Duration>>,
}

impl Run {
    pub(crate) fn new(store: Arc<dyn RunStore>, claimed: ClaimedJob, lease: Duration) -> Self {
        Self {
            store,
            claimed,
            token: CancellationToken::new(),
            lease,
            reason: OnceLock::new(),
            progress: Mutex::default(),
            receipt: Mutex::default(),
            planned: AtomicBool::new(false),
            hold: watch::Sender::new(None),
        }
    }

    /// How long the run may continue after it was asked to stop, unless it is cancelled.
    pub(crate) fn held_for(&self) -> Duration {
        self.hold.borrow().unwrap_or_default()
    }

    /// Waits until no [`Hold`] keeps the run. A cancelled run is not waited for, since its result
    /// is not needed.
    pub(crate) async fn wait_released(&self) {
        let longest = self.held_for();
        if longest.is_zero() || self.reason() == Some(StopReason::Cancelled) {
            return;
        }
        let mut hold = self.hold.subscribe();
        // Out of time or released: the handler is stopped either way.
        let _ = tokio::time::timeout(longest, hold.wait_for(Option::is_none)).await;
    }

    /// Asks the handler to stop; the first reason stays.
    pub(crate) fn stop(&self, reason: StopReason) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    pub(crate) fn planned(&self) -> bool {
        self.planned.load(Ordering::Acquire)
    }

    pub(crate) fn take_progress(&self) -> Option<JobProgress> {
        self.progress.lock().take()
    }

    /// Puts back progress that could not be written, unless there is newer progress.
    pub(crate) fn return_progress(&self, progress: Option<JobProgress>) {
        let mut kept = self.progress.lock();
        if kept.is_none() {
            *kept = progress;
        }
    }

    pub(crate) fn take_receipt(&self) -> Option<Value> {
        self.receipt.lock().take()
    }

    /// Renews the lease, and acts on the answer.
    pub(crate) async fn beat(&self, beat: &Beat) -> clippy_core::Result<BeatAnswer> {
        let answer = self.store.beat(self.claimed.key, self.lease, beat).await?;
        match answer {
            BeatAnswer::Ok => {}
            BeatAnswer::Cancel => self.stop(StopReason::Cancelled),
            BeatAnswer::Lost => self.stop(StopReason::Lost),
        }
        Ok(answer)
    }
}

/// A guard that keeps a run from being dropped; see [`JobContext::hold`].
pub struct Hold(Arc<Run>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.hold.send_replace(None);
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Hold").finish()
    }
}

/// A handler's view of its job. Cheap to clone; clones can be sent to other threads.
#[derive(Clone)]
pub struct JobContext {
    pub(crate) run: Arc<Run>,
}

impl JobContext {
    /// The job as it stood when this run began.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.run.claimed.job
    }

    /// The fence of this run. Its number can be a part of a provider's own idempotency key.
    #[must_use]
    pub fn key(&self) -> RunKey {
        self.run.claimed.key
    }

    /// The phase of this run. In [`Phase::Merge`] all children have ended; [`Job::children`] has
    /// their counts.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.run.claimed.phase
    }

    /// The checkpoint that an earlier run saved with [`JobContext::save_checkpoint`] or
    /// [`JobContext::remember`].
    #[must_use]
    pub fn last_checkpoint(&self) -> Option<&Value> {
        self.run.claimed.cursor.as_ref()
    }

    /// A token that is cancelled when the job must stop. Pass it to everything that takes long.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.run.token
    }

    /// Why the job must stop, once its token is cancelled.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.run.reason()
    }

    /// Keeps the handler from being dropped while something runs that must not be interrupted, such
    /// as a paid call. When the worker stops or the lease is lost, the runner waits until the guard
    /// is dropped, at most `longest`. It does not wait for a cancelled job. One guard at a time.
    #[must_use]
    pub fn hold(&self, longest: Duration) -> Hold {
        self.run.hold.send_replace(Some(longest));
        Hold(Arc::clone(&self.run))
    }

    /// Checks that the job need not stop. Call it between steps, with `?`.
    ///
    /// # Errors
    /// [`JobError::Cancelled`] or [`JobError::HandedBack`] when the job must stop.
    pub fn go_on(&self) -> Result<(), JobError> {
        match self.run.reason() {
            None => Ok(()),
            Some(StopReason::Cancelled | StopReason::Lost) => Err(JobError::Cancelled),
            Some(StopReason::HandBack) => Err(JobError::HandedBack),
        }
    }

    /// Sets the progress. Cheap: the newest is written at most twice a second.
    pub fn progress(&self, progress: JobProgress) {
        *self.run.progress.lock() = Some(progress);
    }

    /// Saves a checkpoint to continue from after a crash, together with the newest progress. A
    /// checkpoint means that the job made progress, so its attempts are counted from 1 again: a
    /// long job survives any number of lost workers, as long as each run completes a part. So a
    /// handler must not save two checkpoints for the same piece of work; see
    /// [`JobContext::remember`].
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is unavailable for minutes
    /// (a shorter outage is waited for); [`JobError::Permanent`] for a cursor above 1 MiB.
    pub async fn save_checkpoint(&self, cursor: Value) -> Result<(), JobError> {
        self.write(cursor, true).await
    }

    /// Saves data for the next run like [`JobContext::save_checkpoint`], but does not count as
    /// progress.
    ///
    /// # Errors
    /// As [`JobContext::save_checkpoint`].
    pub async fn remember(&self, cursor: Value) -> Result<(), JobError> {
        self.write(cursor, false).await
    }

    async fn write(&self, cursor: Value, further: bool) -> Result<(), JobError> {
        let beat = Beat {
            progress: self.run.take_progress(),
            cursor: Some(cursor),
            further,
        };
        let mut patience = Patience::new();
        while let Err(error) = self.run.beat(&beat).await {
            if let Err(error) = self.wait_for_store(&mut patience, error).await {
                self.run.return_progress(beat.progress);
                return Err(error);
            }
        }
        self.go_on()
    }

    /// Writes a log line for clients that follow the job. It is lost when the store is unavailable.
    pub async fn log(&self, level: LogLevel, message: impl Into<String> + Send) {
        let data = json!({"level": level, "message": message.into()});
        if let Err(error) = self
            .run
            .store
            .append(self.key(), EventKind::Log, &data)
            .await
        {
            tracing::debug!(job = %self.job().id, %error, "a log line was not written");
        }
    }

    /// Writes a preview of the result. The last one is kept for clients that connect later. It is
    /// lost when the store is unavailable.
    ///
    /// # Errors
    /// [`JobError::Permanent`] when it is above [`crate::MAX_PREVIEW`].
    pub async fn preview(&self, data: Value) -> Result<(), JobError> {
        match self
            .run
            .store
            .append(self.key(), EventKind::Preview, &data)
            .await
        {
            Err(error) if error.code == ErrorCode::TooLarge => Err(error.into()),
            Err(error) => {
                tracing::debug!(job = %self.job().id, %error, "a preview was not written");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Sets the receipt: which parts of the request were honoured. It is written with the result.
    pub fn receipt(&self, receipt: Value) {
        *self.run.receipt.lock() = Some(receipt);
    }

    /// Makes parts of this job. When the handler has returned `Ok`, the job waits for all of them
    /// and then runs again as [`Phase::Merge`]; the returned value is dropped. Planning twice makes
    /// no part twice, as long as the keys are the same.
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is unavailable for minutes;
    /// [`JobError::Permanent`] when the job is in its merge phase, or is itself a part.
    pub async fn spawn_children(
        &self,
        unit: &str,
        children: &[NewChild],
    ) -> Result<Children, JobError> {
        if self.phase() == Phase::Merge {
            return Err(JobError::permanent(
                ErrorCode::Internal,
                "a job that merges its parts cannot make new ones",
            ));
        }
        if self.job().parent.is_some() {
            return Err(JobError::permanent(
                ErrorCode::Internal,
                "a part of a job cannot have parts of its own",
            ));
        }
        self.run.planned.store(true, Ordering::Release);
        let mut counted = Children::default();
        for some in children.chunks(crate::checks::MAX_CHILDREN) {
            self.go_on()?;
            let mut patience = Patience::new();
            counted = loop {
                match self.run.store.add_children(self.key(), unit, some).await {
                    Ok(Some(counted)) => break counted,
                    Ok(None) => {
                        self.run.stop(StopReason::Lost);
                        return Err(JobError::Cancelled);
                    }
                    Err(error) => self.wait_for_store(&mut patience, error).await?,
                }
            };
        }
        Ok(counted)
    }

    /// Waits until fewer than `most` parts are unfinished: back-pressure for planners.
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is unavailable for minutes.
    pub async fn wait_for_room(&self, most: u64) -> Result<Children, JobError> {
        let mut patience = Patience::new();
        loop {
            self.go_on()?;
            let children = match self.run.store.count_children(self.job().id).await {
                Ok(children) => children,
                Err(error) => {
                    self.wait_for_store(&mut patience, error).await?;
                    continue;
                }
            };
            patience = Patience::new();
            if children.outstanding() < most {
                return Ok(children);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(250)) => {}
                () = self.run.token.cancelled() => {}
            }
        }
    }

    /// Lists the parts with their results, newest first, one page at a time.
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is unavailable for minutes;
    /// [`JobError::Permanent`] when a part's record cannot be read.
    pub async fn children(&self, before: Option<JobId>) -> Result<JobPage, JobError> {
        let mut patience = Patience::new();
        loop {
            match self.run.store.list_children(self.job().id, before).await {
                // The results of these parts are unknown, and a sum without them would be wrong.
                Ok(page) if page.damaged > 0 => {
                    let message = format!(
                        "The records of {} parts of this job cannot be read. The log names them; \
                         submit the job again",
                        page.damaged
                    );
                    return Err(JobError::permanent(ErrorCode::Internal, message));
                }
                Ok(page) => return Ok(page),
                Err(error) => self.wait_for_store(&mut patience, error).await?,
            }
        }
    }

    /// Waits before a retry while the store is unavailable, so that a short outage costs no
    /// attempt.
    async fn wait_for_store(&self, patience: &mut Patience, error: Error) -> Result<(), JobError> {
        if !error.code.is_retryable() || patience.start.elapsed() > STORE_PATIENCE {
            return Err(error.into());
        }
        tokio::select! {
            () = tokio::time::sleep(patience.delay) => {}
            () = self.run.token.cancelled() => {}
        }
        patience.delay = (patience.delay * 2).min(Duration::from_secs(1));
        self.go_on()
    }
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("JobContext")
            .field("key", &self.key())
            .finish_non_exhaustive()
    }
}

/// The error of a job whose kind has no handler in this process.
pub(crate) fn no_handler(job: &Job) -> JobError {
    let message = format!(
        "This worker cannot run \"{}\" jobs. Start one that can, then retry",
        job.kind
    );
    JobError::from(Error::new(ErrorCode::Unsupported, message))
}
