//! Checks that a suspect keeps no other job waiting longer than it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clippy_jobs::{Handlers, JobContext, JobError, JobHandler, JobKind, JobState};
use serde_json::{Value, json};

use super::{RunningRunner, Store, create, new_job, wait_for_job, wait_until_within};

/// Jobs that `wait` are handed back for an hour, as if their provider were unavailable. Counts
/// their runs. Jobs that `stay` run until they are cancelled.
#[derive(Clone, Default)]
struct Provider(Arc<AtomicUsize>);

#[async_trait]
impl JobHandler for Provider {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        if context.job().payload["stay"] == true {
            context.token().cancelled().await;
        }
        if context.job().payload["wait"] != true {
            return Ok(Value::Null);
        }
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(JobError::Snooze(Duration::from_secs(3_600)))
    }
}

pub(super) async fn others_run_while_a_lost_job_waits_for_its_provider(store: Store) {
    let handler = Provider::default();
    let runs = Arc::clone(&handler.0);
    let suspect = create(&store, &new_job(json!({"wait": true}))).await;
    super::losses::lose(&store, suspect.id).await;
    let runner = RunningRunner::start(&store, Handlers::new().with(handler), 4);
    let ran = || async { runs.load(Ordering::SeqCst) == 1 };
    wait_until_within("the suspect to run", Duration::from_secs(10), ran).await;
    for n in 0..8 {
        let other = create(&store, &new_job(json!({"n": n}))).await;
        let other = wait_for_job(&store, other.id, "another job to end", |job| {
            job.state.is_finished()
        })
        .await;
        assert_eq!(other.state, JobState::Succeeded);
    }
    let waits = store.get(suspect.id).await.expect("it is there");
    assert_eq!(waits.state, JobState::Queued);
    runner.stop().await;
}

pub(super) async fn a_cancelled_suspect_keeps_no_other_job_waiting(store: Store) {
    let stays = create(&store, &new_job(json!({"stay": true}))).await;
    let suspect = create(&store, &new_job(json!({}))).await;
    super::losses::lose(&store, suspect.id).await;
    let runner = RunningRunner::start(&store, Handlers::new().with(Provider::default()), 4);
    wait_for_job(&store, stays.id, "another job to run", |job| {
        job.state == JobState::Running
    })
    .await;
    // It waits until the suspect has run alone, which waits until the first job has ended.
    let other = create(&store, &new_job(json!({}))).await;
    store.cancel(suspect.id).await.expect("cancelled");
    let other = wait_for_job(&store, other.id, "another job to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(other.state, JobState::Succeeded);
    let running = store.get(stays.id).await.expect("it is there").state;
    assert_eq!(running, JobState::Running);
    store.cancel(stays.id).await.expect("asked");
    runner.stop().await;
}
