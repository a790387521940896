//! What a server does for an import.
//!
//! A picture that the collection has already is left as it is, so that no correction is lost; with
//! [`Rules::replace`] it is overwritten. A picture with a tombstone stays deleted.

use std::collections::{HashMap, HashSet};

use clippy_core::boards::{Boards, check_board};
use clippy_core::gallery::{CollectionInfo, Gallery, Point, STYLE_GROUP_FIELD, With};
use clippy_core::ids::PointId;
use clippy_core::tastes::Tastes;
use clippy_core::trash::{KeptPoint, Trash, content_of};
use clippy_core::{Error, ErrorCode, Result, sentences, style_groups, styles};
use serde::{Deserialize, Serialize};

use crate::batch::PointPage;
use crate::description::Description;
use crate::records::{KeptRecord, Records, StoredRecords, check_taste};
use crate::sameness::{is_same, is_same_value};

/// What is taken over from an export into this collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The style vectors. Not if another style head made those of the collection.
    pub style: bool,
    /// The text vectors. Not if the collection writes sentences in another form.
    pub text: bool,
    /// The groups of similar styles. Not if the collection has its own.
    pub groups: bool,
}

/// How an import began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What is taken over besides pictures.
    #[serde(flatten)]
    pub accepted: Accepted,
    /// Folders of pictures that the export names and that are not served here.
    #[serde(default)]
    pub closed: Vec<String>,
}

/// How points are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Overwrite pictures that the collection has in another form.
    #[serde(default)]
    pub replace: bool,
    /// Whether style vectors are stored.
    pub style: bool,
    /// Whether text vectors are stored.
    pub text: bool,
    /// Whether groups of similar styles are stored.
    pub groups: bool,
}

impl Rules {
    /// The rules that follow from what is taken over.
    #[must_use]
    pub fn new(accepted: Accepted, replace: bool) -> Self {
        let Accepted {
            style,
            text,
            groups,
        } = accepted;
        Self {
            replace,
            style,
            text,
            groups,
        }
    }
}

/// What became of points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// New in the collection.
    pub added: u64,
    /// In the collection already, as they are.
    pub unchanged: u64,
    /// In the collection in another form, which stays.
    pub kept: u64,
    /// In the collection in another form, which was overwritten.
    pub replaced: u64,
    /// Left out, since they were deleted.
    pub deleted: u64,
}

impl Stored {
    /// Adds the counts of another batch.
    pub fn add(&mut self, other: Self) {
        self.added += other.added;
        self.unchanged += other.unchanged;
        self.kept += other.kept;
        self.replaced += other.replaced;
        self.deleted += other.deleted;
    }
}

/// Checks that the vectors of an export can be compared with those of this collection. An empty
/// collection takes over the notes of the export; one with pictures keeps its own.
///
/// # Errors
/// [`ErrorCode::Conflict`] when another model made the vectors, or when the collection has an older
/// schema; the message says what to do.
pub async fn begin(gallery: &dyn Gallery, description: &Description) -> Result<Accepted> {
    let info = gallery.info().await?;
    description.check_model(&info.model, &info.pretrained, &info.fingerprint)?;
    check_schema(&info, &description.collection)?;
    if info.points == 0 {
        for (name, note) in &description.notes {
            gallery.set_note(name, note.clone()).await?;
        }
    }
    let own = gallery.notes().await?;
    let is_shared = |name: &str| match (own.get(name), description.notes.get(name)) {
        (Some(own), Some(theirs)) => is_same_value(own, theirs),
        (None, None) => true,
        _ => false,
    };
    let differs = |name: &str| {
        let pair = own.get(name).zip(description.notes.get(name));
        pair.is_some_and(|(own, theirs)| !is_same_value(own, theirs))
    };
    Ok(Accepted {
        style: is_shared(styles::NOTE),
        text: !differs(sentences::NOTE),
        groups: is_shared(style_groups::NOTE),
    })
}

fn check_schema(own: &CollectionInfo, theirs: &CollectionInfo) -> Result<()> {
    if own.schema_version < theirs.schema_version {
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "the export has version {} of the schema, but the collection {} has version {}: \
                 run `clippy migrate` of the Clippy that made the export, then import again",
                theirs.schema_version, own.name, own.schema_version
            ),
        ));
    }
    Ok(())
}

/// Checks that a page of points was made by the model of this collection.
///
/// # Errors
/// [`ErrorCode::Conflict`] when a re-index switched to another one since the import began.
pub fn check_page(info: &CollectionInfo, page: &PointPage) -> Result<()> {
    if page.fingerprint == info.fingerprint {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Conflict,
        "another model than that of this collection made the vectors, since a re-index switched \
         to it during the import: see what `clippy import` says when it is run again",
    ))
}

