//! A value of a field, with how many pictures have it.

use clippy_core::gallery::FacetCount;
use serde::Serialize;
use utoipa::ToSchema;

/// One value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetValue {
    /// The value.
    value: String,
    /// How many pictures have it.
    count: u64,
}

impl FacetValue {
    pub(crate) fn new(value: String, count: u64) -> Self {
        Self { value, count }
    }
}

impl From<FacetCount> for FacetValue {
    fn from(FacetCount { value, count }: FacetCount) -> Self {
        Self { value, count }
    }
}
