//! Counts of payload values, for servers and collections that cannot count them by an index.

use std::collections::{BTreeMap, HashSet};

use clippy_core::Result;
use clippy_core::gallery::FacetCount;
use clippy_core::ids::PointId;
use qdrant_client::qdrant as wire;

use super::Inner;
use super::convert::{id_in, with_vectors};
use super::shape::Shape;

impl Inner {
    /// Counts values by reading all points: for a collection without an index of the field.
    pub(super) async fn facet_by_walking(
        &self,
        shape: &Shape,
        field: &str,
        filter: Option<wire::Filter>,
    ) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        let mut from: Option<PointId> = None;
        let include = wire::PayloadIncludeSelector {
            fields: vec![field.to_owned()],
        };
        loop {
            let request = wire::ScrollPoints {
                filter: filter.clone(),
                offset: from.map(id_in),
                limit: Some(5_000),
                with_payload: Some(wire::WithPayloadSelector {
                    selector_options: Some(wire::with_payload_selector::SelectorOptions::Include(
                        include.clone(),
                    )),
                }),
                with_vectors: with_vectors(&[]),
                ..wire::ScrollPoints::default()
            };
            let (points, next) = self.page(shape, request).await?;
            for point in points {
                for value in distinct_words(point.payload.get(field)) {
                    *counts.entry(value).or_insert(0) += 1;
                }
            }
            if next.is_none() {
                return Ok(counts);
            }
            from = next;
        }
    }
}

/// Returns the values of a payload field, each once.
fn distinct_words(value: Option<&serde_json::Value>) -> HashSet<String> {
    match value {
        Some(serde_json::Value::String(word)) => HashSet::from([word.clone()]),
        Some(serde_json::Value::Array(values)) => values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect(),
        _ => HashSet::new(),
    }
}

/// Returns the most frequent values first; equal counts in the order of the values.
pub(super) fn most_frequent(
    counts: impl IntoIterator<Item = (String, u64)>,
    limit: usize,
) -> Vec<FacetCount> {
    let mut counts: Vec<FacetCount> = counts
        .into_iter()
        .map(|(value, count)| FacetCount { value, count })
        .filter(|found| found.count > 0)
        .collect();
    counts.sort_unstable_by(|left, right| {
        right
            .count
            .cmp(&left.count)
            .then_with(|| left.value.cmp(&right.value))
    });
    counts.truncate(limit);
    counts
}
