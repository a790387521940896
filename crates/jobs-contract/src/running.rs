//! Checks that run a [`Runner`](clippy_jobs::Runner) on the store.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use apalis_core::task::builder::TaskBuilder;
use async_trait::async_trait;
use clippy_core::ErrorCode;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{RunningRunner, Store, create, new_job, wait_for_job, wait_until_within};
use clippy_jobs::{
    Claim, EventKind, FollowSettings, Following, Handlers, JobBackend, JobContext, JobError,
    JobHandler, JobKind, JobProgress, JobState, Lane, LogLevel, NewChild, NewJob, Phase, Tick,
};

pub(super) fn tick() -> Tick {
    Tick::every(Duration::from_millis(50))
}

/// A handler that does what its payload says.
#[derive(Default)]
struct Scripted {
    runs: Arc<AtomicUsize>,
}

#[async_trait]
impl JobHandler for Scripted {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let payload = context.job().payload.clone();
        match payload["do"].as_str().unwrap_or_default() {
            "panic" => panic!("scripted"),
            "wrong" => Err(JobError::permanent(
                ErrorCode::InvalidInput,
                "it can never work",
            )),
            "flaky" if context.job().attempt < 3 => {
                Err(JobError::transient(ErrorCode::Unavailable, "not yet"))
            }
            "snooze" if self.runs.load(Ordering::SeqCst) < 4 => {
                Err(JobError::Snooze(Duration::from_millis(20)))
            }
            "hang" => {
                context.token().cancelled().await;
                context.go_on()?;
                Ok(Value::Null)
            }
            "deaf" => {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
                Ok(Value::Null)
            }
            "busy" if context.job().attempt == 1 => {
                let after = Some(Duration::from_millis(700));
                Err(JobError::Transient {
                    code: ErrorCode::Overloaded,
                    message: "429".to_owned(),
                    after,
                })
            }
            "huge" => Ok(json!("x".repeat(2 * 1024 * 1024))),
            "chat" => {
                for n in 0..200 {
                    context.log(LogLevel::Info, format!("line {n}")).await;
                }
                Ok(Value::Null)
            }
            "talk" => talk(&context).await,
            "resume" => {
                let start = context
                    .last_checkpoint()
                    .and_then(Value::as_u64)
                    .unwrap_or_default();
                context.save_checkpoint(json!(start + 10)).await?;
                if start < 10 {
                    return Err(JobError::transient(ErrorCode::Timeout, "half way"));
                }
                Ok(json!({"began_at": start}))
            }
            _ => {
                context.receipt(json!({"seed": "honoured"}));
                Ok(json!({"ok": payload["n"]}))
            }
        }
    }
}

async fn talk(context: &JobContext) -> Result<Value, JobError> {
    for done in 0..=100 {
        let unit = "steps".to_owned();
        context.progress(JobProgress {
            done,
            total: Some(100),
            unit,
            ..JobProgress::default()
        });
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
    context
        .log(LogLevel::Warning, "one picture was left out")
        .await;
    context.preview(json!({"image": "small"})).await?;
    Ok(json!("talked"))
}

/// The [`Scripted`] handler, and the number of its runs.
fn scripted_handlers() -> (Handlers, Arc<AtomicUsize>) {
    let handler = Scripted::default();
    let runs = Arc::clone(&handler.runs);
    (Handlers::new().with(handler), runs)
}

pub(super) async fn jobs_run_and_end(store: Store) {
    let (handlers, runs) = scripted_handlers();
    let early = create(&store, &new_job(json!({"n": 1}))).await;
    let runner = RunningRunner::start(&store, handlers, 4);
    let mut ids = vec![early.id];
    for n in 2..=30 {
        ids.push(create(&store, &new_job(json!({"n": n}))).await.id);
    }
    for (place, id) in ids.iter().enumerate() {
        let job = wait_for_job(&store, *id, "the job to end", |job| job.state.is_finished()).await;
        assert_eq!((job.state, job.attempt), (JobState::Succeeded, 1));
        assert_eq!(
            (job.result, job.receipt),
            (
                Some(json!({"ok": place + 1})),
                Some(json!({"seed": "honoured"}))
            )
        );
    }
    assert_eq!(runs.load(Ordering::SeqCst), 30, "each ran once");
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!(
        (
            lanes[0].succeeded,
            lanes[0].queued,
            lanes[0].running,
            lanes[0].workers
        ),
        (30, 0, 0, 1)
    );
    let without_handler = create(
        &store,
        &NewJob::new(JobKind::Reindex, Lane::Control, json!({})),
    )
    .await;
    let job = wait_for_job(
        &store,
        without_handler.id,
        "a job without a handler to fail",
        |job| job.state.is_finished(),
    )
    .await;
    assert_eq!(
        job.error.map(|error| error.code),
        Some(ErrorCode::Unsupported)
    );
    runner.stop().await;
}

/// Records the order in which jobs started.
#[derive(Default)]
struct StartOrder {
    began: Arc<Mutex<Vec<Value>>>,
}

#[async_trait]
impl JobHandler for StartOrder {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        self.began.lock().push(context.job().payload.clone());
        Ok(Value::Null)
    }
}

