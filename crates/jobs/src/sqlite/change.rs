//! A transaction, with the operations that several transactions share. It mirrors the Redis store's
//! `prelude.lua`.

use std::sync::atomic::Ordering;

use clippy_core::{Error, Result};
use sqlx::{Sqlite, Transaction};

use super::record::{Row, queue_position, read};
use super::{SqliteJobs, unavailable, unavailable_task};
use crate::damage::{self, is_damage};
use crate::events::EventNotice;
use crate::record::{JobId, JobState, Lane};
use crate::time::Timestamp;
use crate::transport::{Control, sqlite};

/// A parent's progress event for ended children is written at most this often.
const PARENT_PROGRESS_MS: i64 = 500;

/// A transaction, and the notices to send when it is committed.
pub(super) struct Change<'a> {
    pub(super) transaction: Transaction<'a, Sqlite>,
    pub(super) now: i64,
    pub(super) jobs: &'a SqliteJobs,
    events: Vec<EventNotice>,
    control: Vec<Control>,
}

/// The fields that a job ends with.
#[derive(Default)]
pub(super) struct Ending<'a> {
    pub(super) result: Option<&'a str>,
    pub(super) receipt: Option<&'a str>,
    pub(super) error: Option<&'a str>,
}

impl SqliteJobs {
    pub(super) async fn change(&self) -> Result<Change<'_>> {
        let transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(unavailable)?;
        let now = Timestamp::now().as_millis();
        Ok(Change {
            transaction,
            now,
            jobs: self,
            events: Vec::new(),
            control: Vec::new(),
        })
    }
}

