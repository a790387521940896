//! The calls of [`crate::JobStore`] that change jobs (create, cancel, retry, pause) or list them.

use clippy_core::{Error, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use super::change::{Change, Ending};
use super::record::{Row, queue_position, read, text};
use super::{SqliteJobs, millis, unavailable};
use crate::checks;
use crate::record::{Created, Job, JobId, JobState, Lane, NewJob};
use crate::store::{JobFilter, JobPage, LaneStatus};
use crate::time::Timestamp;
use crate::transport::Control;

/// A worker that was silent for longer is not counted among a lane's workers.
const COUNTED_ALIVE_MS: i64 = 15_000;

type LaneRow = (String, i64, i64, i64, i64, i64, i64, Option<i64>, i64);

impl Change<'_> {
    async fn answer(&mut self, id: &str) -> Result<Job> {
        let row = self.load(id).await?.ok_or_else(|| super::damaged("id"))?;
        let position = self.position(&row).await?;
        row.job(position)
    }

    async fn check_room(&mut self, lane: Lane, limit: u64) -> Result<()> {
        let queued: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM job_records WHERE state = 'queued' AND lane = ?",
        )
        .bind(lane.as_str())
        .fetch_one(&mut *self.transaction)
        .await
        .map_err(unavailable)?;
        if u64::try_from(queued).unwrap_or_default() >= limit {
            Err(checks::lane_full(lane, limit))
        } else {
            Ok(())
        }
    }

    /// Queues a failed or cancelled job again, with all its attempts.
    async fn revive(&mut self, row: &Row) -> Result<()> {
        self.count(&row.lane, row.state()?, -1).await?;
        let query = sqlx::query(
            "UPDATE job_records SET state = 'queued', attempt = 0, losses = 0, retries = retries \
             + 1, finished_ms = NULL, cancel = 0, error = NULL, \
             version = version + 1 WHERE id = ?",
        );
        self.run(query.bind(&row.id)).await.map(|_| ())
    }

    /// Reads a job's children. Damaged rows are left out.
    async fn children_of(&mut self, id: &str) -> Result<Vec<Row>> {
        let rows = sqlx::query("SELECT rowid, * FROM job_records WHERE parent = ?")
            .bind(id)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(unavailable)?;
        Ok(rows
            .iter()
            .filter_map(|row| self.jobs.read_row(row))
            .collect())
    }

    /// Finds the job of an idempotency key, with the digest of its body. `None` also when the entry
    /// or the job's record is damaged.
    async fn find_by_key(&mut self, owner: &str, key: &str) -> Result<Option<(Job, String)>> {
        let row = sqlx::query(
            "SELECT job, digest FROM job_keys WHERE owner = ? AND key = ? AND expires_ms > ?",
        )
        .bind(owner)
        .bind(key)
        .bind(self.now)
        .fetch_optional(&mut *self.transaction)
        .await
        .map_err(unavailable)?;
        let Some((id, digest)) =
            row.and_then(|row| Some((text(&row, "job")?, text(&row, "digest")?)))
        else {
            return Ok(None);
        };
        if digest.is_empty() || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let found = match self.load(&id).await {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => {
                let position = self.position(&row).await?;
                row.job(position)
            }
            Err(error) => Err(error),
        };
        Ok(self
            .jobs
            .damage
            .skip_damaged("job", &id, found)?
            .map(|job| (job, digest)))
    }
}

impl SqliteJobs {
    pub(super) async fn read_by_key(
        &self,
        owner: &str,
        key: &str,
        digest: &str,
    ) -> Result<Option<Job>> {
        NewJob::check_key(key)?;
        match self.change().await?.find_by_key(owner, key).await? {
            Some((old, old_digest)) if old_digest != digest => {
                Err(checks::key_reused(&old.id.to_string()))
            }
            found => Ok(found.map(|(job, _)| job)),
        }
    }

