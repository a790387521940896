//! [`JobTransport`] in SQLite: apalis-sqlite fetches, the sweep looks after what is left lying.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use apalis_core::backend::ext::BackendExt;
use apalis_sqlite::SqliteStorage;
use async_trait::async_trait;
use clippy_core::Result;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::record::Row;
use super::runs::{millis, requeue};
use super::step::{DELIVERY_LIMIT, Ending};
use super::{SqliteJobs, queue, unavailable};
use crate::carrier::{DeliveryCodec, WorkerLoop, run_until, worker_loop};
use crate::record::{JobState, Lane};
use crate::runner::Tick;
use crate::store::{Control, Deliver, Delivery, JobTransport, LaneWorker, SweepSettings, Swept};

/// apalis' own pass over silent workers is only the second net; ours is in [`SqliteJobs::sweep`].
const HEARTBEAT: Duration = Duration::from_secs(20);
const MISSED_HEARTBEATS: usize = 6;
/// Events kept of one job.
const KEPT_EVENTS: i64 = 1_000;
const KEPT_LETTERS: i64 = 1_000;
/// Jobs reaped or dropped in one transaction, so that nobody waits long for their turn to write.
const AT_ONCE: u64 = 200;

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
        let mut change = self.change().await?;
        let query = sqlx::query(
            "UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL
             WHERE lock_by = ? AND status IN ('Queued', 'Running')",
        );
        let released = change.run(query.bind(name)).await?;
        // Rows of ended tasks still name their worker; they go first, since the one refers to the other.
        let query =
            sqlx::query("DELETE FROM Jobs WHERE lock_by = ? AND status NOT IN ('Pending', 'Queued', 'Running')");
        change.run(query.bind(name)).await?;
        change.run(sqlx::query("DELETE FROM Workers WHERE id = ?").bind(name)).await?;
        let query = sqlx::query("DELETE FROM job_workers WHERE lane = ? AND name = ?");
        change.run(query.bind(lane.as_str()).bind(name)).await?;
        if released > 0 {
            change.tell(Control::Wake(lane));
        }
        change.commit().await?;
        Ok(released)
    }

    async fn keep_alive(&self, workers: &[(Lane, String)]) -> Result<()> {
        let mut change = self.change().await?;
        let now = change.now;
        for (lane, name) in workers {
            let query = sqlx::query("INSERT OR REPLACE INTO job_workers (lane, name, seen_ms) VALUES (?, ?, ?)");
            change.run(query.bind(lane.as_str()).bind(name).bind(now)).await?;
            let query = sqlx::query("UPDATE Workers SET last_seen = strftime('%s', 'now') WHERE id = ?");
            change.run(query.bind(name)).await?;
        }
        change.commit().await
    }

    async fn promote(&self) -> Result<u64> {
        let due = "SELECT * FROM job_records WHERE state = 'queued' AND delayed = 1 AND queued_ms <= ? LIMIT 1000";
        // Most of the time there is nothing, and nothing needs its turn to write.
        let now = crate::Timestamp::now().as_millis();
        let any: Option<Row> = sqlx::query_as(due).bind(now).fetch_optional(&self.pool).await.map_err(unavailable)?;
        if any.is_none() {
            return Ok(0);
        }
        let mut change = self.change().await?;
        let rows: Vec<Row> =
            sqlx::query_as(due).bind(now).fetch_all(&mut *change.transaction).await.map_err(unavailable)?;
        for row in &rows {
            change.push_task(&row.id, row.lane()?).await?;
        }
        change.commit().await?;
        Ok(rows.len() as u64)
    }

    async fn sweep(&self, settings: &SweepSettings) -> Result<Swept> {
        let mut swept = Swept { promoted: self.promote().await?, ..Swept::default() };
        let now = crate::Timestamp::now().as_millis();
        let dead: Vec<(String, String)> = sqlx::query_as("SELECT lane, name FROM job_workers WHERE seen_ms <= ?")
            .bind(now - millis(settings.dead_after))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        for (lane, name) in dead {
            swept.released += self.release_worker(lane.parse()?, &name).await?;
        }
        // A machine that slept has leases that ended while nobody could renew them.
        if !self.out_of_touch(now, settings.dead_after) {
            loop {
                let reaped = self.reap().await?;
                swept.reaped += reaped;
                if reaped < AT_ONCE {
                    break;
                }
            }
        }
        swept.rescued = self.rescue(settings.rescue_after).await?;
        loop {
            let dropped = self.expire().await?;
            swept.expired += dropped;
            if dropped < AT_ONCE {
                return Ok(swept);
            }
        }
    }

    async fn bury(&self, payload: &[u8], reason: &str) -> Result<()> {
        let shown: String = String::from_utf8_lossy(payload).chars().take(1_024).collect();
        let mut change = self.change().await?;
        let now = change.now;
        // A worker loop may die before it acknowledges the burial, and so bury twice: one letter.
        let query = sqlx::query(
            "INSERT INTO job_dead_letters (at_ms, reason, payload) SELECT ?1, ?2, ?3 WHERE NOT EXISTS
             (SELECT 1 FROM job_dead_letters WHERE reason = ?2 AND payload = ?3
              AND seq > (SELECT max(seq) FROM job_dead_letters) - 100)",
        );
        change.run(query.bind(now).bind(reason).bind(shown)).await?;
        let query =
            sqlx::query("DELETE FROM job_dead_letters WHERE seq <= (SELECT max(seq) FROM job_dead_letters) - ?");
        change.run(query.bind(KEPT_LETTERS)).await?;
        change.commit().await
    }

    fn watch_control(&self) -> broadcast::Receiver<Control> {
        self.control.subscribe()
    }
}

