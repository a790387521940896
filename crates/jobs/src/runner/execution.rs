//! One run of one job, from its claim to its outcome.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::ErrorCode;
use serde_json::Value;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::JobHandler;
use super::context::{JobContext, Run, StopReason, no_handler};
use super::timing::Timing;
use crate::failure::JobError;
use crate::record::JobFailure;
use crate::runs::{Beat, BeatAnswer, Finished, Outcome, Phase};

/// How long writing the outcome is retried while the store is unavailable. If the lease ends
/// meanwhile, the fence refuses the write.
const FINISH_FOR: Duration = Duration::from_secs(600);

/// How the handler's task ended.
enum Ended {
    Returned(Result<Value, JobError>),
    Panicked(String),
    /// It did not stop in time when it was asked to, and was dropped.
    Dropped,
}

/// Runs the handler in a task of its own, with heartbeats beside it, and writes the outcome.
pub(super) async fn execute(run: Arc<Run>, handler: Option<Arc<dyn JobHandler>>, timing: &Timing) {
    let start = Instant::now();
    let job = &run.claimed.job;
    let ended = match handler {
        Some(handler) => {
            let stop_beats = CancellationToken::new();
            let beats = tokio::spawn(send_heartbeats(
                Arc::clone(&run),
                *timing,
                stop_beats.clone(),
            ));
            let ended = run_handler(&run, handler, timing.grace).await;
            // Not aborted: the progress of a heartbeat in flight would be lost, or written after
            // newer progress.
            stop_beats.cancel();
            if let Err(error) = beats.await {
                tracing::error!(job = %job.id, %error,
                "the heartbeats of a run ended unexpectedly");
            }
            ended
        }
        None => Ended::Returned(Err(no_handler(job))),
    };
    let state = match outcome(&run, ended, timing) {
        Some(outcome) => finish(&run, outcome).await,
        None => "lost",
    };
    let labels = [
        ("kind", job.kind.as_str()),
        ("lane", job.lane.as_str()),
        ("state", state),
    ];
    metrics::counter!("clippy_job_runs_total", &labels).increment(1);
    metrics::histogram!("clippy_job_run_seconds", &labels).record(start.elapsed().as_secs_f64());
}

/// Runs the handler in a task of its own. Drops it when it does not stop in time.
async fn run_handler(run: &Arc<Run>, handler: Arc<dyn JobHandler>, grace: Duration) -> Ended {
    let context = JobContext {
        run: Arc::clone(run),
    };
    let mut task = tokio::spawn(async move { handler.run(context).await });
    let overdue = async {
        run.token.cancelled().await;
        run.wait_released().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        ended = &mut task => return read_ended(ended),
        () = overdue => {}
    }
    task.abort();
    read_ended(task.await)
}

fn read_ended(ended: Result<Result<Value, JobError>, JoinError>) -> Ended {
    match ended {
        Ok(returned) => Ended::Returned(returned),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => Ended::Panicked(panic_message(panic.as_ref())),
            Err(_) => Ended::Dropped,
        },
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// The outcome of the run; `None` when another run has the job.
fn outcome(run: &Run, ended: Ended, timing: &Timing) -> Option<Outcome> {
    let attempt = run.claimed.job.attempt;
    let retry = |failure: JobFailure, after| Outcome::Retry {
        delay: timing.backoff.delay(attempt, after),
        failure,
    };
    let stopped = |reason| match reason {
        Some(StopReason::HandBack) => Some(Outcome::Later {
            delay: Duration::ZERO,
        }),
        Some(StopReason::Lost) => None,
        Some(StopReason::Cancelled) | None => Some(Outcome::Cancelled),
    };
    match ended {
        Ended::Returned(Ok(_)) if run.planned() && run.claimed.phase == Phase::Start => {
            Some(Outcome::WaitForChildren)
        }
        Ended::Returned(Ok(result)) => Some(Outcome::Succeeded {
            result,
            receipt: run.take_receipt(),
        }),
        Ended::Returned(Err(error)) => match error {
            JobError::Permanent { .. } => Some(Outcome::Failed(error.failure())),
            JobError::Transient { after, .. } => Some(retry(error.failure(), after)),
            JobError::Snooze(delay) => Some(Outcome::Later { delay }),
            JobError::Cancelled => stopped(run.reason()),
            JobError::HandedBack => Some(Outcome::Later {
                delay: Duration::ZERO,
            }),
        },
        Ended::Panicked(message) => {
            tracing::error!(job = %run.claimed.job.id, kind = %run.claimed.job.kind, message,
            "a job's handler panicked");
            let message =
                "The server has a fault: the job's handler panicked. See the worker's log"
                    .to_owned();
            Some(retry(
                JobFailure {
                    code: ErrorCode::Internal,
                    message,
                    retryable: true,
                },
                None,
            ))
        }
        Ended::Dropped => stopped(run.reason()),
    }
}

/// Writes the outcome, retrying while the store is unavailable.
async fn finish(run: &Run, outcome: Outcome) -> &'static str {
    let job = run.claimed.job.id;
    let mut outcome = outcome;
    let mut replaced = false;
    let start = Instant::now();
    let mut delay = Duration::from_millis(50);
    // The last progress is written first, so that a progress bar ends full.
    let mut beat = Beat {
        progress: run.take_progress(),
        ..Beat::default()
    };
    loop {
        let written = async {
            if beat.progress.is_some() {
                run.store.beat(run.claimed.key, run.lease, &beat).await?;
                beat.progress = None;
            }
            run.store.finish(run.claimed.key, &outcome).await
        };
        match written.await {
            Ok(Finished::Accepted(state)) => {
                tracing::info!(%job, %state, attempt = run.claimed.job.attempt, "a run ended");
                return state.as_str();
            }
            Ok(Finished::Fenced) => {
                tracing::warn!(%job, run = run.claimed.key.run,
                "a run ended too late: another run has the job now");
                return "fenced";
            }
            Err(error) if error.code.is_retryable() && start.elapsed() < FINISH_FOR => {
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(Duration::from_secs(2));
            }
            // A result that cannot be stored, such as one that is too large, could not be stored by
            // the next attempt either.
            Err(error) if !error.code.is_retryable() && !replaced => {
                tracing::error!(%job, %error,
                "the outcome of a run cannot be stored; the job fails instead");
                let failure = JobFailure {
                    code: error.code,
                    message: error.message,
                    retryable: false,
                };
                (outcome, replaced) = (Outcome::Failed(failure), true);
                beat.progress = None;
            }
            Err(error) => {
                tracing::error!(%job, %error,
                "the outcome of a run could not be written; its lease will end instead");
                return "unwritten";
            }
        }
    }
}

/// Renews the lease and writes new progress until `stop`. Errors do not stop the job: if the lease
/// ends, the fence refuses its writes.
async fn send_heartbeats(run: Arc<Run>, timing: Timing, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(timing.progress.min(timing.beat));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut last = Instant::now();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let progress = run.take_progress();
        if progress.is_none() && last.elapsed() + ticks.period() / 2 < timing.beat {
            continue;
        }
        let beat = Beat {
            progress,
            ..Beat::default()
        };
        match run.beat(&beat).await {
            Ok(BeatAnswer::Lost) => return,
            Ok(_) => last = Instant::now(),
            Err(error) => {
                tracing::debug!(job = %run.claimed.job.id, %error, "a heartbeat was not written");
                run.return_progress(beat.progress);
            }
        }
    }
}
