//! The queue: where jobs are kept, and the workers of this process.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::ErrorCode;
use clippy_core::settings::{Secret, Settings};
use clippy_jobs::{
    Handlers, JobTransport, RedisJobs, RedisSettings, Runner, RunnerSettings, SqliteJobs,
    SqliteSettings,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The file of the embedded queue in the data folder.
pub const FILE: &str = "jobs.db";

/// Between attempts to reach Redis at the start; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The queue under `DATA_DIR`. Call it with the data folder's lock held.
pub async fn embedded(settings: &Settings) -> Result<Arc<dyn JobTransport>, Failure> {
    let options = SqliteSettings {
        keep_finished: settings.jobs.keep,
        max_finished: settings.jobs.keep_most,
        ..SqliteSettings::default()
    };
    let jobs = SqliteJobs::open(&settings.collection.data_dir.join(FILE), options).await?;
    Ok(Arc::new(jobs))
}

/// The queue in Redis. A server that is away is waited for, and said to be away each time it is
/// asked. One that refuses what `REDIS_URL` says (its password, its database, TLS) ends the start:
/// waiting would not help.
pub async fn connect(
    settings: &Settings,
    url: &Secret,
    shutdown: &CancellationToken,
) -> Result<Arc<dyn JobTransport>, Failure> {
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
    /// Begins to take jobs, until `shutdown`.
    pub fn start(
        jobs: Arc<dyn JobTransport>,
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

    /// Waits until they have stopped, which they do when they are told to, or when something is
    /// broken.
    pub async fn ended(&mut self) -> Result<(), Failure> {
        let ended = (&mut self.task).await;
        match ended {
            Ok(()) if self.stop.is_cancelled() => Ok(()),
            Ok(()) => Err(Failure::run(
                "the workers ended although nobody told them to; the log tells more",
            )),
            Err(error) => Err(Failure::run(format!("the workers ended badly: {error}"))),
        }
    }

    /// Tells them to stop, and waits until they have: what runs ends, or is handed back for the
    /// next start.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.stop.cancel();
        self.ended().await
    }
}

/// Does something while the workers work. When either ends, so does the other: half a process helps
/// nobody.
pub async fn beside(
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
        ended = workers.ended() => {
            shutdown.cancel();
            let done = work.await;
            ended.and(done)
        }
    }
}