impl SqliteJobs {
    fn worker_loop(&self, worker: &LaneWorker, tick: Tick, deliver: Arc<dyn Deliver>) -> WorkerLoop {
        let backend = SqliteStorage::<Delivery>::new(&self.pool)
            .with_config(apalis_config(worker.lane))
            .with_codec(DeliveryCodec)
            .poll_with_strategy(tick);
        worker_loop!(backend, worker, deliver, None)
    }

    /// Whether nobody swept for longer than a worker may be silent; and for as long again after that.
    fn out_of_touch(&self, now: i64, silence: Duration) -> bool {
        let silence = millis(silence);
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.last.is_some_and(|last| now - last > silence) {
            swept.mercy_until = now + silence;
        }
        swept.last = Some(now);
        now < swept.mercy_until && swept.mercy_until <= now + silence
    }

    /// Leases that have ended.
    async fn reap(&self) -> Result<u64> {
        let late = "SELECT * FROM job_records WHERE state = 'running' AND lease_ms <= ? LIMIT 200";
        let now = crate::Timestamp::now().as_millis();
        let any: Option<Row> = sqlx::query_as(late).bind(now).fetch_optional(&self.pool).await.map_err(unavailable)?;
        if any.is_none() {
            return Ok(0);
        }
        let mut change = self.change().await?;
        let rows: Vec<Row> =
            sqlx::query_as(late).bind(change.now).fetch_all(&mut *change.transaction).await.map_err(unavailable)?;
        for row in &rows {
            if change.stopping(row).await? {
                change.terminal(row, JobState::Cancelled, Ending::default()).await?;
            } else if row.attempt >= row.max_attempts {
                let ending = Ending { error: Some(DELIVERY_LIMIT), ..Ending::default() };
                change.terminal(row, JobState::Failed, ending).await?;
            } else {
                requeue(&mut change, row, row.attempt, None, 0).await?;
            }
        }
        change.commit().await?;
        Ok(rows.len() as u64)
    }

    /// Queued jobs whose task is gone.
    async fn rescue(&self, after: Duration) -> Result<u64> {
        let lost = "SELECT * FROM job_records WHERE state = 'queued' AND delayed = 0 AND queued_ms <= ?
                    AND NOT EXISTS (SELECT 1 FROM Jobs WHERE Jobs.id = job_records.task
                                    AND Jobs.status IN ('Pending', 'Queued', 'Running')) LIMIT 500";
        let before = crate::Timestamp::now().as_millis() - millis(after);
        let any: Option<Row> =
            sqlx::query_as(lost).bind(before).fetch_optional(&self.pool).await.map_err(unavailable)?;
        if any.is_none() {
            return Ok(0);
        }
        let mut change = self.change().await?;
        let rows: Vec<Row> =
            sqlx::query_as(lost).bind(before).fetch_all(&mut *change.transaction).await.map_err(unavailable)?;
        for row in &rows {
            change.push_task(&row.id, row.lane()?).await?;
        }
        change.commit().await?;
        Ok(rows.len() as u64)
    }

    /// What need not be kept: old finished jobs with their parts and events, ended tasks, old events and keys.
    async fn expire(&self) -> Result<u64> {
        let mut change = self.change().await?;
        let now = change.now;
        let kept = i64::try_from(self.settings.max_finished).unwrap_or(i64::MAX);
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM (SELECT id, finished_ms, ROW_NUMBER() OVER (ORDER BY finished_ms DESC) AS place
             FROM job_records WHERE finished_ms IS NOT NULL AND parent IS NULL)
             WHERE finished_ms <= ? OR place > ? LIMIT 200",
        )
        .bind(now - millis(self.settings.keep_finished))
        .bind(kept)
        .fetch_all(&mut *change.transaction)
        .await
        .map_err(unavailable)?;
        for id in &ids {
            let query = sqlx::query(
                "DELETE FROM job_events WHERE job = ?1 OR job IN (SELECT id FROM job_records WHERE parent = ?1)",
            );
            change.run(query.bind(id)).await?;
            change.run(sqlx::query("DELETE FROM job_records WHERE id = ?1 OR parent = ?1").bind(id)).await?;
        }
        let query = sqlx::query(
            "DELETE FROM Jobs WHERE rowid IN (SELECT rowid FROM Jobs
             WHERE status IN ('Done', 'Failed', 'Killed') LIMIT 5000)",
        );
        change.run(query).await?;
        change.run(sqlx::query("DELETE FROM job_keys WHERE expires_ms <= ?").bind(now)).await?;
        let query = sqlx::query(
            "DELETE FROM job_events WHERE seq IN (SELECT seq FROM (SELECT seq, ROW_NUMBER() OVER
             (PARTITION BY job ORDER BY seq DESC) AS place FROM job_events
             WHERE job IN (SELECT id FROM job_records WHERE state = 'running')) WHERE place > ?)",
        );
        change.run(query.bind(KEPT_EVENTS)).await?;
        change.commit().await?;
        Ok(ids.len() as u64)
    }
}
