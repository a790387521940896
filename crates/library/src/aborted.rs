//! What runs stored that did not come to their end: killed processes, jobs that failed for good.
//!
//! The pictures of such a run may be in the collection while no known file has them. Then nobody
//! would notice when their files go. So each scan adopts them, and each confirmed run looks for
//! those whose files were overwritten.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use clippy_core::gallery::{Gallery, With};
use clippy_core::ids::PointId;
use clippy_core::known::{FileStamp, KnownFile, NameRange};
use clippy_core::{Result, blocking};
use uuid::Uuid;

use crate::library::Library;
use crate::missing::{files_of, with_file};
use crate::reading::stamp_of;
use crate::scanner::Scanner;
use crate::target::Target;

/// Points that are looked up together.
const AT_ONCE: usize = 500;

/// Records what other runs stored below a target as known, to be described again, and returns it.
/// The runs may still be active: that costs reading those files once more.
pub(crate) async fn adopt(scanner: &Scanner, target: &Target) -> Result<Vec<KnownFile>> {
    let Some(root) = target.path.to_str().filter(|_| !scanner.request.dry_run) else {
        return Ok(Vec::new());
    };
    let mut adopted = scanner.left_over(root).await?;
    let stored = scanner
        .find_stored(adopted.iter().filter_map(KnownFile::point))
        .await?;
    adopted.retain(|file| file.point().is_some_and(|point| stored.contains(&point)));
    // A file has one record. What other runs proposed for it is superseded then.
    let mut last: HashMap<(&str, &str), PointId> = HashMap::new();
    for file in &adopted {
        let point = file.point();
        last.extend(point.map(|point| ((file.folder.as_str(), file.name.as_str()), point)));
    }
    let is_last: Vec<bool> = adopted
        .iter()
        .map(|file| {
            last.get(&(file.folder.as_str(), file.name.as_str()))
                .copied()
                == file.point()
        })
        .collect();
    let mut is_last = is_last.into_iter();
    adopted.retain(|_| is_last.next().unwrap_or(false));
    let again: Vec<KnownFile> = adopted.iter().cloned().map(KnownFile::again).collect();
    scanner.remember(&again).await?;
    // Or else they would be adopted again when their records are gone.
    scanner.drop_earlier(&adopted).await?;
    Ok(again)
}

/// Pictures that aborted runs stored from files that have another content now.
#[derive(Default)]
pub(crate) struct Superseded {
    /// Those of which another file is recorded.
    pub(crate) recorded: Vec<PointId>,
    /// Those of which no file is recorded.
    pub(crate) unrecorded: Vec<PointId>,
    /// The proposals of all of them.
    pub(crate) proposals: Vec<KnownFile>,
}

/// Returns the pictures that runs before this one stored, and that no file has any more.
///
/// `before` are the proposals that were superseded before this run was confirmed: the records of
/// their files may have gone with it.
pub(crate) async fn without_file(
    library: &Library,
    gallery: &dyn Gallery,
    run: Uuid,
    before: Vec<KnownFile>,
) -> Result<Superseded> {
    let mut proposed = library.known.superseded(&library.collection, run).await?;
    let is_new = |file: &KnownFile| !proposed.contains(file);
    let gone_since: Vec<KnownFile> = before.into_iter().filter(is_new).collect();
    proposed.extend(without_record(library, gone_since).await?);
    let mut found = Superseded::default();
    if proposed.is_empty() {
        return Ok(found);
    }
    let points: Vec<PointId> = proposed
        .iter()
        .filter_map(KnownFile::point)
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    let stored = gallery.retrieve(&points, With::NOTHING).await?;
    let stored: Vec<PointId> = stored.into_iter().map(|point| point.id).collect();
    let there = with_file(library, &stored).await?;
    let holders = library.known.holders(&library.collection, &stored).await?;
    let recorded: HashSet<PointId> = holders.iter().filter_map(KnownFile::point).collect();
    // The aborted run may have stored the path of another file.
    describe_again(library, holders).await?;
    for point in &stored {
        if recorded.contains(point) {
            found.recorded.push(*point);
        } else if !there.contains(point) {
            found.unrecorded.push(*point);
        }
    }
    // Those that some file has stay proposed until they are recorded.
    let is_settled = |point| recorded.contains(&point) || found.unrecorded.contains(&point);
    found.proposals = proposed
        .into_iter()
        .filter(|file| file.point().is_some_and(is_settled))
        .collect();
    Ok(found)
}

/// Returns those of these files that have no record.
async fn without_record(library: &Library, files: Vec<KnownFile>) -> Result<Vec<KnownFile>> {
    let mut found = Vec::new();
    for file in files {
        let only = NameRange::of(&file.name);
        let recorded = library
            .known
            .in_folder(&library.collection, &file.folder, &only)
            .await?;
        if !recorded.iter().any(|one| one.name == file.name) {
            found.push(file);
        }
    }
    Ok(found)
}

/// Makes the next scan describe the pictures of these files again, each from one file that is there.
pub(crate) async fn describe_again(library: &Library, files: Vec<KnownFile>) -> Result<()> {
    let there = blocking("examining files", move || {
        let mut described = HashSet::new();
        let is_there = |file: &KnownFile| stamp_on_disk(file) == Some(file.stamp);
        Ok(files
            .into_iter()
            .filter(|file| !file.is_gone() && is_there(file) && described.insert(file.point()))
            .map(KnownFile::again)
            .collect::<Vec<_>>())
    })
    .await?;
    library.known.remember(&library.collection, &there).await
}

