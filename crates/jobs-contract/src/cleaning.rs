//! Checks of the clean-up after a job that is cancelled between two runs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_jobs::{Handlers, Job, JobContext, JobError, JobHandler, JobId, JobKind, JobState};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{RunningRunner, Store, create, new_job, wait_for_job, wait_until_within};

/// Snoozes each job for an hour; with `linger`, only once the job is asked to stop. Records the
/// jobs that it cleaned up after.
struct Waiting(Arc<Mutex<Vec<JobId>>>);

#[async_trait]
impl JobHandler for Waiting {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        if context.job().payload["linger"] == true {
            context.token().cancelled().await;
        }
        Err(JobError::Snooze(Duration::from_secs(3_600)))
    }

    async fn clean_up(&self, cancelled: &Job) {
        self.0.lock().push(cancelled.id);
    }
}

pub(super) async fn a_job_cancelled_between_its_runs_is_cleaned_up(store: Store) {
    let cleaned = Arc::new(Mutex::new(Vec::new()));
    let handlers = Handlers::new().with(Waiting(Arc::clone(&cleaned)));
    // It never runs, so there is nothing to clean up.
    let never = create(&store, &new_job(json!({}))).await;
    store.cancel(never.id).await.expect("cancelled");
    let runner = RunningRunner::start(&store, handlers, 4);
    let waits = create(&store, &new_job(json!({}))).await;
    wait_for_job(&store, waits.id, "a first run to end", |job| {
        job.state == JobState::Queued && job.started_at.is_some()
    })
    .await;
    store.cancel(waits.id).await.expect("cancelled");
    let is_cleaned = async |id: JobId| {
        let seen = || async { cleaned.lock().contains(&id) };
        wait_until_within("the clean-up", Duration::from_secs(10), seen).await;
    };
    is_cleaned(waits.id).await;

    // Its run ends as if the job would continue.
    let lingers = create(&store, &new_job(json!({"linger": true}))).await;
    wait_for_job(&store, lingers.id, "it to run", |job| {
        job.state == JobState::Running
    })
    .await;
    store.cancel(lingers.id).await.expect("asked");
    let ended = wait_for_job(&store, lingers.id, "its end", |job| job.state.is_finished()).await;
    assert_eq!(ended.state, JobState::Cancelled);
    is_cleaned(lingers.id).await;
    assert!(!cleaned.lock().contains(&never.id));
    runner.stop().await;
}
