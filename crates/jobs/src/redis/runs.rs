//! [`RunStore`] in Redis: each method calls one script.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use serde_json::Value;

use super::decode::{Flat, Record, only_text};
use super::store::{millis, unexpected};
use super::{RedisJobs, unavailable};
use crate::checks;
use crate::events::{EventKind, KEPT_PREVIEWS};
use crate::record::{Children, Job, JobId, NewChild};
use crate::runs::{Beat, BeatAnswer, Claim, Claimant, Finished, Outcome, RunKey, RunStore};
use crate::store::{JobFilter, JobPage, JobStore};

#[async_trait]
impl RunStore for RedisJobs {
    async fn claim_for(&self, id: JobId, claimant: &Claimant, lease: Duration) -> Result<Claim> {
        self.run_claim(id, claimant, lease).await
    }

    async fn beat(&self, key: RunKey, lease: Duration, beat: &Beat) -> Result<BeatAnswer> {
        let progress = beat.progress.as_ref().map(checks::to_json).transpose()?;
        let cursor = beat
            .cursor
            .as_ref()
            .map(|cursor| checks::bounded("cursor", cursor))
            .transpose()?;
        let answer: String = self
            .call(&self.scripts.beat)
            .arg(key.job.to_string())
            .arg(key.run)
            .arg(millis(lease))
            .arg(progress.unwrap_or_default())
            .arg(cursor.unwrap_or_default())
            .arg(u8::from(beat.further))
            .invoke()
            .await?;
        match answer.as_str() {
            "ok" => Ok(BeatAnswer::Ok),
            "cancel" => Ok(BeatAnswer::Cancel),
            "lost" => Ok(BeatAnswer::Lost),
            other => Err(unexpected("beat", other)),
        }
    }

    async fn append(&self, key: RunKey, kind: EventKind, data: &Value) -> Result<bool> {
        let data = checks::event_data(kind, data)?;
        let call = self
            .call(&self.scripts.append)
            .arg(key.job.to_string())
            .arg(key.run)
            .arg(kind.as_str())
            .arg(data);
        let call = call.arg(KEPT_PREVIEWS);
        Ok(call.invoke::<u8>().await? == 1)
    }

    async fn add_children(
        &self,
        key: RunKey,
        unit: &str,
        children: &[NewChild],
    ) -> Result<Option<Children>> {
        let unit = checks::children(unit, children)?;
        let mut call = self
            .call(&self.scripts.children)
            .arg(key.job.to_string())
            .arg(key.run)
            .arg(unit);
        for child in children {
            call = call
                .arg(JobId::child(key.job, &child.key).to_string())
                .arg(child.lane.as_str())
                .arg(child.payload.to_string())
                .arg(child.weight);
        }
        let counts: Vec<u64> = call.invoke().await?;
        Ok(match counts[..] {
            [total, succeeded, failed, cancelled] => Some(Children {
                total,
                succeeded,
                failed,
                cancelled,
            }),
            _ => None,
        })
    }

    async fn finish(&self, key: RunKey, outcome: &Outcome) -> Result<Finished> {
        let (name, detail, receipt, delay) = checks::outcome(outcome)?;
        let answer: String = self
            .call(&self.scripts.finish)
            .arg(key.job.to_string())
            .arg(key.run)
            .arg(name)
            .arg(detail)
            .arg(receipt)
            .arg(millis(delay))
            .invoke()
            .await?;
        if answer == "fenced" {
            Ok(Finished::Fenced)
        } else {
            Ok(Finished::Accepted(answer.parse()?))
        }
    }

    async fn data_folder(&self) -> Result<Option<String>> {
        let mut connection = self.connection.clone();
        redis::cmd("GET")
            .arg(format!("{}:data_folder", self.prefix))
            .query_async(&mut connection)
            .await
            .map_err(unavailable)
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

impl RedisJobs {
    async fn run_claim(&self, id: JobId, claimant: &Claimant, lease: Duration) -> Result<Claim> {
        let call = self
            .call(&self.scripts.claim)
            .arg(id.to_string())
            .arg(&claimant.owner)
            .arg(millis(lease))
            .arg(u8::from(claimant.beside))
            .arg(&claimant.delivery);
        let (answer, record): (String, Flat) = call.invoke().await?;
        match answer.as_str() {
            "run" => match Record::new(record).claimed_job() {
                Ok(claimed) => Ok(Claim::Run(Box::new(claimed))),
                Err(error) => {
                    let reason = error.message;
                    self.damage.report("job", &id.to_string(), &reason);
                    self.call(&self.scripts.set_aside)
                        .arg(id.to_string())
                        .arg(&reason)
                        .invoke::<u64>()
                        .await?;
                    Ok(Claim::Damaged { reason })
                }
            },
            "busy" => Ok(Claim::Busy),
            "nothing" => Ok(Claim::Nothing),
            "paused" => Ok(Claim::Paused),
            "alone" => Ok(Claim::Alone),
            "damaged" => Ok(Claim::Damaged {
                reason: only_text(&record),
            }),
            other => Err(unexpected("claim", other)),
        }
    }
}
