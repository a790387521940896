//! Load: long queues, many delayed jobs at once, retention, and the latency of starting a job.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::support::handlers::runner;
use crate::support::{Redis, Worker};
use clippy_core::ErrorCode;
use clippy_jobs::{
    JobFilter, JobKind, JobState, Lane, LaneLimits, NewJob, RedisSettings, SqliteJobs,
    SqliteSettings, Timing,
};
use clippy_jobs_contract::{Store, short_timing, wait_for_job, wait_until_within};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// A time limit that is long enough on a busy machine.
const PATIENCE: Duration = Duration::from_secs(170);

fn job(lane: Lane, payload: serde_json::Value) -> NewJob {
    NewJob::new(JobKind::Ingest, lane, payload)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_waiting_jobs_drain() {
    const JOBS: u64 = 20_000;
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let start = Instant::now();
    let creating = (0..32).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..JOBS / 32 {
                store
                    .create(&job(Lane::Bulk, json!({"n": n})))
                    .await
                    .expect("created");
            }
        })
    });
    futures::future::try_join_all(creating)
        .await
        .expect("all created");
    assert_eq!(store.lanes().await.expect("lanes")[1].queued, JOBS);
    eprintln!(
        "{:.0} creates/s with 32 at once",
        JOBS as f64 / start.elapsed().as_secs_f64()
    );
    let (runner, calls) = runner(Arc::clone(&store), 32, short_timing());
    let stop = CancellationToken::new();
    let start = Instant::now();
    let running = tokio::spawn(runner.run(stop.clone()));
    wait_until_within("all to be done", PATIENCE, || async {
        store
            .lanes()
            .await
            .is_ok_and(|lanes| lanes[1].succeeded == JOBS)
    })
    .await;
    eprintln!(
        "{:.0} full cycles/s with one worker",
        JOBS as f64 / start.elapsed().as_secs_f64()
    );
    assert_eq!(calls.load(Ordering::SeqCst) as u64, JOBS, "each ran once");
    // The number of finished jobs is bounded (this store keeps 1,000), and so are apalis' own keys.
    let mut connection = redis.connection().await;
    wait_until_within("old keys to be dropped", PATIENCE, || {
        let mut connection = connection.clone();
        async move {
            redis::cmd("DBSIZE")
                .query_async::<u64>(&mut connection)
                .await
                .is_ok_and(|keys| keys < 2_200)
        }
    })
    .await;
    let data: u64 = redis::cmd("HLEN")
        .arg("{test}:jobs1:lane:bulk:data")
        .query_async(&mut connection)
        .await
        .expect("a count");
    assert_eq!(data, 0);
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_picked_up_by_notices_not_by_polling() {
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    // Polling alone would need four minutes for what follows.
    let timing = Timing {
        poll: Duration::from_secs(2),
        sweep: Duration::from_secs(2),
        ..Timing::default()
    };
    let (runner, _) = runner(Arc::clone(&store), 2, timing);
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let warm = store
        .create(&job(Lane::Interactive, json!({})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, warm, "the worker to be there", |job| {
        job.state.is_finished()
    })
    .await;
    let whole = Instant::now();
    let mut pickups = Vec::new();
    for _ in 0..120 {
        let id = store
            .create(&job(Lane::Interactive, json!({})))
            .await
            .expect("created")
            .job
            .id;
        let done = wait_for_job(&store, id, "a pickup", |job| job.state.is_finished()).await;
        pickups.push(done.started_at.expect("it ran").as_millis() - done.created_at.as_millis());
        assert!(
            whole.elapsed() < Duration::from_secs(60),
            "picked up by polling"
        );
    }
    pickups.sort_unstable();
    eprintln!(
        "idle pickup: p50 {} ms, p99 {} ms",
        pickups[60], pickups[118]
    );
    stop.cancel();
    running.await.expect("ends");
}

/// Uses the timing of a server with the embedded queue, which polls only every half minute: every
/// job here must be found by a notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_queue_needs_no_polling() {
    let folder = tempfile::tempdir().expect("a folder");
    let store: Store = Arc::new(
        SqliteJobs::open(&folder.path().join("jobs.db"), SqliteSettings::default())
            .await
            .expect("a store"),
    );
    let (runner, _) = runner(Arc::clone(&store), 4, Timing::embedded());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let ended = async |id, what| {
        let start = Instant::now();
        let job = wait_for_job(&store, id, what, |job| job.state.is_finished()).await;
        assert_eq!(job.state, JobState::Succeeded);
        assert!(
            start.elapsed() < Timing::embedded().poll / 2,
            "{what} took {:?}",
            start.elapsed()
        );
    };
    for _ in 0..20 {
        let id = store
            .create(&job(Lane::Interactive, json!({})))
            .await
            .expect("created")
            .job
            .id;
        ended(id, "one job after the other").await;
    }
    // More jobs than can run at a time.
    let mut ids = Vec::new();
    for n in 0..150 {
        ids.push(
            store
                .create(&job(Lane::Bulk, json!({"quiet_ms": 5, "n": n})))
                .await
                .expect("created")
                .job
                .id,
        );
    }
    for id in ids {
        ended(id, "a long queue").await;
    }
    // A parent and its parts, in a lane that was paused meanwhile.
    store.pause(Lane::Bulk, true).await.expect("paused");
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 12, "ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, parent, "the parts to be made", |job| {
        job.state == JobState::Waiting
    })
    .await;
    store.pause(Lane::Bulk, false).await.expect("resumed");
    ended(parent, "the parts to be merged").await;
    // A job that is tried again after a delay.
    let later = store
        .create(&job(Lane::Bulk, json!({"retry_first": true})))
        .await
        .expect("created")
        .job
        .id;
    ended(later, "a second attempt").await;
    stop.cancel();
    running.await.expect("ends");
}

