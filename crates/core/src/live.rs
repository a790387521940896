//! The live pair: a model and the collection that it filled. They are always replaced together.
//!
//! A request takes the pair once, at its start, and uses it to its end. So a switch does not affect
//! running requests, and vectors of one model are never compared with a collection of another.

use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};

use crate::embedding::Embedder;
use crate::gallery::{ForwardReads, Gallery};

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
    /// Called after the pair was replaced.
    fn release_old(&self);
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
    /// Holds this pair at first.
    #[must_use]
    pub fn new(live: Live) -> Arc<Self> {
        Arc::new(Self {
            pair: RwLock::new(Arc::new(live)),
            followers: Mutex::default(),
        })
    }

    /// Returns the current pair. Take it once per request.
    #[must_use]
    pub fn now(&self) -> Arc<Live> {
        Arc::clone(&self.pair.read())
    }

    /// Replaces the pair for new requests. Running requests keep theirs.
    pub fn replace(&self, live: Live) {
        let old = std::mem::replace(&mut *self.pair.write(), Arc::new(live));
        self.release(old);
    }

    /// Replaces the pair like [`LivePair::replace`] if it is still `known`, and returns whether it
    /// was. For a caller that decided with older information: a switch that was made meanwhile is
    /// newer.
    pub fn replace_unchanged(&self, known: &Arc<Live>, live: Live) -> bool {
        let live = Arc::new(live);
        let old = {
            let mut pair = self.pair.write();
            if !Arc::ptr_eq(&pair, known) {
                return false;
            }
            std::mem::replace(&mut *pair, live)
        };
        self.release(old);
        true
    }

    /// Drops a replaced pair outside of the lock, since the last owner of a model ends its thread,
    /// and notifies the followers.
    fn release(&self, old: Arc<Live>) {
        drop(old);
        let followers = self.followers.lock().clone();
        followers
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|follower| follower.release_old());
    }

    /// Notifies a follower of switches for as long as it exists.
    pub fn add_follower(&self, follower: Weak<dyn FollowsLive>) {
        let mut followers = self.followers.lock();
        followers.retain(|known| known.strong_count() > 0);
        followers.push(follower);
    }
}

/// Reads from whichever collection is live at each call: for calls without vectors, such as reading
/// a payload.
pub struct LiveGallery {
    pair: Arc<LivePair>,
}

impl LiveGallery {
    /// Follows this pair.
    #[must_use]
    pub fn new(pair: Arc<LivePair>) -> Self {
        Self { pair }
    }
}

impl ForwardReads for LiveGallery {
    type Reader = Arc<dyn Gallery>;

    fn reader(&self) -> Arc<dyn Gallery> {
        Arc::clone(&self.pair.now().gallery)
    }
}
