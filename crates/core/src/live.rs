//! The live pair: a model and the collection that it filled. They are always replaced together.
//!
//! A request takes the pair once, at its start, and uses it to its end. So a switch does not affect
//! running requests, and vectors of one model are never compared with a collection of another.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;

use crate::Result;
use crate::embedding::Embedder;
use crate::gallery::{
    Candidates, CollectionInfo, Crowding, FacetCount, Filter, Gallery, HybridQuery, Page, Payload,
    Point, Space, Vectors, With,
};
use crate::ids::PointId;

/// A model and the physical collection that it filled.
#[derive(Clone)]
pub struct Live {
    /// The physical collection's own name.
    pub name: String,
    /// The model.
    pub embedder: Arc<dyn Embedder>,
    /// The collection.
    pub gallery: Arc<dyn Gallery>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let model = &self.embedder.info().name;
        formatter
            .debug_struct("Live")
            .field("name", &self.name)
            .field("model", model)
            .finish_non_exhaustive()
    }
}

/// Notified of a switch, so that it can release the old pair.
pub trait FollowsLive: Send + Sync {
    /// The pair was replaced.
    fn replaced(&self);
}

/// The live pair of this process.
pub struct LivePair {
    pair: RwLock<Arc<Live>>,
    followers: Mutex<Vec<Weak<dyn FollowsLive>>>,
}

impl std::fmt::Debug for LivePair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("LivePair")
            .field(&self.now())
            .finish()
    }
}

impl LivePair {
    /// Starts with this pair.
    #[must_use]
    pub fn new(live: Live) -> Arc<Self> {
        Arc::new(Self {
            pair: RwLock::new(Arc::new(live)),
            followers: Mutex::default(),
        })
    }

    /// The current pair. Take it once per request.
    #[must_use]
    pub fn now(&self) -> Arc<Live> {
        Arc::clone(&self.pair.read())
    }

    /// Replaces the pair for new requests. Running requests keep theirs.
    pub fn replace(&self, live: Live) {
        let live = Arc::new(live);
        let old = std::mem::replace(&mut *self.pair.write(), live);
        // Dropped outside of the lock, since the last owner of a model ends its thread.
        drop(old);
        let followers = self.followers.lock().clone();
        followers
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|follower| follower.replaced());
    }

    /// Notifies a follower of switches for as long as it exists.
    pub fn tell(&self, follower: Weak<dyn FollowsLive>) {
        let mut followers = self.followers.lock();
        followers.retain(|known| known.strong_count() > 0);
        followers.push(follower);
    }
}

/// Whichever collection is live at each call: for calls that no vector goes through, such as a look
/// at a payload.
pub struct LiveGallery {
    pair: Arc<LivePair>,
}

impl LiveGallery {
    /// Follows this pair.
    #[must_use]
    pub fn new(pair: Arc<LivePair>) -> Self {
        Self { pair }
    }

    fn now(&self) -> Arc<dyn Gallery> {
        Arc::clone(&self.pair.now().gallery)
    }
}

#[async_trait]
impl Gallery for LiveGallery {
    async fn info(&self) -> Result<CollectionInfo> {
        self.now().info().await
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<()> {
        self.now().upsert(points).await
    }

    async fn update_vectors(&self, updates: Vec<(PointId, Vectors)>) -> Result<()> {
        self.now().update_vectors(updates).await
    }

    async fn set_payload(&self, id: PointId, fields: Payload) -> Result<()> {
        self.now().set_payload(id, fields).await
    }

    async fn retrieve(&self, ids: &[PointId], with: With) -> Result<Vec<Point>> {
        self.now().retrieve(ids, with).await
    }

    async fn crowding(
        &self,
        ids: &[PointId],
        spaces: &[Space],
        neighbours: usize,
    ) -> Result<Vec<Crowding>> {
        self.now().crowding(ids, spaces, neighbours).await
    }

    async fn hybrid(&self, query: HybridQuery) -> Result<Candidates> {
        self.now().hybrid(query).await
    }

    async fn scroll(
        &self,
        filter: &Filter,
        from: Option<PointId>,
        limit: usize,
        with: With,
    ) -> Result<Page> {
        self.now().scroll(filter, from, limit, with).await
    }

    async fn count(&self, filter: &Filter) -> Result<u64> {
        self.now().count(filter).await
    }

    async fn facet(&self, field: &str, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>> {
        self.now().facet(field, filter, limit).await
    }

    async fn delete(&self, ids: &[PointId]) -> Result<()> {
        self.now().delete(ids).await
    }

    async fn add_root(&self, root: &str) -> Result<()> {
        self.now().add_root(root).await
    }

    async fn note(&self, name: &str) -> Result<Option<Value>> {
        self.now().note(name).await
    }

    async fn set_note(&self, name: &str, note: Value) -> Result<()> {
        self.now().set_note(name, note).await
    }

    async fn optimize(&self) -> Result<()> {
        self.now().optimize().await
    }
}
