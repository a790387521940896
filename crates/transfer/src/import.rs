//! Imports an export. Every file is checked before anything is written. The run may be repeated:
//! what is stored already is left as it is.

use std::path::Path;

use clippy_core::{Result, blocking};
use serde::Serialize;

use crate::batch::PointPage;
use crate::ports::{Progress, Sink};
use crate::reader::ExportFolder;
use crate::records::{Records, StoredRecords};
use crate::take::{Begun, Rules, Stored};

/// Pictures of one call.
const PAGE: usize = 256;
/// Artists, or deleted pictures, of one call.
const RECORDS: usize = 64;
/// Boards of one call: one with 2,000 long notes has up to 8 MB.
const BOARDS: usize = 1;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Pictures.
    pub points: Stored,
    /// Preferences, boards and deleted pictures.
    pub records: StoredRecords,
    /// What was taken over besides.
    pub begun: Begun,
}

/// Imports an export. With `replace`, pictures that the collection has in another form are
/// overwritten; otherwise they stay.
///
/// # Errors
/// `NotFound` when the folder is no complete export; `InvalidInput` when it is damaged, and then
/// nothing was written; `Conflict` when its vectors cannot be compared with those of the collection;
/// what the sink reports. The same import may then be run again.
pub async fn import(
    folder: &Path,
    sink: &dyn Sink,
    replace: bool,
    progress: &dyn Progress,
) -> Result<Imported> {
    let path = folder.to_owned();
    let export = blocking("opening an export", move || ExportFolder::open(&path)).await?;
    let total = export.index.points;
    progress.report("checking", 0, total);
    let checked = export.clone();
    blocking("checking an export", move || checked.verify()).await?;
    let begun = sink.begin(export.description()).await?;
    let fingerprint = export.description().collection.fingerprint.clone();
    let rules = Rules::new(begun.accepted, replace);

    // Deleted pictures first, so that none of them appears for a moment.
    let mut records = StoredRecords::default();
    let (mut of_records, mut reader) = blocking("opening an export", move || {
        let of_records = (export.tastes()?, export.boards()?, export.trash()?);
        Ok((of_records, export.points()?))
    })
    .await?;
    loop {
        let (page, back) = blocking("reading an export", move || {
            let (tastes, boards, trash) = &mut of_records;
            let page = Records {
                tastes: tastes.page(RECORDS)?,
                boards: match boards {
                    Some(boards) => boards.page(BOARDS)?,
                    None => Vec::new(),
                },
                trash: trash.page(RECORDS)?,
                next: None,
            };
            Ok((page, of_records))
        })
        .await?;
        of_records = back;
        if page.tastes.is_empty() && page.boards.is_empty() && page.trash.is_empty() {
            break;
        }
        records.add(sink.records(page).await?);
    }

    let (mut points, mut done) = (Stored::default(), 0);
    loop {
        let (page, reader_back) = blocking("reading an export", move || {
            let page = reader.page(PAGE)?;
            Ok((page, reader))
        })
        .await?;
        reader = reader_back;
        if page.is_empty() {
            break;
        }
        done += page.len() as u64;
        let page = PointPage {
            points: page,
            next: None,
            fingerprint: fingerprint.clone(),
        };
        points.add(sink.points(page, rules).await?);
        progress.report("importing", done, total);
    }
    progress.report("indexing", total, total);
    sink.finish().await?;
    Ok(Imported {
        points,
        records,
        begun,
    })
}
