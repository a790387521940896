//! The request of a `backfill` job.

use clippy_core::bulk::{BackfillRequest, StylesRequest, TagRequest};
use serde::{Deserialize, Serialize};

/// What a `backfill` job does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BackfillWork {
    /// Proposes tags. The field `at_least` distinguishes it.
    Tag(TagRequest),
    /// Finds styles. The field `find_styles_afresh` distinguishes it.
    Styles(StylesRequest),
    /// Makes vectors of the pictures of a manifest.
    Vectors(Box<BackfillRequest>),
}
