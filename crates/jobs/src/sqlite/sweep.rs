//! The sweep: delayed jobs, ended leases, dead workers, lost tasks and old jobs.
//!
//! Each job has a transaction of its own, so that a damaged record affects no other job. When no
//! job is queued or running, a sweep reads a few index entries and writes nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clippy_core::{Error, Result};
use sqlx::sqlite::SqliteRow;

use super::record::{Row, read, text};
use super::runs::handle_loss;
use super::{SqliteJobs, millis, unavailable};
use crate::damage::is_damage;
use crate::record::Lane;
use crate::time::Timestamp;
use crate::transport::sqlite::{DELETE_ENDED_TASKS, ended_tasks, has_task};
use crate::transport::{Control, JobTransport, SweepSettings, Swept};

/// How many events of one job are kept.
const KEPT_EVENTS: i64 = 1_000;
/// Jobs dropped in one transaction, so that other writers do not wait long.
const DROPPED_AT_ONCE: u64 = 200;
/// Rows read in one query.
const PAGE: usize = 500;
/// The most queries of one kind in a sweep; the next sweep continues.
const PAGES: usize = 200;
/// Old data is searched for at most this often.
const TIDY_MS: i64 = 10_000;

/// What to do with a job that a sweep has found.
#[derive(Clone, Copy)]
enum Action {
    /// Write its task: its delay has passed, or its task was lost.
    PushTask,
    /// End its run: its lease has ended.
    EndRun,
}

impl SqliteJobs {
    pub(super) async fn promote_due(&self) -> Result<u64> {
        let now = Timestamp::now().as_millis();
        if now < self.next_due.load(Ordering::Acquire) {
            return Ok(0);
        }
        // Read before the query, so that a job that is delayed meanwhile is not missed.
        self.next_due.store(i64::MAX, Ordering::Release);
        let due = "SELECT rowid, * FROM job_records WHERE state = 'queued' AND delayed = 1 AND \
                   queued_ms <= ? LIMIT 500";
        let promoted = self.handle_all(due, now, Action::PushTask).await;
        self.read_next_due().await?;
        promoted
    }

