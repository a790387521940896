//! Decodes the fields of a stored record into a [`Job`].

use std::collections::HashMap;
use std::str::FromStr;

use clippy_core::{Error, Result};
use serde::de::DeserializeOwned;

use crate::record::{Children, Job, JobId};
use crate::runs::{ClaimedJob, Phase, RunKey};
use crate::time::Timestamp;

/// The fields of a job's record.
const FIELDS: &[&str] = &[
    "id",
    "kind",
    "lane",
    "payload",
    "max",
    "owner",
    "state",
    "step",
    "attempt",
    "retries",
    "losses",
    "run",
    "created",
    "started",
    "finished",
    "version",
    "cursor",
    "progress",
    "result",
    "error",
    "receipt",
    "parent",
    "kids",
    "kids_succeeded",
    "kids_failed",
    "kids_cancelled",
    "position",
];

/// Names and values in turn, as the scripts return them. They are bytes, since stored data may not
/// be UTF-8.
pub(super) type Flat = Vec<Vec<u8>>;

/// The one text that a script returns instead of a record: a state, an id, or what is wrong.
pub(super) fn only_text(flat: &Flat) -> String {
    flat.first()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .unwrap_or_default()
}

/// The fields of a record.
pub(super) struct Record {
    fields: HashMap<String, String>,
    /// The name of a field that is not UTF-8.
    broken: Option<String>,
}

impl Record {
    pub(super) fn new(flat: Flat) -> Self {
        let mut record = Self {
            fields: HashMap::with_capacity(flat.len() / 2),
            broken: None,
        };
        let mut flat = flat.into_iter();
        while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
            let name = String::from_utf8_lossy(&name).into_owned();
            match String::from_utf8(value) {
                Ok(value) => {
                    record.fields.insert(name, value);
                }
                // An unknown field is not read, so its contents do not matter.
                Err(_) if FIELDS.contains(&name.as_str()) => record.broken = Some(name),
                Err(_) => {}
            }
        }
        record
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.broken.is_none()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn damaged(name: &str) -> Error {
        Error::internal(format!(
            "a stored job's field \"{name}\" is missing or cannot be read"
        ))
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.text(name)
            .map(|value| value.parse().map_err(|_| Self::damaged(name)))
            .transpose()
    }

    fn needed<T: FromStr>(&self, name: &str) -> Result<T> {
        self.parsed(name)?.ok_or_else(|| Self::damaged(name))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.text(name)
            .map(|value| serde_json::from_str(value).map_err(|_| Self::damaged(name)))
            .transpose()
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>> {
        Ok(self
            .parsed::<f64>(name)?
            .map(|millis| Timestamp::from_millis(millis as i64)))
    }

    pub(super) fn job(&self) -> Result<Job> {
        if let Some(name) = &self.broken {
            return Err(Self::damaged(name));
        }
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
            losses: self.parsed("losses")?.unwrap_or_default(),
            progress: self.json("progress")?.unwrap_or_default(),
            created_at: self
                .time("created")?
                .ok_or_else(|| Self::damaged("created"))?,
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

    pub(super) fn claimed_job(&self) -> Result<ClaimedJob> {
        let job = self.job()?;
        let key = RunKey {
            job: job.id,
            run: self.needed("run")?,
        };
        let phase = if self.text("step") == Some("merge") {
            Phase::Merge
        } else {
            Phase::Start
        };
        Ok(ClaimedJob {
            job,
            key,
            phase,
            cursor: self.json("cursor")?,
        })
    }
}
