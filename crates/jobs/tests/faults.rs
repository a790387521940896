//! Faults: killed and frozen processes, a Redis that goes away, and what must still be true.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clippy_core::ErrorCode;
use clippy_jobs::contract::{Store, short_timing, wait_for_job, wait_until};
use clippy_jobs::{
    EventKind, JobFilter, JobId, JobKind, JobState, JobStore, Lane, LaneLimits, NewJob, RedisJobs, RedisSettings,
    SqliteJobs, SqliteSettings, Timing,
};
use serde_json::json;
use support::handlers::runner;
use support::{Redis, Worker, signal};
use tokio_util::sync::CancellationToken;

/// Not a test of its own: the other tests start this program as a worker with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_process() {
    support::handlers::worker_process().await;
}

fn job(lane: Lane, payload: serde_json::Value) -> NewJob {
    NewJob::new(JobKind::Ingest, lane, payload)
}

async fn count_done(store: &Store, id: JobId) -> usize {
    let events = store.events_after(id, None, 1_000).await.expect("events").events;
    events.iter().filter(|event| event.kind == EventKind::Done).count()
}

/// Every part ended well and once; the parent merged once; nothing is left over.
async fn check_family(store: &Store, parent: JobId, parts: u64) {
    let merged = store.get(parent).await.expect("it is there");
    assert_eq!(merged.state, JobState::Succeeded, "{merged:?}");
    assert_eq!(merged.result, Some(json!({"sum": parts * (parts + 1) / 2})));
    assert_eq!(merged.children.map(|children| (children.total, children.succeeded)), Some((parts, parts)));
    assert_eq!(count_done(store, parent).await, 1, "merged once");
    let mut filter = JobFilter { parent: Some(parent), limit: 500, ..JobFilter::default() };
    let mut seen = 0;
    loop {
        let page = store.list(&filter).await.expect("a page");
        for part in &page.jobs {
            assert_eq!(part.state, JobState::Succeeded);
            assert_eq!(count_done(store, part.id).await, 1, "each part's effect counts once");
            seen += 1;
        }
        match page.next_cursor {
            Some(cursor) => filter.before = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, parts);
    let left: u64 = store.lanes().await.expect("lanes").iter().map(|lane| lane.queued + lane.running).sum();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_lose_nothing() {
    eprintln!("recovery after a kill: at most {:?} as shipped", Timing::default().recovery_bound());
    eprintln!("recovery after a kill: at most {:?} in this test", short_timing().recovery_bound());
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let logs = tempfile::tempdir().expect("a folder");
    let log = logs.path().join("workers.log");
    let settings = [("CLIPPY_TEST_REDIS", redis.url())];
    // A part that is killed in every run would rightly be given up; here chance must not decide.
    let parent = store.create(&job(Lane::Control, json!({"parts": 200, "ms": 600})).max_attempts(30)).await;
    let parent = parent.expect("created").job.id;
    let mut workers = [Worker::start(&settings, &log), Worker::start(&settings, &log)];
    let begun = Instant::now();
    let mut kills = 0;
    while !store.get(parent).await.expect("it is there").state.is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(50), "not done: {:?}", store.get(parent).await);
        let next = begun + Duration::from_secs(2) * (kills + 1);
        while Instant::now() < next && !store.get(parent).await.expect("it is there").state.is_finished() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let index = kills as usize % 2;
        workers[index].kill();
        workers[index] = Worker::start(&settings, &log);
        kills += 1;
    }
    eprintln!("{kills} kills in {:?}", begun.elapsed());
    assert!(kills >= 4, "too quick to prove anything");
    check_family(&store, parent, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_embedded_process_goes_on_after_its_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, log) = (folder.path().join("jobs.db"), folder.path().join("workers.log"));
    let store: Store = Arc::new(SqliteJobs::open(&file, SqliteSettings::default()).await.expect("a store"));
    let settings = [("CLIPPY_TEST_FILE", file.display().to_string())];
    let parent = store.create(&job(Lane::Control, json!({"parts": 40, "ms": 500})).max_attempts(30)).await;
    let parent = parent.expect("created").job.id;
    for _ in 0..3 {
        let mut worker = Worker::start(&settings, &log);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        worker.kill();
    }
    let _last = Worker::start(&settings, &log);
    wait_for_job(&store, parent, "the parts to be merged", |job| job.state.is_finished()).await;
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
    let id = store.create(&job(Lane::Bulk, json!({"ms": 2_000}))).await.expect("created").job.id;
    wait_for_job(&store, id, "the first run", |job| job.state == JobState::Running).await;
    signal(frozen.id(), "STOP");
    let successor = Worker::start(&settings, &log);
    let done = wait_for_job(&store, id, "the second run", |job| job.state.is_finished()).await;
    let result = done.result.clone().expect("a result");
    assert_eq!((result["process"].as_u64(), result["run"].as_u64()), (Some(u64::from(successor.id())), Some(2)));
    signal(frozen.id(), "CONT");
    // It must be able to write again before it counts that it did not: another job of its own proves that.
    drop(successor);
    let next = store.create(&job(Lane::Bulk, json!({"ms": 10}))).await.expect("created").job.id;
    let next = wait_for_job(&store, next, "the thawed worker", |job| job.state.is_finished()).await;
    assert_eq!(next.result.expect("a result")["process"].as_u64(), Some(u64::from(frozen.id())));
    assert_eq!(count_done(&store, id).await, 1);
    assert_eq!(store.get(id).await.expect("it is there"), done, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_aborts_its_process_fails_after_three_deliveries() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let logs = tempfile::tempdir().expect("a folder");
    let log = logs.path().join("workers.log");
    let settings = [("CLIPPY_TEST_REDIS", redis.url())];
    let id = store.create(&job(Lane::Bulk, json!({"abort": true}))).await.expect("created").job.id;
    let mut workers = Vec::new();
    for delivery in 1..=3 {
        workers.push(Worker::start(&settings, &log));
        wait_for_job(&store, id, "a delivery", |job| job.attempt == delivery).await;
    }
    // A worker that is alive gives it up instead of taking it.
    workers.push(Worker::start(&settings, &log));
    let failed = wait_for_job(&store, id, "it to be given up", |job| job.state.is_finished()).await;
    assert_eq!((failed.state, failed.attempt), (JobState::Failed, 3));
    let harmless = store.create(&job(Lane::Bulk, json!({"ms": 0}))).await.expect("created").job.id;
    wait_for_job(&store, harmless, "the last worker to live", |job| job.state == JobState::Succeeded).await;
}

/// Times that bear a Redis that is away for four seconds.
fn patient() -> Timing {
    Timing { lease: Duration::from_secs(12), beat: Duration::from_millis(500), ..short_timing() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_outlives_a_restart_of_redis() {
    let mut redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let (runner, calls) = runner(Arc::clone(&store), 4, patient());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let id = store.create(&job(Lane::Bulk, json!({"ms": 2_000}))).await.expect("created").job.id;
    wait_for_job(&store, id, "it to run", |job| job.state == JobState::Running).await;
    redis.stop();
    let refused = store.get(id).await.expect_err("Redis is away");
    assert_eq!(refused.code, ErrorCode::Unavailable);
    tokio::time::sleep(Duration::from_secs(4)).await;
    redis.start_again();
    let done = wait_for_job(&store, id, "it to end", |job| job.state.is_finished()).await;
    assert_eq!((done.state, done.attempt), (JobState::Succeeded, 1));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "not run again");
    let next = store.create(&job(Lane::Bulk, json!({"ms": 0}))).await.expect("created").job.id;
    wait_for_job(&store, next, "the worker to be back", |job| job.state == JobState::Succeeded).await;
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_restarts_of_redis_lose_nothing_that_was_acknowledged() {
    let mut redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let (runner, _) = runner(Arc::clone(&store), 8, patient());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let (creating, enough) = (Arc::clone(&store), CancellationToken::new());
    let until = enough.clone();
    let creator = tokio::spawn(async move {
        let (mut acknowledged, mut refused) = (Vec::new(), 0);
        while !until.is_cancelled() {
            match creating.create(&job(Lane::Bulk, json!({"ms": 20}))).await {
                Ok(created) => acknowledged.push(created.job.id),
                Err(_) => refused += 1,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (acknowledged, refused)
    });
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        redis.stop();
        tokio::time::sleep(Duration::from_millis(300)).await;
        redis.start_again();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    enough.cancel();
    let (acknowledged, refused) = creator.await.expect("it created");
    eprintln!("{} jobs acknowledged, {refused} refused, over 5 restarts", acknowledged.len());
    assert!(acknowledged.len() > 100);
    for id in acknowledged {
        let job = wait_for_job(&store, id, "an acknowledged job", |job| job.state.is_finished()).await;
        assert_eq!(job.state, JobState::Succeeded);
    }
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_waiting_jobs_drain() {
    const JOBS: u64 = 20_000;
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let begun = Instant::now();
    let creating = (0..32).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..JOBS / 32 {
                store.create(&job(Lane::Bulk, json!({"n": n}))).await.expect("created");
            }
        })
    });
    futures::future::try_join_all(creating).await.expect("all created");
    assert_eq!(store.lanes().await.expect("lanes")[1].queued, JOBS);
    eprintln!("{:.0} creates/s with 32 at once", JOBS as f64 / begun.elapsed().as_secs_f64());
    let (runner, calls) = runner(Arc::clone(&store), 32, short_timing());
    let stop = CancellationToken::new();
    let begun = Instant::now();
    let running = tokio::spawn(runner.run(stop.clone()));
    wait_until("all to be done", Duration::from_secs(50), || async {
        store.lanes().await.is_ok_and(|lanes| lanes[1].succeeded == JOBS)
    })
    .await;
    eprintln!("{:.0} full cycles/s with one worker", JOBS as f64 / begun.elapsed().as_secs_f64());
    assert_eq!(calls.load(Ordering::SeqCst) as u64, JOBS, "each ran once");
    // Finished jobs are bounded (this store keeps 1,000), and so are apalis' own leavings.
    let mut connection = redis.connection().await;
    wait_until("the leavings to be swept up", Duration::from_secs(40), || {
        let mut connection = connection.clone();
        async move { redis::cmd("DBSIZE").query_async::<u64>(&mut connection).await.is_ok_and(|keys| keys < 2_200) }
    })
    .await;
    let data: u64 =
        redis::cmd("HLEN").arg("{test}:jobs1:lane:bulk:data").query_async(&mut connection).await.expect("a count");
    assert_eq!(data, 0);
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_is_picked_up_by_the_bell_not_by_the_poll() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    // Polling alone would need four minutes for what follows.
    let timing = Timing { poll: Duration::from_secs(2), sweep: Duration::from_secs(2), ..Timing::default() };
    let (runner, _) = runner(Arc::clone(&store), 2, timing);
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let warm = store.create(&job(Lane::Interactive, json!({}))).await.expect("created").job.id;
    wait_for_job(&store, warm, "the worker to be there", |job| job.state.is_finished()).await;
    let whole = Instant::now();
    let mut pickups = Vec::new();
    for _ in 0..120 {
        let id = store.create(&job(Lane::Interactive, json!({}))).await.expect("created").job.id;
        let done = wait_for_job(&store, id, "a pickup", |job| job.state.is_finished()).await;
        pickups.push(done.started_at.expect("it ran").as_millis() - done.created_at.as_millis());
        assert!(whole.elapsed() < Duration::from_secs(60), "picked up by polling");
    }
    pickups.sort_unstable();
    eprintln!("idle pickup: p50 {} ms, p99 {} ms", pickups[60], pickups[118]);
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_tasks_go_to_the_dead_letters_and_the_worker_lives() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let mut connection = redis.connection().await;
    let queue = "{test}:jobs1:lane:bulk";
    for (task, contents) in [("00000000000000000000000001", Some("garbage")), ("00000000000000000000000002", None)] {
        let mut pipe = redis::pipe();
        if let Some(contents) = contents {
            let meta = format!("{queue}:meta:{task}");
            pipe.hset(format!("{queue}:data"), task, contents).ignore();
            pipe.hset_multiple(meta, &[("attempts", "0"), ("max_attempts", "25"), ("status", "Pending")]).ignore();
        }
        pipe.rpush(format!("{queue}:active"), task).ignore();
        pipe.query_async::<()>(&mut connection).await.expect("planted");
    }
    let (runner, _) = runner(Arc::clone(&store), 2, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let id = store.create(&job(Lane::Bulk, json!({"ms": 0}))).await.expect("created").job.id;
    wait_for_job(&store, id, "the job behind them", |job| job.state == JobState::Succeeded).await;
    let letters = store.dead_letters(10).await.expect("letters");
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert!(letters.iter().any(|letter| letter.payload == "garbage" && letter.reason.contains("not of the form")));
    assert!(letters.iter().any(|letter| letter.reason.contains("missing or incomplete")));
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_takes_nothing_says_why() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let mut connection = redis.connection().await;
    let mut set = async |name: &str, value: &str| {
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query_async::<()>(&mut connection).await.expect("set");
    };
    set("maxmemory", "1").await;
    let full = store.create(&job(Lane::Bulk, json!({}))).await.expect_err("out of memory");
    assert_eq!(full.code, ErrorCode::Unavailable);
    assert!(full.message.contains("out of memory"), "{}", full.message);
    set("maxmemory", "0").await;
    store.create(&job(Lane::Bulk, json!({}))).await.expect("room again");
    redis::cmd("REPLICAOF").arg("127.0.0.1").arg("1").query_async::<()>(&mut connection).await.expect("a replica");
    let read_only = store.create(&job(Lane::Bulk, json!({}))).await.expect_err("read-only");
    assert!(read_only.message.contains("read-only"), "{}", read_only.message);
    let nowhere = RedisJobs::connect("redis://127.0.0.1:1/0", RedisSettings::default()).await.expect_err("nobody");
    assert_eq!(nowhere.code, ErrorCode::Unavailable);
    assert!(nowhere.message.contains("127.0.0.1:1"), "{}", nowhere.message);
    let nonsense = RedisJobs::connect("apple", RedisSettings::default()).await.expect_err("no address");
    assert_eq!(nonsense.code, ErrorCode::InvalidInput);
}
