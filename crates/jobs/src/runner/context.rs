//! A handler's interface to its job: its data, and what it may write.

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
use crate::record::{Children, Job, JobId, NewChild, Progress};
use crate::runs::{Beat, BeatAnswer, ClaimedJob, Phase, RunKey, RunStore};
use crate::store::JobPage;

/// How long a handler waits while the store is unavailable, before its attempt fails.
const BEAR_FOR: Duration = Duration::from_secs(600);

/// The retries of one call while the store is unavailable.
struct Patience {
    begun: Instant,
    delay: Duration,
}

impl Patience {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            delay: Duration::from_millis(50),
        }
    }
}

/// Why a run was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody cancelled the job.
    Cancelled,
    /// The worker process stops.
    HandBack,
    /// Another run holds the job now.
    Lost,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Something was left out because of it.
    Error,
}

/// One run of one job; shared by the handler, the heartbeat and the runner.
pub(crate) struct Run {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) claimed: ClaimedJob,
    pub(crate) token: CancellationToken,
    pub(crate) lease: Duration,
    reason: OnceLock<StopReason>,
    progress: Mutex<Option<Progress>>,
    receipt: Mutex<Option<Value>>,
    planned: AtomicBool,
    /// How long the handler may still take although it was asked to stop.
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

    /// The longest that a run which is not cancelled may still take.
    pub(crate) fn held_for(&self) -> Duration {
        self.hold.borrow().unwrap_or_default()
    }

    /// Waits until nothing holds the run any more. Nobody waits for the result of a cancelled job.
    pub(crate) async fn released(&self) {
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

    pub(crate) fn take_progress(&self) -> Option<Progress> {
        self.progress.lock().take()
    }

    /// Puts back progress that could not be written, unless there is newer progress.
    pub(crate) fn return_progress(&self, progress: Option<Progress>) {
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

/// Keeps a run from being dropped; see [`JobContext::hold`].
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

/// A handler's view of its job. Cheap to clone, and free to be carried to other threads.
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

    /// The fence of this run; its number is good as a part of a provider's own idempotency key.
    #[must_use]
    pub fn key(&self) -> RunKey {
        self.run.claimed.key
    }

    /// Which phase is run. In [`Phase::Merge`] all children have ended; [`Job::children`] counts
    /// them.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.run.claimed.phase
    }

    /// The checkpoint that the last run saved with [`JobContext::save_checkpoint`].
    #[must_use]
    pub fn last_checkpoint(&self) -> Option<&Value> {
        self.run.claimed.cursor.as_ref()
    }

    /// Cancelled when the job is to stop: pass it on to whatever takes long.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.run.token
    }

    /// Why the job is to stop, once its token is cancelled.
    #[must_use]
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.run.reason()
    }

    /// Keeps the handler from being dropped while something runs that must not be cut off, such as
    /// a call that is paid for: when the worker stops or the lease is lost, the guard is waited for,
    /// `longest` at most. A cancelled job is not waited for. One guard at a time.
    #[must_use]
    pub fn hold(&self, longest: Duration) -> Hold {
        self.run.hold.send_replace(Some(longest));
        Hold(Arc::clone(&self.run))
    }

    /// Whether to go on; call it between steps, with `?`.
    ///
    /// # Errors
    /// [`JobError::Cancelled`] or [`JobError::HandedBack`] when the job is to stop.
    pub fn go_on(&self) -> Result<(), JobError> {
        match self.run.reason() {
            None => Ok(()),
            Some(StopReason::Cancelled | StopReason::Lost) => Err(JobError::Cancelled),
            Some(StopReason::HandBack) => Err(JobError::HandedBack),
        }
    }

    /// Sets the progress. Cheap: the newest is written at most twice a second.
    pub fn progress(&self, progress: Progress) {
        *self.run.progress.lock() = Some(progress);
    }

    /// Saves a checkpoint to continue from after a crash, at once, together with the newest
    /// progress. It means that the job got further, so its attempts are counted from 1 again: a
    /// long job survives any number of workers, as long as each does a part of it. So a handler
    /// must not save two checkpoints for the same piece of work; see [`JobContext::remember`].
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is away for minutes (a
    /// shorter time is waited for); [`JobError::Permanent`] for a cursor above 1 MiB.
    pub async fn save_checkpoint(&self, cursor: Value) -> Result<(), JobError> {
        self.write(cursor, true).await
    }

    /// Saves data for the next run, like [`JobContext::save_checkpoint`], but of a job that did not
    /// get further.
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
            if let Err(error) = self.bear(&mut patience, error).await {
                self.run.return_progress(beat.progress);
                return Err(error);
            }
        }
        self.go_on()
    }

    /// Writes a log line for those who follow the job. It is lost when the store is unavailable.
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

    /// Shows a preview while the job runs. The last one is kept for clients that connect later.
    ///
    /// # Errors
    /// [`JobError::Permanent`] when it is above [`crate::MAX_PREVIEW`]. A store that is away only
    /// loses the preview.
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

    /// Sets the receipt (what of the request was honoured); it is written with the result.
    pub fn receipt(&self, receipt: Value) {
        *self.run.receipt.lock() = Some(receipt);
    }

    /// Makes parts of this job. Once the handler returns `Ok`, the job waits for all of them and
    /// then runs again as [`Phase::Merge`]; what it returned is dropped. Planning twice makes no
    /// part twice, as long as keys are the same.
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is away for minutes;
    /// [`JobError::Permanent`] when the job merges already, or is itself a part.
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
                    Err(error) => self.bear(&mut patience, error).await?,
                }
            };
        }
        Ok(counted)
    }

    /// Back-pressure for planners: waits until fewer than `most` parts are unfinished.
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is away for minutes.
    pub async fn wait_for_room(&self, most: u64) -> Result<Children, JobError> {
        let mut patience = Patience::new();
        loop {
            self.go_on()?;
            let children = match self.run.store.count_children(self.job().id).await {
                Ok(children) => children,
                Err(error) => {
                    self.bear(&mut patience, error).await?;
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

    /// The parts with their results, newest first, a page at a time: for merging.
    ///
    /// # Errors
    /// As [`JobContext::go_on`]; [`JobError::Transient`] when the store is away for minutes.
    pub async fn children(&self, before: Option<JobId>) -> Result<JobPage, JobError> {
        let mut patience = Patience::new();
        loop {
            match self.run.store.list_children(self.job().id, before).await {
                // What a part did is then not known, and must not be left out of a sum in silence.
                Ok(page) if page.damaged > 0 => {
                    let message = format!(
                        "What {} parts of this job did cannot be read. The log names them; ask \
                         for the work again",
                        page.damaged
                    );
                    return Err(JobError::permanent(ErrorCode::Internal, message));
                }
                Ok(page) => return Ok(page),
                Err(error) => self.bear(&mut patience, error).await?,
            }
        }
    }

    /// Waits before a retry while the store is unavailable, so that a short outage costs no
    /// attempt.
    async fn bear(&self, patience: &mut Patience, error: Error) -> Result<(), JobError> {
        if !error.code.is_retryable() || patience.begun.elapsed() > BEAR_FOR {
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

/// The error of a job whose kind has no handler here.
pub(crate) fn no_handler(job: &Job) -> JobError {
    let message = format!(
        "No worker here knows how to run \"{}\" jobs. Start one that does, then retry",
        job.kind
    );
    JobError::from(Error::new(ErrorCode::Unsupported, message))
}
