//! Marks pictures whose files are gone. The mark goes when the file is back, since it is then
//! described again.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use clippy_core::gallery::{Gallery, MISSING_FIELD, Payload, With};
use clippy_core::ids::PointId;
use clippy_core::known::{KnownContent, KnownFile, KnownFiles};
use clippy_core::{Result, blocking};
use serde_json::Value;

use crate::identity::id_of;
use crate::library::Library;
use crate::presence::Places;
use crate::reading::{Content, Reader, stamp_of};

/// Points that are marked together.
const TOGETHER: usize = 500;

/// Marks those of these points that have no file any more.
pub(crate) async fn mark(
    library: &Library,
    gallery: &dyn Gallery,
    points: &[PointId],
) -> Result<()> {
    for some in points.chunks(TOGETHER) {
        let there = with_file(library, some).await?;
        let stored = gallery.retrieve(some, With::PAYLOAD).await?;
        let unmarked: Vec<PointId> = stored
            .into_iter()
            .filter(|point| point.payload.get(MISSING_FIELD) != Some(&Value::Bool(true)))
            .map(|point| point.id)
            .filter(|id| !there.contains(id))
            .collect();
        if !unmarked.is_empty() {
            // A file that only seems to be gone, such as one in a folder that cannot be read now,
            // is described again when it is back.
            let holders = library
                .known
                .holders(&library.collection, &unmarked)
                .await?;
            let again: Vec<KnownFile> = holders
                .into_iter()
                .filter(|file| !file.is_gone())
                .map(KnownFile::again)
                .collect();
            library.known.remember(&library.collection, &again).await?;
            let mark = Payload::from_iter([(MISSING_FIELD.to_owned(), Value::Bool(true))]);
            gallery.set_payload_of(&unmarked, mark).await?;
        }
    }
    Ok(())
}

/// Returns those of these points that some file still has, or that are on a drive that is away. The
/// record alone is not enough: what it says may be older than the disk.
///
/// # Errors
/// Errors of the database.
pub async fn with_file(library: &Library, points: &[PointId]) -> Result<HashSet<PointId>> {
    Ok(files_of(library, points).await?.into_keys().collect())
}

/// Returns, for each of these points that [`with_file`] returns, one of its files.
pub(crate) async fn files_of(
    library: &Library,
    points: &[PointId],
) -> Result<HashMap<PointId, KnownFile>> {
    let claims = library.known.claims(&library.collection, points).await?;
    let data = library.data.clone();
    blocking("examining files", move || {
        let places = Places::read(&data);
        let mut there = HashMap::new();
        for file in claims {
            if let KnownContent::Picture(point) = file.content
                && !there.contains_key(&point)
                && (has_content(&file, point) || places.is_away(Path::new(&file.folder)))
            {
                there.insert(point, file);
            }
        }
        Ok(there)
    })
    .await
}

/// Whether a file has the content of this point. It is only read if it was written to, and has the
/// same size.
fn has_content(file: &KnownFile, point: PointId) -> bool {
    let path = Path::new(&file.folder).join(&file.name);
    let Ok(metadata) = std::fs::metadata(&path) else {
        return false;
    };
    let stamp = stamp_of(&metadata);
    stamp == file.stamp
        || (stamp.size == file.stamp.size
            && matches!(
                Reader::default().read(&path),
                Ok(Content::Picture(picture)) if id_of(&picture.sha256) == point
            ))
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
