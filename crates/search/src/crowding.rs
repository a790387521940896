//! The crowding around pictures, measured once and cached for a while.

use std::collections::HashMap;
use std::time::Duration;

use clippy_core::Result;
use clippy_core::gallery::{Crowding, Gallery};
use clippy_core::ids::PointId;
use clippy_core::search::crowding::{NEIGHBOURS, SPACES};
use moka::future::Cache;

/// Most pictures in the cache: a few megabytes.
const CAPACITY: u64 = 100_000;
/// How long an entry is used. A neighbourhood changes slowly, as the collection grows.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// The crowding around pictures of one collection.
pub(crate) struct CrowdingCache {
    known: Cache<PointId, Crowding>,
}

impl Default for CrowdingCache {
    fn default() -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(LIFETIME)
                .build(),
        }
    }
}

impl CrowdingCache {
    /// Returns the crowding around these pictures, in their order. The missing values are computed
    /// in one call.
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

    /// Empties the cache.
    pub(crate) fn clear(&self) {
        self.known.invalidate_all();
    }
}