impl Change<'_> {
    pub(super) async fn commit(self) -> Result<()> {
        self.transaction.commit().await.map_err(unavailable)?;
        // Sending fails only when there is no subscriber.
        for notice in self.events {
            let _ = self.jobs.events.send(notice);
        }
        for notice in self.control {
            let _ = self.jobs.control.send(notice);
        }
        Ok(())
    }

    pub(super) fn notify(&mut self, control: Control) {
        if !self.control.contains(&control) {
            self.control.push(control);
        }
    }

    /// Reads a job's row.
    ///
    /// # Errors
    /// `Internal` when it cannot be read.
    pub(super) async fn load(&mut self, id: &str) -> Result<Option<Row>> {
        let row = sqlx::query("SELECT rowid, * FROM job_records WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *self.transaction)
            .await
            .map_err(unavailable)?;
        row.map(|row| read(&row))
            .transpose()
            .map_err(|damaged| Error::internal(damage::letter(id, &damaged.reason)))
    }

    pub(super) async fn run(
        &mut self,
        query: sqlx::query::Query<'_, Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<u64> {
        query
            .execute(&mut *self.transaction)
            .await
            .map(|done| done.rows_affected())
            .map_err(unavailable)
    }

    pub(super) async fn event(&mut self, id: &str, kind: &str, data: &str) -> Result<()> {
        let query =
            sqlx::query("INSERT INTO job_events (job, kind, at_ms, data) VALUES (?, ?, ?, ?)");
        let now = self.now;
        self.run(query.bind(id).bind(kind).bind(now).bind(data))
            .await?;
        self.events.push(EventNotice(id.parse()?));
        Ok(())
    }

    pub(super) async fn state_event(
        &mut self,
        id: &str,
        state: JobState,
        attempt: i64,
        error: Option<&str>,
    ) -> Result<()> {
        let error = error.map_or_else(String::new, |error| format!(",\"error\":{error}"));
        self.event(
            id,
            "state",
            &format!("{{\"state\":\"{state}\",\"attempt\":{attempt}{error}}}"),
        )
        .await
    }

    /// Writes the job's task into apalis' table, in this transaction.
    pub(super) async fn push_task(&mut self, id: &str, lane: Lane) -> Result<()> {
        let job: JobId = id.parse()?;
        let task_id = self.jobs.next_task();
        sqlite::push_task(&mut self.transaction, lane, job, task_id)
            .await
            .map_err(unavailable_task)?;
        let query = sqlx::query("UPDATE job_records SET task = ?, delayed = 0 WHERE id = ?");
        self.run(query.bind(task_id.to_string()).bind(id)).await?;
        self.notify(Control::Wake(lane));
        Ok(())
    }

    /// Queues a job whose state is `queued`, now or after `delay` milliseconds.
    pub(super) async fn enqueue(&mut self, id: &str, lane: Lane, delay: i64) -> Result<()> {
        let query = sqlx::query(
            "UPDATE job_records SET queued_ms = ?, delayed = ?, task = NULL WHERE id = ?",
        );
        let at = self.now + delay;
        self.run(query.bind(at).bind(i64::from(delay > 0)).bind(id))
            .await?;
        if delay > 0 {
            self.jobs.next_due.fetch_min(at, Ordering::AcqRel);
            return Ok(());
        }
        self.push_task(id, lane).await
    }

    /// Queues a parent for its merge when all children have ended, with all its attempts.
    pub(super) async fn merge(&mut self, id: &str, lane: Lane) -> Result<()> {
        let query = sqlx::query(
            "UPDATE job_records SET state = 'queued', step = 'merge', attempt = 0, losses = 0, \
             cursor = NULL, worker = NULL, delivery = NULL,
             lease_ms = NULL, version = version + 1 WHERE id = ?",
        );
        self.run(query.bind(id)).await?;
        self.enqueue(id, lane, 0).await?;
        self.state_event(id, JobState::Queued, 0, None).await
    }

    /// Ends a job, and counts it at its parent.
    pub(super) async fn end_job(
        &mut self,
        row: &Row,
        state: JobState,
        ending: Ending<'_>,
    ) -> Result<()> {
        let query = sqlx::query(
            "UPDATE job_records SET state = ?, finished_ms = ?, worker = NULL, delivery = NULL,
             lease_ms = NULL, cursor = NULL,
             cancel = 0, delayed = 0, result = COALESCE(?, result), receipt = COALESCE(?, \
             receipt), error = ?,
             version = version + 1 WHERE id = ?",
        );
        let error = ending.error.or(if state == JobState::Cancelled {
            row.error.as_deref()
        } else {
            None
        });
        let now = self.now;
        self.run(
            query
                .bind(state.as_str())
                .bind(now)
                .bind(ending.result)
                .bind(ending.receipt)
                .bind(error)
                .bind(&row.id),
        )
        .await?;
        self.count(&row.lane, state, 1).await?;
        self.state_event(&row.id, state, row.attempt, ending.error)
            .await?;
        self.event(&row.id, "done", &format!("{{\"state\":\"{state}\"}}"))
            .await?;
        match &row.parent {
            Some(parent) => self.count_at_parent(parent, row.weight, state).await,
            None => Ok(()),
        }
    }

    /// Cancels a job that no run can clean up after. The workers are notified, and clean up.
    pub(super) async fn abandon(&mut self, row: &Row) -> Result<()> {
        self.end_job(row, JobState::Cancelled, Ending::default())
            .await?;
        self.notify(Control::Cancel(row.id.parse()?));
        Ok(())
    }

    /// Adds to a lane's totals.
    pub(super) async fn count(&mut self, lane: &str, state: JobState, by: i64) -> Result<()> {
        let query = sqlx::query(match state {
            JobState::Succeeded => "UPDATE job_lanes SET succeeded = succeeded + ? WHERE lane = ?",
            JobState::Failed => "UPDATE job_lanes SET failed = failed + ? WHERE lane = ?",
            JobState::Cancelled => "UPDATE job_lanes SET cancelled = cancelled + ? WHERE lane = ?",
            JobState::Queued | JobState::Running | JobState::Waiting => return Ok(()),
        });
        self.run(query.bind(by).bind(lane)).await.map(|_| ())
    }

    /// Adds to a parent's count of children that ended in this state.
    pub(super) async fn count_child(
        &mut self,
        parent: &str,
        state: JobState,
        by: i64,
        weight: i64,
    ) -> Result<()> {
        let query = sqlx::query(match state {
            JobState::Succeeded => {
                "UPDATE job_records SET kids_succeeded = kids_succeeded + ?, kids_done = kids_done \
                 + ? WHERE id = ?"
            }
            JobState::Failed => {
                "UPDATE job_records SET kids_failed = kids_failed + ?, kids_done = kids_done + ? \
                 WHERE id = ?"
            }
            JobState::Cancelled => {
                "UPDATE job_records SET kids_cancelled = kids_cancelled + ?, kids_done = kids_done \
                 + ? WHERE id = ?"
            }
            JobState::Queued | JobState::Running | JobState::Waiting => return Ok(()),
        });
        self.run(query.bind(by).bind(by * weight).bind(parent))
            .await
            .map(|_| ())
    }

    /// Counts an ended child at its parent. A damaged record of the parent does not keep the child
    /// from ending.
    pub(super) async fn count_at_parent(
        &mut self,
        parent: &str,
        weight: i64,
        state: JobState,
    ) -> Result<()> {
        let found = match self.load(parent).await {
            Err(error) if is_damage(&error) => {
                self.jobs.damage.report("job", parent, &error);
                None
            }
            found => found?,
        };
        if found.is_none() {
            return Ok(());
        }
        self.count_child(parent, state, 1, weight).await?;
        let Some(row) = self.load(parent).await? else {
            return Ok(());
        };
        let parent_state = row.state()?;
        if state == JobState::Succeeded
            && (row.attempt > 1 || row.losses > 0)
            && !parent_state.is_finished()
        {
            // A planner whose parts succeed makes progress, so its losses are forgotten.
            let query = sqlx::query(
                "UPDATE job_records SET attempt = min(attempt, 1), losses = 0 WHERE id = ?",
            );
            self.run(query.bind(parent)).await?;
        }
        if !matches!(parent_state, JobState::Running | JobState::Waiting) {
            return Ok(());
        }
        let left = row.children_left();
        if left == 0 || self.now - row.told_ms >= PARENT_PROGRESS_MS {
            let progress: String = sqlx::query_scalar(
                "UPDATE job_records SET told_ms = ?, version = version + 1, progress = \
                 json_object('done', kids_done,
                 'total', kids_weight, 'unit', json(kids_unit) ->> '$', 'stage', 'parts', \
                 'message', '')
                 WHERE id = ? RETURNING progress",
            )
            .bind(self.now)
            .bind(parent)
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(unavailable)?;
            self.event(parent, "progress", &progress).await?;
        }
        if left == 0 && parent_state == JobState::Waiting {
            let lane = row.lane()?;
            self.merge(parent, lane).await?;
        }
        Ok(())
    }

    /// Whether the job, or the parent it is a part of, is asked to stop.
    pub(super) async fn stopping(&mut self, row: &Row) -> Result<bool> {
        if row.cancel != 0 {
            return Ok(true);
        }
        let Some(parent) = &row.parent else {
            return Ok(false);
        };
        let parent = self.load(parent).await;
        Ok(match parent {
            Err(error) if !is_damage(&error) => return Err(error),
            Ok(None) | Err(_) => true,
            Ok(Some(parent)) => parent.cancel != 0 || parent.state()?.is_finished(),
        })
    }

    pub(super) async fn position(&mut self, row: &Row) -> Result<Option<i64>> {
        queue_position(&mut self.transaction, row).await
    }
}