/// Withdraws the proposals of a run that do not hold, without losing track of a stored picture.
/// Returns pictures that may have no file any more.
///
/// A proposal holds if the collection has its picture. It lacks the picture if the line failed, or if
/// somebody deleted the picture; then a record of the file would say that the picture is there, and
/// it would keep its old path when it is restored. A line may also fail although its picture is
/// stored: an earlier attempt stored it, and the file went before the next one. And another run may
/// have found another content in a file, and be confirmed first: the record that agrees with the
/// disk stays.
pub(crate) async fn set_apart(
    library: &Library,
    gallery: &dyn Gallery,
    run: Uuid,
    failed: &[PointId],
) -> Result<Vec<PointId>> {
    let Library {
        known, collection, ..
    } = library;
    let not_stored = proposed_but_not_stored(library, gallery, run).await?;
    let stored_before: Vec<PointId> = failed
        .iter()
        .copied()
        .filter(|point| !not_stored.contains(point))
        .collect();
    let not_stored: Vec<PointId> = not_stored.into_iter().collect();
    note_damaged(library, gallery, run, &not_stored).await?;
    known.withdraw(run, &not_stored).await?;
    known.doubt(run, &stored_before).await?;
    let contradicted = known.contradicted(run).await?;
    let outdated = blocking("examining files", move || {
        let is_outdated = |(recorded, proposed): &(KnownFile, KnownFile)| {
            let now = stamp_on_disk(proposed);
            now == Some(recorded.stamp) && now != Some(proposed.stamp)
        };
        Ok(contradicted
            .into_iter()
            .filter(is_outdated)
            .map(|(_, proposed)| proposed)
            .collect::<Vec<_>>())
    })
    .await?;
    known.keep_aside(collection, run, &outdated).await?;
    let outdated: Vec<(String, String)> = outdated
        .into_iter()
        .map(|file| (file.folder, file.name))
        .collect();
    known.withdraw_files(collection, run, &outdated).await?;
    Ok(stored_before)
}

/// Returns the pictures that a run proposed to store and that the collection lacks.
async fn proposed_but_not_stored(
    library: &Library,
    gallery: &dyn Gallery,
    run: Uuid,
) -> Result<HashSet<PointId>> {
    let mut not_stored = HashSet::new();
    let mut after = (String::new(), String::new());
    loop {
        let page = library
            .known
            .proposed_files(&library.collection, run, (&after.0, &after.1), AT_ONCE)
            .await?;
        let points: HashSet<PointId> = page.iter().filter_map(KnownFile::point).collect();
        let Some(last) = page.into_iter().next_back() else {
            return Ok(not_stored);
        };
        after = (last.folder, last.name);
        let ids: Vec<PointId> = points.iter().copied().collect();
        let stored = gallery.retrieve(&ids, With::NOTHING).await?;
        let stored: HashSet<PointId> = stored.into_iter().map(|point| point.id).collect();
        not_stored.extend(points.difference(&stored));
    }
}

/// Notes that pictures are gone whose files were overwritten by what cannot be stored, such as
/// damaged pictures.
async fn note_damaged(
    library: &Library,
    gallery: &dyn Gallery,
    run: Uuid,
    not_stored: &[PointId],
) -> Result<()> {
    if not_stored.is_empty() {
        return Ok(());
    }
    let not_stored: HashSet<PointId> = not_stored.iter().copied().collect();
    let contradicted = library.known.contradicted(run).await?;
    let mut gone = blocking("examining files", move || {
        let is_damaged = |(recorded, proposed): &(KnownFile, KnownFile)| {
            recorded.point().is_some()
                && proposed
                    .point()
                    .is_some_and(|point| not_stored.contains(&point))
                && stamp_on_disk(proposed) == Some(proposed.stamp)
        };
        Ok(contradicted
            .into_iter()
            .filter(is_damaged)
            .map(|(recorded, _)| recorded.gone())
            .collect::<Vec<_>>())
    })
    .await?;
    // The record of a deleted picture stays, so that it is marked once it is restored.
    let points: Vec<PointId> = gone.iter().filter_map(KnownFile::point).collect();
    let stored = gallery.retrieve(&points, With::NOTHING).await?;
    let stored: HashSet<PointId> = stored.into_iter().map(|point| point.id).collect();
    gone.retain(|file| file.point().is_some_and(|point| stored.contains(&point)));
    library.known.propose(&library.collection, run, &gone).await
}

/// Takes the points that a file still has out of the list, and records that file.
pub(crate) async fn keep_those_there(
    library: &Library,
    run: Uuid,
    replaced: &mut Vec<PointId>,
) -> Result<()> {
    let there = files_of(library, replaced).await?;
    replaced.retain(|point| !there.contains_key(point));
    let files: Vec<KnownFile> = there.into_values().map(KnownFile::again).collect();
    library
        .known
        .keep_aside(&library.collection, run, &files)
        .await
}

fn stamp_on_disk(file: &KnownFile) -> Option<FileStamp> {
    let path = Path::new(&file.folder).join(&file.name);
    std::fs::metadata(path).ok().map(|found| stamp_of(&found))
}
