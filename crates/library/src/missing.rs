//! Marks pictures whose files are gone. The mark goes when the file is back, since it is then
//! described again.

use std::collections::HashSet;

use clippy_core::Result;
use clippy_core::gallery::{Gallery, MISSING_FIELD, Payload, With};
use clippy_core::ids::PointId;
use clippy_core::known::{KnownContent, KnownFile, KnownFiles};
use serde_json::Value;

/// Points that are marked together.
const TOGETHER: usize = 500;

/// Marks those of these points that have no file any more.
pub(crate) async fn mark(
    known: &dyn KnownFiles,
    collection: &str,
    gallery: &dyn Gallery,
    points: &[PointId],
) -> Result<()> {
    for some in points.chunks(TOGETHER) {
        let holders = known.holders(collection, some).await?;
        // Another run may have found the picture in another place meanwhile.
        let there: HashSet<PointId> = holders
            .iter()
            .filter(|file| !file.is_gone())
            .filter_map(|file| match file.content {
                KnownContent::Picture(point) => Some(point),
                KnownContent::Other(_) => None,
            })
            .collect();
        let stored = gallery.retrieve(some, With::PAYLOAD).await?;
        let unmarked: Vec<PointId> = stored
            .into_iter()
            .filter(|point| point.payload.get(MISSING_FIELD) != Some(&Value::Bool(true)))
            .map(|point| point.id)
            .filter(|id| !there.contains(id))
            .collect();
        if !unmarked.is_empty() {
            let mark = Payload::from_iter([(MISSING_FIELD.to_owned(), Value::Bool(true))]);
            gallery.set_payload_of(&unmarked, mark).await?;
        }
    }
    Ok(())
}

/// Forgets the files of these points that are gone.
pub(crate) async fn forget(
    known: &dyn KnownFiles,
    collection: &str,
    points: &[PointId],
) -> Result<()> {
    let holders = known.holders(collection, points).await?;
    let gone: Vec<(String, String)> = holders
        .into_iter()
        .filter(KnownFile::is_gone)
        .map(|file| (file.folder, file.name))
        .collect();
    known.forget(collection, &gone).await
}
