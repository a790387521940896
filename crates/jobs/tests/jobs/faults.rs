//! Faults of worker processes (killed, frozen, stopped, with a wrong clock), and the guarantees
//! that hold nevertheless.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Redis, Worker, signal};
use clippy_jobs::{
    EventKind, Job, JobFilter, JobId, JobKind, JobState, Lane, LaneLimits, NewJob, SqliteJobs,
    SqliteSettings, Timestamp, Timing,
};
use clippy_jobs_contract::{Store, short_timing, wait_for_job, wait_until_within};
use serde_json::json;

/// Does nothing by itself. The other tests start this program as a worker with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_process() {
    crate::support::handlers::worker_process().await;
}

fn job(lane: Lane, payload: serde_json::Value) -> NewJob {
    NewJob::new(JobKind::Ingest, lane, payload)
}

async fn count_done(store: &Store, id: JobId) -> usize {
    let events = store
        .events_after(id, None, 1_000)
        .await
        .expect("events")
        .events;
    events
        .iter()
        .filter(|event| event.kind == EventKind::Done)
        .count()
}

fn succeeded_parts(job: &Job) -> u64 {
    job.children.map_or(0, |parts| parts.succeeded)
}

/// Kills a worker while none of the parts that it may run has lost a worker since its last
/// checkpoint. A part that loses two in a row fails, as it should.
async fn kill_between_losses(store: &Store, parent: JobId, worker: &mut Worker) {
    let running = JobFilter {
        parent: Some(parent),
        state: Some(JobState::Running),
        limit: 500,
        ..JobFilter::default()
    };
    wait_until_within(
        "no part to run after a loss",
        Duration::from_secs(180),
        || async {
            // A stopped worker claims nothing between the check and the kill.
            signal(worker.id(), "STOP");
            let page = store.list(&running).await.expect("a page");
            let is_safe = page.jobs.iter().all(|part| part.losses == 0);
            if !is_safe {
                signal(worker.id(), "CONT");
            }
            is_safe
        },
    )
    .await;
    worker.kill();
}