    pub(super) async fn step_create(&self, job: &NewJob) -> Result<Created> {
        let (payload, digest) = job.checked()?;
        let owner = job.owner.as_deref().unwrap_or_default();
        let mut change = self.change().await?;
        let now = change.now;
        if let Some(key) = job.idempotency_key.as_deref() {
            match change.find_by_key(owner, key).await? {
                Some((old, old_digest)) if old_digest != digest => {
                    return Err(checks::key_reused(&old.id.to_string()));
                }
                Some((old, _)) => {
                    return Ok(Created {
                        job: old,
                        existing: true,
                    });
                }
                None => {}
            }
        }
        change
            .check_room(job.lane, self.settings.limits.of(job.lane))
            .await?;
        let id = job.id.unwrap_or_else(JobId::generate).to_string();
        if let Some(key) = job.idempotency_key.as_deref() {
            let query = sqlx::query(
                "INSERT OR REPLACE INTO job_keys (owner, key, job, digest, expires_ms) VALUES (?, \
                 ?, ?, ?, ?)",
            );
            let expires = now + millis(self.settings.keep_idempotency);
            change
                .run(
                    query
                        .bind(owner)
                        .bind(key)
                        .bind(&id)
                        .bind(&digest)
                        .bind(expires),
                )
                .await?;
        }
        let query = sqlx::query(
            "INSERT INTO job_records (id, kind, lane, payload, max_attempts, owner, state, \
             created_ms, queued_ms) \
             VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?)",
        );
        let query = query
            .bind(&id)
            .bind(job.kind.as_str())
            .bind(job.lane.as_str())
            .bind(&payload);
        change
            .run(
                query
                    .bind(i64::from(job.max_attempts))
                    .bind(owner)
                    .bind(now)
                    .bind(now),
            )
            .await?;
        change.state_event(&id, JobState::Queued, 0, None).await?;
        change.enqueue(&id, job.lane, 0).await?;
        let job = change.answer(&id).await?;
        change.commit().await?;
        Ok(Created {
            job,
            existing: false,
        })
    }

    pub(super) async fn step_cancel(&self, id: JobId) -> Result<Job> {
        let mut change = self.change().await?;
        let text = id.to_string();
        let row = change
            .load(&text)
            .await?
            .ok_or_else(|| checks::unknown(id))?;
        let state = row.state()?;
        if state.is_finished() {
            return Err(checks::already_finished(id, state.as_str()));
        }
        if state == JobState::Running {
            let query = sqlx::query(
                "UPDATE job_records SET cancel = 1, version = version + 1 WHERE id = ?",
            );
            change.run(query.bind(&text)).await?;
        } else {
            change
                .end_job(&row, JobState::Cancelled, Ending::default())
                .await?;
        }
        change.notify(Control::Cancel(id));
        for child in change.children_of(&text).await? {
            match child.state()? {
                JobState::Running => change.notify(Control::Cancel(child.id.parse()?)),
                // Workers clean up after a child that ran.
                JobState::Queued if child.started_ms.is_some() => change.abandon(&child).await?,
                JobState::Queued => {
                    change
                        .end_job(&child, JobState::Cancelled, Ending::default())
                        .await?
                }
                JobState::Waiting
                | JobState::Succeeded
                | JobState::Failed
                | JobState::Cancelled => {}
            }
        }
        let job = change.answer(&text).await?;
        change.commit().await?;
        Ok(job)
    }

    pub(super) async fn step_retry(&self, id: JobId) -> Result<Job> {
        let mut change = self.change().await?;
        let text = id.to_string();
        let row = change
            .load(&text)
            .await?
            .ok_or_else(|| checks::unknown(id))?;
        let (state, lane) = (row.state()?, row.lane()?);
        if !matches!(state, JobState::Failed | JobState::Cancelled) {
            return Err(checks::not_retryable(id, state.as_str()));
        }
        if let Some(parent) = &row.parent {
            let parent = change.load(parent).await?;
            match parent
                .as_ref()
                .map(|parent| (parent.state.as_str(), parent.step.as_str()))
            {
                Some(("waiting", _) | ("running", "start")) => {}
                Some(("running", _)) => return Err(checks::parent_ended(id, "merging")),
                Some((state, _)) => return Err(checks::parent_ended(id, state)),
                None => return Err(checks::parent_ended(id, "gone")),
            }
        }
        change
            .check_room(lane, self.settings.limits.of(lane))
            .await?;
        if let Some(parent) = &row.parent {
            change.count_child(parent, state, -1, row.weight).await?;
        }
        change.revive(&row).await?;
        let mut revived = 0;
        for child in change.children_of(&text).await? {
            let child_state = child.state()?;
            if matches!(child_state, JobState::Failed | JobState::Cancelled) {
                change
                    .count_child(&text, child_state, -1, child.weight)
                    .await?;
                change.revive(&child).await?;
                change.enqueue(&child.id, child.lane()?, 0).await?;
                change
                    .state_event(&child.id, JobState::Queued, 0, None)
                    .await?;
                revived += 1;
            }
        }
        if row.step == "merge" && revived > 0 {
            change
                .run(
                    sqlx::query("UPDATE job_records SET state = 'waiting' WHERE id = ?")
                        .bind(&text),
                )
                .await?;
            change
                .state_event(&text, JobState::Waiting, 0, None)
                .await?;
        } else {
            change.enqueue(&text, lane, 0).await?;
            change.state_event(&text, JobState::Queued, 0, None).await?;
        }
        let job = change.answer(&text).await?;
        change.commit().await?;
        Ok(job)
    }

