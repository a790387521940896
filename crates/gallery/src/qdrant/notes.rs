//! Notes of a collection, such as its calibration: entries of its metadata.

use std::collections::BTreeMap;

use clippy_core::Result;
use qdrant_client::qdrant as wire;
use serde_json::Value;

use super::QdrantGallery;
use super::metadata::{note, note_entry, notes};

impl QdrantGallery {
    /// Reads the note of this name; `None` when there is none.
    ///
    /// # Errors
    /// Like [`QdrantGallery::open`].
    pub(super) async fn read_note(&self, name: &str) -> Result<Option<Value>> {
        note(&self.inner.refresh().await?.config.metadata, name)
    }

    /// Reads all notes, by their names.
    ///
    /// # Errors
    /// Like [`QdrantGallery::open`].
    pub(super) async fn read_notes(&self) -> Result<BTreeMap<String, Value>> {
        notes(&self.inner.refresh().await?.config.metadata)
    }

    /// Stores a note. It replaces the note with the same name; other notes stay.
    ///
    /// # Errors
    /// Like [`QdrantGallery::open`].
    pub(super) async fn write_note(&self, name: &str, note: Value) -> Result<()> {
        let request = wire::UpdateCollection {
            collection_name: self.inner.physical.clone(),
            metadata: note_entry(name, note),
            ..wire::UpdateCollection::default()
        };
        let what = "write the collection's metadata";
        self.inner
            .connection
            .write(what, async |client| client.update_collection(request).await)
            .await?;
        self.inner.refresh().await?;
        Ok(())
    }
}