pub(super) async fn a_lane_is_first_come_first_served(store: Store) {
    let made: Vec<Value> = (0..40).map(Value::from).collect();
    for payload in &made {
        create(&store, &new_job(payload.clone())).await;
    }
    let handler = StartOrder::default();
    let began = Arc::clone(&handler.began);
    let runner = RunningRunner::start(&store, Handlers::new().with(handler), 1);
    let all = || async { began.lock().len() == made.len() };
    wait_until_within("all jobs to begin", Duration::from_secs(30), all).await;
    assert_eq!(*began.lock(), made);
    runner.stop().await;
}

pub(super) async fn panics_and_errors_are_ordinary_failures(store: Store) {
    let (handlers, runs) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 2);
    let snoozer = create(&store, &new_job(json!({"do": "snooze"}))).await;
    let snoozed = wait_for_job(&store, snoozer.id, "the snoozer to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        (snoozed.state, snoozed.attempt),
        (JobState::Succeeded, 1),
        "snoozing does not count"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 4);
    let mut ids = Vec::new();
    for what in ["panic", "wrong", "flaky"] {
        ids.push(create(&store, &new_job(json!({"do": what}))).await.id);
    }
    let panicked = wait_for_job(&store, ids[0], "the panicking job to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!((panicked.state, panicked.attempt), (JobState::Failed, 3));
    assert!(panicked.error.is_some_and(
        |error| error.code == ErrorCode::Internal && !error.message.contains("scripted")
    ));
    let wrong = wait_for_job(&store, ids[1], "the wrong job to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        (wrong.state, wrong.attempt),
        (JobState::Failed, 1),
        "a permanent failure is not tried again"
    );
    let flaky = wait_for_job(&store, ids[2], "the flaky job to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        (flaky.state, flaky.attempt, flaky.error),
        (JobState::Succeeded, 3, None)
    );
    runner.stop().await;
}

pub(super) async fn a_retry_waits_as_long_as_the_server_asked(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 2);
    let job = create(&store, &new_job(json!({"do": "busy"}))).await;
    let job = wait_for_job(&store, job.id, "the second attempt", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!((job.state, job.attempt), (JobState::Succeeded, 2));
    // The backoff alone would have been at most a tenth of a second.
    let took = job.finished_at.expect("it ended").as_millis()
        - job.started_at.expect("it ran").as_millis();
    assert!(
        took >= 700,
        "tried again after {took} ms, the server asked for 700"
    );
    runner.stop().await;
}

pub(super) async fn a_result_that_cannot_be_stored_fails_the_job(store: Store) {
    let (handlers, runs) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 2);
    let job = create(&store, &new_job(json!({"do": "huge"}))).await;
    let job = wait_for_job(&store, job.id, "it to fail", |job| job.state.is_finished()).await;
    assert_eq!(
        (job.state, job.attempt, job.result),
        (JobState::Failed, 1, None)
    );
    assert_eq!(job.error.map(|error| error.code), Some(ErrorCode::TooLarge));
    assert_eq!(
        runs.load(Ordering::SeqCst),
        1,
        "a second run would end the same way"
    );
    runner.stop().await;
}

pub(super) async fn bulk_work_never_delays_interactive_work(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 2);
    let mut bulk = Vec::new();
    for _ in 0..60 {
        bulk.push(
            create(
                &store,
                &NewJob::new(JobKind::Generate, Lane::Bulk, json!({"do": "hang"})),
            )
            .await
            .id,
        );
    }
    wait_for_job(&store, bulk[0], "bulk work to run", |job| {
        job.state == JobState::Running
    })
    .await;
    // The running bulk jobs never end.
    for n in 0..10 {
        let job = create(&store, &new_job(json!({"n": n}))).await;
        wait_for_job(&store, job.id, "interactive work", |job| {
            job.state == JobState::Succeeded
        })
        .await;
    }
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!((lanes[1].running, lanes[1].queued), (2, 58));
    runner.stop().await;
}

