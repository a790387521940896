//! Compares the job queue with Redis itself and with other queues on Redis: BullMQ, Celery and RQ,
//! if they are installed (`benches/queues/install.sh`).
//!
//! Run with `cargo bench -p clippy-jobs --bench jobs`. Everything is measured in one run, each
//! queue on an empty `redis-server` of its own with the same settings (append-only file, synced
//! once a second), with the same payload. Printed as JSON lines, one a queue; `*_of_lpush` are
//! shares of what `redis-benchmark` reaches with as many clients.
//!
//! - `adds_per_second_1`, `adds_per_second_32`: a job created and queued, with one and with 32
//!   calls at once;
//! - `cycles_per_second_1_worker`, `…_2_workers`: a job fetched, run (it does nothing) and
//!   finished, from a queue that was filled before, with one and with two worker processes of 16
//!   jobs at once;
//! - `pickup_ms_p50`, `pickup_ms_p99`: from before the call that adds a job to an idle queue until
//!   its handler runs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use clippy_jobs::{
    Handlers, JobBackend, JobContext, JobError, JobHandler, JobKind, JobStore, Lane, NewJob,
    RedisJobs, RedisSettings, Runner, RunnerSettings,
};
use clippy_testing::{RedisServer, wait_for, wait_for_within};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const AT_ONCE: usize = 16;
const CALLERS: usize = 32;
const SERIAL_ADDS: usize = 5_000;
const PARALLEL_ADDS: usize = 20_000;
const CYCLES: usize = 20_000;
const PICKUPS: usize = 300;
const WORKER: &str = "CLIPPY_BENCH_WORKER";

type AnyError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    if let Ok(url) = std::env::var(WORKER) {
        return work(&url).await;
    }
    let (one, many) = {
        let redis = RedisServer::start();
        (
            benchmark(&redis, 1, 100_000)?,
            benchmark(&redis, 50, 400_000)?,
        )
    };
    println!(
        "{}",
        json!({"queue": "redis-benchmark LPUSH", "clients_1": one.round(),
        "clients_50": many.round()})
    );
    let ours = {
        let redis = RedisServer::start();
        measure(&redis).await?
    };
    print(ours, one, many);
    for other in Other::all() {
        match other.run() {
            Ok(figures) => print(figures, one, many),
            Err(reason) => eprintln!("left out: {}: {reason}", other.name),
        }
    }
    Ok(())
}

fn print(mut figures: Value, one: f64, many: f64) {
    let share = |name: &str, of: f64| {
        let per_second = figures[name].as_f64().unwrap_or_default();
        json!((per_second / of * 1_000.0).round() / 1_000.0)
    };
    let (serial, parallel) = (
        share("adds_per_second_1", one),
        share("adds_per_second_32", many),
    );
    figures["adds_1_of_lpush_1"] = serial;
    figures["adds_32_of_lpush_50"] = parallel;
    println!("{figures}");
}

async fn measure(redis: &RedisServer) -> Result<Value, AnyError> {
    let store = connect(&redis.url()).await?;
    let serial = add(&store, 1, SERIAL_ADDS).await?;
    let parallel = add(&store, CALLERS, PARALLEL_ADDS).await?;
    let mut cycles = Vec::new();
    for workers in [1, 2] {
        flush(redis)?;
        add(&store, CALLERS, CYCLES).await?;
        let running = (0..workers)
            .map(|_| worker(&redis.url()))
            .collect::<Result<Vec<_>, _>>()?;
        cycles.push(drain(&store, CYCLES as u64).await?);
        drop(running);
    }
    flush(redis)?;
    let _worker = worker(&redis.url())?;
    let mut pickups = Vec::new();
    for _ in 0..PICKUPS {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let sent = micros();
        let id = store.create(&job()).await?.job.id;
        let result = wait_for("the job to end", || async {
            store
                .get(id)
                .await
                .map(|job| job.result)?
                .ok_or_else(not_yet)
        })
        .await;
        let begun = result["begun"].as_u64().unwrap_or_default();
        pickups.push((begun.saturating_sub(sent)) as f64 / 1_000.0);
    }
    // During the first jobs the worker is still starting.
    let mut pickups = pickups.split_off(PICKUPS / 10);
    pickups.sort_by(f64::total_cmp);
    let rank = |share: f64| pickups[((pickups.len() - 1) as f64 * share).round() as usize];
    Ok(json!({
        "queue": "Clippy",
        "adds_per_second_1": serial.round(),
        "adds_per_second_32": parallel.round(),
        "cycles_per_second_1_worker": cycles[0].round(),
        "cycles_per_second_2_workers": cycles[1].round(),
        "pickup_ms_p50": rank(0.5),
        "pickup_ms_p99": rank(0.99),
    }))
}

