//! The collection on the Qdrant engine in this process (qdrant-edge).

mod convert;
mod copy;
mod crowding;
mod filter;
mod generations;
mod hybrid;
mod journal;
pub(crate) mod metadata;
mod migrate;
mod operation;
mod rebuild;
mod room;
mod shard;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, GalleryNotes, GalleryReader,
    GalleryWriter, HybridQuery, Page, Payload, Point, Space, Vectors, With, check_note,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result, blocking};
use qdrant_edge as engine;
use serde_json::Value;

use self::operation::Operation;
use self::store::Store;
use crate::schema::Schema;
use crate::vectors::{self, last_of_each};

/// Which collection to open, and for which model.
#[derive(Debug, Clone)]
pub struct EdgeOptions {
    /// The collection's own folder; made when it is missing.
    pub folder: PathBuf,
    /// The collection's name, for messages and [`CollectionInfo::name`].
    pub name: String,
    /// The model in use. A collection that another model filled is refused.
    pub model: ModelInfo,
    /// Kilobytes of vectors in a space above which graphs are built; `None` means the schema's
    /// value.
    pub indexing_threshold_kb: Option<usize>,
}

/// A collection that belongs to this process.
#[derive(Debug, Clone)]
pub struct EdgeGallery {
    store: Arc<Store>,
}

impl EdgeGallery {
    /// Opens a collection or makes it, applies pending migrations, and replays the journal of a
    /// process that was killed.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Conflict`] when another process holds it, when another model (or
    /// another dimension) filled it, or when a newer schema made it; the message names both
    /// sides.
    pub async fn open(options: EdgeOptions) -> Result<Self> {
        let store = blocking("opening the collection", move || Store::open(options)).await?;
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Opens an existing collection, whatever model filled it.
    ///
    /// # Errors
    /// Like [`EdgeGallery::open`], and [`clippy_core::ErrorCode::NotFound`] when there is none.
    pub async fn open_existing(
        folder: PathBuf,
        name: String,
        indexing_threshold_kb: Option<usize>,
    ) -> Result<Self> {
        let model = {
            let (folder, name) = (folder.clone(), name.clone());
            blocking("reading the collection's model", move || {
                store::model_of(&folder, &name)
            })
            .await?
        };
        Self::open(EdgeOptions {
            folder,
            name,
            model,
            indexing_threshold_kb,
        })
        .await
    }

    /// Describes a collection without opening it; `None` when there is none. The number of points
    /// is that of the last checkpoint.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the folder cannot be read.
    pub fn inspect(folder: &Path, name: &str) -> Result<Option<CollectionInfo>> {
        store::inspect(folder, name)
    }

    /// Copies the collection's files into a folder that is missing or empty. Returns how many points
    /// the copy has, and what `pause` returned: it makes all writes wait until it is dropped.
    ///
    /// # Errors
    /// Those of `pause`; [`clippy_core::ErrorCode::Internal`] when the disk is full or broken.
    pub(crate) async fn copy_to<P: Send + 'static>(
        &self,
        into: PathBuf,
        pause: impl FnOnce() -> Result<P> + Send + 'static,
    ) -> Result<(u64, P)> {
        self.with_store(move |store| store.copy_to(&into, pause))
            .await
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(&self.store);
        blocking("work on the collection", move || work(&store)).await
    }
}

