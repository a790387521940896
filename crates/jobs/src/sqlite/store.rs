//! [`JobStore`] in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use serde_json::Value;
use tokio::sync::broadcast;

use super::{SqliteJobs, unavailable};
use crate::checks;
use crate::events::{Event, EventId, EventKind, EventNotice, EventPage};
use crate::record::{Children, Created, Job, JobId, Lane, NewChild, NewJob};
use crate::store::{
    Beat, BeatAnswer, Claim, DeadLetter, Finished, JobFilter, JobPage, JobStore, LaneStatus, Outcome, RunKey,
};
use crate::time::Timestamp;

fn event_id(seq: i64) -> EventId {
    EventId { major: u64::try_from(seq).unwrap_or_default(), minor: 0 }
}

#[async_trait]
impl JobStore for SqliteJobs {
    async fn create(&self, job: &NewJob) -> Result<Created> {
        self.step_create(job).await
    }

    async fn get(&self, id: JobId) -> Result<Job> {
        let mut connection = self.pool.begin().await.map_err(unavailable)?;
        let row: Option<super::record::Row> = sqlx::query_as("SELECT * FROM job_records WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *connection)
            .await
            .map_err(unavailable)?;
        let row = row.ok_or_else(|| checks::unknown(id))?;
        let position: Option<i64> = if row.state == "queued" {
            let before: i64 = sqlx::query_scalar(super::lines::BEFORE)
                .bind(&row.lane)
                .bind(row.queued_ms)
                .bind(&row.id)
                .fetch_one(&mut *connection)
                .await
                .map_err(unavailable)?;
            Some(before + 1)
        } else {
            None
        };
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

    async fn events_after(&self, id: JobId, after: Option<EventId>, limit: usize) -> Result<EventPage> {
        let mut reading = self.pool.begin().await.map_err(unavailable)?;
        let job = id.to_string();
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM job_records WHERE id = ?")
            .bind(&job)
            .fetch_optional(&mut *reading)
            .await
            .map_err(unavailable)?;
        known.ok_or_else(|| checks::unknown(id))?;
        let first: Option<i64> = sqlx::query_scalar("SELECT min(seq) FROM job_events WHERE job = ?")
            .bind(&job)
            .fetch_one(&mut *reading)
            .await
            .map_err(unavailable)?;
        let from = after.map_or(0, |after| i64::try_from(after.major).unwrap_or(i64::MAX));
        let rows: Vec<(i64, String, i64, String)> = sqlx::query_as(
            "SELECT seq, kind, at_ms, data FROM job_events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?",
        )
        .bind(&job)
        .bind(from)
        .bind(i64::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000))
        .fetch_all(&mut *reading)
        .await
        .map_err(unavailable)?;
        let event = |(seq, kind, at, data): (i64, String, i64, String)| {
            let (kind, data) = (EventKind::parse(&kind)?, checks::stored_json(&data)?);
            Ok(Event { id: event_id(seq), kind, at: Timestamp::from_millis(at), data })
        };
        let gap = after.is_some() && first.is_none_or(|first| first > from);
        Ok(EventPage { events: rows.into_iter().map(event).collect::<Result<_>>()?, gap })
    }

    async fn last_preview(&self, id: JobId) -> Result<Option<Value>> {
        let preview: Option<Option<String>> = sqlx::query_scalar("SELECT preview FROM job_records WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(unavailable)?;
        let preview = preview.ok_or_else(|| checks::unknown(id))?;
        preview.map(|text| checks::stored_json(&text)).transpose()
    }

    async fn lanes(&self) -> Result<Vec<LaneStatus>> {
        self.read_lanes().await
    }

    async fn pause(&self, lane: Lane, paused: bool) -> Result<()> {
        self.step_pause(lane, paused).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT at_ms, reason, payload FROM job_dead_letters ORDER BY seq DESC LIMIT ?")
                .bind(i64::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000))
                .fetch_all(&self.pool)
                .await
                .map_err(unavailable)?;
        let letter = |(at, reason, payload)| DeadLetter { at: Timestamp::from_millis(at), reason, payload };
        Ok(rows.into_iter().map(letter).collect())
    }

    fn watch_events(&self) -> broadcast::Receiver<EventNotice> {
        self.events.subscribe()
    }

    async fn claim(&self, id: JobId, owner: &str, lease: Duration) -> Result<Claim> {
        self.step_claim(id, owner, lease).await
    }

    async fn beat(&self, key: RunKey, lease: Duration, beat: &Beat) -> Result<BeatAnswer> {
        self.step_beat(key, lease, beat).await
    }

    async fn append(&self, key: RunKey, kind: EventKind, data: &Value) -> Result<bool> {
        self.step_append(key, kind, data).await
    }

    async fn add_children(&self, key: RunKey, unit: &str, children: &[NewChild]) -> Result<Option<Children>> {
        self.step_children(key, unit, children).await
    }

    async fn finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished> {
        self.step_finish(key, outcome).await
    }
}
