//! The queue of jobs, and the workers of this process.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::settings::{Secret, Settings};
use clippy_jobs::{
    Handlers, JobBackend, RedisJobs, RedisSettings, Runner, RunnerSettings, SqliteJobs,
    SqliteSettings, WorkerBackend,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The file of the embedded queue in the data folder.
pub const FILE: &str = "jobs.db";

/// The first pause between attempts to connect to Redis; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Opens the queue in `DATA_DIR`. The caller must hold the data folder's lock.
pub async fn open_embedded(settings: &Settings) -> Result<Arc<dyn JobBackend>, Failure> {
    let options = SqliteSettings {
        keep_finished: settings.jobs.keep,
        max_finished: settings.jobs.keep_most,
        ..SqliteSettings::default()
    };
    let jobs = SqliteJobs::open(&settings.collection.data_dir.join(FILE), options).await?;
    Ok(Arc::new(jobs))
}

/// Connects to the queue in Redis. While Redis is unreachable, it waits and logs each attempt. A
/// Redis that refuses the password, the database or TLS of `REDIS_URL` is an error, since waiting
/// would not help.
pub async fn connect(
    settings: &Settings,
    url: &Secret,
    shutdown: &CancellationToken,
) -> Result<Arc<dyn JobBackend>, Failure> {
    let mut pause = FIRST_PAUSE;
    loop {
        let options = RedisSettings {
            prefix: settings.jobs.redis_prefix.clone(),
            keep_finished: settings.jobs.keep,
            max_finished: settings.jobs.keep_most,
            ..RedisSettings::default()
        };
        match RedisJobs::connect(url.expose(), options).await {
            Ok(jobs) => return Ok(Arc::new(jobs)),
            Err(error) if error.code == ErrorCode::Unavailable => {
                tracing::error!(retry_in_ms = pause.as_millis(), "{}", error.message);
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return Err(Failure::run("stopped before Redis answered")),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The workers of this process.
pub struct Workers {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Workers {
    /// Starts workers, which claim jobs until `shutdown`.
    pub fn start(
        jobs: Arc<dyn WorkerBackend>,
        handlers: Handlers,
        settings: RunnerSettings,
        shutdown: &CancellationToken,
    ) -> Result<Self, Failure> {
        let stop = shutdown.child_token();
        let runner = Runner::new(jobs, handlers, settings)?;
        Ok(Self {
            task: tokio::spawn(runner.run(stop.clone())),
            stop,
        })
    }

    /// Waits until they have stopped. It is an error if they stopped without being told to.
    pub async fn wait(&mut self) -> Result<(), Failure> {
        let ended = (&mut self.task).await;
        match ended {
            Ok(()) if self.stop.is_cancelled() => Ok(()),
            Ok(()) => Err(Failure::run(
                "the workers ended without being told to; see the log",
            )),
            Err(error) => Err(Failure::run(format!("the workers failed: {error}"))),
        }
    }

    /// Stops them, and waits until they have. A running job ends, or goes back to the queue.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.stop.cancel();
        self.wait().await
    }
}

/// Runs `work` beside the workers. When either ends, the other is stopped too, since a process with
/// only one of them is of no use.
pub async fn run_beside(
    mut workers: Workers,
    shutdown: &CancellationToken,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => {
            let stopped = workers.stop().await;
            done.and(stopped)
        }
        ended = workers.wait() => {
            shutdown.cancel();
            let done = work.await;
            ended.and(done)
        }
    }
}