pub(super) async fn cancellation_reaches_running_work(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 4);
    for what in ["hang", "deaf"] {
        let job = create(&store, &new_job(json!({"do": what}))).await;
        wait_for_job(&store, job.id, "the job to run", |job| {
            job.state == JobState::Running
        })
        .await;
        store.cancel(job.id).await.expect("asked");
        let asked = std::time::Instant::now();
        let job = wait_for_job(&store, job.id, "the job to stop", |job| {
            job.state.is_finished()
        })
        .await;
        // A handler that checks its token stops within a beat, and one that does not is dropped after
        // the grace period: together just over a second, but for a slow machine.
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "{:?}",
            asked.elapsed()
        );
        assert_eq!(job.state, JobState::Cancelled, "{what}");
    }
    runner.stop().await;
}

pub(super) async fn progress_previews_and_logs_become_events(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 1);
    let job = create(&store, &new_job(json!({"do": "talk"}))).await;
    let job = wait_for_job(&store, job.id, "the job to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        (job.progress.done, job.progress.total),
        (100, Some(100)),
        "the last progress is written"
    );
    let events = store
        .events_after(job.id, None, 1_000)
        .await
        .expect("events")
        .events;
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!(
        (
            count(EventKind::Log),
            count(EventKind::Preview),
            count(EventKind::Done)
        ),
        (1, 1, 1)
    );
    // At most one of the 101 reports is written every 200 ms, and always the last one.
    let progress = count(EventKind::Progress);
    assert!(
        (2..=60).contains(&progress),
        "{progress} progress events for 101 reports"
    );
    assert_eq!(
        store.last_preview(job.id).await.expect("one"),
        Some(json!({"image": "small"}))
    );
    runner.stop().await;
}

pub(super) async fn an_attempt_continues_from_the_last_checkpoint(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 1);
    let job = create(&store, &new_job(json!({"do": "resume"}))).await;
    let job = wait_for_job(&store, job.id, "the job to end", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(job.result, Some(json!({"began_at": 10})));
    runner.stop().await;
}

/// Plans eight parts, each of which returns its number, and merges them by adding the numbers.
struct Adding;

#[async_trait]
impl JobHandler for Adding {
    fn kind(&self) -> JobKind {
        JobKind::Ingest
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        if context.job().parent.is_some() {
            if context.job().payload["nested"] == true {
                let child = NewChild {
                    key: "n".to_owned(),
                    lane: Lane::Bulk,
                    payload: Value::Null,
                    weight: 1,
                };
                context.spawn_children("parts", &[child]).await?;
            }
            return Ok(context.job().payload.clone());
        }
        if context.phase() == Phase::Start && context.job().payload["nested"] == true {
            let payload = json!({"nested": true});
            let child = NewChild {
                key: "n".to_owned(),
                lane: Lane::Bulk,
                payload,
                weight: 1,
            };
            context.spawn_children("parts", &[child]).await?;
            return Ok(Value::Null);
        }
        if context.phase() == Phase::Start {
            for n in 1..=8 {
                let child = NewChild {
                    key: format!("part-{n}"),
                    lane: Lane::Bulk,
                    payload: json!({"n": n}),
                    weight: 1,
                };
                context.wait_for_room(4).await?;
                context.spawn_children("parts", &[child]).await?;
            }
            return Ok(Value::Null);
        }
        let page = context.children(None).await?;
        let sum: u64 = page
            .jobs
            .iter()
            .filter_map(|job| job.result.as_ref()?["n"].as_u64())
            .sum();
        Ok(json!({"sum": sum, "parts": context.job().children.map(|children| children.succeeded)}))
    }
}

pub(super) async fn parents_plan_wait_and_merge(store: Store) {
    let runner = RunningRunner::start(&store, Handlers::new().with(Adding), 2);
    let job = create(
        &store,
        &NewJob::new(JobKind::Ingest, Lane::Control, json!({})),
    )
    .await;
    let job = wait_for_job(&store, job.id, "the parts to be merged", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        (job.state, job.result),
        (JobState::Succeeded, Some(json!({"sum": 36, "parts": 8})))
    );
    runner.stop().await;
}