    pub(super) async fn step_pause(&self, lane: Lane, paused: bool) -> Result<()> {
        let mut change = self.change().await?;
        let query = sqlx::query("UPDATE job_lanes SET paused = ? WHERE lane = ?");
        change
            .run(query.bind(i64::from(paused)).bind(lane.as_str()))
            .await?;
        change.notify(Control::Lane(lane));
        change.commit().await
    }

    pub(super) async fn read_list(&self, filter: &JobFilter) -> Result<JobPage> {
        let mut reading = self.pool.begin().await.map_err(unavailable)?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT rowid, * FROM job_records WHERE ");
        match filter.parent {
            Some(parent) => query.push("parent = ").push_bind(parent.to_string()),
            None => query.push("parent IS NULL"),
        };
        if let Some(kind) = filter.kind {
            query.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(state) = filter.state {
            query.push(" AND state = ").push_bind(state.as_str());
        }
        if let Some(owner) = &filter.owner {
            query.push(" AND owner = ").push_bind(owner.clone());
        }
        if let Some(before) = filter.before {
            query.push(" AND id < ").push_bind(before.to_string());
        }
        let size = filter.page_size();
        query
            .push(" ORDER BY id DESC LIMIT ")
            .push_bind(i64::try_from(size + 1).unwrap_or(i64::MAX));
        let rows = query
            .build()
            .fetch_all(&mut *reading)
            .await
            .map_err(unavailable)?;
        let mut page = JobPage {
            jobs: Vec::with_capacity(rows.len().min(size)),
            next_cursor: None,
            damaged: 0,
        };
        for found in rows.iter().take(size) {
            let job = match self.read_row(found) {
                Some(row) => {
                    let position = queue_position(&mut reading, &row).await?;
                    self.damage
                        .skip_damaged("job", &row.id, row.job(position))?
                }
                None => None,
            };
            page.damaged += u64::from(job.is_none());
            page.jobs.extend(job);
        }
        if rows.len() > size {
            // The last row of the page with an id, even if the row is damaged.
            let ids = rows
                .iter()
                .take(size)
                .rev()
                .filter_map(|found| text(found, "id")?.parse().ok());
            page.next_cursor = ids.into_iter().next();
        }
        Ok(page)
    }

    /// Reads a row. A damaged one is reported, and gives `None`.
    pub(super) fn read_row(&self, found: &SqliteRow) -> Option<Row> {
        read(found)
            .map_err(|damaged| self.damage.report("job", &damaged.id, &damaged.reason))
            .ok()
    }

    pub(super) async fn read_lanes(&self) -> Result<Vec<LaneStatus>> {
        let now = Timestamp::now().as_millis();
        let rows: Vec<LaneRow> = sqlx::query_as(
            "SELECT lane, paused, succeeded, failed, cancelled, \
             (SELECT count(*) FROM job_records r WHERE r.lane = l.lane AND r.state = 'queued'), \
             (SELECT count(*) FROM job_records r WHERE r.lane = l.lane AND r.state = 'running'), \
             /* The oldest. Numbers sort before other types, so only a lane that has only damaged \
             records has none. */ \
             (SELECT CASE typeof(queued_ms) WHEN 'integer' THEN queued_ms END FROM job_records r \
              WHERE r.lane = l.lane AND r.state = 'queued' ORDER BY queued_ms LIMIT 1), \
             /* A process may have several loops in a lane; their names differ in the last 27 \
             letters, a dash and a ULID. */ \
             (SELECT count(DISTINCT substr(name, 1, length(name) - 27)) FROM job_workers w \
              WHERE w.lane = l.lane AND w.seen_ms > ?) \
             FROM job_lanes l",
        )
        .bind(now - COUNTED_ALIVE_MS)
        .fetch_all(&self.pool)
        .await
        .map_err(unavailable)?;
        let count = |value: i64| u64::try_from(value).unwrap_or_default();
        let status = |lane: &Lane| {
            let row = rows.iter().find(|row| row.0 == lane.as_str());
            let (_, paused, succeeded, failed, cancelled, queued, running, oldest, workers) = row
                .ok_or_else(
                || Error::internal(format!("the lane \"{lane}\" is missing in the job file")),
            )?;
            Ok(LaneStatus {
                lane: *lane,
                paused: *paused != 0,
                queued: count(*queued),
                running: count(*running),
                limit: self.settings.limits.of(*lane),
                oldest_secs: oldest.map(|at| (now - at).max(0) as f64 / 1_000.0),
                workers: count(*workers),
                succeeded: count(*succeeded),
                failed: count(*failed),
                cancelled: count(*cancelled),
            })
        };
        Lane::ALL.iter().map(status).collect()
    }
}