/// Stores points. Let no edit and no deletion of pictures run meanwhile in this process.
///
/// # Errors
/// `InvalidInput` for vectors that are not of this collection's dimension; what the stores report.
pub async fn points(
    gallery: &dyn Gallery,
    trash: &dyn Trash,
    mut points: Vec<Point>,
    rules: Rules,
) -> Result<Stored> {
    let mut stored = Stored::default();
    let deleted = deleted_among(trash, &points).await?;
    stored.deleted += deleted.len() as u64;
    points.retain(|point| !deleted.contains(&point.id));
    for point in &mut points {
        restrict(point, rules);
    }
    let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    let known = gallery.retrieve(&ids, With::ALL).await?;
    let known: HashMap<PointId, Point> = known.into_iter().map(|old| (old.id, old)).collect();
    let mut written = Vec::new();
    for point in points {
        match known.get(&point.id) {
            None => {
                stored.added += 1;
                written.push(point);
            }
            Some(old) if is_same(old, &point) => stored.unchanged += 1,
            Some(_) if rules.replace => {
                stored.replaced += 1;
                written.push(point);
            }
            Some(_) => stored.kept += 1,
        }
    }
    if written.is_empty() {
        return Ok(stored);
    }
    let ids: Vec<PointId> = written.iter().map(|point| point.id).collect();
    gallery.upsert(written).await?;
    // A deletion writes its tombstone before it deletes, so either this call finds the tombstone,
    // or the deletion finds the point.
    let deleted: Vec<PointId> = tombstones(trash, &ids).await?.into_iter().collect();
    if !deleted.is_empty() {
        gallery.delete(&deleted).await?;
        stored.deleted += deleted.len() as u64;
        stored.added = stored.added.saturating_sub(deleted.len() as u64);
    }
    Ok(stored)
}

/// Removes what is not taken over.
fn restrict(point: &mut Point, rules: Rules) {
    if !rules.style {
        point.vectors.style = None;
    }
    if !rules.text {
        point.vectors.text = None;
    }
    if !rules.groups {
        point.payload.remove(STYLE_GROUP_FIELD);
    }
}

async fn tombstones(trash: &dyn Trash, ids: &[PointId]) -> Result<HashSet<PointId>> {
    let found = trash.tombstones(ids).await?;
    Ok(found.into_iter().map(|stone| stone.id).collect())
}

/// The points that were deleted, by their ids or by the contents of their files.
async fn deleted_among(trash: &dyn Trash, points: &[Point]) -> Result<HashSet<PointId>> {
    let ids: Vec<PointId> = points.iter().map(|point| point.id).collect();
    let mut deleted = tombstones(trash, &ids).await?;
    let contents: Vec<String> = points
        .iter()
        .filter_map(|point| content_of(&point.payload).map(str::to_owned))
        .collect();
    let found = trash.tombstones_of_content(&contents).await?;
    let found: HashSet<String> = found.into_iter().map(|(content, _)| content).collect();
    let of_content = points
        .iter()
        .filter(|point| content_of(&point.payload).is_some_and(|content| found.contains(content)));
    deleted.extend(of_content.map(|point| point.id));
    Ok(deleted)
}

/// Stores preferences, boards and deleted pictures. A board that is there stays as it is, but
/// *Saved* gets the pictures that it does not have. A deleted picture that the collection has stays
/// there.
///
/// # Errors
/// `InvalidInput` for invalid records, of which nothing is stored; what the stores report.
pub async fn records(
    gallery: &dyn Gallery,
    tastes: &dyn Tastes,
    boards: &dyn Boards,
    trash: &dyn Trash,
    records: Records,
) -> Result<StoredRecords> {
    records.tastes.iter().try_for_each(check_taste)?;
    records.boards.iter().try_for_each(check_board)?;
    records.trash.iter().try_for_each(KeptRecord::check)?;
    let mut stored = StoredRecords::default();
    if !records.tastes.is_empty() {
        stored.tastes = tastes.import(records.tastes).await?;
    }
    if !records.boards.is_empty() {
        stored.boards = boards.import(records.boards).await?;
    }
    let ids: Vec<PointId> = records.trash.iter().map(|kept| kept.id).collect();
    let known = tombstones(trash, &ids).await?;
    let present = gallery.retrieve(&ids, With::NOTHING).await?;
    let present: HashSet<PointId> = present.into_iter().map(|point| point.id).collect();
    let mut added: Vec<KeptPoint> = Vec::new();
    for kept in records.trash {
        if known.contains(&kept.id) {
            stored.known += 1;
        } else if present.contains(&kept.id) {
            stored.present += 1;
        } else {
            added.push(kept.into_kept());
        }
    }
    if !added.is_empty() {
        stored.deleted = added.len() as u64;
        trash.keep(&added).await?;
    }
    Ok(stored)
}