fn job() -> NewJob {
    NewJob::new(
        JobKind::Generate,
        Lane::Interactive,
        json!({"prompt": "a fox in the snow, ".repeat(5), "count": 4}),
    )
}

async fn connect(url: &str) -> Result<Arc<RedisJobs>, AnyError> {
    let mut settings = RedisSettings::default();
    settings.limits.interactive = u64::MAX;
    Ok(Arc::new(RedisJobs::connect(url, settings).await?))
}

/// Measures the jobs created in a second.
async fn add(store: &Arc<RedisJobs>, callers: usize, count: usize) -> Result<f64, AnyError> {
    let begun = Instant::now();
    let mut calling = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let store = Arc::clone(store);
        calling.spawn(async move {
            for _ in 0..count / callers {
                store.create(&job()).await?;
            }
            Ok::<_, clippy_core::Error>(())
        });
    }
    while let Some(called) = calling.join_next().await {
        called??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// Measures the jobs finished in a second, from the first claim until the queue is empty.
async fn drain(store: &Arc<RedisJobs>, count: u64) -> Result<f64, AnyError> {
    let limit = Duration::from_secs(600);
    let (begun, before) = wait_for_within("the first claim", limit, || async {
        let lane = &store.lanes().await?[0];
        let is_begun = lane.queued < count;
        let now = (Instant::now(), lane.succeeded);
        is_begun.then_some(now).ok_or_else(not_yet)
    })
    .await;
    wait_for_within("the queue to be empty", limit, || async {
        let lane = &store.lanes().await?[0];
        let is_empty = lane.queued + lane.running == 0;
        is_empty.then_some(()).ok_or_else(not_yet)
    })
    .await;
    Ok((count - before) as f64 / begun.elapsed().as_secs_f64())
}

fn not_yet() -> clippy_core::Error {
    clippy_core::Error::not_found("not yet")
}

fn micros() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as u64)
}

struct Nothing;

#[async_trait]
impl JobHandler for Nothing {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn run(&self, _: JobContext) -> Result<Value, JobError> {
        Ok(json!({"begun": micros()}))
    }
}

/// Starts this program as a worker, until it is killed.
fn worker(url: &str) -> Result<Process, AnyError> {
    Ok(Process(
        Command::new(std::env::current_exe()?)
            .env(WORKER, url)
            .stdout(Stdio::null())
            .spawn()?,
    ))
}

async fn work(url: &str) -> Result<(), AnyError> {
    let store: Arc<dyn JobBackend> = connect(url).await?;
    let settings = RunnerSettings {
        lanes: vec![(Lane::Interactive, AT_ONCE)],
        ..RunnerSettings::default()
    };
    Runner::new(store, Handlers::new().with(Nothing), settings)?
        .run(CancellationToken::new())
        .await;
    Ok(())
}

/// Measures another queue by a script in its own language that prints the same figures.
struct Other {
    name: &'static str,
    program: PathBuf,
    script: PathBuf,
    needs: PathBuf,
}

impl Other {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/queues");
        let other = |name, program: PathBuf, script: &str, needs: &str| Self {
            name,
            program,
            script: folder.join(script),
            needs: folder.join(needs),
        };
        let python = folder.join("venv/bin/python");
        vec![
            other("BullMQ", "node".into(), "bullmq.mjs", "node_modules/bullmq"),
            other(
                "Celery",
                python.clone(),
                "celery_queue.py",
                "venv/bin/celery",
            ),
            other("RQ", python, "rq_queue.py", "venv/bin/rq"),
        ]
    }

    fn run(&self) -> Result<Value, AnyError> {
        if !self.needs.exists() {
            return Err("not installed; run benches/queues/install.sh".into());
        }
        let redis = RedisServer::start();
        let output = Command::new(&self.program)
            .arg(&self.script)
            .env("REDIS_PORT", redis.port().to_string())
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let last = text.lines().last().ok_or("it printed nothing")?;
        Ok(serde_json::from_str(last)?)
    }
}

/// A process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn flush(redis: &RedisServer) -> Result<(), AnyError> {
    redis::cmd("FLUSHALL").exec(&mut redis::Client::open(redis.url())?.get_connection()?)?;
    Ok(())
}

/// Measures the LPUSHes of a hundred bytes in a second.
fn benchmark(redis: &RedisServer, clients: usize, requests: usize) -> Result<f64, AnyError> {
    let output = Command::new("redis-benchmark")
        .args([
            "-p",
            &redis.port().to_string(),
            "-t",
            "lpush",
            "-d",
            "100",
            "--csv",
        ])
        .args(["-c", &clients.to_string(), "-n", &requests.to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .find(|line| line.starts_with("\"LPUSH\""))
        .ok_or("redis-benchmark said nothing")?;
    let figure = line
        .split(',')
        .nth(1)
        .ok_or("redis-benchmark said something else")?;
    Ok(figure.trim_matches('"').parse()?)
}
