//! The request of a `backfill` job.

use clippy_core::bulk::{BackfillRequest, StylesRequest, TagRequest};
use clippy_core::changes::ChangeJob;
use clippy_core::maps::MapRequest;
use serde::{Deserialize, Serialize};

/// What a `backfill` job does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BackfillWork {
    /// Changes many pictures. The field `change_pictures` distinguishes it.
    Change(Box<ChangeJob>),
    /// Proposes tags. The field `at_least` distinguishes it.
    Tag(TagRequest),
    /// Finds styles. The field `find_styles_afresh` distinguishes it.
    Styles(StylesRequest),
    /// Makes a map. The field `make_map` distinguishes it.
    Map(MapRequest),
    /// Makes vectors of the pictures of a manifest.
    Vectors(Box<BackfillRequest>),
}
