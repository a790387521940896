//! Recent queries in memory.

use clippy_core::recent::{RecentQueries, RecentQuery};
use parking_lot::Mutex;

/// The recorded queries, newest first.
#[derive(Debug, Default)]
pub struct MemoryRecent(Mutex<Vec<RecentQuery>>);

impl RecentQueries for MemoryRecent {
    fn record(&self, query: RecentQuery) {
        self.0.lock().insert(0, query);
    }

    fn recent(&self) -> Vec<RecentQuery> {
        self.0.lock().clone()
    }
}
