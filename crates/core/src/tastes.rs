//! The preferences of artists as they are exported and imported, also from Clippy 0.2.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The preferences of one artist.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Taste {
    /// The artist.
    pub user_id: String,
    /// Weights from 0 to 1 by tag, in lower case.
    pub tags: BTreeMap<String, f64>,
    /// Weights from 0 to 1 by style.
    pub styles: BTreeMap<String, f64>,
    /// How many clicks were counted.
    pub clicked: u64,
    /// How many saves were counted.
    pub saved: u64,
}

/// What an import changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TastesImported {
    /// Artists in the file.
    pub artists: u64,
    /// Weights of tags that are new or higher now.
    pub tags: u64,
    /// Weights of styles that are new or higher now.
    pub styles: u64,
}

/// Reads all preferences, and stores imported ones.
#[async_trait]
pub trait Tastes: Send + Sync + 'static {
    /// Up to `limit` artists whose names come after `after` in the order of their bytes.
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Taste>>;

    /// Imports all of them, or none. Where both sides have a weight or count the higher one wins,
    /// so that a second import changes nothing.
    async fn import(&self, tastes: Vec<Taste>) -> Result<TastesImported>;
}

/// Clippy 0.2's file of preferences, `kg_store.json`.
#[derive(Deserialize)]
struct Store {
    users: BTreeMap<String, User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    tags: BTreeMap<String, f64>,
    #[serde(default)]
    styles: BTreeMap<String, f64>,
    #[serde(default)]
    edges: Edges,
}

#[derive(Deserialize, Default)]
struct Edges {
    #[serde(default)]
    clicked: Vec<IgnoredAny>,
    #[serde(default)]
    saved: Vec<IgnoredAny>,
}

/// Reads Clippy 0.2's `kg_store.json`.
///
/// # Errors
/// [`crate::ErrorCode::InvalidInput`] with the reason when it is not such a file.
pub fn of_clippy_0_2(file: &[u8]) -> Result<Vec<Taste>> {
    let store: Store = serde_json::from_slice(file).map_err(|error| {
        Error::invalid(format!("it is no kg_store.json of Clippy 0.2: {error}"))
    })?;
    let taste = |(user_id, user): (String, User)| Taste {
        user_id: user_id.trim().to_owned(),
        tags: weights(user.tags, str::to_lowercase),
        styles: weights(user.styles, str::to_owned),
        clicked: user.edges.clicked.len() as u64,
        saved: user.edges.saved.len() as u64,
    };
    Ok(store
        .users
        .into_iter()
        .map(taste)
        .filter(|taste| !taste.user_id.is_empty())
        .collect())
}

/// Clamps weights to 0..1; of names that become the same, the highest weight wins.
fn weights(given: BTreeMap<String, f64>, change: impl Fn(&str) -> String) -> BTreeMap<String, f64> {
    let mut kept = BTreeMap::new();
    for (name, weight) in given {
        let name = change(name.trim());
        if !name.is_empty() && weight.is_finite() {
            let known = kept.entry(name).or_insert(0.0_f64);
            *known = known.max(weight.clamp(0.0, 1.0));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_clippy_0_2_is_understood() {
        let file = br#"{
  "users": {
    "ann": {
      "tags": {"1girl": 0.135, "Solo": 0.2, "solo": 0.1, "much": 7},
      "styles": {"pixel_art": 0.05},
      "edges": {"clicked": [{"image_id": 5000001, "ts": 1757840000}, {"image_id": null, "ts": 1}],
      "saved": [{"image_id": "x", "ts": 2}]}
    },
    "empty": {"tags": {}, "styles": {}, "edges": {"clicked": [], "saved": []}},
    " ": {"tags": {"x": 1}}
  }
}"#;
        let tastes = of_clippy_0_2(file).expect("0.2's file");
        assert_eq!(tastes.len(), 2);
        let ann = &tastes[0];
        assert_eq!(
            (ann.user_id.as_str(), ann.clicked, ann.saved),
            ("ann", 2, 1)
        );
        let tags: Vec<(&str, f64)> = ann
            .tags
            .iter()
            .map(|(tag, weight)| (tag.as_str(), *weight))
            .collect();
        assert_eq!(tags, [("1girl", 0.135), ("much", 1.0), ("solo", 0.2)]);
        assert_eq!(ann.styles["pixel_art"], 0.05);
    }

    #[test]
    fn another_file_is_refused_with_the_reason() {
        for file in [&b"[]"[..], b"{}", b"", b"{\"users\": 3}"] {
            let error = of_clippy_0_2(file).expect_err("no such file");
            assert!(error.message.contains("kg_store.json"), "{}", error.message);
        }
    }
}