pub(super) async fn a_part_cannot_have_parts(store: Store) {
    let runner = RunningRunner::start(&store, Handlers::new().with(Adding), 2);
    let job = create(
        &store,
        &NewJob::new(JobKind::Ingest, Lane::Control, json!({"nested": true})),
    )
    .await;
    let job = wait_for_job(&store, job.id, "the part to be refused", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(job.state, JobState::Succeeded);
    assert_eq!(
        job.children
            .map(|children| (children.total, children.failed)),
        Some((1, 1))
    );
    runner.stop().await;
}

pub(super) async fn an_unreadable_task_goes_to_the_dead_letters(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 1);
    store
        .bury(b"\xffnot a job", "written by a test")
        .await
        .expect("buried");
    let letters = store.dead_letters(10).await.expect("letters");
    assert_eq!(
        (letters.len(), letters[0].reason.as_str()),
        (1, "written by a test")
    );
    assert!(letters[0].payload.contains("not a job"), "{letters:?}");
    // Decoding the contents of a task never fails.
    let task = TaskBuilder::new(b"garbage".to_vec()).build();
    assert!(matches!(
        clippy_jobs::Delivery::decode(&task.args),
        clippy_jobs::Delivery::Unreadable { .. }
    ));
    let job = create(&store, &new_job(json!({"n": 1}))).await;
    wait_for_job(&store, job.id, "the worker to continue", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    runner.stop().await;
}

pub(super) async fn stopping_hands_running_jobs_back(store: Store) {
    let (handlers, _) = scripted_handlers();
    let runner = RunningRunner::start(&store, handlers, 4);
    let mut ids = Vec::new();
    for what in ["hang", "deaf", "hang", "deaf", "hang", "hang", "hang"] {
        ids.push(create(&store, &new_job(json!({"do": what}))).await.id);
    }
    wait_for_job(&store, ids[3], "four jobs to run", |job| {
        job.state == JobState::Running
    })
    .await;
    runner.stop().await;
    for id in &ids {
        let job = store.get(*id).await.expect("it is there");
        assert_eq!(
            (job.state, job.attempt),
            (JobState::Queued, 0),
            "handed back, and not counted"
        );
    }
    assert_eq!(store.lanes().await.expect("lanes")[0].queued, 7);
    for id in &ids {
        store.cancel(*id).await.expect("cancelled");
    }
    // Jobs that were fetched and not started are queued again: the next runner gets them at once.
    let (handlers, runs) = scripted_handlers();
    let late = create(&store, &new_job(json!({"n": 1}))).await;
    let runner = RunningRunner::start(&store, handlers, 1);
    wait_for_job(&store, late.id, "the next runner to run", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    runner.stop().await;
}

pub(super) async fn a_paused_lane_runs_nothing_until_it_is_resumed(store: Store) {
    let (handlers, runs) = scripted_handlers();
    store.pause(Lane::Interactive, true).await.expect("paused");
    let runner = RunningRunner::start(&store, handlers, 2);
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(create(&store, &new_job(json!({"n": n}))).await.id);
    }
    // A job of another lane runs meanwhile, which shows that the runner works.
    let other = create(
        &store,
        &NewJob::new(JobKind::Generate, Lane::Bulk, json!({"n": 9})),
    )
    .await;
    wait_for_job(&store, other.id, "the other lane", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(store.lanes().await.expect("lanes")[0].queued, 6);
    store
        .pause(Lane::Interactive, false)
        .await
        .expect("resumed");
    for id in ids {
        let job = wait_for_job(&store, id, "the resumed lane", |job| {
            job.state.is_finished()
        })
        .await;
        assert_eq!((job.state, job.attempt), (JobState::Succeeded, 1));
    }
    runner.stop().await;
}

pub(super) async fn a_job_that_ends_its_worker_twice_is_not_run_again(store: Store) {
    let job = create(&store, &new_job(json!({}))).await;
    let (handlers, runs) = scripted_handlers();
    // Two workers that claim the job and die.
    for _ in 0..2 {
        wait_until_within("the job to be claimed", Duration::from_secs(20), || async {
            let claim = store
                .claim(job.id, "doomed", Duration::from_millis(50))
                .await;
            matches!(claim, Ok(Claim::Run(_)))
        })
        .await;
    }
    let runner = RunningRunner::start(&store, handlers, 1);
    let job = wait_for_job(&store, job.id, "the job to fail", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!((job.state, job.attempt), (JobState::Failed, 2));
    assert!(
        job.error
            .is_some_and(|error| error.message.contains("ended its worker process twice"))
    );
    assert_eq!(runs.load(Ordering::SeqCst), 0, "not run a third time");
    runner.stop().await;
}

/// Runs until it is released, and records how many jobs run at the same time.
#[derive(Default)]
struct Concurrency {
    now: Arc<AtomicUsize>,
    /// For each job's number: the largest number of jobs that ran at the same time, including it.
    most: Arc<Mutex<HashMap<u64, usize>>>,
    go: tokio_util::sync::CancellationToken,
}

#[async_trait]
impl JobHandler for Concurrency {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let n = context.job().payload["n"].as_u64().unwrap_or_default();
        let waits = context.job().payload["waits"] == true;
        if context.job().lane != Lane::Interactive {
            return Ok(Value::Null);
        }
        self.now.fetch_add(1, Ordering::SeqCst);
        let mut samples = 0;
        while samples < 12 || (waits && !self.go.is_cancelled()) {
            let now = self.now.load(Ordering::SeqCst);
            self.most
                .lock()
                .entry(n)
                .and_modify(|most| *most = now.max(*most))
                .or_insert(now);
            tokio::time::sleep(Duration::from_millis(10)).await;
            samples += 1;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Value::Null)
    }
}

pub(super) async fn a_job_lost_with_its_worker_runs_alone(store: Store) {
    let handler = Concurrency::default();
    let (most, go) = (Arc::clone(&handler.most), handler.go.clone());
    // Another job is queued before it, and more come later.
    let first = create(&store, &new_job(json!({"n": 2, "waits": true}))).await;
    let suspect = create(&store, &new_job(json!({"n": 1}))).await;
    super::losses::lose(&store, suspect.id).await;
    let runner = RunningRunner::start(&store, Handlers::new().with(handler), 4);
    wait_for_job(&store, first.id, "another job to run", |job| {
        job.state == JobState::Running
    })
    .await;
    let other = create(
        &store,
        &NewJob::new(JobKind::Generate, Lane::Bulk, json!({})),
    )
    .await;
    wait_for_job(&store, other.id, "another lane to continue", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        store.get(suspect.id).await.expect("it is there").state,
        JobState::Queued,
        "it waits until it can run alone"
    );
    let mut later = Vec::new();
    for n in 4..10 {
        later.push(create(&store, &new_job(json!({"n": n}))).await.id);
    }
    go.cancel();
    for id in [suspect.id, first.id].into_iter().chain(later) {
        let job = wait_for_job(&store, id, "it to end", |job| job.state.is_finished()).await;
        assert_eq!(job.state, JobState::Succeeded);
    }
    let most = most.lock().clone();
    assert_eq!(most[&1], 1, "alone: {most:?}");
    runner.stop().await;
}

pub(super) async fn watchers_see_every_event_once(store: Store) {
    let (handlers, _) = scripted_handlers();
    // Two hubs stand for two processes.
    let hubs = [0, 1].map(|_| {
        clippy_jobs::EventHub::start(Arc::clone(&store) as Arc<dyn clippy_jobs::JobStore>)
    });
    let job = create(&store, &new_job(json!({"do": "chat"}))).await;
    let settings = FollowSettings {
        poll: Duration::from_millis(300),
        page: 3,
    };
    let runner = RunningRunner::start(&store, handlers, 1);
    let mut seen = Vec::new();
    let mut after = None;
    // Each watcher reads one event, as if its connection were cut after it.
    loop {
        let mut following = hubs[seen.len() % 2].follow(job.id, after, settings);
        match following.next().await.expect("news") {
            Some(Following::Event(event)) => {
                after = Some(event.id);
                seen.push(event);
            }
            Some(Following::Gap) => panic!("nothing was dropped"),
            None => break,
        }
    }
    let all = store
        .events_after(job.id, None, 1_000)
        .await
        .expect("events")
        .events;
    assert_eq!(seen, all);
    assert!(seen.len() >= 200, "only {} events", seen.len());
    assert_eq!(seen.last().map(|event| event.kind), Some(EventKind::Done));
    runner.stop().await;
}

/// The trait must stay object-safe.
const _: fn(&dyn JobBackend) = |_| {};
