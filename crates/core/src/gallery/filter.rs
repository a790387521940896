//! Which points of a collection count.

use serde::{Deserialize, Serialize};

use super::Space;
use crate::ids::PointId;

/// Whether a picture needs one of the tags or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagMode {
    /// One of the tags is enough.
    #[default]
    Any,
    /// Every tag must be there.
    All,
}

/// The first version of the schema with an index of the origin. Older collections take no generated
/// pictures, since searches could not leave them out.
pub const ORIGIN_SCHEMA_VERSION: u32 = 3;

/// The first version of the schema with style vectors. Older collections have none, and go on
/// working.
pub const STYLE_SCHEMA_VERSION: u32 = 4;

/// Whether generated pictures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// All pictures count.
    #[default]
    Any,
    /// The gallery's own alone.
    Gallery,
    /// Generated pictures alone.
    Generated,
}

/// Which points count. Applied inside the vector search, not to its results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Tags that `tags_all` must hold, by [`Filter::tag_mode`]; none asks for nothing.
    pub tags: Vec<String>,
    /// How [`Filter::tags`] are meant.
    pub tag_mode: TagMode,
    /// Tags that `tags_all` must not hold.
    pub exclude_tags: Vec<String>,
    /// Ratings that are let through; none lets all through.
    pub ratings: Vec<String>,
    /// Points that are left out.
    pub exclude_ids: Vec<PointId>,
    /// When given, only these points count.
    pub only_ids: Option<Vec<PointId>>,
    /// Spaces in which a point has no vector: it counts when any of them is missing. None asks for
    /// nothing.
    pub missing_any: Vec<Space>,
    /// Whether generated pictures count.
    pub origin: Origin,
}

impl Filter {
    /// Whether it may leave out a good part of the collection, and not just a few points.
    #[must_use]
    pub fn narrows(&self) -> bool {
        !(self.tags.is_empty()
            && self.exclude_tags.is_empty()
            && self.ratings.is_empty()
            && self.missing_any.is_empty())
            || self.only_ids.is_some()
            || self.origin == Origin::Generated
    }
}
