//! The worker process of the fault tests, and its handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::ErrorCode;
use clippy_jobs::{
    Handlers, JobBackend, JobContext, JobError, JobHandler, JobKind, Lane, LaneLimits, NewChild,
    Phase, Runner, RunnerSettings, SqliteJobs, SqliteSettings, Timestamp, Timing,
};
use clippy_jobs_contract::short_timing;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The body of the test `worker_process`. Does nothing unless a test started this program as a
/// worker.
pub async fn worker_process() {
    if std::env::var("CLIPPY_TEST_WORKER").is_err() {
        return;
    }
    let read = |name: &str| std::env::var(name).unwrap_or_default();
    let store: Arc<dyn JobBackend> = if read("CLIPPY_TEST_FILE").is_empty() {
        Arc::new(super::connect(&read("CLIPPY_TEST_REDIS"), "test", LaneLimits::default()).await)
    } else {
        let file = std::path::PathBuf::from(read("CLIPPY_TEST_FILE"));
        Arc::new(
            SqliteJobs::open(&file, SqliteSettings::default())
                .await
                .expect("a store"),
        )
    };
    let concurrency = read("CLIPPY_TEST_CONCURRENCY").parse().unwrap_or(4);
    // With the timing of a server, or with short intervals.
    let settings = RunnerSettings::embedded();
    let runner = if read("CLIPPY_TEST_TIMING") == "embedded" {
        Runner::new(store, Handlers::new().with(Parts::default()), settings)
            .expect("valid settings")
    } else {
        runner(store, concurrency, short_timing()).0
    };
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("a signal");
    tokio::spawn(async move {
        terminate.recv().await;
        stopping.cancel();
    });
    runner.run(stop).await;
}

/// A runner of all lanes with the [`Parts`] handler, and the number of times that it was called.
pub fn runner(
    store: Arc<dyn JobBackend>,
    concurrency: usize,
    timing: Timing,
) -> (Runner, Arc<AtomicUsize>) {
    let handler = Parts::default();
    let calls = Arc::clone(&handler.calls);
    let lanes = Lane::ALL.iter().map(|lane| (*lane, concurrency)).collect();
    let settings = RunnerSettings {
        lanes,
        timing,
        drain: Duration::from_secs(2),
    };
    (
        Runner::new(store, Handlers::new().with(handler), settings).expect("valid settings"),
        calls,
    )
}

/// A handler that does what the payload says: `{"parts": n, "ms": m}` plans n parts of m
/// milliseconds; `{"ms": m}` takes m milliseconds, in ten steps with a checkpoint each;
/// `{"quiet_ms": m}` takes m milliseconds without a checkpoint; `{"abort": true}` aborts its
/// process; `{"snooze_first": true}` asks for an hour's delay in its first run; `{"retry_first":
/// true}` fails in its first run.
#[derive(Default)]
struct Parts {
    calls: Arc<AtomicUsize>,
}

#[async_trait]
impl JobHandler for Parts {
    fn kind(&self) -> JobKind {
        JobKind::Ingest
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let payload = context.job().payload.clone();
        if payload["snooze_first"] == true && context.key().run == 1 {
            return Err(JobError::Snooze(Duration::from_secs(3_600)));
        }
        if payload["retry_first"] == true && context.key().run == 1 {
            return Err(JobError::transient(ErrorCode::Unavailable, "not yet"));
        }
        if let Some(quiet) = payload["quiet_ms"].as_u64() {
            tokio::time::sleep(Duration::from_millis(quiet)).await;
        }
        if payload["abort"] == true {
            std::process::abort();
        }
        let ms = payload["ms"].as_u64().unwrap_or_default();
        if let Some(parts) = payload["parts"].as_u64() {
            if context.phase() == Phase::Merge {
                let mut sum = 0;
                let mut before = None;
                loop {
                    let page = context.children(before).await?;
                    sum += page
                        .jobs
                        .iter()
                        .filter_map(|job| job.result.as_ref()?["n"].as_u64())
                        .sum::<u64>();
                    before = page.next_cursor;
                    if before.is_none() {
                        return Ok(json!({"sum": sum}));
                    }
                }
            }
            let part = |n| NewChild {
                key: format!("part-{n}"),
                lane: Lane::Bulk,
                payload: json!({"ms": ms, "n": n}),
                weight: 1,
            };
            let parts: Vec<NewChild> = (1..=parts).map(part).collect();
            context.spawn_children("parts", &parts).await?;
            return Ok(Value::Null);
        }
        let start = context
            .last_checkpoint()
            .and_then(Value::as_u64)
            .unwrap_or_default();
        if ms > 0 {
            // Save a checkpoint at once: a job that loses two workers without progress fails, which
            // would make the tests that kill workers flaky.
            context.save_checkpoint(json!(start)).await?;
            for step in start..10 {
                tokio::time::sleep(Duration::from_millis(ms / 10)).await;
                context.save_checkpoint(json!(step + 1)).await?;
            }
        }
        let clock = Timestamp::now().as_millis();
        Ok(
            json!({"n": payload["n"], "process": std::process::id(), "run": context.key().run,
            "clock": clock}),
        )
    }
}
