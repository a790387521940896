//! [`JobTransport`] in SQLite: tasks are fetched by [`crate::transport::sqlite`], and `sweep` looks
//! after dead workers and lost tasks.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::Result;
use sqlx::{QueryBuilder, Sqlite};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::SqliteJobs;
use crate::record::Lane;
use crate::transport::sqlite::{self, worker_loop};
use crate::transport::{
    Control, Deliver, JobTransport, LaneWorker, SweepSettings, Swept, Tick, run_until,
};

#[async_trait]
impl JobTransport for SqliteJobs {
    async fn run_lane(
        &self,
        worker: &LaneWorker,
        tick: Tick,
        deliver: Arc<dyn Deliver>,
        stop: CancellationToken,
    ) -> Result<()> {
        let looping = worker_loop(&self.pool, worker, tick, deliver);
        run_until(looping, stop).await
    }

    async fn release_worker(&self, lane: Lane, name: &str) -> Result<u64> {
        self.drop_unreadable_tasks(lane, name).await?;
        let mut change = self.change().await?;
        let query = sqlx::query(sqlite::PUT_TASKS_BACK);
        let released = change.run(query.bind(name)).await?;
        // Rows of ended tasks refer to their worker, so they are deleted first.
        let query = sqlx::query(sqlite::DELETE_TASKS_OF_WORKER);
        change.run(query.bind(name)).await?;
        change
            .run(sqlx::query(sqlite::DELETE_WORKER).bind(name))
            .await?;
        let query = sqlx::query("DELETE FROM job_workers WHERE lane = ? AND name = ?");
        change.run(query.bind(lane.as_str()).bind(name)).await?;
        if released > 0 {
            change.notify(Control::Wake(lane));
        }
        change.commit().await?;
        Ok(released)
    }

    async fn keep_alive(&self, workers: &[(Lane, String)]) -> Result<()> {
        if workers.is_empty() {
            return Ok(());
        }
        let mut change = self.change().await?;
        let now = change.now;
        // Two statements for all workers, since this runs for as long as the process lives.
        let mut seen = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO job_workers (lane, name, seen_ms) ",
        );
        seen.push_values(workers, |mut row, (lane, name)| {
            row.push_bind(lane.as_str())
                .push_bind(name.clone())
                .push_bind(now);
        });
        change.run(seen.build()).await?;
        let mut theirs = QueryBuilder::<Sqlite>::new(sqlite::KEEP_WORKERS_ALIVE);
        let mut names = theirs.separated(", ");
        for (_, name) in workers {
            names.push_bind(name.clone());
        }
        theirs.push(")");
        change.run(theirs.build()).await?;
        change.commit().await
    }

    async fn promote(&self) -> Result<u64> {
        self.promote_due().await
    }

    async fn sweep(&self, settings: &SweepSettings) -> Result<Swept> {
        self.sweep_all(settings).await
    }

    async fn bury(&self, payload: &[u8], reason: &str) -> Result<()> {
        let shown: String = String::from_utf8_lossy(payload)
            .chars()
            .take(1_024)
            .collect();
        let mut change = self.change().await?;
        change.letter(&shown, reason).await?;
        change.commit().await
    }

    fn watch_control(&self) -> broadcast::Receiver<Control> {
        self.control.subscribe()
    }
}
