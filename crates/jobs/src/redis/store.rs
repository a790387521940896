//! [`JobStore`] in Redis: most methods call one script.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::{Error, ErrorCode, Result};
use serde_json::Value;
use tokio::sync::broadcast;

use super::decode::{Flat, Record, only_text};
use super::{RedisJobs, unavailable};
use crate::checks;
use crate::damage;
use crate::events::{Event, EventId, EventKind, EventNotice, EventPage};
use crate::record::{Created, Job, JobId, Lane, NewJob};
use crate::store::{DeadLetter, JobFilter, JobPage, JobStore, LaneStatus};
use crate::time::Timestamp;

/// A worker that was silent for longer is not counted among a lane's workers.
const COUNTED_ALIVE: Duration = Duration::from_secs(15);

type Entry = (String, Flat);

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

fn field<'a>(entry: &'a Entry, name: &str) -> &'a str {
    let pairs = entry.1.as_chunks::<2>().0;
    let value = pairs
        .iter()
        .find(|[key, _]| key == name.as_bytes())
        .map(|[_, value]| value.as_slice());
    value
        .and_then(|value| std::str::from_utf8(value).ok())
        .unwrap_or_default()
}

#[async_trait]
impl JobStore for RedisJobs {
    async fn create(&self, job: &NewJob) -> Result<Created> {
        let (payload, digest) = job.checked()?;
        let limit = self.settings.limits.of(job.lane);
        let (answer, record): (String, Flat) = self
            .call(&self.scripts.create)
            .arg(job.id.unwrap_or_else(JobId::generate).to_string())
            .arg(job.kind.as_str())
            .arg(job.lane.as_str())
            .arg(payload)
            .arg(job.max_attempts)
            .arg(job.owner.as_deref().unwrap_or_default())
            .arg(job.idempotency_key.as_deref().unwrap_or_default())
            .arg(digest)
            .arg(millis(self.settings.keep_idempotency))
            .arg(limit)
            .invoke()
            .await?;
        match answer.as_str() {
            "new" => {
                let made = Job {
                    payload: job.payload.clone(),
                    ..Record::new(record).job()?
                };
                Ok(Created {
                    job: made,
                    existing: false,
                })
            }
            "existing" => Ok(Created {
                job: Record::new(record).job()?,
                existing: true,
            }),
            "other" => Err(checks::key_reused(&only_text(&record))),
            "full" => Err(checks::lane_full(job.lane, limit)),
            other => Err(unexpected("create", other)),
        }
    }

    async fn find_by_key(&self, owner: &str, key: &str, digest: &str) -> Result<Option<Job>> {
        NewJob::check_key(key)?;
        let (answer, record): (String, Flat) = self
            .call(&self.scripts.find_by_key)
            .arg(owner)
            .arg(key)
            .arg(digest)
            .invoke()
            .await?;
        match answer.as_str() {
            "none" => Ok(None),
            "existing" => Record::new(record).job().map(Some),
            "other" => Err(checks::key_reused(&only_text(&record))),
            other => Err(unexpected("find_by_key", other)),
        }
    }

    async fn get(&self, id: JobId) -> Result<Job> {
        let (record, wrong): (Flat, String) = self
            .call(&self.scripts.get)
            .arg(id.to_string())
            .invoke()
            .await?;
        let record = Record::new(record);
        if !wrong.is_empty() {
            return Err(damaged(id, &wrong));
        }
        if record.is_empty() {
            return Err(checks::unknown(id));
        }
        record.job()
    }

    async fn list(&self, filter: &JobFilter) -> Result<JobPage> {
        let (last, records, damaged): (String, Vec<(String, Flat)>, Vec<(String, String)>) = self
            .call(&self.scripts.list)
            .arg(filter.kind.map_or("", |kind| kind.as_str()))
            .arg(filter.state.map_or("", |state| state.as_str()))
            .arg(filter.owner.as_deref().unwrap_or_default())
            .arg(
                filter
                    .parent
                    .map_or_else(String::new, |parent| parent.to_string()),
            )
            .arg(
                filter
                    .before
                    .map_or_else(String::new, |before| before.to_string()),
            )
            .arg(filter.page_size())
            .invoke()
            .await?;
        let next_cursor = if last.is_empty() {
            None
        } else {
            Some(last.parse()?)
        };
        let mut page = JobPage {
            jobs: Vec::with_capacity(records.len()),
            next_cursor,
            damaged: 0,
        };
        for (id, wrong) in damaged {
            self.damage.report("job", &id, &wrong);
            page.damaged += 1;
        }
        for (id, record) in records {
            let job = self
                .damage
                .skip_damaged("job", &id, Record::new(record).job())?;
            page.damaged += u64::from(job.is_none());
            page.jobs.extend(job);
        }
        Ok(page)
    }

