//! [`RunStore`] in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use serde_json::Value;

use super::change::{Change, Ending};
use super::record::Row;
use super::{SqliteJobs, millis};
use crate::checks;
use crate::damage::is_damage;
use crate::events::{EventKind, KEPT_PREVIEWS};
use crate::record::{Children, Job, JobId, JobState, Lane, NewChild};
use crate::runs::{Beat, BeatAnswer, Claim, Claimant, Finished, Outcome, RunKey, RunStore};
use crate::store::{JobFilter, JobPage, JobStore};

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Whether the run is the job's current one.
fn holds(row: &Row, key: RunKey) -> bool {
    row.state == JobState::Running.as_str() && row.run == number(key.run)
}

#[async_trait]
impl RunStore for SqliteJobs {
    async fn claim_for(&self, id: JobId, claimant: &Claimant, lease: Duration) -> Result<Claim> {
        self.step_claim(id, claimant, lease).await
    }

    async fn beat(&self, key: RunKey, lease: Duration, beat: &Beat) -> Result<BeatAnswer> {
        self.step_beat(key, lease, beat).await
    }

    async fn append(&self, key: RunKey, kind: EventKind, data: &Value) -> Result<bool> {
        self.step_append(key, kind, data).await
    }

    async fn add_children(
        &self,
        key: RunKey,
        unit: &str,
        children: &[NewChild],
    ) -> Result<Option<Children>> {
        self.step_children(key, unit, children).await
    }

    async fn finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished> {
        self.step_finish(key, outcome).await
    }

    async fn data_folder(&self) -> Result<Option<String>> {
        self.read_data_folder().await
    }

    async fn cancelled(&self, id: JobId) -> Result<Option<Job>> {
        Ok(Some(self.get(id).await?).filter(Job::was_cancelled_after_a_run))
    }

    async fn count_children(&self, parent: JobId) -> Result<Children> {
        Ok(self.get(parent).await?.children.unwrap_or_default())
    }

    async fn list_children(&self, parent: JobId, before: Option<JobId>) -> Result<JobPage> {
        self.list(&JobFilter::children_of(parent, before)).await
    }
}

impl SqliteJobs {
    /// Claims a job, or sets it aside when its record is damaged.
    pub(super) async fn step_claim(
        &self,
        id: JobId,
        claimant: &Claimant,
        lease: Duration,
    ) -> Result<Claim> {
        let id = id.to_string();
        match self.try_claim(&id, claimant, lease).await {
            Err(error) if is_damage(&error) => {
                self.set_aside_job(&id, &error.message).await?;
                Ok(Claim::Damaged {
                    reason: error.message,
                })
            }
            claimed => claimed,
        }
    }

    async fn try_claim(&self, id: &str, claimant: &Claimant, lease: Duration) -> Result<Claim> {
        let mut change = self.change().await?;
        let Some(row) = change.load(id).await? else {
            return Ok(Claim::Nothing);
        };
        let state = row.state()?;
        if state.is_finished()
            || state == JobState::Waiting
            || (state == JobState::Queued && row.delayed != 0)
        {
            return Ok(Claim::Nothing);
        }
        // This delivery made the last claim, but did not get the answer. It still has the run,
        // unless the sweep has counted the run as lost.
        let again = row.delivery.as_deref() == Some(claimant.delivery.as_str());
        let runs = state == JobState::Running;
        let has_it = again && runs;
        if runs && !again && row.lease_ms.unwrap_or_default() > change.now {
            return Ok(Claim::Busy);
        }
        // Check the whole record before anything is written.
        row.claimed_job()?;
        let losses = match (runs, again) {
            (true, false) => row.losses + 1,
            (false, true) => (row.losses - 1).max(0),
            (true, true) | (false, false) => row.losses,
        };
        if change.stopping(&row).await? {
            change.abandon(&row).await?;
            change.commit().await?;
            return Ok(Claim::Nothing);
        }
        if !again && let Some(failure) = given_up(&row, losses)? {
            change
                .end_job(
                    &row,
                    JobState::Failed,
                    Ending {
                        error: Some(&failure),
                        ..Ending::default()
                    },
                )
                .await?;
            change.commit().await?;
            return Ok(Claim::Nothing);
        }
        let paused: i64 = sqlx::query_scalar("SELECT paused FROM job_lanes WHERE lane = ?")
            .bind(&row.lane)
            .fetch_one(&mut *change.transaction)
            .await
            .map_err(super::unavailable)?;
        if paused != 0 && !has_it {
            return Ok(Claim::Paused);
        }
        if !has_it && claimant.beside && losses > 0 && row.lane()? != Lane::Control {
            return Ok(Claim::Alone);
        }
        let query = sqlx::query(
            "UPDATE job_records SET state = 'running', attempt = ?, run = ?, losses = ?, worker = ?, \
             delivery = ?, lease_ms = ?, started_ms = COALESCE(started_ms, ?), \
             version = version + 1 WHERE id = ?",
        );
        let now = change.now;
        let attempt = row.attempt + i64::from(!again);
        change
            .run(
                query
                    .bind(attempt)
                    .bind(row.run + i64::from(!has_it))
                    .bind(losses)
                    .bind(&claimant.owner)
                    .bind(&claimant.delivery)
                    .bind(now + millis(lease))
                    .bind(now)
                    .bind(id),
            )
            .await?;
        if !has_it {
            change
                .state_event(id, JobState::Running, attempt, None)
                .await?;
        }
        let claimed = change
            .load(id)
            .await?
            .ok_or_else(|| super::damaged("id"))?
            .claimed_job()?;
        change.commit().await?;
        Ok(Claim::Run(Box::new(claimed)))
    }

