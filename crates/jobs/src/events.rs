//! The events of a job, in order, each with an id from which a client can resume.

use std::fmt;
use std::str::FromStr;

use clippy_common::shorten;
use clippy_core::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::JobId;
use crate::time::Timestamp;

/// The largest preview, in bytes of JSON. Larger pictures are stored as files.
pub const MAX_PREVIEW: usize = 256 * 1024;
/// How many of a job's newest previews can be replayed. They are large, and each replaces the
/// one before.
pub const KEPT_PREVIEWS: u64 = 8;
/// The largest log line, in bytes of JSON; longer ones are cut.
pub const MAX_LOG: usize = 4 * 1024;

/// The id of an event, which can be used as an SSE `id`: `<milliseconds>-<n>`. The ids of one job
/// increase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Milliseconds since 1970; in the embedded store a counter.
    pub major: u64,
    /// Tells events of the same millisecond apart.
    pub minor: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.major, self.minor)
    }
}

impl FromStr for EventId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (major, minor) = text.split_once('-').unwrap_or((text, "0"));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(Self { major, minor }),
            _ => {
                let shown = shorten(text, 60);
                Err(Error::invalid(format!(
                    "\"{shown}\" is not the id of an event: send the id of an event that was \
                     received"
                )))
            }
        }
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The kind of an event. (`snapshot`, which opens every stream, is made by the API and never
/// stored.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// `{"state","attempt"}` and, after a failed attempt, `"error"`.
    State,
    /// A [`crate::JobProgress`].
    Progress,
    /// Something to look at while waiting; the handler decides what.
    Preview,
    /// `{"level","message"}`.
    Log,
    /// `{"state"}`: nothing follows, unless the job is retried.
    Done,
}

impl EventKind {
    /// The name in a stream.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Progress => "progress",
            Self::Preview => "preview",
            Self::Log => "log",
            Self::Done => "done",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        [
            Self::State,
            Self::Progress,
            Self::Preview,
            Self::Log,
            Self::Done,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| Error::internal(format!("a stored event has the unknown kind \"{text}\"")))
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, in the order of the job's events.
    pub id: EventId,
    /// Its kind.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// The details.
    pub data: Value,
}

/// A page of the events after an id.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// In order; empty when there is nothing new.
    pub events: Vec<Event>,
    /// Whether events between the given id and the first one here have been dropped. If so, a
    /// client needs a snapshot first.
    pub gap: bool,
}

/// Tells watchers that a job has new events. It may be lost, so watchers poll as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventNotice(pub JobId);