    async fn read_next_due(&self) -> Result<()> {
        let next: Option<i64> = sqlx::query_scalar(
            "SELECT min(queued_ms) FROM job_records WHERE state = 'queued' AND delayed = 1",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        self.next_due
            .fetch_min(next.unwrap_or(i64::MAX), Ordering::AcqRel);
        Ok(())
    }

    pub(super) async fn sweep_all(&self, settings: &SweepSettings) -> Result<Swept> {
        let now = Timestamp::now().as_millis();
        let mut swept = Swept::default();
        let dead = sqlx::query("SELECT lane, name FROM job_workers WHERE seen_ms <= ?")
            .bind(now - millis(settings.dead_after))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        for row in &dead {
            swept.released += self.release_dead(row).await?;
        }
        let merciful = self.out_of_touch(now, settings.dead_after);
        if self.anything_unfinished().await? {
            // Another process may have delayed a job.
            self.read_next_due().await?;
            swept.promoted = self.promote_due().await?;
            // While the machine was suspended, no worker could renew its lease.
            if !merciful {
                let late = "SELECT rowid, * FROM job_records WHERE state = 'running' AND \
                            (lease_ms <= ? OR lease_ms IS NULL)
                            LIMIT 500";
                swept.reaped = self.handle_all(late, now, Action::EndRun).await?;
            }
            let lost = concat!(
                "SELECT rowid, * FROM job_records WHERE state = 'queued' AND delayed = 0 AND \
                 queued_ms <= ? AND NOT ",
                has_task!("job_records.task"),
                " LIMIT 500"
            );
            swept.rescued = self
                .handle_all(lost, now - millis(settings.rescue_after), Action::PushTask)
                .await?;
        }
        if self.is_time_to_tidy(now) {
            loop {
                let dropped = self.expire().await?;
                swept.expired += dropped;
                if dropped < DROPPED_AT_ONCE {
                    break;
                }
            }
        }
        Ok(swept)
    }

    async fn anything_unfinished(&self) -> Result<bool> {
        let query = "SELECT EXISTS (SELECT 1 FROM job_records WHERE state = 'queued')
                     OR EXISTS (SELECT 1 FROM job_records WHERE state = 'running')";
        sqlx::query_scalar(query)
            .fetch_one(&self.pool)
            .await
            .map_err(unavailable)
    }

    /// Releases the tasks of a dead worker loop. An entry without a valid lane is dropped.
    async fn release_dead(&self, row: &SqliteRow) -> Result<u64> {
        let (lane, name) = (
            text(row, "lane").unwrap_or_default(),
            text(row, "name").unwrap_or_default(),
        );
        if let Ok(lane) = lane.parse::<Lane>() {
            return self.release_worker(lane, &name).await;
        }
        self.damage
            .report("worker", &name, &format!("\"{lane}\" is not a lane"));
        let mut change = self.change().await?;
        change
            .run(sqlx::query(
                "DELETE FROM job_workers WHERE lane NOT IN (SELECT lane FROM job_lanes)",
            ))
            .await?;
        change.commit().await?;
        Ok(0)
    }

    /// Handles all jobs that a query finds, page by page. Returns how many.
    async fn handle_all(&self, query: &'static str, bound: i64, action: Action) -> Result<u64> {
        let mut done = 0;
        for _ in 0..PAGES {
            let rows = sqlx::query(query)
                .bind(bound)
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
            for row in &rows {
                match read(row) {
                    Ok(row) => done += u64::from(self.handle(&row, action).await?),
                    Err(damaged) => self.set_aside(&damaged).await?,
                }
            }
            if rows.len() < PAGE {
                break;
            }
        }
        Ok(done)
    }

    /// Handles one job. `false` when another process was faster, or the record is damaged.
    async fn handle(&self, found: &Row, action: Action) -> Result<bool> {
        let done = async {
            let mut change = self.change().await?;
            let row = change.load(&found.id).await?;
            let Some(row) = row.filter(|row| {
                (row.version, &row.state, row.run) == (found.version, &found.state, found.run)
            }) else {
                return Ok(false);
            };
            match action {
                Action::PushTask if row.delayed == found.delayed => {
                    change.push_task(&row.id, row.lane()?).await?
                }
                Action::EndRun if row.lease_ms.unwrap_or_default() <= change.now => {
                    handle_loss(&mut change, &row).await?
                }
                Action::PushTask | Action::EndRun => return Ok(false),
            }
            change.notify(Control::Wake(row.lane()?));
            change.commit().await?;
            Ok::<_, Error>(true)
        };
        match done.await {
            Err(error) if is_damage(&error) => {
                self.set_aside_job(&found.id, &error.message).await?;
                Ok(false)
            }
            done => done,
        }
    }

    /// Records this sweep. Returns whether none ran for longer than a worker may be silent. It
    /// stays true for the same time again, so that workers can renew their leases.
    fn out_of_touch(&self, now: i64, silence: Duration) -> bool {
        let silence = millis(silence);
        let mut swept = self.swept.lock();
        if swept.last.is_some_and(|last| now - last > silence) {
            swept.mercy_until = now + silence;
        }
        swept.last = Some(now);
        now < swept.mercy_until && swept.mercy_until <= now + silence
    }

    fn is_time_to_tidy(&self, now: i64) -> bool {
        let mut swept = self.swept.lock();
        let due = swept
            .tidied
            .is_none_or(|at| now - at >= TIDY_MS || now < at);
        if due {
            swept.tidied = Some(now);
        }
        due
    }

    /// Drops old finished jobs with their parts and events, ended tasks, old events and keys. Takes
    /// the write lock only when there is something to drop.
    async fn expire(&self) -> Result<u64> {
        let now = Timestamp::now().as_millis();
        let kept = i64::try_from(self.settings.max_finished).unwrap_or(i64::MAX);
        let before = now - millis(self.settings.keep_finished);
        let rowids: Vec<i64> = sqlx::query_scalar(
            "SELECT rowid FROM job_records WHERE finished_ms <= ?1 AND parent IS NULL
             UNION SELECT * FROM (SELECT rowid FROM job_records WHERE finished_ms IS NOT NULL AND \
             parent IS NULL
             ORDER BY finished_ms DESC LIMIT ?3 OFFSET ?2) LIMIT ?3",
        )
        .bind(before)
        .bind(kept)
        .bind(i64::try_from(DROPPED_AT_ONCE).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let leavings: bool = sqlx::query_scalar(concat!(
            "SELECT EXISTS (",
            ended_tasks!(),
            ") OR EXISTS (SELECT 1 FROM job_keys WHERE expires_ms <= ?)
             OR EXISTS (SELECT 1 FROM job_records WHERE state = 'running')",
        ))
        .bind(now)
        .fetch_one(&self.pool)
        .await
        .map_err(unavailable)?;
        if rowids.is_empty() && !leavings {
            return Ok(0);
        }
        let mut change = self.change().await?;
        for rowid in &rowids {
            let query = sqlx::query(
                "DELETE FROM job_events WHERE job IN (SELECT id FROM job_records WHERE rowid = ?1 \
                 OR parent =
                 (SELECT id FROM job_records WHERE rowid = ?1))",
            );
            change.run(query.bind(rowid)).await?;
            let query = sqlx::query(
                "DELETE FROM job_records WHERE parent = (SELECT id FROM job_records WHERE rowid = \
                 ?)",
            );
            change.run(query.bind(rowid)).await?;
            change
                .run(sqlx::query("DELETE FROM job_records WHERE rowid = ?").bind(rowid))
                .await?;
        }
        change.run(sqlx::query(DELETE_ENDED_TASKS)).await?;
        change
            .run(sqlx::query("DELETE FROM job_keys WHERE expires_ms <= ?").bind(now))
            .await?;
        let query = sqlx::query(
            "DELETE FROM job_events WHERE seq IN (SELECT seq FROM (SELECT seq, ROW_NUMBER() OVER
             (PARTITION BY job ORDER BY seq DESC) AS place FROM job_events
             WHERE job IN (SELECT id FROM job_records WHERE state = 'running')) WHERE place > ?)",
        );
        change.run(query.bind(KEPT_EVENTS)).await?;
        change.commit().await?;
        Ok(rowids.len() as u64)
    }
}
