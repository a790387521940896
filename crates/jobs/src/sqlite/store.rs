//! [`JobStore`] in SQLite.

use async_trait::async_trait;
use clippy_core::{Error, Result};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tokio::sync::broadcast;

use super::record::{queue_position, read, text};
use super::{SqliteJobs, unavailable};
use crate::checks;
use crate::damage;
use crate::events::{Event, EventId, EventKind, EventNotice, EventPage};
use crate::record::{Created, Job, JobId, Lane, NewJob};
use crate::store::{DeadLetter, JobFilter, JobPage, JobStore, LaneStatus};
use crate::time::Timestamp;

fn event_id(seq: i64) -> EventId {
    EventId {
        major: u64::try_from(seq).unwrap_or_default(),
        minor: 0,
    }
}

fn event(row: &SqliteRow) -> Result<Event> {
    let seq = row.try_get_unchecked("seq").map_err(unavailable)?;
    let at = row.try_get("at_ms").map_err(unavailable)?;
    let kind: String = row.try_get("kind").map_err(unavailable)?;
    let data: String = row.try_get("data").map_err(unavailable)?;
    let (kind, data) = (EventKind::parse(&kind)?, checks::stored_json(&data)?);
    Ok(Event {
        id: event_id(seq),
        kind,
        at: Timestamp::from_millis(at),
        data,
    })
}

#[async_trait]
impl JobStore for SqliteJobs {
    async fn create(&self, job: &NewJob) -> Result<Created> {
        self.step_create(job).await
    }

    async fn find_by_key(&self, owner: &str, key: &str, digest: &str) -> Result<Option<Job>> {
        self.read_by_key(owner, key, digest).await
    }

    async fn get(&self, id: JobId) -> Result<Job> {
        let mut connection = self.pool.begin().await.map_err(unavailable)?;
        let found = sqlx::query("SELECT rowid, * FROM job_records WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *connection)
            .await
            .map_err(unavailable)?;
        let found = found.ok_or_else(|| checks::unknown(id))?;
        let row = read(&found)
            .map_err(|damaged| Error::internal(damage::letter(&damaged.id, &damaged.reason)))?;
        let position = queue_position(&mut connection, &row).await?;
        row.job(position)
    }

    async fn list(&self, filter: &JobFilter) -> Result<JobPage> {
        self.read_list(filter).await
    }

    async fn cancel(&self, id: JobId) -> Result<Job> {
        self.step_cancel(id).await
    }

    async fn retry(&self, id: JobId) -> Result<Job> {
        self.step_retry(id).await
    }

    async fn events_after(
        &self,
        id: JobId,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage> {
        let mut reading = self.pool.begin().await.map_err(unavailable)?;
        let job = id.to_string();
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM job_records WHERE id = ?")
            .bind(&job)
            .fetch_optional(&mut *reading)
            .await
            .map_err(unavailable)?;
        known.ok_or_else(|| checks::unknown(id))?;
        let (first, last): (Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT min(seq), max(seq) FROM job_events WHERE job = ?")
                .bind(&job)
                .fetch_one(&mut *reading)
                .await
                .map_err(unavailable)?;
        let asked = after.map(|after| i64::try_from(after.major).unwrap_or(i64::MAX));
        // An id after the last event is not one of this job's, so all events are returned.
        let asked_beyond = asked.is_some_and(|from| last.is_some_and(|last| from > last));
        let mut from = asked.filter(|_| !asked_beyond).unwrap_or_default();
        let gap = asked_beyond || asked.is_some_and(|from| first.is_none_or(|first| first > from));
        let limit = limit.clamp(1, 1_000);
        loop {
            let rows = sqlx::query(
                "SELECT seq, kind, at_ms, data FROM job_events WHERE job = ? AND seq > ? ORDER BY \
                 seq LIMIT ?",
            )
            .bind(&job)
            .bind(from)
            .bind(i64::try_from(limit).unwrap_or(1_000))
            .fetch_all(&mut *reading)
            .await
            .map_err(unavailable)?;
            let mut events = Vec::with_capacity(rows.len());
            for row in &rows {
                from = row.try_get_unchecked("seq").unwrap_or(i64::MAX);
                events.extend(self.damage.skip_damaged(
                    "event",
                    &format!("{job} {from}"),
                    event(row),
                )?);
            }
            // A page of damaged events must not look like the end.
            if !events.is_empty() || rows.len() < limit {
                return Ok(EventPage { events, gap });
            }
        }
    }

    async fn last_preview(&self, id: JobId) -> Result<Option<Value>> {
        let found = sqlx::query("SELECT preview FROM job_records WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        let found = found.ok_or_else(|| checks::unknown(id))?;
        let preview = text(&found, "preview")
            .map(|text| checks::stored_json(&text))
            .transpose();
        Ok(self
            .damage
            .skip_damaged("preview", &id.to_string(), preview)?
            .flatten())
    }

    async fn lanes(&self) -> Result<Vec<LaneStatus>> {
        self.read_lanes().await
    }

    async fn pause(&self, lane: Lane, paused: bool) -> Result<()> {
        self.step_pause(lane, paused).await
    }

    async fn record_data_folder(&self, id: &str) -> Result<String> {
        sqlx::query("INSERT OR IGNORE INTO job_notes (name, value) VALUES ('data_folder', ?)")
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(unavailable)?;
        let recorded = self.read_data_folder().await?;
        recorded.ok_or_else(|| Error::internal("a note of the queue is gone"))
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let rows = sqlx::query(
            "SELECT at_ms, reason, payload FROM job_dead_letters ORDER BY seq DESC LIMIT ?",
        )
        .bind(i64::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000))
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let letter = |row: &SqliteRow| DeadLetter {
            at: Timestamp::from_millis(row.try_get_unchecked("at_ms").unwrap_or_default()),
            reason: text(row, "reason").unwrap_or_default(),
            payload: text(row, "payload").unwrap_or_default(),
        };
        Ok(rows.iter().map(letter).collect())
    }

    fn watch_events(&self) -> broadcast::Receiver<EventNotice> {
        self.events.subscribe()
    }
}

impl SqliteJobs {
    pub(super) async fn read_data_folder(&self) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT value FROM job_notes WHERE name = 'data_folder'")
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)
    }
}