/// The CPU time of a process, in hundredths of a second.
fn cpu_time(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .expect("fields")
        .split(' ')
        .collect();
    let ticks = |place: usize| fields[place].parse::<u64>().expect("a number");
    ticks(11) + ticks(12)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_worker_with_the_embedded_queue_uses_almost_no_cpu() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, log) = (
        folder.path().join("jobs.db"),
        folder.path().join("worker.log"),
    );
    let store: Store = Arc::new(
        SqliteJobs::open(&file, SqliteSettings::default())
            .await
            .expect("a store"),
    );
    // The store has a finished job, which must not be read repeatedly.
    let made = store
        .create(&job(Lane::Bulk, json!({"ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    let settings = [
        ("CLIPPY_TEST_FILE", file.display().to_string()),
        ("CLIPPY_TEST_TIMING", "embedded".to_owned()),
    ];
    let worker = Worker::start(&settings, &log);
    wait_for_job(&store, made, "the worker to be there", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    // Wait for five seconds in which it uses at most one percent of a core.
    wait_until_within("it to be idle", Duration::from_secs(60), || async {
        let before = cpu_time(worker.id());
        tokio::time::sleep(Duration::from_secs(5)).await;
        cpu_time(worker.id()) - before <= 5
    })
    .await;
    eprintln!(
        "{} hundredths of a second since its start",
        cpu_time(worker.id())
    );
}

/// More jobs due at once than apalis' own delayed set can handle: above 7,999 its fetch always
/// fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_thousand_five_hundred_delayed_jobs_come_due_at_once() {
    const JOBS: u64 = 8_500;
    let redis = Redis::start();
    let store: Store = Arc::new(redis.jobs("test", LaneLimits::default()).await);
    let (runner, calls) = runner(Arc::clone(&store), 32, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let creating = (0..20).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..JOBS / 20 {
                store
                    .create(&job(Lane::Bulk, json!({"snooze_first": true})))
                    .await
                    .expect("created");
            }
        })
    });
    futures::future::try_join_all(creating)
        .await
        .expect("all created");
    let delayed = "{test}:jobs1:delayed:bulk";
    let mut connection = redis.connection().await;
    wait_until_within("all to wait for the same time", PATIENCE, || {
        let mut connection = connection.clone();
        async move {
            redis::cmd("ZCARD")
                .arg(delayed)
                .query_async::<u64>(&mut connection)
                .await
                .expect("a count")
                == JOBS
        }
    })
    .await;
    // Make all of them due, as if an hour had passed.
    let script = "for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZADD', \
                  KEYS[1], 1, id) end";
    redis::Script::new(script)
        .key(delayed)
        .invoke_async::<()>(&mut connection)
        .await
        .expect("an hour");
    wait_until_within("all to be done", PATIENCE, || async {
        store
            .lanes()
            .await
            .is_ok_and(|lanes| lanes[1].succeeded == JOBS)
    })
    .await;
    assert_eq!(
        calls.load(Ordering::SeqCst) as u64,
        2 * JOBS,
        "each ran twice: once to be delayed, once to succeed"
    );
    stop.cancel();
    running.await.expect("ends");
}

