//! How crowded it is around pictures, looked up once and kept for a while.

use std::collections::HashMap;
use std::time::Duration;

use clippy_core::Result;
use clippy_core::gallery::{Crowding, Gallery};
use clippy_core::ids::PointId;
use clippy_core::search::crowding::{NEIGHBOURS, SPACES};
use moka::future::Cache;

/// Most pictures that are known of: a few megabytes.
const MOST_KNOWN: u64 = 100_000;
/// How long what is known of a picture holds. Its neighbourhood changes as the collection grows,
/// and slowly.
const HOLDS: Duration = Duration::from_secs(3_600);

/// What is known of the pictures of one collection.
pub(crate) struct Crowds {
    known: Cache<PointId, Crowding>,
}

impl Default for Crowds {
    fn default() -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(MOST_KNOWN)
                .time_to_live(HOLDS)
                .build(),
        }
    }
}

impl Crowds {
    /// The crowding around these pictures, in their order. Those that are not known are looked up
    /// together.
    ///
    /// # Errors
    /// What the collection reports.
    pub(crate) async fn around(
        &self,
        gallery: &dyn Gallery,
        ids: &[PointId],
    ) -> Result<Vec<Crowding>> {
        let mut found: HashMap<PointId, Crowding> = HashMap::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for id in ids {
            match self.known.get(id).await {
                Some(crowding) => drop(found.insert(*id, crowding)),
                None => unknown.push(*id),
            }
        }
        if !unknown.is_empty() {
            let looked_up = gallery.crowding(&unknown, &SPACES, NEIGHBOURS).await?;
            for (id, crowding) in unknown.into_iter().zip(looked_up) {
                self.known.insert(id, crowding).await;
                found.insert(id, crowding);
            }
        }
        Ok(ids
            .iter()
            .map(|id| found.get(id).copied().unwrap_or_default())
            .collect())
    }

    /// From now on everything is looked up anew.
    pub(crate) fn forget(&self) {
        self.known.invalidate_all();
    }
}
