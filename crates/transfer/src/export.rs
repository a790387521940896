//! Reads a collection page by page and writes an export. Only one page and one file of vectors are
//! in memory.

use std::path::{Path, PathBuf};

use clippy_core::{Error, ErrorCode, Result, blocking};
use serde::Serialize;

use crate::ports::{Progress, Source};
use crate::writer::{ExportWriter, SHARD_BYTES};

/// What an export has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The folder.
    pub folder: PathBuf,
    /// Pictures.
    pub points: u64,
    /// Artists with preferences.
    pub artists: u64,
    /// Boards.
    pub boards: u64,
    /// Deleted and hidden pictures.
    pub deleted: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Exports a collection into a folder, which must not exist or be empty. The folder appears when
/// it is complete.
///
/// Pictures that are added, changed or deleted meanwhile may be in it or not.
///
/// # Errors
/// `Conflict` when the folder is not empty, or when a re-index switched to another model meanwhile;
/// what the source reports; `InvalidInput` when a file cannot be written.
pub async fn export(
    source: &dyn Source,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Exported> {
    export_with(source, folder, progress, SHARD_BYTES).await
}

/// Like [`export`], with about so many bytes in each file of vectors.
pub(crate) async fn export_with(
    source: &dyn Source,
    folder: &Path,
    progress: &dyn Progress,
    shard_bytes: usize,
) -> Result<Exported> {
    let description = source.describe().await?;
    let total = description.collection.points;
    let fingerprint = description.collection.fingerprint.clone();
    let folder = folder.to_owned();
    let mut writer = blocking("beginning an export", move || {
        ExportWriter::begin(&folder, &description, shard_bytes)
    })
    .await?;
    let (mut from, mut done) = (None, 0);
    loop {
        let page = source.points(from).await?;
        if page.fingerprint != fingerprint {
            return Err(Error::new(
                ErrorCode::Conflict,
                "a re-index switched the collection to another model during the export: run \
                 `clippy export` again",
            ));
        }
        done += page.points.len() as u64;
        let (points, next) = (page.points, page.next);
        writer = blocking("writing an export", move || {
            writer.add_points(points)?;
            Ok(writer)
        })
        .await?;
        progress.report("exporting", done, total.max(done));
        from = next;
        if from.is_none() {
            break;
        }
    }
    let mut after = None;
    loop {
        let records = source.records(after.as_deref()).await?;
        after.clone_from(&records.next);
        writer = blocking("writing an export", move || {
            writer.add_records(&records)?;
            Ok(writer)
        })
        .await?;
        if after.is_none() {
            break;
        }
    }
    let (folder, index) = blocking("completing an export", move || writer.finish()).await?;
    let shards = index.shards.iter().map(|shard| &shard.checksum);
    Ok(Exported {
        folder,
        points: index.points,
        artists: index.artists,
        boards: index.boards,
        deleted: index.deleted,
        bytes: index
            .files
            .values()
            .chain(shards)
            .map(|one| one.bytes)
            .sum(),
    })
}