    async fn cancel(&self, id: JobId) -> Result<Job> {
        let (answer, record): (String, Flat) = self
            .call(&self.scripts.cancel)
            .arg(id.to_string())
            .invoke()
            .await?;
        match answer.as_str() {
            "ok" => Record::new(record).job(),
            "unknown" => Err(checks::unknown(id)),
            "finished" => Err(checks::already_finished(id, &only_text(&record))),
            "damaged" => Err(damaged(id, &only_text(&record))),
            other => Err(unexpected("cancel", other)),
        }
    }

    async fn retry(&self, id: JobId) -> Result<Job> {
        let lane = self.get(id).await?.lane;
        let limit = self.settings.limits.of(lane);
        let (answer, record): (String, Flat) = self
            .call(&self.scripts.retry)
            .arg(id.to_string())
            .arg(limit)
            .invoke()
            .await?;
        match answer.as_str() {
            "ok" => Record::new(record).job(),
            "unknown" => Err(checks::unknown(id)),
            "state" => Err(checks::not_retryable(id, &only_text(&record))),
            "parent" => Err(checks::parent_ended(id, &only_text(&record))),
            "damaged" => Err(damaged(id, &only_text(&record))),
            "full" => Err(checks::lane_full(lane, limit)),
            other => Err(unexpected("retry", other)),
        }
    }

    async fn events_after(
        &self,
        id: JobId,
        after: Option<EventId>,
        limit: usize,
    ) -> Result<EventPage> {
        let limit = limit.clamp(1, 1_000);
        let (mut from, mut gap) = (after, None);
        loop {
            let answer: redis::Value = self
                .call(&self.scripts.events)
                .arg(id.to_string())
                .arg(from.map_or_else(String::new, |from| from.to_string()))
                .arg(limit)
                .invoke()
                .await?;
            if matches!(&answer, redis::Value::Array(parts) if parts.is_empty()) {
                return Err(checks::unknown(id));
            }
            let (first, last, entries): (String, String, Vec<Entry>) =
                redis::from_redis_value(answer).map_err(|error| unavailable(error.into()))?;
            let bound = |text: String| {
                if text.is_empty() {
                    Ok(None)
                } else {
                    text.parse::<EventId>().map(Some)
                }
            };
            let (first, last) = (bound(first)?, bound(last)?);
            if gap.is_none() && from.is_some_and(|from| last.is_some_and(|last| from > last)) {
                // An id after the last event is not one of this job's, so all events are returned.
                (from, gap) = (None, Some(true));
                continue;
            }
            let gap = *gap.get_or_insert(match (after, first) {
                (Some(after), Some(first)) => first > after,
                // The stream is empty, so its events were dropped, and the client missed the end.
                (Some(_), None) => true,
                (None, _) => false,
            });
            let mut events = Vec::with_capacity(entries.len());
            for entry in &entries {
                events.extend(self.damage.skip_damaged(
                    "event",
                    &format!("{id} {}", entry.0),
                    event(entry),
                )?);
            }
            // A page of damaged events must not look like the end.
            if !events.is_empty() || entries.len() < limit {
                return Ok(EventPage { events, gap });
            }
            from = entries.last().map(|entry| entry.0.parse()).transpose()?;
        }
    }