    pub(super) async fn step_beat(
        &self,
        key: RunKey,
        lease: Duration,
        beat: &Beat,
    ) -> Result<BeatAnswer> {
        let mut change = self.change().await?;
        let id = key.job.to_string();
        let Some(row) = change.load(&id).await?.filter(|row| holds(row, key)) else {
            return Ok(BeatAnswer::Lost);
        };
        let progress = beat.progress.as_ref().map(checks::to_json).transpose()?;
        let cursor = beat
            .cursor
            .as_ref()
            .map(|cursor| checks::bounded("cursor", cursor))
            .transpose()?;
        let query = sqlx::query(
            "UPDATE job_records SET lease_ms = ?1, cursor = COALESCE(?2, cursor), progress = \
             COALESCE(?3, progress), \
             attempt = CASE WHEN ?4 THEN 1 ELSE attempt END, losses = CASE WHEN ?4 THEN 0 ELSE \
             losses END, \
             version = version + (?3 IS NOT NULL OR ?4) WHERE id = ?5",
        );
        let until = change.now + millis(lease);
        change
            .run(
                query
                    .bind(until)
                    .bind(cursor)
                    .bind(&progress)
                    .bind(beat.further)
                    .bind(&id),
            )
            .await?;
        if let Some(progress) = progress {
            change
                .event(&id, EventKind::Progress.as_str(), &progress)
                .await?;
        }
        let stopping = change.stopping(&row).await?;
        change.commit().await?;
        Ok(if stopping {
            BeatAnswer::Cancel
        } else {
            BeatAnswer::Ok
        })
    }

    pub(super) async fn step_append(
        &self,
        key: RunKey,
        kind: EventKind,
        data: &Value,
    ) -> Result<bool> {
        let data = checks::event_data(kind, data)?;
        let mut change = self.change().await?;
        let id = key.job.to_string();
        if change
            .load(&id)
            .await?
            .filter(|row| holds(row, key))
            .is_none()
        {
            return Ok(false);
        }
        if kind == EventKind::Preview {
            let query = sqlx::query(
                "UPDATE job_records SET preview = ?, version = version + 1 WHERE id = ?",
            );
            change.run(query.bind(&data).bind(&id)).await?;
        }
        change.event(&id, kind.as_str(), &data).await?;
        if kind == EventKind::Preview {
            // Previews are large: only the newest few can be replayed.
            let query = sqlx::query(
                "DELETE FROM job_events WHERE job = ?1 AND kind = 'preview' AND seq NOT IN \
                 (SELECT seq FROM job_events WHERE job = ?1 AND kind = 'preview' ORDER BY seq DESC \
                 LIMIT ?2)",
            );
            change
                .run(query.bind(&id).bind(number(KEPT_PREVIEWS)))
                .await?;
        }
        change.commit().await?;
        Ok(true)
    }

    pub(super) async fn step_children(
        &self,
        key: RunKey,
        unit: &str,
        children: &[NewChild],
    ) -> Result<Option<Children>> {
        let unit = checks::children(unit, children)?;
        let mut change = self.change().await?;
        let parent_id = key.job.to_string();
        let Some(parent) = change.load(&parent_id).await?.filter(|row| holds(row, key)) else {
            return Ok(None);
        };
        let (mut made, mut weight) = (0, 0);
        for child in children {
            let id = JobId::child(key.job, &child.key).to_string();
            let query = sqlx::query(
                "INSERT INTO job_records (id, kind, lane, payload, max_attempts, owner, state, \
                 created_ms, queued_ms, \
                 parent, weight) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?) ON CONFLICT (id) \
                 DO NOTHING",
            );
            let now = change.now;
            let query = query
                .bind(&id)
                .bind(&parent.kind)
                .bind(child.lane.as_str())
                .bind(child.payload.to_string());
            let query = query
                .bind(parent.max_attempts)
                .bind(&parent.owner)
                .bind(now)
                .bind(now);
            if change
                .run(query.bind(&parent_id).bind(number(child.weight)))
                .await?
                == 1
            {
                change.state_event(&id, JobState::Queued, 0, None).await?;
                change.enqueue(&id, child.lane, 0).await?;
                made += 1;
                weight += number(child.weight);
            }
        }
        let query = sqlx::query(
            "UPDATE job_records SET kids = kids + ?, kids_weight = kids_weight + ?, kids_unit = ?, \
             version = version + 1 WHERE id = ?",
        );
        change
            .run(query.bind(made).bind(weight).bind(unit).bind(&parent_id))
            .await?;
        let counted = change
            .load(&parent_id)
            .await?
            .ok_or_else(|| super::damaged("id"))?
            .job(None)?
            .children;
        change.commit().await?;
        Ok(Some(counted.unwrap_or_default()))
    }

