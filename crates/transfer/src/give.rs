//! What a server does for an export: it describes its collection, and reads it page by page.

use clippy_core::boards::Boards;
use clippy_core::gallery::{Filter, Gallery, With};
use clippy_core::ids::PointId;
use clippy_core::tastes::Tastes;
use clippy_core::trash::{KeptFilter, KeptKind, KeptState, Trash};
use clippy_core::{Error, Result};

use crate::batch::PointPage;
use crate::description::Description;
use crate::records::Records;

/// Points of a page. With four vectors of 512 values each, a page has about 2 MiB.
const PAGE: usize = 256;
/// Artists of a page.
const ARTISTS: usize = 64;
/// Boards of a page: one with 2,000 long notes has up to 8 MB.
const BOARDS_AT_ONCE: usize = 4;
/// Deleted pictures of a page. Their vectors are written as decimal numbers.
const DELETED: usize = 64;
/// Begins [`Records::next`] after the last artist: the id of the last board follows, if there is
/// one.
const BOARDS: &str = "boards:";
/// Begins [`Records::next`] after the last board: a number in the trash follows.
const TRASH: &str = "trash:";
/// Begins [`Records::next`] within the artists: the last one's name follows.
const TASTES: &str = "tastes:";

/// Describes a collection.
///
/// # Errors
/// What the collection reports.
pub async fn describe(gallery: &dyn Gallery) -> Result<Description> {
    Ok(Description {
        collection: gallery.info().await?,
        notes: gallery.notes().await?,
    })
}

/// Reads a page of points. `fingerprint` is that of the collection's model.
///
/// # Errors
/// What the collection reports.
pub async fn points(
    gallery: &dyn Gallery,
    fingerprint: &str,
    from: Option<PointId>,
) -> Result<PointPage> {
    let page = gallery
        .scroll(&Filter::default(), from, PAGE, With::ALL)
        .await?;
    Ok(PointPage {
        points: page.points,
        next: page.next,
        fingerprint: fingerprint.to_owned(),
    })
}

/// Reads a page of preferences, after the last one of boards, and then of deleted pictures. Earlier
/// states of edited pictures, and links to boards, are not exported.
///
/// # Errors
/// `InvalidInput` when `after` is not [`Records::next`] of another page; what the stores report.
pub async fn records(
    tastes: &dyn Tastes,
    boards: &dyn Boards,
    trash: &dyn Trash,
    after: Option<&str>,
) -> Result<Records> {
    let artist = match after {
        None => None,
        Some(after) => {
            if let Some(number) = after.strip_prefix(TRASH) {
                return deleted(trash, parse_number(number)?).await;
            }
            if let Some(board) = after.strip_prefix(BOARDS) {
                return page_of_boards(boards, board).await;
            }
            Some(after.strip_prefix(TASTES).ok_or_else(unknown_page)?)
        }
    };
    let listed = tastes.list(artist, ARTISTS).await?;
    let next = match listed.last() {
        Some(last) if listed.len() == ARTISTS => format!("{TASTES}{}", last.user_id),
        _ => BOARDS.to_owned(),
    };
    Ok(Records {
        tastes: listed,
        next: Some(next),
        ..Records::default()
    })
}

async fn page_of_boards(boards: &dyn Boards, after: &str) -> Result<Records> {
    let after = match after {
        "" => None,
        id => Some(id.parse().map_err(|_| unknown_page())?),
    };
    let listed = boards.all(after, BOARDS_AT_ONCE).await?;
    let next = match listed.last() {
        Some(last) if listed.len() == BOARDS_AT_ONCE => format!("{BOARDS}{}", last.id),
        _ => format!("{TRASH}0"),
    };
    Ok(Records {
        boards: listed,
        next: Some(next),
        ..Records::default()
    })
}

async fn deleted(trash: &dyn Trash, after: u64) -> Result<Records> {
    let filter = KeptFilter {
        kinds: KeptKind::ALL
            .into_iter()
            .filter(|kind| kind.is_removed())
            .collect(),
        states: vec![KeptState::Done],
        ..KeptFilter::default()
    };
    let found = trash.list(&filter, after, DELETED).await?;
    let next = match found.last() {
        Some(last) if found.len() == DELETED => Some(format!("{TRASH}{}", last.number)),
        _ => None,
    };
    // Of a picture that was deleted more than once, the last time counts.
    let newest = found.into_iter().filter(|found| !found.is_outdated);
    Ok(Records {
        trash: newest.map(|found| found.kept.into()).collect(),
        next,
        ..Records::default()
    })
}

fn parse_number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| unknown_page())
}

fn unknown_page() -> Error {
    Error::invalid("`after` is not the `next` of a page of records")
}
