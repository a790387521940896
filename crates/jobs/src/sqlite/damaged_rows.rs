//! Rows that cannot be read: their jobs fail with a dead letter, and do not hold up other jobs.

use clippy_core::Result;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::change::Change;
use super::record::{DamagedRow, text};
use super::{SqliteJobs, unavailable};
use crate::damage;
use crate::record::{JobId, JobState, Lane};
use crate::transport::sqlite;

/// How many dead letters are kept, the newest.
const KEPT_LETTERS: i64 = 1_000;

impl Change<'_> {
    /// Writes a dead letter. A worker loop may end before it acknowledges the task, so a letter may
    /// be written twice; only one is kept.
    pub(super) async fn letter(&mut self, payload: &str, reason: &str) -> Result<()> {
        let now = self.now;
        let query = sqlx::query(
            "INSERT INTO job_dead_letters (at_ms, reason, payload) SELECT ?1, ?2, ?3 WHERE NOT \
             EXISTS
             (SELECT 1 FROM job_dead_letters WHERE reason = ?2 AND payload = ?3
              AND seq > (SELECT max(seq) FROM job_dead_letters) - 100)",
        );
        self.run(query.bind(now).bind(reason).bind(payload)).await?;
        let query = sqlx::query(
            "DELETE FROM job_dead_letters WHERE seq <= (SELECT max(seq) FROM job_dead_letters) - ?",
        );
        self.run(query.bind(KEPT_LETTERS)).await.map(|_| ())
    }
}

impl SqliteJobs {
    /// Ends a job whose record cannot be read, and counts it at its parent.
    pub(super) async fn set_aside(&self, damaged: &DamagedRow) -> Result<()> {
        self.damage.report("job", &damaged.id, &damaged.reason);
        let mut change = self.change().await?;
        let now = change.now;
        let query = sqlx::query(
            "UPDATE job_records SET state = 'failed', finished_ms = ?, worker = NULL, lease_ms = \
             NULL, delayed = 0,
             cancel = 0, error = ? WHERE rowid = ? AND state NOT IN ('succeeded', 'failed', \
             'cancelled')",
        );
        if change
            .run(query.bind(now).bind(damage::failure()).bind(damaged.rowid))
            .await?
            == 0
        {
            return Ok(());
        }
        change
            .letter("", &damage::letter(&damaged.id, &damaged.reason))
            .await?;
        let row: Option<SqliteRow> =
            sqlx::query("SELECT CAST(parent AS TEXT) AS parent FROM job_records WHERE rowid = ?")
                .bind(damaged.rowid)
                .fetch_optional(&mut *change.transaction)
                .await
                .map_err(unavailable)?;
        let parent = row
            .as_ref()
            .and_then(|row| text(row, "parent"))
            .and_then(|parent| parent.parse::<JobId>().ok());
        if let Some(parent) = parent {
            change
                .count_at_parent(&parent.to_string(), 0, JobState::Failed)
                .await?;
        }
        change.commit().await
    }

    /// As [`SqliteJobs::set_aside`], by the job's id.
    pub(super) async fn set_aside_job(&self, id: &str, reason: &str) -> Result<()> {
        let rowid: Option<i64> = sqlx::query_scalar("SELECT rowid FROM job_records WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        let Some(rowid) = rowid else { return Ok(()) };
        self.set_aside(&DamagedRow {
            rowid,
            id: id.to_owned(),
            reason: reason.to_owned(),
        })
        .await
    }

    /// Moves tasks that apalis cannot read to the dead letters, since they would end every loop
    /// that fetches them. A failed fetch is rolled back, so such tasks are at the head of the queue
    /// or among those that the loop holds.
    pub(super) async fn drop_unreadable_tasks(&self, lane: Lane, worker: &str) -> Result<()> {
        let rows = sqlx::query(sqlite::NEXT_TASKS)
            .bind(worker)
            .bind(sqlite::queue_name(lane))
            .fetch_all(&self.pool)
            .await
            .map_err(unavailable)?;
        for row in rows.iter().filter(|row| !sqlite::is_readable(row)) {
            let rowid: i64 = row.try_get_unchecked("rowid").unwrap_or_default();
            let task: String = text(row, "id")
                .unwrap_or_default()
                .chars()
                .take(1_024)
                .collect();
            tracing::error!(%lane, task, "a task could not be read and was set aside");
            let mut change = self.change().await?;
            change
                .letter(
                    &task,
                    "The queue held a task whose contents are missing or incomplete.",
                )
                .await?;
            change
                .run(sqlx::query(sqlite::DELETE_TASK).bind(rowid))
                .await?;
            change.commit().await?;
        }
        Ok(())
    }
}
