//! What a page of a bulk change will do. It is saved before the page changes anything, so that after
//! a crash the work that was done, but not counted, can be counted.

use std::collections::HashSet;

use clippy_core::Result;
use clippy_core::ids::PointId;
use clippy_core::trash::{KeptFilter, NumberedPoint, Trash};
use serde::{Deserialize, Serialize};

use crate::{Keeper, Restored};

/// Kept points that are read together.
const TOGETHER: usize = 256;

/// What a page will change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Planned {
    /// The pictures to delete, to hide or to edit.
    pictures: Vec<PointId>,
    /// The kept points to put back, in the order of their numbers.
    kept: Vec<PlannedKept>,
}

/// A kept point that is to be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PlannedKept {
    number: u64,
    id: PointId,
    /// What counts when it is put back.
    lifted: bool,
    without_vectors: bool,
}

impl Planned {
    /// The plan of a page that changes pictures.
    pub(crate) fn of_pictures(pictures: Vec<PointId>) -> Self {
        Self {
            pictures,
            kept: Vec::new(),
        }
    }

    /// The plan of a page that puts points back. `model` is the fingerprint of the present model.
    pub(crate) fn of_kept(kept: &[NumberedPoint], model: &str) -> Self {
        let planned = kept.iter().map(|one| PlannedKept {
            number: one.number,
            id: one.kept.point.id,
            lifted: one.kept.emptied,
            without_vectors: one.kept.kind.is_removed() && one.kept.model != model,
        });
        Self {
            pictures: Vec::new(),
            kept: planned.collect(),
        }
    }

    /// The planned pictures that were changed: the trash has them as they were before.
    pub(crate) async fn changed(&self, keeper: &Keeper<'_>) -> Result<Vec<PointId>> {
        if self.pictures.is_empty() {
            return Ok(Vec::new());
        }
        let filter = KeptFilter {
            change: Some(keeper.change.to_owned()),
            ids: Some(self.pictures.clone()),
            ..KeptFilter::default()
        };
        let kept = keeper.trash.list(&filter, 0, self.pictures.len()).await?;
        Ok(kept.into_iter().map(|one| one.kept.point.id).collect())
    }

    /// The planned points that were put back: the trash does not have them any more. Returns their
    /// number, and what counts of them.
    pub(crate) async fn put_back(&self, trash: &dyn Trash) -> Result<(u64, Restored)> {
        let (mut count, mut restored) = (0, Restored::default());
        let left = self.left(trash).await?;
        for one in self.kept.iter().filter(|one| !left.contains(&one.number)) {
            count += 1;
            if one.lifted {
                restored.lifted += 1;
            } else {
                restored.restored += 1;
                restored.without_vectors += u64::from(one.without_vectors);
            }
        }
        Ok((count, restored))
    }

    /// The numbers of the planned points that the trash still has, and perhaps others.
    async fn left(&self, trash: &dyn Trash) -> Result<HashSet<u64>> {
        let mut left = HashSet::new();
        let (Some(first), Some(last)) = (self.kept.first(), self.kept.last()) else {
            return Ok(left);
        };
        let filter = KeptFilter {
            ids: Some(self.kept.iter().map(|one| one.id).collect()),
            ..KeptFilter::default()
        };
        let mut after = first.number.saturating_sub(1);
        while after < last.number {
            let page = trash.list(&filter, after, TOGETHER).await?;
            let Some(end) = page.last() else { break };
            after = end.number;
            left.extend(page.iter().map(|one| one.number));
        }
        Ok(left)
    }
}