/// Checks that every part succeeded once, that the parent merged once, and that no job is left.
async fn check_family(store: &Store, parent: JobId, parts: u64) {
    let merged = store.get(parent).await.expect("it is there");
    assert_eq!(merged.state, JobState::Succeeded, "{merged:?}");
    assert_eq!(
        merged
            .children
            .map(|children| (children.total, children.succeeded)),
        Some((parts, parts))
    );
    assert_eq!(merged.result, Some(json!({"sum": parts * (parts + 1) / 2})));
    assert_eq!(count_done(store, parent).await, 1, "merged once");
    let mut filter = JobFilter {
        parent: Some(parent),
        limit: 500,
        ..JobFilter::default()
    };
    let mut seen = 0;
    loop {
        let page = store.list(&filter).await.expect("a page");
        for part in &page.jobs {
            assert_eq!(part.state, JobState::Succeeded, "{part:?}");
            assert_eq!(
                count_done(store, part.id).await,
                1,
                "each part's effect counts once"
            );
            seen += 1;
        }
        match page.next_cursor {
            Some(cursor) => filter.before = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, parts);
    let left: u64 = store
        .lanes()
        .await
        .expect("lanes")
        .iter()
        .map(|lane| lane.queued + lane.running)
        .sum();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing() {
    eprintln!(
        "recovery after a kill: at most {:?} by default",
        Timing::default().recovery_bound()
    );
    eprintln!(
        "recovery after a kill: at most {:?} in this test",
        short_timing().recovery_bound()
    );
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let logs = tempfile::tempdir().expect("a folder");
    let log = logs.path().join("workers.log");
    let settings = [("CLIPPY_TEST_REDIS", redis.url())];
    // With few attempts, a part that is killed in every run would rightly fail, and chance would
    // decide the test. Each part takes half a second; lost parts run alone, which takes most of the
    // time.
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 120, "ms": 500})).max_attempts(30))
        .await;
    let parent = parent.expect("created").job.id;
    let mut workers = [
        Worker::start(&settings, &log),
        Worker::start(&settings, &log),
    ];
    let start = Instant::now();
    let kills = 10;
    for kill in 0..kills {
        wait_for_job(&store, parent, "some more parts to be done", |job| {
            succeeded_parts(job) > 10 * kill
        })
        .await;
        let index = kill as usize % 2;
        kill_between_losses(&store, parent, &mut workers[index]).await;
        workers[index] = Worker::start(&settings, &log);
    }
    wait_for_job(&store, parent, "the parts to be merged", |job| {
        job.state.is_finished()
    })
    .await;
    eprintln!("{kills} kills in {:?}", start.elapsed());
    check_family(&store, parent, 120).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_embedded_process_continues_after_its_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, log) = (
        folder.path().join("jobs.db"),
        folder.path().join("workers.log"),
    );
    let store: Store = Arc::new(
        SqliteJobs::open(&file, SqliteSettings::default())
            .await
            .expect("a store"),
    );
    let settings = [("CLIPPY_TEST_FILE", file.display().to_string())];
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 40, "ms": 500})).max_attempts(30))
        .await;
    let parent = parent.expect("created").job.id;
    let mut before = 0;
    for _ in 0..3 {
        let mut worker = Worker::start(&settings, &log);
        let job = wait_for_job(&store, parent, "some parts to be done", |job| {
            succeeded_parts(job) > before + 1
        })
        .await;
        kill_between_losses(&store, parent, &mut worker).await;
        before = succeeded_parts(&job);
    }
    let _last = Worker::start(&settings, &log);
    wait_for_job(&store, parent, "the parts to be merged", |job| {
        job.state.is_finished()
    })
    .await;
    check_family(&store, parent, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_worker_cannot_overwrite_its_successor() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let logs = tempfile::tempdir().expect("a folder");
    let log = logs.path().join("workers.log");
    let settings = [("CLIPPY_TEST_REDIS", redis.url())];
    let frozen = Worker::start(&settings, &log);
    let id = store
        .create(&job(Lane::Bulk, json!({"ms": 2_000})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, id, "the first run", |job| {
        job.state == JobState::Running
    })
    .await;
    signal(frozen.id(), "STOP");
    let successor = Worker::start(&settings, &log);
    let done = wait_for_job(&store, id, "the second run", |job| job.state.is_finished()).await;
    let result = done.result.clone().expect("a result");
    assert_eq!(
        (result["process"].as_u64(), result["run"].as_u64()),
        (Some(u64::from(successor.id())), Some(2))
    );
    signal(frozen.id(), "CONT");
    // Another job proves that the thawed worker can write again. Only then does it mean something
    // that it did not overwrite the result.
    drop(successor);
    let next = store
        .create(&job(Lane::Bulk, json!({"ms": 10})))
        .await
        .expect("created")
        .job
        .id;
    let next = wait_for_job(&store, next, "the thawed worker", |job| {
        job.state.is_finished()
    })
    .await;
    assert_eq!(
        next.result.expect("a result")["process"].as_u64(),
        Some(u64::from(frozen.id()))
    );
    assert_eq!(count_done(&store, id).await, 1);
    assert_eq!(
        store.get(id).await.expect("it is there"),
        done,
        "nothing was changed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_aborts_its_process_costs_others_one_run_and_then_fails() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let logs = tempfile::tempdir().expect("a folder");
    let log = logs.path().join("workers.log");
    let settings = [("CLIPPY_TEST_REDIS", redis.url())];
    // Other jobs run at the same time, and are lost with the process.
    let mut first = Worker::start(&settings, &log);
    let mut others = Vec::new();
    for n in 0..3 {
        others.push(
            store
                .create(&job(Lane::Bulk, json!({"quiet_ms": 400, "n": n})))
                .await
                .expect("created")
                .job
                .id,
        );
    }
    let id = store
        .create(&job(Lane::Bulk, json!({"quiet_ms": 100, "abort": true})))
        .await
        .expect("created")
        .job
        .id;
    first.wait_until_ended(Duration::from_secs(20)).await;
    // The second time it runs alone, so the other jobs are not lost again.
    let mut second = Worker::start(&settings, &log);
    second.wait_until_ended(Duration::from_secs(60)).await;
    let _third = Worker::start(&settings, &log);
    let failed = wait_for_job(&store, id, "the job to fail", |job| job.state.is_finished()).await;
    assert_eq!((failed.state, failed.attempt), (JobState::Failed, 2));
    let error = failed.error.expect("a reason");
    assert!(
        error.message.contains("ended its worker process twice"),
        "{error:?}"
    );
    for other in others {
        let done = wait_for_job(&store, other, "the other jobs", |job| {
            job.state.is_finished()
        })
        .await;
        assert_eq!(done.state, JobState::Succeeded);
        assert!(
            done.result
                .is_some_and(|result| result["run"].as_u64() <= Some(2)),
            "lost at most once"
        );
    }
    let harmless = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, harmless, "the last worker to live", |job| {
        job.state == JobState::Succeeded
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_worker_hands_back_what_it_runs() {
    const AT_ONCE: u64 = 64;
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let logs = tempfile::tempdir().expect("a folder");
    let log = logs.path().join("workers.log");
    let settings = [
        ("CLIPPY_TEST_REDIS", redis.url()),
        ("CLIPPY_TEST_CONCURRENCY", AT_ONCE.to_string()),
    ];
    let mut first = Worker::start(&settings, &log);
    let mut ids = Vec::new();
    for n in 0..AT_ONCE + 40 {
        ids.push(
            store
                .create(&job(Lane::Bulk, json!({"ms": 5_000, "n": n})))
                .await
                .expect("created")
                .job
                .id,
        );
    }
    wait_until_within("all room to be taken", Duration::from_secs(20), || async {
        store.lanes().await.expect("lanes")[1].running == AT_ONCE
    })
    .await;
    signal(first.id(), "TERM");
    let (asked, process) = (Instant::now(), first.id());
    // Two seconds of draining, the grace time, and a reserve for a busy machine.
    let status = first.wait_until_ended(Duration::from_secs(10)).await;
    eprintln!(
        "ended {:?} after it was asked to, with {AT_ONCE} jobs in flight",
        asked.elapsed()
    );
    assert!(status.success(), "{status}");
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!(
        (lanes[1].running, lanes[1].queued),
        (0, AT_ONCE + 40),
        "all are queued again at once"
    );
    for id in &ids {
        assert_eq!(
            store.get(*id).await.expect("it is there").attempt,
            0,
            "being handed back does not count"
        );
    }
    let _second = Worker::start(&settings, &log);
    let mut resumed = 0;
    for id in &ids {
        let done = wait_for_job(&store, *id, "the next worker to end it", |job| {
            job.state.is_finished()
        })
        .await;
        assert_eq!((done.state, done.attempt), (JobState::Succeeded, 1));
        let result = done.result.expect("a result");
        assert_ne!(result["process"], process, "none ended in the first worker");
        resumed += u64::from(result["run"] == 2);
    }
    assert_eq!(resumed, AT_ONCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_a_minute_apart_do_no_harm() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let folder = tempfile::tempdir().expect("a folder");
    let (log, library) = (
        folder.path().join("workers.log"),
        crate::support::clock::library(folder.path()),
    );
    let worker = |skew: &str| {
        let settings = [
            ("CLIPPY_TEST_REDIS", redis.url()),
            ("LD_PRELOAD", library.display().to_string()),
            ("CLIPPY_TEST_SKEW_SECS", skew.to_owned()),
        ];
        Worker::start(&settings, &log)
    };
    let start = Timestamp::now().as_millis();
    let workers = [worker("60"), worker("-60"), worker("0")];
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 60, "ms": 500})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, parent, "the parts to be merged", |job| {
        job.state.is_finished()
    })
    .await;
    check_family(&store, parent, 60).await;
    let parts = JobFilter {
        parent: Some(parent),
        limit: 500,
        ..JobFilter::default()
    };
    let parts = store.list(&parts).await.expect("a page").jobs;
    let now = Timestamp::now().as_millis();
    for worker in &workers {
        let clocks = parts.iter().filter_map(|part| part.result.as_ref());
        let clock = clocks
            .filter(|result| result["process"] == worker.id())
            .filter_map(|result| result["clock"].as_i64());
        eprintln!(
            "a worker's clock is {:?} ms off",
            clock.clone().next_back().map(|clock| clock - now)
        );
        assert!(clock.count() > 0, "each worker took its share");
    }
    let off = |part: &clippy_jobs::Job| {
        part.result
            .as_ref()
            .and_then(|result| result["clock"].as_i64())
            .unwrap_or(now)
            - now
    };
    assert!(
        parts.iter().any(|part| off(part) > 40_000) && parts.iter().any(|part| off(part) < -50_000)
    );
    for part in &parts {
        assert_eq!(part.attempt, 1, "no lease ended early: {part:?}");
        for time in [Some(part.created_at), part.started_at, part.finished_at] {
            let time = time.expect("it ended").as_millis();
            assert!(
                (start - 5_000..=now + 5_000).contains(&time),
                "the server's clock counts: {part:?}"
            );
        }
    }
}
