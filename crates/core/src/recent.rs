//! Recent queries, with which a re-index compares the results of the old and the new model.
//!
//! They contain nothing personal: no names, times or uploaded pictures, but words and ids of the
//! collection's pictures, which another model can embed again.

use serde::{Deserialize, Serialize};

use crate::ids::PointId;
use crate::search::weights::Weights;

/// Most queries that are remembered.
pub const MOST_RECENT: usize = 200;
/// The longest text that is remembered, in bytes. A longer one is dropped, not cut.
pub const LONGEST_RECENT: usize = 300;

/// What of a search is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentQuery {
    /// The query's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The query's negative words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_text: Option<String>,
    /// Pictures of the collection that the results should be like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<PointId>,
    /// The artist's weights.
    pub weights: Weights,
}

/// Remembers the last [`MOST_RECENT`] different queries.
pub trait RecentQueries: Send + Sync + 'static {
    /// Remembers a query. Never waits for a disk.
    fn record(&self, query: RecentQuery);

    /// Returns the recent queries, the newest first.
    fn recent(&self) -> Vec<RecentQuery>;
}

/// Remembers nothing.
impl RecentQueries for () {
    fn record(&self, _query: RecentQuery) {}

    fn recent(&self) -> Vec<RecentQuery> {
        Vec::new()
    }
}
