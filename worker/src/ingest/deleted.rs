//! Leaves out pictures that were deleted.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::ids::PointId;
use clippy_core::ledger::LineOutcome;
use clippy_core::trash::{Tombstone, Trash};

use super::Tools;

/// The tombstones of some pictures, by their ids.
pub(crate) async fn tombstones(
    trash: &dyn Trash,
    ids: &[PointId],
) -> Result<HashMap<PointId, Tombstone>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = trash.tombstones(ids).await?;
    Ok(found.into_iter().map(|stone| (stone.id, stone)).collect())
}

/// The tombstones of pictures with this content, by the MD5 of their files.
pub(crate) async fn tombstones_of_content(
    trash: &dyn Trash,
    md5s: &[String],
) -> Result<HashMap<String, Tombstone>> {
    if md5s.is_empty() {
        return Ok(HashMap::new());
    }
    let found = trash.tombstones_of_content(md5s).await?;
    Ok(found.into_iter().collect())
}

/// Deletes points that were stored although somebody deleted their pictures meanwhile. A deletion
/// writes its tombstone before it deletes, so either this call finds the tombstone, or the deletion
/// finds the point.
pub(crate) async fn delete_again(
    tools: &Tools,
    stored: &[PointId],
) -> Result<HashMap<PointId, Tombstone>> {
    let found = tombstones(&*tools.trash, stored).await?;
    if !found.is_empty() {
        let ids: Vec<PointId> = found.keys().copied().collect();
        tools.gallery.delete(&ids).await?;
    }
    Ok(found)
}

/// The outcome of the line of a deleted picture.
pub(crate) fn skip(stone: &Tombstone) -> LineOutcome {
    LineOutcome::Skipped {
        reason: stone.reason(),
    }
}