    pub(super) async fn step_finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished> {
        let (mut name, detail, receipt, delay) = checks::outcome(outcome)?;
        let mut change = self.change().await?;
        let id = key.job.to_string();
        let Some(row) = change.load(&id).await?.filter(|row| holds(row, key)) else {
            return Ok(Finished::Fenced);
        };
        if matches!(name, "retry" | "later" | "wait") && change.stopping(&row).await? {
            name = "abandoned";
        }
        if name == "retry" && row.attempt >= row.max_attempts {
            name = "failed";
        }
        let state = match name {
            "succeeded" => {
                let receipt = (!receipt.is_empty()).then_some(receipt.as_str());
                let ending = Ending {
                    result: Some(&detail),
                    receipt,
                    error: None,
                };
                change.end_job(&row, JobState::Succeeded, ending).await?;
                JobState::Succeeded
            }
            "failed" => {
                let ending = Ending {
                    error: Some(&detail),
                    ..Ending::default()
                };
                change.end_job(&row, JobState::Failed, ending).await?;
                JobState::Failed
            }
            "cancelled" => {
                change
                    .end_job(&row, JobState::Cancelled, Ending::default())
                    .await?;
                JobState::Cancelled
            }
            "abandoned" => {
                change.abandon(&row).await?;
                JobState::Cancelled
            }
            "wait" => wait_for_children(&mut change, &row).await?,
            _ => {
                let failure = (name == "retry").then_some(detail.as_str());
                let attempt = if name == "later" {
                    row.attempt - 1
                } else {
                    row.attempt
                };
                forget_delivery(&mut change, &row).await?;
                requeue(&mut change, &row, attempt, failure, millis(delay)).await?;
                JobState::Queued
            }
        };
        change.commit().await?;
        Ok(Finished::Accepted(state))
    }
}

/// Returns the failure of a job that may not run again after this many losses.
fn given_up(row: &Row, losses: i64) -> Result<Option<String>> {
    if losses >= i64::from(checks::MAX_LOSSES) && row.lane()? != Lane::Control {
        return Ok(Some(checks::ended_its_worker(&row.kind)));
    }
    Ok((row.attempt >= row.max_attempts).then(checks::delivery_limit))
}

/// Queues or ends a job whose worker process has ended.
pub(super) async fn handle_loss(change: &mut Change<'_>, row: &Row) -> Result<()> {
    if change.stopping(row).await? {
        return change.abandon(row).await;
    }
    if let Some(failure) = given_up(row, row.losses + 1)? {
        let ending = Ending {
            error: Some(&failure),
            ..Ending::default()
        };
        return change.end_job(row, JobState::Failed, ending).await;
    }
    change
        .run(sqlx::query("UPDATE job_records SET losses = losses + 1 WHERE id = ?").bind(&row.id))
        .await?;
    requeue(change, row, row.attempt, None, 0).await
}

/// Puts a parent into its waiting state, or queues it for its merge if all children have ended.
async fn wait_for_children(change: &mut Change<'_>, row: &Row) -> Result<JobState> {
    if row.children_left() == 0 {
        change.merge(&row.id, row.lane()?).await?;
        return Ok(JobState::Queued);
    }
    let query = sqlx::query(
        "UPDATE job_records SET state = 'waiting', worker = NULL, delivery = NULL, lease_ms = NULL, \
         version = version + 1 WHERE id = ?",
    );
    change.run(query.bind(&row.id)).await?;
    change
        .state_event(&row.id, JobState::Waiting, row.attempt, None)
        .await?;
    Ok(JobState::Waiting)
}

/// Removes the delivery of a run that has ended, so that it cannot claim the run again.
async fn forget_delivery(change: &mut Change<'_>, row: &Row) -> Result<()> {
    let query = sqlx::query("UPDATE job_records SET delivery = NULL WHERE id = ?");
    change.run(query.bind(&row.id)).await.map(|_| ())
}

/// Queues a running job again.
async fn requeue(
    change: &mut Change<'_>,
    row: &Row,
    attempt: i64,
    failure: Option<&str>,
    delay: i64,
) -> Result<()> {
    let query = sqlx::query(
        "UPDATE job_records SET state = 'queued', attempt = ?, error = COALESCE(?, error), worker \
         = NULL, \
         lease_ms = NULL, version = version + 1 WHERE id = ?",
    );
    change
        .run(query.bind(attempt).bind(failure).bind(&row.id))
        .await?;
    change.enqueue(&row.id, row.lane()?, delay).await?;
    change
        .state_event(&row.id, JobState::Queued, attempt, failure)
        .await
}
