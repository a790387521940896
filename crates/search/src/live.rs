//! The searcher of the live pair. Each pair of model and collection has its own, and they are never
//! mixed.

use std::sync::{Arc, Weak};

use clippy_core::live::{FollowsLive, Live, LivePair};
use parking_lot::Mutex;

use crate::Searcher;

/// Makes a searcher of a pair.
pub type MakeSearcher = Arc<dyn Fn(&Live) -> Searcher + Send + Sync>;

/// Gives each search the searcher of the pair that is live when it begins.
pub struct LiveSearcher {
    live: Arc<LivePair>,
    make: MakeSearcher,
    newest: Mutex<Newest>,
}

/// The last searcher that was made, and its pair.
struct Newest {
    live: Arc<Live>,
    searcher: Arc<Searcher>,
}

impl LiveSearcher {
    /// Follows this pair.
    #[must_use]
    pub fn new(live: Arc<LivePair>, make: MakeSearcher) -> Arc<Self> {
        let now = live.now();
        let newest = Mutex::new(Newest {
            searcher: Arc::new(make(&now)),
            live: now,
        });
        let searcher = Arc::new(Self { live, make, newest });
        let follower: Weak<Self> = Arc::downgrade(&searcher);
        searcher.live.add_follower(follower);
        searcher
    }

    /// Returns the searcher of the live pair, and the pair. Take it once for each search, and use
    /// it until the search ends.
    #[must_use]
    pub fn now(&self) -> (Arc<Searcher>, Arc<Live>) {
        let live = self.live.now();
        let mut newest = self.newest.lock();
        if !Arc::ptr_eq(&newest.live, &live) {
            *newest = Newest {
                searcher: Arc::new((self.make)(&live)),
                live,
            };
        }
        (Arc::clone(&newest.searcher), Arc::clone(&newest.live))
    }
}

impl FollowsLive for LiveSearcher {
    fn release_old(&self) {
        // Frees the old model and the old collection, even when no search follows for a while.
        drop(self.now());
    }
}
