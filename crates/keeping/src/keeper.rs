//! Takes pictures out of a collection, and keeps copies of them.

use clippy_core::Result;
use clippy_core::embedding::Embedder;
use clippy_core::gallery::{Gallery, Point, With};
use clippy_core::ids::PointId;
use clippy_core::trash::{
    JournalEntry, KeptFilter, KeptKind, KeptPoint, KeptState, Trash, expiry, now,
};
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
        self.keep(points, kind, KeptState::Begun).await?;
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

    /// Keeps points as they are before a change.
    pub(crate) async fn keep(
        &self,
        points: Vec<Point>,
        kind: KeptKind,
        state: KeptState,
    ) -> Result<()> {
        let at = now();
        let model = &self.embedder.info().fingerprint;
        let kept = points.into_iter().map(|point| KeptPoint {
            point,
            kind,
            state,
            change: self.change.to_owned(),
            by: self.by.map(str::to_owned),
            at,
            until: expiry(kind, at),
            model: model.clone(),
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
            change = self.change,
            by = self.by,
            "changed pictures"
        );
        let entry = JournalEntry {
            at: now(),
            by: self.by.map(str::to_owned),
            change: self.change.to_owned(),
            action: action.to_owned(),
            pictures,
            detail,
        };
        self.trash.record(&entry).await
    }
}
