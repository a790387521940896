//! Filters: which points of a collection a query considers.

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

/// The first version of the schema with indexes of proposed tags. Older collections take none.
pub const PROPOSED_SCHEMA_VERSION: u32 = 5;

/// The first version of the schema with an index of the groups of styles.
pub const STYLE_GROUPS_SCHEMA_VERSION: u32 = 6;

/// Selects pictures by their proposed tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The fingerprint of the model: proposals of other models do not count.
    pub by: String,
    /// Proposed tags, of which the picture must have one. Empty: pictures for which this model
    /// looked for tags, whether or not it found any.
    pub words: Vec<String>,
}

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

/// Selects points. It is applied inside the vector search, not to its results.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Tags that `tags_all` must hold, by [`Filter::tag_mode`]. Empty: no condition.
    pub tags: Vec<String>,
    /// Whether one of [`Filter::tags`] is enough or all are required.
    pub tag_mode: TagMode,
    /// Tags of which `tags_all` must hold one, whatever [`Filter::tags`] asks for: several styles
    /// of which any is wanted. Empty: no condition.
    pub any_tags: Vec<String>,
    /// Tags that `tags_all` must not hold.
    pub exclude_tags: Vec<String>,
    /// Allowed ratings. Empty: no condition.
    pub ratings: Vec<String>,
    /// Points that are left out.
    pub exclude_ids: Vec<PointId>,
    /// When given, only these points are selected.
    pub only_ids: Option<Vec<PointId>>,
    /// Selects points that lack a vector in any of these spaces. Empty: no condition.
    pub missing_any: Vec<Space>,
    /// Whether generated pictures count.
    pub origin: Origin,
    /// Selects points that have a vector in each of these spaces. Empty: no condition.
    pub having: Vec<Space>,
    /// When given, only points with such proposed tags are selected.
    pub proposed: Option<Proposed>,
    /// Values of [`super::STYLE_GROUP_FIELD`] of which a point needs one. Empty: no condition.
    pub style_groups: Vec<String>,
    /// Selects points with a style vector and none of these values of
    /// [`super::STYLE_GROUP_FIELD`]. Empty: no condition.
    pub outside_style_groups: Vec<String>,
}

impl Filter {
    /// Whether it may exclude a large part of the collection, not just a few points.
    #[must_use]
    pub fn narrows(&self) -> bool {
        !(self.tags.is_empty()
            && self.any_tags.is_empty()
            && self.exclude_tags.is_empty()
            && self.ratings.is_empty()
            && self.missing_any.is_empty()
            && self.having.is_empty()
            && self.style_groups.is_empty()
            && self.outside_style_groups.is_empty())
            || self.proposed.is_some()
            || self.only_ids.is_some()
            || self.origin == Origin::Generated
    }
}