#[async_trait]
impl GalleryReader for EdgeGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        self.with_store(Store::info).await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        let ids = ids.to_vec();
        self.with_store(move |store| store.live().retrieve(&ids, with))
            .await
    }

    async fn hybrid(&self, mut query: HybridQuery) -> Result<Candidates> {
        self.with_store(move |store| {
            vectors::check_and_normalise_probes(&mut query.probes, store.shape.dimension)?;
            let spellings = store.spellings_for(&query.filter, &query.lexical_tags)?;
            hybrid::hybrid(&store.live(), &query, &spellings)
        })
        .await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        let (ids, spaces) = (ids.to_vec(), spaces.to_vec());
        self.with_store(move |store| crowding::crowding(&store.live(), &ids, &spaces, neighbours))
            .await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        let filter = filter.clone();
        self.with_store(move |store| {
            let filter = store.filter_in(&filter)?;
            let (points, next) = store.page(filter, from, limit.max(1), with)?;
            Ok(Page { points, next })
        })
        .await
    }

    async fn newest(&self, filter: &Filter, most: usize) -> Result<Vec<PointId>> {
        let filter = filter.clone();
        self.with_store(move |store| store.live().newest(store.filter_in(&filter)?, most))
            .await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        let filter = filter.clone();
        self.with_store(move |store| store.live().count(store.filter_in(&filter)?))
            .await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        if !Schema::current().is_keyword(field) {
            return Err(Error::invalid(format!(
                "values of \"{field}\" cannot be counted: it has no keyword index"
            )));
        }
        let key = convert::field_path(field)?;
        let filter = filter.clone();
        self.with_store(move |store| {
            // With a filter, even one that selects all points, the engine counts points. Without
            // one it reads its index, which may still contain deleted points.
            let filter = store.filter_in(&filter)?.unwrap_or_else(filter::everything);
            let request = engine::FacetRequest {
                key,
                limit: u32::MAX as usize,
                filter: Some(filter),
                exact: true,
            };
            let shard = store.live();
            let answer = shard::call_engine("count values", || shard.engine().facet(request))?;
            let mut counts: Vec<FacetCount> = answer
                .hits
                .into_iter()
                .filter_map(|hit| match hit.value {
                    engine::FacetValue::Keyword(value) if hit.count > 0 => Some(FacetCount {
                        value,
                        count: hit.count as u64,
                    }),
                    _ => None,
                })
                .collect();
            counts.sort_unstable_by(|left, right| {
                right
                    .count
                    .cmp(&left.count)
                    .then_with(|| left.value.cmp(&right.value))
            });
            counts.truncate(limit);
            Ok(counts)
        })
        .await
    }
}

#[async_trait]
impl GalleryWriter for EdgeGallery {
    async fn upsert(&self, mut points: Vec<Point>) -> Result<()> {
        self.with_store(move |store| {
            for point in &mut points {
                vectors::check_and_normalise(&mut point.vectors, store.shape.dimension)
                    .map_err(|error| vectors::of_point(point.id, error))?;
            }
            store.change(Operation::Put(last_of_each(points)))
        })
        .await
    }

    async fn update_vectors(&self, mut updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.with_store(move |store| {
            for (id, update) in &mut updates {
                vectors::check_and_normalise(update, store.shape.dimension)
                    .map_err(|error| vectors::of_point(*id, error))?;
            }
            updates.retain(|(_, update)| update.iter().any(|(_, vector)| vector.is_some()));
            store.change(Operation::Vectors(updates))
        })
        .await
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.with_store(move |store| {
            if store.live().existing(&[id])?.is_empty() {
                return Err(Error::not_found(format!(
                    "the collection {} has no picture {id}",
                    store.name
                )));
            }
            store.change(Operation::Fields(vec![id], fields))
        })
        .await
    }

    async fn set_payload_of(&self, ids: &[PointId], fields: Payload) -> Result<()> {
        let ids = ids.to_vec();
        self.with_store(move |store| store.change(Operation::Fields(ids, fields)))
            .await
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        let ids = ids.to_vec();
        self.with_store(move |store| store.change(Operation::Delete(ids)))
            .await
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        let root = root.to_owned();
        self.with_store(move |store| store.add_root(&root)).await
    }

    async fn optimize(&self) -> Result<()> {
        self.with_store(Store::optimize).await
    }
}

#[async_trait]
impl GalleryNotes for EdgeGallery {
    async fn note(&self, name: &str) -> Result<Option<Value>> {
        let name = name.to_owned();
        self.with_store(move |store| Ok(store.note(&name))).await
    }

    async fn notes(&self) -> Result<BTreeMap<String, Value>> {
        self.with_store(|store| Ok(store.notes())).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        check_note(name, &note)?;
        let name = name.to_owned();
        self.with_store(move |store| store.set_note(&name, note))
            .await
    }
}
