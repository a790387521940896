//! [`JobTransport`] in SQLite: apalis-sqlite fetches; `sweep` looks after what is left lying.

use std::sync::Arc;
use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_sqlite::SqliteStorage;
use async_trait::async_trait;
use clippy_core::Result;
use sqlx::{QueryBuilder, Sqlite};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{SqliteJobs, queue};
use crate::carrier::{DeliveryCodec, WorkerLoop, run_until, worker_loop};
use crate::record::Lane;
use crate::runner::Tick;
use crate::store::{Control, Deliver, Delivery, JobTransport, LaneWorker, SweepSettings, Swept};

/// apalis' own pass over silent workers is only the second net; ours is in [`SqliteJobs::sweep`].
const HEARTBEAT: Duration = Duration::from_secs(20);
const MISSED_HEARTBEATS: usize = 6;

fn apalis_config(lane: Lane) -> apalis_sqlite::Config {
    apalis_sqlite::Config::default()
        .queue(queue(lane))
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED_HEARTBEATS)
        .lock_tasks(false)
}

#[async_trait]
impl JobTransport for SqliteJobs {
    async fn run_lane(
        &self,
        worker: &LaneWorker,
        tick: Tick,
        deliver: Arc<dyn Deliver>,
        stop: CancellationToken,
    ) -> Result<()> {
        run_until(self.worker_loop(worker, tick, deliver), stop).await
    }

    async fn release_worker(&self, lane: Lane, name: &str) -> Result<u64> {
        self.drop_unreadable_tasks(lane, name).await?;
        let mut change = self.change().await?;
        let query = sqlx::query(
            "UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL
             WHERE lock_by = ? AND status IN ('Queued', 'Running')",
        );
        let released = change.run(query.bind(name)).await?;
        // Rows of ended tasks still name their worker; they go first, since the one refers to the
        // other.
        let query = sqlx::query(
            "DELETE FROM Jobs WHERE lock_by = ? AND status NOT IN ('Pending', 'Queued', 'Running')",
        );
        change.run(query.bind(name)).await?;
        change
            .run(sqlx::query("DELETE FROM Workers WHERE id = ?").bind(name))
            .await?;
        let query = sqlx::query("DELETE FROM job_workers WHERE lane = ? AND name = ?");
        change.run(query.bind(lane.as_str()).bind(name)).await?;
        if released > 0 {
            change.tell(Control::Wake(lane));
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
        // Two statements for all of them: this comes round for as long as the process lives.
        let mut seen = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO job_workers (lane, name, seen_ms) ",
        );
        seen.push_values(workers, |mut row, (lane, name)| {
            row.push_bind(lane.as_str())
                .push_bind(name.clone())
                .push_bind(now);
        });
        change.run(seen.build()).await?;
        let mut theirs = QueryBuilder::<Sqlite>::new(
            "UPDATE Workers SET last_seen = strftime('%s', 'now') WHERE id IN (",
        );
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
        self.look_after(settings).await
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

impl SqliteJobs {
    fn worker_loop(
        &self,
        worker: &LaneWorker,
        tick: Tick,
        deliver: Arc<dyn Deliver>,
    ) -> WorkerLoop {
        let backend = SqliteStorage::<Delivery>::new(&self.pool)
            .with_config(apalis_config(worker.lane))
            .with_codec(DeliveryCodec)
            .poll_with_strategy(tick);
        worker_loop!(backend, worker, deliver, None)
    }
}
