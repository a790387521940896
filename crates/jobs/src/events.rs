//! What happened to a job, in order, each with an id that a client may come back with.

use std::fmt;
use std::str::FromStr;

use clippy_common::shorten;
use clippy_core::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::JobId;
use crate::time::Timestamp;

/// The largest preview, in bytes of JSON: larger pictures are stored and named.
pub const MAX_PREVIEW: usize = 256 * 1024;
/// Previews of one job that can be replayed, the newest: they are large, and a newer one makes up
/// for an older.
pub const KEPT_PREVIEWS: u64 = 8;
/// The largest log line, in bytes of JSON; longer ones are cut.
pub const MAX_LOG: usize = 4 * 1024;

/// The id of an event, good as an SSE `id`. Ids of one job grow: `<milliseconds>-<n>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// When, in milliseconds since 1970; the embedded store counts instead.
    pub major: u64,
    /// Which, within the same millisecond.
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
                    "\"{shown}\" is not the id of an event: send back one that was received"
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

/// What an event tells. (`snapshot`, which opens every stream, is made by the API and never
/// stored.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// `{"state","attempt"}` and, after a failed attempt, `"error"`.
    State,
    /// A [`crate::Progress`].
    Progress,
    /// Something to look at while waiting; the handler decides what.
    Preview,
    /// `{"level","message"}`.
    Log,
    /// `{"state"}`: nothing follows, unless the job is retried.
    Done,
}

impl EventKind {
    /// The name as it stands in a stream.
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
    /// Its place among the job's events.
    pub id: EventId,
    /// What it tells.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// The details.
    pub data: Value,
}

/// Events after an id.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// In order; empty when there is nothing new.
    pub events: Vec<Event>,
    /// Whether events between the id asked for and the first one here have been dropped: send a
    /// snapshot first.
    pub gap: bool,
}

/// Told to whoever watches, as soon as it happens; it may be lost, so whoever watches also asks now
/// and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventNotice(pub JobId);
