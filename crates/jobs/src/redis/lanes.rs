//! [`JobTransport`] in Redis: tasks are fetched by [`crate::transport::redis`], and the scripts
//! look after dead workers and lost tasks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use futures::FutureExt;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;

use super::RedisJobs;
use super::scripts::Call;
use crate::record::Lane;
use crate::transport::redis::{EndedTask, worker_loop};
use crate::transport::{
    Control, Deliver, JobTransport, LaneWorker, SweepSettings, Swept, Tick, run_until,
};

/// A script blocks the server, so each call handles a limited number of items and is repeated while
/// there are more. This is the most calls of one script in a sweep.
const STEPS: usize = 200;
/// Delayed jobs promoted in one call, in each lane.
const PROMOTED_AT_ONCE: u64 = 1_000;
/// Ended leases handled in one call, in each lane. `sweep.lua` has the same number.
const REAPED_AT_ONCE: u64 = 200;
const JOBS_DROPPED_AT_ONCE: u64 = 100;
/// Ended tasks are forgotten in batches of at most this many.
const FORGOTTEN_AT_ONCE: usize = 256;
/// How long a batch of ended tasks waits for more.
const LINGER: Duration = Duration::from_millis(5);
/// How long forgetting may take after a loop has ended.
const LAST_FORGETTING: Duration = Duration::from_millis(50);
/// The pause between two tries while the server is unavailable.
const FORGET_RETRY: Duration = Duration::from_millis(500);

fn lanes(call: Call<'_>) -> Call<'_> {
    Lane::ALL
        .iter()
        .fold(call, |call, lane| call.arg(lane.as_str()))
}

impl RedisJobs {
    /// Forgets ended tasks in batches until the channel closes. A failure does no harm: a task that
    /// was not forgotten when its worker died is delivered again, and then its job has ended.
    async fn forget(&self, worker: &LaneWorker, mut ended: UnboundedReceiver<EndedTask>) {
        let mut tasks = Vec::new();
        while ended.recv_many(&mut tasks, FORGOTTEN_AT_ONCE).await > 0 {
            tokio::time::sleep(LINGER).await;
            while tasks.len() < FORGOTTEN_AT_ONCE
                && let Ok(task) = ended.try_recv()
            {
                tasks.push(task);
            }
            loop {
                let call = self
                    .call(&self.scripts.forget)
                    .arg(worker.lane.as_str())
                    .arg(&worker.name);
                let call = tasks
                    .iter()
                    .fold(call, |call, task| call.arg(task.to_string()));
                match call.invoke::<u64>().await {
                    Ok(_) => break,
                    Err(error) => {
                        tracing::debug!(%error, "ended tasks could not be forgotten; trying again");
                        tokio::time::sleep(FORGET_RETRY).await;
                    }
                }
            }
            tasks.clear();
        }
    }
}

#[async_trait]
impl JobTransport for RedisJobs {
    async fn run_lane(
        &self,
        worker: &LaneWorker,
        tick: Tick,
        deliver: Arc<dyn Deliver>,
        stop: CancellationToken,
    ) -> Result<()> {
        let (sender, ended) = mpsc::unbounded_channel();
        let fetching = self.connection.clone();
        let looping = worker_loop(fetching, &self.prefix, worker, tick, deliver, sender);
        let looping = run_until(looping, stop);
        // Fused, since it may end before the loop does: apalis drops its handler, and with it the
        // sender, before it closes.
        let forgetting = self.forget(worker, ended).fuse();
        tokio::pin!(looping, forgetting);
        let ended = tokio::select! {
            ended = &mut looping => ended,
            () = &mut forgetting => looping.await,
        };
        // Forget the last tasks, so that they are not delivered again.
        let _ = tokio::time::timeout(LAST_FORGETTING, forgetting).await;
        ended
    }

    async fn release_worker(&self, lane: Lane, name: &str) -> Result<u64> {
        self.call(&self.scripts.release)
            .arg(lane.as_str())
            .arg(name)
            .invoke()
            .await
    }

    async fn keep_alive(&self, workers: &[(Lane, String)]) -> Result<()> {
        let mut call = self.call(&self.scripts.keep_alive);
        for (lane, name) in workers {
            call = call.arg(lane.as_str()).arg(name);
        }
        call.invoke::<u64>().await.map(|_| ())
    }

    async fn promote(&self) -> Result<u64> {
        let mut promoted = 0;
        for _ in 0..STEPS {
            let some: u64 = lanes(self.call(&self.scripts.promote).arg(PROMOTED_AT_ONCE))
                .invoke()
                .await?;
            promoted += some;
            if some < PROMOTED_AT_ONCE {
                break;
            }
        }
        Ok(promoted)
    }

    async fn sweep(&self, settings: &SweepSettings) -> Result<Swept> {
        let millis =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4);
        let mut released = 0;
        let dead: Vec<Vec<u8>> = self
            .call(&self.scripts.dead_workers)
            .arg(millis(settings.dead_after))
            .invoke()
            .await?;
        for member in dead.iter().map(|member| String::from_utf8_lossy(member)) {
            if let Some((lane, name)) = member.split_once(' ')
                && let Ok(lane) = lane.parse()
            {
                released += self.release_worker(lane, name).await?;
            }
        }
        let (mut reaped, mut rescued) = (0, 0);
        for _ in 0..STEPS {
            let call = self
                .call(&self.scripts.sweep)
                .arg(millis(settings.rescue_after))
                .arg(self.rescue_from.load(Ordering::Relaxed))
                .arg(millis(settings.dead_after));
            let (some, lost, next): (u64, u64, u64) = lanes(call).invoke().await?;
            self.rescue_from.store(next, Ordering::Relaxed);
            reaped += some;
            rescued += lost;
            if some < REAPED_AT_ONCE {
                break;
            }
        }
        let promoted = self.promote().await?;
        let mut expired = 0;
        for _ in 0..STEPS {
            let call = self
                .call(&self.scripts.tidy)
                .arg(millis(self.settings.keep_finished))
                .arg(self.settings.max_finished)
                .arg(JOBS_DROPPED_AT_ONCE);
            let (some, more): (u64, u64) = call.invoke().await?;
            expired += some;
            if more == 0 {
                break;
            }
        }
        Ok(Swept {
            promoted,
            reaped,
            released,
            rescued,
            expired,
        })
    }

    async fn bury(&self, payload: &[u8], reason: &str) -> Result<()> {
        let shown: String = String::from_utf8_lossy(payload)
            .chars()
            .take(1_024)
            .collect();
        self.call(&self.scripts.bury)
            .arg(reason)
            .arg(shown)
            .invoke::<u64>()
            .await
            .map(|_| ())
    }

    fn watch_control(&self) -> broadcast::Receiver<Control> {
        self.notices.watch_control()
    }
}
