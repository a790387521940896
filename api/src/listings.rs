//! The ids of the pictures that a filter selects, in order: a gallery is looked at by position,
//! which no engine can jump to.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::Result;
use clippy_core::gallery::{Filter, GalleryReader, With};
use clippy_core::ids::PointId;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// How long a list is used before it is made again, unless reading it takes longer. New pictures
/// appear within this time.
const KEPT: Duration = Duration::from_secs(10);
/// How many pictures a list has at most. The last ones of a larger gallery are found by filters and
/// searches only.
pub(crate) const MOST_LISTED: usize = 1_000_000;
/// How many lists are kept.
const MOST_LISTS: usize = 16;
/// How many ids all kept lists have together, of 24 bytes each.
const MOST_IDS: usize = 2 * MOST_LISTED;
/// Ids that are read in one call.
const READ_AT_ONCE: usize = 10_000;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListOrder {
    /// The newest first; then pictures that were added before times were recorded, those with the
    /// highest ids first.
    Newest,
    /// By their ids.
    Id,
}

/// What a list contains.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListKey {
    /// The physical collection.
    pub(crate) collection: String,
    /// Which pictures are listed.
    pub(crate) filter: Filter,
    /// In which order.
    pub(crate) order: ListOrder,
}

/// Pictures in order.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The first [`MOST_LISTED`] of them.
    pub(crate) ids: Vec<PointId>,
    /// How many there are.
    pub(crate) total: u64,
}

impl Listing {
    /// Reads a list from the collection.
    async fn read(gallery: &dyn GalleryReader, key: &ListKey) -> Result<Self> {
        let ListKey { filter, order, .. } = key;
        let mut ids = match order {
            ListOrder::Newest => gallery.newest(filter, MOST_LISTED).await?,
            ListOrder::Id => Vec::new(),
        };
        let total = gallery.count(filter).await?;
        if ids.len() as u64 >= total {
            let total = ids.len() as u64;
            return Ok(Self { ids, total });
        }
        let dated: HashSet<PointId> = ids.iter().copied().collect();
        let (mut rest, mut from) = (Vec::new(), None);
        loop {
            let page = gallery
                .scroll(filter, from, READ_AT_ONCE, With::NOTHING)
                .await?;
            let found = page.points.into_iter().map(|point| point.id);
            rest.extend(found.filter(|id| !dated.contains(id)));
            from = page.next;
            if from.is_none() || ids.len() + rest.len() >= MOST_LISTED {
                break;
            }
        }
        if *order == ListOrder::Newest {
            rest.reverse();
        }
        ids.append(&mut rest);
        let total = match from {
            None => ids.len() as u64,
            Some(_) => total,
        };
        ids.truncate(MOST_LISTED);
        Ok(Self { ids, total })
    }

    /// The position after a picture that was at `place` in an earlier list: pictures may have been
    /// added or deleted since. If it is gone, the position stays.
    pub(crate) fn after(&self, place: usize, id: PointId) -> usize {
        let is_there = |place: &usize| self.ids.get(*place) == Some(&id);
        let now = Some(place)
            .filter(is_there)
            .or_else(|| self.ids.iter().position(|known| *known == id));
        now.map_or(place, |place| place + 1)
    }
}

struct Kept {
    key: ListKey,
    list: Arc<OnceCell<Read>>,
}

/// A list that was read.
struct Read {
    listing: Arc<Listing>,
    outdated: Instant,
}

impl Read {
    async fn of(gallery: &dyn GalleryReader, key: &ListKey) -> Result<Self> {
        let begun = Instant::now();
        let listing = Arc::new(Listing::read(gallery, key).await?);
        // A list that takes long to read must serve more than the call that has waited for it.
        let outdated = Instant::now() + KEPT.max(begun.elapsed());
        Ok(Self { listing, outdated })
    }
}

/// Keeps the lists that were asked for last.
#[derive(Default)]
pub(crate) struct Listings {
    // The last one used is the last.
    kept: Mutex<Vec<Kept>>,
}

impl Listings {
    /// Returns a list. Calls that ask for the same one wait for its first reading.
    ///
    /// # Errors
    /// Those of the collection.
    pub(crate) async fn get(
        &self,
        gallery: &dyn GalleryReader,
        key: ListKey,
    ) -> Result<Arc<Listing>> {
        let cell = self.cell_of(&key);
        let read = cell.get_or_try_init(|| Read::of(gallery, &key)).await?;
        self.limit_ids();
        Ok(Arc::clone(&read.listing))
    }

    /// Forgets all lists, since this process has changed what is listed.
    pub(crate) fn clear(&self) {
        self.kept.lock().clear();
    }

    fn cell_of(&self, key: &ListKey) -> Arc<OnceCell<Read>> {
        let mut kept = self.kept.lock();
        let now = Instant::now();
        // A list that is still being read is waited for, however long that takes.
        kept.retain(|one| one.list.get().is_none_or(|read| now < read.outdated));
        let one = match kept.iter().position(|one| one.key == *key) {
            Some(place) => kept.remove(place),
            None => Kept {
                key: key.clone(),
                list: Arc::default(),
            },
        };
        let cell = Arc::clone(&one.list);
        kept.push(one);
        if kept.len() > MOST_LISTS {
            kept.remove(0);
        }
        cell
    }

    /// Drops the lists that were used longest ago while all have too many ids.
    fn limit_ids(&self) {
        let mut kept = self.kept.lock();
        let length = |one: &Kept| one.list.get().map_or(0, |read| read.listing.ids.len());
        while kept.len() > 1 && kept.iter().map(length).sum::<usize>() > MOST_IDS {
            kept.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_continues_after_its_last_picture_wherever_that_is_now() {
        let listing = |ids: &[u64]| Listing {
            ids: ids.iter().copied().map(PointId::Number).collect(),
            total: ids.len() as u64,
        };
        let after = |ids: &[u64]| listing(ids).after(1, PointId::Number(8));
        assert_eq!(after(&[9, 8, 7, 6]), 2);
        assert_eq!(after(&[11, 10, 9, 8, 7, 6]), 4, "two were added");
        assert_eq!(after(&[8, 7, 6]), 1, "one before it was deleted");
        assert_eq!(after(&[9, 7, 6]), 1, "it was deleted itself");
        assert_eq!(after(&[]), 1);
    }
}
