//! What was searched for lately, so that a re-index can compare the results of the old model with
//! those of the new one.
//!
//! Nothing personal: no names, no times, no uploaded pictures; words, and ids of pictures of the
//! collection. They are what can be embedded again by another model.

use serde::{Deserialize, Serialize};

use crate::gallery::PerSpace;
use crate::ids::PointId;

/// Most queries that are remembered.
pub const MOST_RECENT: usize = 200;
/// Longest text that is remembered, in bytes; what is longer is left out, not cut.
pub const LONGEST_RECENT: usize = 300;

/// What of a search is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentQuery {
    /// Words that were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Words that were avoided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_text: Option<String>,
    /// Pictures of the collection to be like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<PointId>,
    /// The artist's weights.
    pub weights: PerSpace<f32>,
}

/// Remembers the last [`MOST_RECENT`] different queries.
pub trait RecentQueries: Send + Sync + 'static {
    /// Remembers one; never waits for a disk.
    fn record(&self, query: RecentQuery);

    /// The newest first.
    fn recent(&self) -> Vec<RecentQuery>;
}

/// Remembers nothing.
impl RecentQueries for () {
    fn record(&self, _query: RecentQuery) {}

    fn recent(&self) -> Vec<RecentQuery> {
        Vec::new()
    }
}