/// Runs `count` jobs to their end.
async fn run_jobs(store: &Store, count: usize) {
    let mut ids = Vec::new();
    for n in 0..count {
        let key = format!("key {n} {}", clippy_jobs::JobId::generate());
        ids.push(
            store
                .create(&job(Lane::Bulk, json!({"n": n})).idempotency_key(key))
                .await
                .expect("created")
                .job
                .id,
        );
    }
    wait_until_within("all to be done", Duration::from_secs(30), || async {
        let lanes = store.lanes().await.expect("lanes");
        lanes.iter().all(|lane| lane.queued + lane.running == 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finished_jobs_are_kept_for_a_time_and_memory_stays_bounded() {
    let redis = Redis::start();
    let settings = RedisSettings {
        prefix: "test".to_owned(),
        max_finished: 50,
        keep_finished: Duration::from_secs(4),
        keep_idempotency: Duration::from_secs(2),
        ..RedisSettings::default()
    };
    let store: Store = Arc::new(crate::support::connect_with(&redis.url(), settings).await);
    let (runner, _) = runner(Arc::clone(&store), 8, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let connection = redis.connection().await;
    let keys = || {
        let mut connection = connection.clone();
        async move {
            redis::cmd("DBSIZE")
                .query_async::<u64>(&mut connection)
                .await
                .expect("a count")
        }
    };
    let memory = || {
        let mut connection = connection.clone();
        async move {
            let text: String = redis::cmd("INFO")
                .arg("memory")
                .query_async(&mut connection)
                .await
                .expect("figures");
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("used_memory_dataset:"))
                .expect("a figure");
            line.parse::<u64>().expect("a number")
        }
    };
    let mut used = Vec::new();
    for _ in 0..4 {
        run_jobs(&store, 700).await;
        // The limit by number: fifty jobs with their events, and some keys of the queue itself.
        wait_until_within(
            "the rest to be dropped",
            Duration::from_secs(20),
            || async { keys().await < 150 },
        )
        .await;
        used.push(memory().await);
    }
    eprintln!("Redis holds, after each 700 jobs: {used:?} bytes");
    assert!(used[3] < used[0] + used[0] / 4 + 100_000, "{used:?}");
    // The limit by time, for a parent with its parts.
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 30, "ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, parent, "the parts to be merged", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    wait_until_within("all to be dropped", Duration::from_secs(20), || async {
        keys().await < 20
    })
    .await;
    let gone = store
        .events_after(parent, None, 1)
        .await
        .expect_err("dropped");
    assert_eq!(gone.code, ErrorCode::NotFound);
    assert!(
        store
            .list(&JobFilter::default())
            .await
            .expect("a page")
            .jobs
            .is_empty()
    );
    stop.cancel();
    running.await.expect("ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_file_drops_old_finished_jobs_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = SqliteSettings {
        max_finished: 20,
        keep_finished: Duration::from_secs(3),
        keep_idempotency: Duration::from_secs(1),
        ..SqliteSettings::default()
    };
    let file = folder.path().join("jobs.db");
    let store: Store = Arc::new(SqliteJobs::open(&file, settings).await.expect("a store"));
    let (runner, _) = runner(Arc::clone(&store), 4, short_timing());
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display()))
        .await
        .expect("the same file");
    let rows = |table: &'static str| {
        let pool = pool.clone();
        async move {
            let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            sqlx::query_scalar::<_, i64>(query)
                .fetch_one(&pool)
                .await
                .expect("a count")
        }
    };
    run_jobs(&store, 260).await;
    wait_until_within(
        "the rest to be dropped",
        Duration::from_secs(20),
        || async { rows("job_records").await <= 20 },
    )
    .await;
    assert!(
        store
            .list(&JobFilter::default())
            .await
            .expect("a page")
            .jobs
            .len()
            <= 20
    );
    let parent = store
        .create(&job(Lane::Control, json!({"parts": 10, "ms": 0})))
        .await
        .expect("created")
        .job
        .id;
    wait_for_job(&store, parent, "the parts to be merged", |job| {
        job.state == JobState::Succeeded
    })
    .await;
    for table in ["job_records", "job_events", "job_keys", "Jobs"] {
        wait_until_within(table, Duration::from_secs(20), || async {
            rows(table).await == 0
        })
        .await;
    }
    stop.cancel();
    running.await.expect("ends");
}