    async fn last_preview(&self, id: JobId) -> Result<Option<Value>> {
        let mut connection = self.connection.clone();
        let key = format!("{}:job:{id}", self.prefix);
        let read: redis::RedisResult<(Option<Vec<u8>>, Option<Vec<u8>>)> = redis::cmd("HMGET")
            .arg(key)
            .arg("id")
            .arg("preview")
            .query_async(&mut connection)
            .await;
        let (known, preview) = match read {
            Err(error) if error.code() == Some("WRONGTYPE") => {
                return Err(damaged(id, "its key holds no hash"));
            }
            read => read.map_err(unavailable)?,
        };
        known.ok_or_else(|| checks::unknown(id))?;
        let preview = preview
            .map(|bytes| checks::stored_json(&String::from_utf8_lossy(&bytes)))
            .transpose();
        Ok(self
            .damage
            .skip_damaged("preview", &id.to_string(), preview)?
            .flatten())
    }

    async fn lanes(&self) -> Result<Vec<LaneStatus>> {
        let mut call = self.call(&self.scripts.lanes).arg(millis(COUNTED_ALIVE));
        for lane in Lane::ALL {
            call = call.arg(lane.as_str());
        }
        let answers: Vec<(u8, u64, u64, i64, u64, i64, i64, i64)> = call.invoke().await?;
        let ended = |count: i64| u64::try_from(count).unwrap_or_default();
        let statuses = Lane::ALL.iter().zip(answers).map(|(lane, answer)| {
            let (paused, queued, running, oldest, workers, succeeded, failed, cancelled) = answer;
            LaneStatus {
                lane: *lane,
                paused: paused == 1,
                queued,
                running,
                limit: self.settings.limits.of(*lane),
                oldest_secs: (oldest >= 0).then_some(oldest as f64 / 1_000.0),
                workers,
                succeeded: ended(succeeded),
                failed: ended(failed),
                cancelled: ended(cancelled),
            }
        });
        Ok(statuses.collect())
    }

    async fn pause(&self, lane: Lane, paused: bool) -> Result<()> {
        let mut connection = self.connection.clone();
        let mut pipe = redis::pipe();
        pipe.atomic();
        pipe.cmd(if paused { "SADD" } else { "SREM" })
            .arg(format!("{}:paused", self.prefix))
            .arg(lane.as_str());
        pipe.cmd("PUBLISH")
            .arg(format!("{}:control", self.prefix))
            .arg(format!("lane {lane}"));
        pipe.query_async::<()>(&mut connection)
            .await
            .map_err(unavailable)
    }

    async fn record_data_folder(&self, id: &str) -> Result<String> {
        let mut connection = self.connection.clone();
        let key = format!("{}:data_folder", self.prefix);
        let mut pipe = redis::pipe();
        pipe.atomic();
        pipe.cmd("SETNX").arg(&key).arg(id).ignore();
        pipe.cmd("GET").arg(&key);
        let (recorded,): (String,) = pipe
            .query_async(&mut connection)
            .await
            .map_err(unavailable)?;
        Ok(recorded)
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let mut connection = self.connection.clone();
        let entries: Vec<Entry> = redis::cmd("XREVRANGE")
            .arg(format!("{}:dead", self.prefix))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(limit.clamp(1, 1_000))
            .query_async(&mut connection)
            .await
            .map_err(unavailable)?;
        let letter = |entry: &Entry| {
            let id: EventId = entry.0.parse()?;
            let at = Timestamp::from_millis(i64::try_from(id.major).unwrap_or(i64::MAX));
            Ok(DeadLetter {
                at,
                reason: field(entry, "reason").to_owned(),
                payload: field(entry, "payload").to_owned(),
            })
        };
        entries.iter().map(letter).collect()
    }

    fn watch_events(&self) -> broadcast::Receiver<EventNotice> {
        self.notices.watch_events()
    }
}

fn damaged(id: JobId, reason: &str) -> Error {
    Error::internal(damage::letter(&id.to_string(), &reason))
}

fn event(entry: &Entry) -> Result<Event> {
    let id: EventId = entry.0.parse()?;
    let at = Timestamp::from_millis(i64::try_from(id.major).unwrap_or(i64::MAX));
    Ok(Event {
        id,
        kind: EventKind::parse(field(entry, "kind"))?,
        at,
        data: checks::stored_json(field(entry, "data"))?,
    })
}

pub(super) fn unexpected(script: &str, answer: &str) -> Error {
    Error::new(
        ErrorCode::Internal,
        format!("the script \"{script}\" returned an unexpected answer: \"{answer}\""),
    )
}
