//! Faults of the store (stopped, restarted, restarted empty, full, read-only, locked), and the
//! guarantees that hold nevertheless.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::Redis;
use crate::support::handlers::runner;
use clippy_core::ErrorCode;
use clippy_jobs::{
    JobKind, JobState, JobTransport, Lane, LaneLimits, NewJob, RedisJobs, RedisSettings,
    SqliteJobs, SqliteSettings, SweepSettings, Timing,
};
use clippy_jobs_contract::{Store, short_timing, wait_for_job, wait_until_within};
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn job(lane: Lane, payload: serde_json::Value) -> NewJob {
    NewJob::new(JobKind::Ingest, lane, payload)
}

/// A timing with which jobs survive an outage of four seconds.
fn patient() -> Timing {
    Timing {
        lease: Duration::from_secs(12),
        beat: Duration::from_millis(500),
        ..short_timing()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_survives_a_restart_of_redis() {
    let mut redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let (runner, calls) = runner(Arc::clone(&store), 4, patient());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let id = store
        .create(&job(Lane::Bulk, json!({"ms": 2_000})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, id, "it to run", |job| {
        job.state == JobState::Running
    })
    .await;
    redis.stop();
    let refused = store.get(id).await.expect_err("Redis is away");
    assert_eq!(refused.code, ErrorCode::Unavailable);
    // Long enough for the job's checkpoints, its heartbeats and the loops to fail several times.
    redis.away(Duration::ZERO, 20).await;
    redis.restart();
    let done = wait_for_job(&store, id, "it to end", |job| job.state.is_finished()).await;
    assert_eq!((done.state, done.attempt), (JobState::Succeeded, 1));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "not run again");
    let next = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, next, "the worker to be back", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_longer_than_a_lease_restarts_no_job() {
    let mut redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    // Two runners: each could consider the other dead, and its leases ended.
    let runners = [(); 2].map(|()| runner(Arc::clone(&store), 4, short_timing()));
    let stop = CancellationToken::new();
    let mut counts = Vec::new();
    let mut running = Vec::new();
    for (runner, calls) in runners {
        counts.push(calls);
        running.push(tokio::spawn(runner.run(stop.clone())));
    }
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(
            store
                .create(&job(Lane::Bulk, json!({"ms": 3_000})))
                .await
                .expect("created")
                .job
                .id,
        );
    }
    for id in &ids {
        wait_for_job(&store, *id, "it to run", |job| {
            job.state == JobState::Running
        })
        .await;
    }
    // Long enough for all leases to end, and for all workers to be considered dead.
    redis
        .away(2 * short_timing().lease.max(short_timing().dead_after), 10)
        .await;
    redis.restart();
    // A third process sweeps before the runners have connected again.
    let third = redis.jobs("test", LaneLimits::default()).await;
    let settings = SweepSettings {
        dead_after: short_timing().dead_after,
        rescue_after: short_timing().rescue_after,
    };
    let swept = third.sweep(&settings).await.expect("a sweep");
    assert_eq!((swept.reaped, swept.released), (0, 0));
    for id in &ids {
        let done = wait_for_job(&store, *id, "it to end", |job| job.state.is_finished()).await;
        assert_eq!((done.state, done.attempt), (JobState::Succeeded, 1));
    }
    assert_eq!(
        counts
            .iter()
            .map(|calls| calls.load(Ordering::SeqCst))
            .sum::<usize>(),
        6,
        "none ran again"
    );
    stop.cancel();
    for one in running {
        one.await.expect("ends");
    }
}

/// Runs with the default timing, since some intervals (the connection's retries, apalis' heartbeat)
/// cannot be scaled down. The outage is longer than each of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_longer_than_all_default_intervals_costs_no_job_an_attempt() {
    let mut redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let runners = [(); 2].map(|()| runner(Arc::clone(&store), 4, Timing::default()));
    let stop = CancellationToken::new();
    let mut counts = Vec::new();
    let mut running = Vec::new();
    for (runner, calls) in runners {
        counts.push(calls);
        running.push(tokio::spawn(runner.run(stop.clone())));
    }
    // Jobs that write checkpoints during the outage; jobs that end during it; a parent between its
    // phases; and more jobs than there is room for, so that some are queued.
    let mut ids = Vec::new();
    let works = [
        ("ms", 3_000, 3),
        ("quiet_ms", 8_000, 3),
        ("quiet_ms", 30_000, 2),
        ("ms", 500, 4),
    ];
    for (name, duration, count) in works {
        for _ in 0..count {
            ids.push(
                store
                    .create(&job(Lane::Bulk, json!({ name: duration })))
                    .await
                    .expect("created")
                    .job
                    .id,
            );
        }
    }
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 12, "ms": 100})))
        .await
        .expect("created")
        .job
        .id;
    wait_until_within(
        "all room to be taken, and the parts to be made",
        Duration::from_secs(20),
        || async {
            let made = store
                .get(parent)
                .await
                .is_ok_and(|parent| parent.children.is_some_and(|parts| parts.total == 12));
            made && store.lanes().await.is_ok_and(|lanes| lanes[1].running == 8)
        },
    )
    .await;
    redis.stop();
    let refused = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect_err("Redis is away");
    assert_eq!(refused.code, ErrorCode::Unavailable);
    // Longer than the lease (15 s), `dead_after` (10 s) and apalis' heartbeat (20 s).
    redis
        .away(Timing::default().lease + Timing::default().dead_after, 50)
        .await;
    redis.restart();
    ids.push(parent);
    for id in &ids {
        let done = wait_for_job(&store, *id, "it to end", |job| job.state.is_finished()).await;
        assert_eq!(
            (done.state, done.attempt),
            (JobState::Succeeded, 1),
            "{done:?}"
        );
    }
    let merged = store.get(parent).await.expect("it is there");
    assert_eq!(merged.result, Some(json!({"sum": 12 * 13 / 2})));
    // Twelve jobs, twelve parts, and a parent that runs twice: none ran again.
    assert_eq!(
        counts
            .iter()
            .map(|calls| calls.load(Ordering::SeqCst))
            .sum::<usize>(),
        12 + 12 + 2
    );
    stop.cancel();
    for one in running {
        one.await.expect("ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_continue_while_redis_is_stuck_full_or_read_only() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let (runner, calls) = runner(Arc::clone(&store), 4, patient());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let mut connection = redis.connection().await;
    let faults: [(&[&str], &[&str]); 3] = [
        (&["CLIENT", "PAUSE", "900", "ALL"], &["PING"]),
        (
            &["CONFIG", "SET", "maxmemory", "1"],
            &["CONFIG", "SET", "maxmemory", "0"],
        ),
        (
            &["REPLICAOF", "127.0.0.1", "1"],
            &["REPLICAOF", "NO", "ONE"],
        ),
    ];
    for (place, (begin, end)) in faults.into_iter().enumerate() {
        let id = store
            .create(&job(Lane::Bulk, json!({"ms": 1_500})))
            .await
            .expect("created")
            .job
            .id;
        wait_for_job(&store, id, "it to run", |job| {
            job.state == JobState::Running
        })
        .await;
        let asked = connection.clone();
        let mut command = async |words: &[&str]| {
            let mut command = redis::cmd(words[0]);
            command
                .arg(&words[1..])
                .query_async::<redis::Value>(&mut connection)
                .await
                .expect("done");
        };
        let refused = redis.refused().await;
        command(begin).await;
        if begin[0] == "CLIENT" {
            // A stuck server answers nothing until its pause is over.
            let ping = redis::cmd(end[0]);
            wait_until_within("Redis to answer", Duration::from_secs(30), || async {
                ping.query_async::<redis::Value>(&mut asked.clone())
                    .await
                    .is_ok()
            })
            .await;
        } else {
            // A full or read-only server refuses every write of the job and of the worker loops.
            wait_until_within("writes to be refused", Duration::from_secs(30), || async {
                redis.refused().await >= refused + 10
            })
            .await;
            command(end).await;
        }
        let done = wait_for_job(&store, id, "it to end", |job| job.state.is_finished()).await;
        assert_eq!(
            (done.state, done.attempt),
            (JobState::Succeeded, 1),
            "{begin:?}"
        );
        assert_eq!(
            calls.load(Ordering::SeqCst),
            place + 1,
            "not run again: {begin:?}"
        );
    }
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_is_used_again() {
    let mut redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let (runner, calls) = runner(Arc::clone(&store), 2, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let lost = store
        .create(&job(Lane::Bulk, json!({"ms": 600_000})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, lost, "it to run", |job| {
        job.state == JobState::Running
    })
    .await;
    redis.restart_empty();
    wait_until_within("the job to be gone", Duration::from_secs(10), || async {
        store
            .get(lost)
            .await
            .is_err_and(|error| error.code == ErrorCode::NotFound)
    })
    .await;
    // The lost run takes one of two places, and must give it back.
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(
            store
                .create(&job(Lane::Bulk, json!({"ms": 300})))
                .await
                .expect("created")
                .job
                .id,
        );
    }
    for id in ids {
        wait_for_job(&store, id, "new work to run", |job| {
            job.state == JobState::Succeeded
        })
        .await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    let lanes = store.lanes().await.expect("lanes");
    assert_eq!(
        (lanes[1].queued, lanes[1].running, lanes[1].succeeded),
        (0, 0, 4)
    );
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_file_that_is_locked_for_long_costs_no_attempt() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("jobs.db");
    let store: Store = Arc::new(
        SqliteJobs::open(&file, SqliteSettings::default())
            .await
            .expect("a store"),
    );
    let (runner, calls) = runner(Arc::clone(&store), 2, patient());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let id = store
        .create(&job(Lane::Bulk, json!({"ms": 2_000})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, id, "it to run", |job| {
        job.state == JobState::Running
    })
    .await;
    // Another connection holds the write lock until seven of the lease's twelve seconds are over.
    // apalis waits five seconds for the lock.
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display()))
        .await
        .expect("the same file");
    let writing = pool
        .begin_with("BEGIN IMMEDIATE")
        .await
        .expect("its turn to write");
    let lease_is_nearly_over = || async {
        let query = sqlx::query_scalar("SELECT lease_ms FROM job_records WHERE id = ?");
        let lease: i64 = query
            .bind(id.to_string())
            .fetch_one(&pool)
            .await
            .expect("readers do not wait");
        lease - clippy_jobs::Timestamp::now().as_millis() < 5_000
    };
    wait_until_within(
        "most of the lease to be over",
        Duration::from_secs(60),
        lease_is_nearly_over,
    )
    .await;
    writing.rollback().await.expect("done");
    let done = wait_for_job(&store, id, "it to end", |job| job.state.is_finished()).await;
    assert_eq!((done.state, done.attempt), (JobState::Succeeded, 1));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
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
    let (until, made) = (
        enough.clone(),
        Arc::new(std::sync::atomic::AtomicUsize::new(0)),
    );
    let counting = Arc::clone(&made);
    let creator = tokio::spawn(async move {
        let (mut acknowledged, mut refused) = (Vec::new(), 0);
        while !until.is_cancelled() {
            match creating.create(&job(Lane::Bulk, json!({"ms": 20}))).await {
                Ok(created) => {
                    acknowledged.push(created.job.id);
                    counting.fetch_add(1, Ordering::SeqCst);
                }
                Err(_) => refused += 1,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (acknowledged, refused)
    });
    for round in 0..=5 {
        let some = || async { made.load(Ordering::SeqCst) > 40 * (round + 1) };
        wait_until_within("some more to be made", Duration::from_secs(60), some).await;
        if round < 5 {
            redis.away(Duration::ZERO, 2).await;
            redis.restart();
        }
    }
    enough.cancel();
    let (acknowledged, refused) = creator.await.expect("it created");
    eprintln!(
        "{} jobs acknowledged, {refused} refused, over 5 restarts",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 100);
    for id in acknowledged {
        let job = wait_for_job(&store, id, "an acknowledged job", |job| {
            job.state.is_finished()
        })
        .await;
        assert_eq!(job.state, JobState::Succeeded);
    }
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_refuses_writes_says_why() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let mut connection = redis.connection().await;
    let mut set = async |name: &str, value: &str| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg(name)
            .arg(value)
            .query_async::<()>(&mut connection)
            .await
            .expect("set");
    };
    set("maxmemory", "1").await;
    let full = store
        .create(&job(Lane::Bulk, json!({})))
        .await
        .expect_err("out of memory");
    assert_eq!(full.code, ErrorCode::Unavailable);
    assert!(full.message.contains("out of memory"), "{}", full.message);
    set("maxmemory", "0").await;
    store
        .create(&job(Lane::Bulk, json!({})))
        .await
        .expect("room again");
    redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg("1")
        .query_async::<()>(&mut connection)
        .await
        .expect("a replica");
    let read_only = store
        .create(&job(Lane::Bulk, json!({})))
        .await
        .expect_err("read-only");
    assert!(
        read_only.message.contains("read-only"),
        "{}",
        read_only.message
    );
    let nowhere = RedisJobs::connect("redis://127.0.0.1:1/0", RedisSettings::default())
        .await
        .expect_err("not reachable");
    assert_eq!(nowhere.code, ErrorCode::Unavailable);
    assert!(
        nowhere.message.contains("127.0.0.1:1"),
        "{}",
        nowhere.message
    );
    let nonsense = RedisJobs::connect("apple", RedisSettings::default())
        .await
        .expect_err("no address");
    assert_eq!(nonsense.code, ErrorCode::InvalidInput);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_tasks_go_to_the_dead_letters_and_the_worker_continues() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let mut connection = redis.connection().await;
    let queue = "{test}:jobs1:lane:bulk";
    for (task, contents) in [
        ("00000000000000000000000001", Some("garbage")),
        ("00000000000000000000000002", None),
    ] {
        let mut pipe = redis::pipe();
        if let Some(contents) = contents {
            let meta = format!("{queue}:meta:{task}");
            pipe.hset(format!("{queue}:data"), task, contents).ignore();
            pipe.hset_multiple(
                meta,
                &[
                    ("attempts", "0"),
                    ("max_attempts", "25"),
                    ("status", "Pending"),
                ],
            )
            .ignore();
        }
        pipe.rpush(format!("{queue}:active"), task).ignore();
        pipe.query_async::<()>(&mut connection)
            .await
            .expect("planted");
    }
    let (runner, _) = runner(Arc::clone(&store), 2, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let id = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, id, "the job behind them", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    let letters = store.dead_letters(10).await.expect("letters");
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert!(
        letters
            .iter()
            .any(|letter| letter.payload == "garbage" && letter.reason.contains("not of the form"))
    );
    assert!(
        letters
            .iter()
            .any(|letter| letter.reason.contains("missing or incomplete"))
    );
    stop.cancel();
    running.await.expect("ends");
}
