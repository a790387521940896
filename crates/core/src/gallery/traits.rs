//! What a collection can do, in three parts: reading, writing and notes.

use std::collections::BTreeMap;
use std::ops::Deref;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, HybridQuery, Page, Payload, Point,
    Space, Vectors, With,
};
use crate::ids::PointId;
use crate::{ErrorCode, Result};

/// Reads and searches a collection. Reads see every acknowledged write at once; scores are exact
/// cosines.
#[async_trait]
pub trait GalleryReader: Send + Sync + 'static {
    /// Describes the collection as it is now.
    async fn info(&self) -> Result<CollectionInfo>;

    /// The points with these ids that exist, in the order asked for.
    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>>;

    /// The best points by each probe, every one of them scored by all probes.
    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates>;

    /// The crowding around these points, in the order asked for: in each of these spaces the mean
    /// cosine to the `neighbours` nearest other points. `None` where the point has no vector or
    /// does not exist, and where fewer others have one. Neighbours are found through the graphs,
    /// as [`GalleryReader::hybrid`] finds candidates.
    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>>;

    /// A page of points in the order of their ids, beginning at `from`. Whatever is written in the
    /// meantime, a walk from page to page visits every point that exists all the time; a page may
    /// be short, even empty, without being the last.
    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page>;

    /// The ids of up to `most` points that the filter selects, the newest first: by
    /// [`super::ADDED_FIELD`], which other points lack and are therefore left out. Points with the
    /// same value come in no particular order, each once. A collection without an index of the
    /// field (an older one on a server) has no such points.
    async fn newest(&self, filter: &Filter, most: usize) -> Result<Vec<PointId>>;

    /// The exact number of points that the filter selects.
    async fn count(&self, filter: &Filter) -> Result<u64>;

    /// The most frequent values of a keyword field among the points that the filter selects.
    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>>;
}

/// Changes a collection. What was acknowledged survives a `kill -9`; when the input of a batch is
/// refused, nothing of the batch is visible.
#[async_trait]
pub trait GalleryWriter: Send + Sync + 'static {
    /// Adds or replaces whole points: payload and all vectors.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] for a vector of another length, or one that is not
    /// finite.
    async fn upsert(&self, points: Vec<Point>) -> Result<()>;

    /// Replaces the vectors that are given; vectors that are `None`, and the payload, stay as they
    /// are. Points that do not exist are left out.
    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()>;

    /// Sets these payload fields; other fields stay as they are.
    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()>;

    /// Sets the same payload fields of several points; their other fields stay as they are. Points
    /// that do not exist are left out.
    async fn set_payload_of(&self, ids: &[PointId], fields: Payload) -> Result<()> {
        for id in ids {
            match self.set_payload(*id, fields.clone()).await {
                Err(error) if error.code == ErrorCode::NotFound => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Deletes points; those that do not exist are left out.
    async fn delete(&self, ids: &[PointId]) -> Result<()>;

    /// Adds a folder to [`CollectionInfo::roots`].
    async fn add_root(&self, root: &str) -> Result<()>;

    /// Builds the search graphs after a load; returns when they are complete.
    async fn optimize(&self) -> Result<()>;
}

/// Small pieces of JSON that are kept with a collection, such as its calibration.
#[async_trait]
pub trait GalleryNotes: Send + Sync + 'static {
    /// The note with this name; `None` when there is none.
    async fn note(&self, name: &str) -> Result<Option<Value>>;

    /// All notes, by their names.
    async fn notes(&self) -> Result<BTreeMap<String, Value>>;

    /// Stores a note of up to [`super::LONGEST_NOTE`] bytes of JSON. It replaces the note with the
    /// same name; other notes stay.
    async fn set_note(&self, name: &str, note: Value) -> Result<()>;
}

/// A collection of pictures: all that an engine implements.
pub trait Gallery: GalleryReader + GalleryWriter + GalleryNotes {}

impl<T: GalleryReader + GalleryWriter + GalleryNotes> Gallery for T {}

/// A wrapper that passes all reads on to another collection: [`GalleryReader`] follows from it.
pub trait ForwardReads: Send + Sync + 'static {
    /// A handle of the other collection, cheap to make.
    type Reader: Deref<Target: GalleryReader> + Send + Sync;

    /// The collection that is read from, now.
    fn reader(&self) -> Self::Reader;
}

#[async_trait]
impl<T: ForwardReads> GalleryReader for T {
    async fn info(&self) -> Result<CollectionInfo> {
        self.reader().info().await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.reader().retrieve(ids, with).await
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.reader().hybrid(query).await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        self.reader().crowding(ids, spaces, neighbours).await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        self.reader().scroll(filter, from, limit, with).await
    }

    async fn newest(&self, filter: &Filter, most: usize) -> Result<Vec<PointId>> {
        self.reader().newest(filter, most).await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        self.reader().count(filter).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        self.reader().facet(field, filter, limit).await
    }
}
