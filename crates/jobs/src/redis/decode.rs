//! From the fields of a stored record to a [`Job`].

use std::collections::HashMap;
use std::str::FromStr;

use clippy_core::{Error, Result};
use serde::de::DeserializeOwned;

use crate::record::{Children, Job, JobId};
use crate::store::{ClaimedJob, RunKey, Step};
use crate::time::Timestamp;

/// The fields of a record as the scripts answer them: names and values in turn.
pub(super) struct Record(HashMap<String, String>);

impl Record {
    pub(super) fn new(flat: Vec<String>) -> Self {
        let mut fields = HashMap::with_capacity(flat.len() / 2);
        let mut flat = flat.into_iter();
        while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
            fields.insert(name, value);
        }
        Self(fields)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn damaged(name: &str) -> Error {
        Error::internal(format!("a stored job's field \"{name}\" is missing or cannot be read"))
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.text(name).map(|value| value.parse().map_err(|_| Self::damaged(name))).transpose()
    }

    fn needed<T: FromStr>(&self, name: &str) -> Result<T> {
        self.parsed(name)?.ok_or_else(|| Self::damaged(name))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.text(name).map(|value| serde_json::from_str(value).map_err(|_| Self::damaged(name))).transpose()
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>> {
        Ok(self.parsed::<f64>(name)?.map(|millis| Timestamp::from_millis(millis as i64)))
    }

    pub(super) fn job(&self) -> Result<Job> {
        let count = |name| self.parsed::<u64>(name).map(Option::unwrap_or_default);
        let children = Children {
            total: count("kids")?,
            succeeded: count("kids_succeeded")?,
            failed: count("kids_failed")?,
            cancelled: count("kids_cancelled")?,
        };
        Ok(Job {
            id: self.needed("id")?,
            kind: self.needed("kind")?,
            lane: self.needed("lane")?,
            state: self.needed("state")?,
            position: self.parsed("position")?,
            attempt: self.needed("attempt")?,
            max_attempts: self.needed("max")?,
            retries: self.parsed("retries")?.unwrap_or_default(),
            progress: self.json("progress")?.unwrap_or_default(),
            created_at: self.time("created")?.ok_or_else(|| Self::damaged("created"))?,
            started_at: self.time("started")?,
            finished_at: self.time("finished")?,
            result: self.json("result")?,
            error: self.json("error")?,
            receipt: self.json("receipt")?,
            parent: self.parsed::<JobId>("parent")?,
            children: (children.total > 0).then_some(children),
            owner: self.text("owner").map(str::to_owned),
            payload: self.json("payload")?.unwrap_or_default(),
            version: self.needed("version")?,
        })
    }

    pub(super) fn claimed(&self) -> Result<ClaimedJob> {
        let job = self.job()?;
        let key = RunKey { job: job.id, run: self.needed("run")? };
        let step = if self.text("step") == Some("merge") { Step::Merge } else { Step::Start };
        Ok(ClaimedJob { job, key, step, cursor: self.json("cursor")? })
    }
}
