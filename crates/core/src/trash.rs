//! The trash: pictures that were deleted or hidden, what pictures were before an edit, and the
//! journal of these changes.
//!
//! A deleted picture leaves a tombstone, which stays when the trash is emptied. An ingest skips
//! pictures with one.

mod undoable;

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Result;
use crate::gallery::{MD5_FIELD, NOTES_FIELD, Payload, Point};
use crate::ids::PointId;

pub use undoable::UndoableChange;

/// How many days a change can be undone.
pub const KEPT_DAYS: u64 = 30;
const DAY: u64 = 86_400;

/// Why a point is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptKind {
    /// It was deleted. The trash is emptied after [`KEPT_DAYS`].
    Deleted,
    /// It was hidden: it is kept until it is restored.
    Hidden,
    /// It was edited; this is what it was before.
    Edited,
}

impl KeptKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Deleted, Self::Hidden, Self::Edited];

    /// The name in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Hidden => "hidden",
            Self::Edited => "edited",
        }
    }

    /// Whether the picture is out of the collection.
    #[must_use]
    pub const fn is_removed(self) -> bool {
        matches!(self, Self::Deleted | Self::Hidden)
    }
}

/// How far a change or its undoing got. After a crash, the next start completes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptState {
    /// The point is kept. The collection may still be unchanged.
    Begun,
    /// The collection is changed.
    Done,
    /// The point is being put back.
    Restoring,
}

impl KeptState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Begun, Self::Done, Self::Restoring];

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Restoring => "restoring",
        }
    }
}

/// A point as it was before a change.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPoint {
    /// The point. Its vectors are empty if the trash was emptied.
    pub point: Point,
    /// Why it is kept.
    pub kind: KeptKind,
    /// How far the change got.
    pub state: KeptState,
    /// The job or the call that changed it.
    pub change: String,
    /// Who asked for it: the name of a key, if there is one.
    pub by: Option<String>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Until when it can be put back; `None` without a limit.
    pub until: Option<u64>,
    /// The fingerprint of the model that made the vectors.
    pub model: String,
    /// Whether only the tombstone is left.
    pub emptied: bool,
}

impl KeptPoint {
    /// The MD5 of the file's content, where it is known.
    #[must_use]
    pub fn content(&self) -> Option<&str> {
        content_of(&self.point.payload)
    }
}

/// The MD5 of the content of a picture's file, where its payload has it.
#[must_use]
pub fn content_of(payload: &Payload) -> Option<&str> {
    let mark = payload.get(NOTES_FIELD).and_then(|mark| mark.get("md5"));
    mark.or_else(|| payload.get(MD5_FIELD))
        .and_then(Value::as_str)
}

/// A kept point with its number in the trash.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedPoint {
    /// Points that are kept later have larger numbers.
    pub number: u64,
    /// Whether a later change of the same picture is kept, too.
    pub is_outdated: bool,
    /// The point.
    pub kept: KeptPoint,
}

/// Marks a picture that was deleted or hidden, so that an ingest skips it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// The picture.
    pub id: PointId,
    /// Why.
    pub kind: KeptKind,
    /// Since when, in seconds since 1970.
    pub at: u64,
}

impl Tombstone {
    /// Why an ingest skips the picture. It is the same for all pictures of a kind, so that a report
    /// counts them together. The journal says when each was deleted.
    #[must_use]
    pub fn reason(&self) -> String {
        format!(
            "{} by the owner: restore it, and it is added again",
            self.kind.name()
        )
    }
}

/// Selects kept points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptFilter {
    /// Of this change.
    pub change: Option<String>,
    /// Of these pictures.
    pub ids: Option<Vec<PointId>>,
    /// Of these kinds; empty means all.
    pub kinds: Vec<KeptKind>,
    /// In these states; empty means all.
    pub states: Vec<KeptState>,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who: the name of a key, if there is one.
    pub by: Option<String>,
    /// The job or the call.
    pub change: String,
    /// What was done.
    pub action: String,
    /// How many pictures were changed. When a bulk change begins, about how many it will look at.
    pub pictures: u64,
    /// Details: the request, or for the end of a bulk change its report.
    pub detail: Value,
}

/// A line of the journal with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// Later lines have larger numbers.
    pub number: u64,
    /// The line.
    pub entry: JournalEntry,
}

/// Keeps the points of one collection that changes removed or edited, as they were before. What was
/// acknowledged survives a `kill -9`.
#[async_trait]
pub trait Trash: Send + Sync + 'static {
    /// Keeps points. A kept point of the same picture and change is replaced.
    async fn keep(&self, points: &[KeptPoint]) -> Result<()>;

    /// Returns up to `limit` kept points with numbers above `after`, in the order of their numbers.
    async fn list(
        &self,
        filter: &KeptFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<NumberedPoint>>;

    /// Sets the state of these points.
    async fn set_state(&self, numbers: &[u64], state: KeptState) -> Result<()>;

    /// Removes these points, with their tombstones.
    async fn forget(&self, numbers: &[u64]) -> Result<()>;

    /// The tombstones of these pictures. A picture that is being restored has none.
    async fn tombstones(&self, ids: &[PointId]) -> Result<Vec<Tombstone>>;

    /// The tombstones of pictures with this content, by the MD5 of their files.
    async fn tombstones_of_content(&self, md5s: &[String]) -> Result<Vec<(String, Tombstone)>>;

    /// Empties the trash of everything that expired before this time, in seconds since 1970:
    /// deleted pictures lose their vectors and fields, and edits are forgotten. Tombstones stay.
    /// Returns the ids of these deleted pictures.
    async fn empty(&self, now: u64) -> Result<Vec<PointId>>;

    /// Adds a line to the journal.
    async fn record(&self, entry: &JournalEntry) -> Result<()>;

    /// Up to `limit` lines of the journal, the newest first: of all lines, or of those with numbers
    /// below `before`.
    async fn journal(&self, before: Option<u64>, limit: usize) -> Result<Vec<JournalLine>>;
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Returns until when a point that was kept at the time `at` can be put back; `None` means without
/// a limit. Both times are in seconds since 1970.
#[must_use]
pub fn expiry(kind: KeptKind, at: u64) -> Option<u64> {
    (kind != KeptKind::Hidden).then_some(at + KEPT_DAYS * DAY)
}

/// The payload that stays with a tombstone: fields that identify the picture's file.
#[must_use]
pub fn what_stays(payload: &Payload) -> Payload {
    let stays = [crate::gallery::PATH_FIELD, MD5_FIELD];
    let fields = stays.iter().filter_map(|field| {
        let value = payload.get(*field)?;
        Some(((*field).to_owned(), value.clone()))
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_were_deleted_on_different_days_have_one_reason() {
        let stone = |id: u64, kind, at| Tombstone {
            id: id.into(),
            kind,
            at,
        };
        let first = stone(1, KeptKind::Deleted, 0);
        assert_eq!(first.reason(), stone(2, KeptKind::Deleted, DAY).reason());
        assert_ne!(first.reason(), stone(3, KeptKind::Hidden, 0).reason());
        assert!(first.reason().contains("restore it"), "{}", first.reason());
    }
}
