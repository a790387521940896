//! Takes pictures out of a collection, and keeps copies of them.

use clippy_core::Result;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{Gallery, With};
use clippy_core::ids::PointId;
use clippy_core::trash::{KeptFilter, KeptKind, KeptState, Trash, UndoableChange};
use clippy_tagging::take_turn;
use serde_json::Value;

/// Changes pictures of one collection, as one change that can be undone.
pub struct Keeper<'k> {
    /// The collection.
    pub gallery: &'k dyn Gallery,
    /// The model that filled it.
    pub embedder: &'k dyn Embedder,
    /// Keeps the pictures as they were before the change.
    pub trash: &'k dyn Trash,
    /// The name of the change: the id of a job or of a call.
    pub change: &'k str,
    /// Who asked for it: the name of a key, if there is one.
    pub by: Option<&'k str>,
}

impl Keeper<'_> {
    /// Deletes or hides pictures. Returns how many were in the collection.
    ///
    /// # Errors
    /// Those of the collection and of the trash. Repeating the call completes it.
    pub async fn remove(&self, ids: &[PointId], kind: KeptKind) -> Result<u64> {
        let _turn = take_turn().await;
        let points = self.gallery.retrieve(ids, With::ALL).await?;
        let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        self.undoable().keep(points, kind, KeptState::Begun).await?;
        self.gallery.delete(&ids).await?;
        let filter = KeptFilter {
            change: Some(self.change.to_owned()),
            ids: Some(ids.clone()),
            kinds: vec![kind],
            states: vec![KeptState::Begun],
        };
        let begun = self.trash.list(&filter, 0, ids.len()).await?;
        let numbers: Vec<u64> = begun.iter().map(|one| one.number).collect();
        self.trash.set_state(&numbers, KeptState::Done).await?;
        Ok(ids.len() as u64)
    }

    pub(crate) fn undoable(&self) -> UndoableChange<'_> {
        UndoableChange {
            trash: self.trash,
            name: self.change,
            by: self.by,
            model: &self.embedder.info().fingerprint,
        }
    }

    /// Adds a line to the journal, and to the log.
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn record(&self, action: &str, pictures: u64, detail: Value) -> Result<()> {
        self.undoable().record(action, pictures, detail).await
    }
}
