//! Chooses pictures by the hashes of their ids: the same ones at every run.

use std::collections::BTreeSet;

use clippy_core::Result;
use clippy_core::gallery::{Filter, GalleryReader, With};
use clippy_core::ids::PointId;
use sha2::{Digest, Sha256};

/// Ids that are read at once.
const PAGE: usize = 10_000;

/// Chooses up to `most` of the pictures that a filter selects.
pub(crate) async fn choose(
    gallery: &dyn GalleryReader,
    filter: &Filter,
    most: usize,
) -> Result<Vec<PointId>> {
    let mut chosen: BTreeSet<([u8; 8], PointId)> = BTreeSet::new();
    let mut from = None;
    loop {
        let page = gallery.scroll(filter, from, PAGE, With::NOTHING).await?;
        for point in page.points {
            chosen.insert((hash(point.id), point.id));
            if chosen.len() > most {
                chosen.pop_last();
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(chosen.into_iter().map(|(_, id)| id).collect());
        }
    }
}

fn hash(id: PointId) -> [u8; 8] {
    let digest = Sha256::digest(format!("tagging {id}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}
