//! A change of pictures that can be undone.

use serde_json::Value;

use super::{JournalEntry, KeptKind, KeptPoint, KeptState, Trash, expiry, now};
use crate::Result;
use crate::gallery::Point;

/// Keeps pictures as they were before a change, and records the change in the journal.
#[derive(Clone, Copy)]
pub struct UndoableChange<'c> {
    /// Where the pictures are kept.
    pub trash: &'c dyn Trash,
    /// The name of the change: the id of a job or of a call.
    pub name: &'c str,
    /// Who asked for it: the name of a key, if there is one.
    pub by: Option<&'c str>,
    /// The fingerprint of the model that made the pictures' vectors.
    pub model: &'c str,
}

impl UndoableChange<'_> {
    /// Keeps points as they are before the change.
    ///
    /// # Errors
    /// Those of the trash.
    pub async fn keep(&self, points: Vec<Point>, kind: KeptKind, state: KeptState) -> Result<()> {
        let at = now();
        let kept = points.into_iter().map(|point| KeptPoint {
            point,
            kind,
            state,
            change: self.name.to_owned(),
            by: self.by.map(str::to_owned),
            at,
            until: expiry(kind, at),
            model: self.model.to_owned(),
            emptied: false,
        });
        self.trash.keep(&kept.collect::<Vec<_>>()).await
    }

    /// Adds a line to the journal, and to the log.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn record(&self, action: &str, pictures: u64, detail: Value) -> Result<()> {
        tracing::info!(
            action,
            pictures,
            change = self.name,
            by = self.by,
            "changed pictures"
        );
        let entry = JournalEntry {
            at: now(),
            by: self.by.map(str::to_owned),
            change: self.name.to_owned(),
            action: action.to_owned(),
            pictures,
            detail,
        };
        self.trash.record(&entry).await
    }
}
