//! The row of a job.

use clippy_core::Result;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _, SqliteConnection};

use super::{damaged, parsed, unavailable};
use crate::record::{Children, Job, JobState, Lane};
use crate::runs::{ClaimedJob, Phase, RunKey};
use crate::time::Timestamp;

/// Counts the jobs that are queued before a given one.
const BEFORE: &str = "SELECT count(*) FROM job_records WHERE state = 'queued' AND lane = ? AND \
                      (queued_ms, id) < (?, ?)";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) lane: String,
    pub(super) state: String,
    pub(super) step: String,
    pub(super) owner: String,
    pub(super) payload: String,
    pub(super) max_attempts: i64,
    pub(super) attempt: i64,
    pub(super) retries: i64,
    pub(super) losses: i64,
    pub(super) run: i64,
    pub(super) version: i64,
    pub(super) created_ms: i64,
    pub(super) started_ms: Option<i64>,
    pub(super) finished_ms: Option<i64>,
    pub(super) queued_ms: i64,
    pub(super) delayed: i64,
    pub(super) delivery: Option<String>,
    pub(super) lease_ms: Option<i64>,
    pub(super) cancel: i64,
    pub(super) cursor: Option<String>,
    pub(super) progress: Option<String>,
    pub(super) result: Option<String>,
    pub(super) error: Option<String>,
    pub(super) receipt: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) weight: i64,
    pub(super) kids: i64,
    pub(super) kids_succeeded: i64,
    pub(super) kids_failed: i64,
    pub(super) kids_cancelled: i64,
    pub(super) told_ms: i64,
}

/// A row that cannot be read as a job.
#[derive(Debug)]
pub(super) struct DamagedRow {
    /// SQLite's own id of the row, since the job's id may be what is damaged.
    pub(super) rowid: i64,
    pub(super) id: String,
    pub(super) reason: String,
}

/// Reads one row. Rows are read one by one, so that a damaged one does not affect the others. The
/// row must have its `rowid`.
pub(super) fn read(found: &SqliteRow) -> Result<Row, DamagedRow> {
    let row = Row::from_row(found).map_err(|error| error.to_string());
    let row = row.and_then(|row| match row.fault() {
        Some(fault) => Err(fault),
        None => Ok(row),
    });
    row.map_err(|reason| DamagedRow {
        rowid: found.try_get_unchecked("rowid").unwrap_or_default(),
        id: text(found, "id").unwrap_or_default(),
        reason,
    })
}

/// Reads a column as text, whatever its type; invalid UTF-8 is replaced.
pub(super) fn text(found: &SqliteRow, column: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = found.try_get_unchecked(column).ok()?;
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn json<T: DeserializeOwned>(name: &str, text: Option<&str>) -> Result<Option<T>> {
    text.map(|text| serde_json::from_str(text).map_err(|_| damaged(name)))
        .transpose()
}

impl Row {
    pub(super) fn state(&self) -> Result<JobState> {
        parsed("state", &self.state)
    }

    pub(super) fn lane(&self) -> Result<Lane> {
        parsed("lane", &self.lane)
    }

    /// What is wrong with the row, if anything.
    fn fault(&self) -> Option<String> {
        let fault = self.id.parse::<crate::record::JobId>().err();
        let fault = fault
            .or_else(|| self.state().err())
            .or_else(|| self.lane().err());
        let counts = [
            self.attempt,
            self.max_attempts,
            self.retries,
            self.losses,
            self.run,
            self.version,
        ];
        let odd = counts.iter().any(|count| u32::try_from(*count).is_err());
        fault
            .map(|error| error.message)
            .or_else(|| odd.then(|| "one of its counts is out of range".to_owned()))
    }

    /// Children that have not ended.
    pub(super) fn children_left(&self) -> i64 {
        self.kids - self.kids_succeeded - self.kids_failed - self.kids_cancelled
    }

    pub(super) fn job(&self, position: Option<i64>) -> Result<Job> {
        let children = Children {
            total: count(self.kids),
            succeeded: count(self.kids_succeeded),
            failed: count(self.kids_failed),
            cancelled: count(self.kids_cancelled),
        };
        Ok(Job {
            id: parsed("id", &self.id)?,
            kind: parsed("kind", &self.kind)?,
            lane: self.lane()?,
            state: self.state()?,
            position: position.map(count),
            attempt: u32::try_from(self.attempt).map_err(|_| damaged("attempt"))?,
            max_attempts: u32::try_from(self.max_attempts).map_err(|_| damaged("max_attempts"))?,
            retries: u32::try_from(self.retries).map_err(|_| damaged("retries"))?,
            losses: u32::try_from(self.losses).map_err(|_| damaged("losses"))?,
            progress: json("progress", self.progress.as_deref())?.unwrap_or_default(),
            created_at: Timestamp::from_millis(self.created_ms),
            started_at: self.started_ms.map(Timestamp::from_millis),
            finished_at: self.finished_ms.map(Timestamp::from_millis),
            result: json("result", self.result.as_deref())?,
            error: json("error", self.error.as_deref())?,
            receipt: json("receipt", self.receipt.as_deref())?,
            parent: self
                .parent
                .as_deref()
                .map(|parent| parsed("parent", parent))
                .transpose()?,
            children: (children.total > 0).then_some(children),
            owner: (!self.owner.is_empty()).then(|| self.owner.clone()),
            payload: json("payload", Some(&self.payload))?.unwrap_or_default(),
            version: count(self.version),
        })
    }

    pub(super) fn claimed_job(&self) -> Result<ClaimedJob> {
        let job = self.job(None)?;
        let key = RunKey {
            job: job.id,
            run: count(self.run),
        };
        let phase = if self.step == "merge" {
            Phase::Merge
        } else {
            Phase::Start
        };
        Ok(ClaimedJob {
            job,
            key,
            phase,
            cursor: json("cursor", self.cursor.as_deref())?,
        })
    }
}

/// Returns a queued job's position in its lane.
pub(super) async fn queue_position(
    reading: &mut SqliteConnection,
    row: &Row,
) -> Result<Option<i64>> {
    if row.state != JobState::Queued.as_str() {
        return Ok(None);
    }
    let before: i64 = sqlx::query_scalar(BEFORE)
        .bind(&row.lane)
        .bind(row.queued_ms)
        .bind(&row.id)
        .fetch_one(reading)
        .await
        .map_err(unavailable)?;
    Ok(Some(before + 1))
}
