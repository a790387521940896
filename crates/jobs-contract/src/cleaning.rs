//! Checks of the clean-up after a job that is cancelled between two runs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_jobs::{
    Finished, Handlers, Job, JobContext, JobError, JobHandler, JobId, JobKind, JobState, Lane,
    NewChild, NewJob, Outcome, RunKey,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{RunningRunner, Store, claim, create, new_job, wait_for_job, wait_until_within};

/// Snoozes each job for an hour; with `linger`, only once the job is asked to stop. Records the
/// jobs that it cleaned up after.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<Vec<JobId>>>);

impl Waiting {
    fn start(&self, store: &Store) -> RunningRunner {
        RunningRunner::start(store, Handlers::new().with(self.clone()), 4)
    }

    async fn wait_until_cleaned(&self, id: JobId) {
        let seen = || async { self.0.lock().contains(&id) };
        wait_until_within("the clean-up", Duration::from_secs(10), seen).await;
    }
}

async fn wait_for_the_first_run(store: &Store, id: JobId) {
    wait_for_job(store, id, "a first run to end", |job| {
        job.state == JobState::Queued && job.started_at.is_some()
    })
    .await;
}

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
    let handler = Waiting::default();
    // It never runs, so there is nothing to clean up.
    let never = create(&store, &new_job(json!({}))).await;
    store.cancel(never.id).await.expect("cancelled");
    let runner = handler.start(&store);
    let waits = create(&store, &new_job(json!({}))).await;
    wait_for_the_first_run(&store, waits.id).await;
    store.cancel(waits.id).await.expect("cancelled");
    handler.wait_until_cleaned(waits.id).await;

    // Its run ends as if the job would continue.
    let lingers = create(&store, &new_job(json!({"linger": true}))).await;
    wait_for_job(&store, lingers.id, "it to run", |job| {
        job.state == JobState::Running
    })
    .await;
    store.cancel(lingers.id).await.expect("asked");
    let ended = wait_for_job(&store, lingers.id, "its end", |job| job.state.is_finished()).await;
    assert_eq!(ended.state, JobState::Cancelled);
    handler.wait_until_cleaned(lingers.id).await;
    assert!(!handler.0.lock().contains(&never.id));
    runner.stop().await;
}

/// Creates a parent that still plans, with one part that waits after its first run. A worker of
/// this process runs the part.
async fn plan(store: &Store, handler: &Waiting) -> (RunningRunner, RunKey, JobId) {
    let parent = NewJob::new(JobKind::Generate, Lane::Control, json!({}));
    let parent = create(store, &parent).await;
    let key = claim(store, parent.id).await.key;
    let part = NewChild {
        key: "part".to_owned(),
        lane: Lane::Bulk,
        payload: json!({}),
        weight: 1,
    };
    let children = store.add_children(key, "parts", &[part]).await;
    children.expect("children").expect("not fenced");
    let runner = handler.start(store);
    let part = JobId::child(parent.id, "part");
    wait_for_the_first_run(store, part).await;
    (runner, key, part)
}

pub(super) async fn a_parent_cancelled_while_it_plans_is_cleaned_up(store: Store) {
    let handler = Waiting::default();
    let (runner, key, _) = plan(&store, &handler).await;
    store.cancel(key.job).await.expect("asked");
    let ended = store.finish(key, &Outcome::WaitForChildren).await;
    assert_eq!(
        ended.expect("an end"),
        Finished::Accepted(JobState::Cancelled)
    );
    handler.wait_until_cleaned(key.job).await;
    runner.stop().await;
}

pub(super) async fn a_part_cancelled_between_its_runs_is_cleaned_up(store: Store) {
    let handler = Waiting::default();
    let (runner, key, part) = plan(&store, &handler).await;
    let ended = store.finish(key, &Outcome::WaitForChildren).await;
    assert_eq!(
        ended.expect("an end"),
        Finished::Accepted(JobState::Waiting)
    );
    store.cancel(key.job).await.expect("cancelled");
    handler.wait_until_cleaned(part).await;
    handler.wait_until_cleaned(key.job).await;
    runner.stop().await;
}
