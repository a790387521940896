//! Processes some files of one folder: finds those that have not changed, and makes the lines of
//! the others.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clippy_core::ids::PointId;
use clippy_core::known::{FileStamp, KnownContent, KnownFile};
use clippy_core::ledger::{LineFailure, LineOutcome};
use clippy_core::{Result, blocking};

use crate::archives;
use crate::context::{Contexts, WITH_FOLDERS};
use crate::copies::{Line, MOST_COPIES, add_description, picture_of};
use crate::entry::{Place, line_of, settled_line};
use crate::identity::id_of;
use crate::reading::{Content, Reader};
use crate::scanner::Scanner;
use crate::sidecars::{Description, read_beside, read_embedded};
use crate::summary::Summary;
use crate::walk::{Found, Listed, Slice, Walk, walk};

/// The result of processing some files.
#[derive(Default)]
pub(crate) struct Worked {
    /// Lines for the manifest.
    pub(crate) lines: Vec<Line>,
    /// Pictures that have a line. They become known files when they are in the collection.
    pub(crate) proposed: Vec<KnownFile>,
    /// Files that are known at once: those that are not pictures, and copies of stored pictures.
    pub(crate) known: Vec<KnownFile>,
    /// Pictures without a line that become known files together with those that have one: copies
    /// in the place of another picture, and copies with a description.
    pub(crate) copies: Vec<KnownFile>,
    /// Stored pictures of which copies were found that have a description beside them.
    described_copies: Vec<DescribedCopies>,
    /// Earlier records of files that have another content now.
    pub(crate) overwritten: Vec<Overwritten>,
    /// Known files that are no longer listed.
    pub(crate) vanished: Vec<KnownFile>,
    /// Known files that are still listed.
    pub(crate) known_there: u64,
    /// Known files of pictures that are missing.
    pub(crate) gone: Vec<KnownFile>,
    pub(crate) summary: Summary,
}

impl Worked {
    /// Notes a new copy that describes a stored picture.
    fn describe_by(&mut self, point: PointId, original: &KnownFile, copy: BesideCopy) {
        let known = self
            .described_copies
            .iter_mut()
            .find(|described| described.point == point);
        match known {
            Some(described) if described.copies.len() < MOST_COPIES => described.copies.push(copy),
            Some(_) => {}
            None => self.described_copies.push(DescribedCopies {
                point,
                original: original.clone(),
                copies: vec![copy],
            }),
        }
    }
}

/// The earlier record of a picture that was overwritten.
pub(crate) struct Overwritten {
    pub(crate) before: KnownFile,
    /// The record of the file if it is no picture any more. It replaces the earlier one only when
    /// the picture is known elsewhere, or else a crash would leave the picture without a record.
    pub(crate) no_picture: Option<KnownFile>,
}

/// A stored picture, and new copies of it.
struct DescribedCopies {
    point: PointId,
    original: KnownFile,
    /// At most [`MOST_COPIES`].
    copies: Vec<BesideCopy>,
}

/// What stands beside a copy of a picture.
struct BesideCopy {
    folder: String,
    name: String,
    beside: Description,
}

impl BesideCopy {
    /// Compares two files by the order of a walk. It lists the files of a folder after those of the
    /// folders in it.
    fn in_order_of_walk(&self, other: &Self) -> Ordering {
        let mut own = Path::new(&self.folder).iter();
        let mut theirs = Path::new(&other.folder).iter();
        loop {
            match (own.next(), theirs.next()) {
                (Some(one), Some(two)) if one == two => {}
                (Some(one), Some(two)) => {
                    return one.as_encoded_bytes().cmp(two.as_encoded_bytes());
                }
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => return self.name.cmp(&other.name),
            }
        }
    }
}

/// A file that must be read, and its earlier record.
pub(crate) struct ToRead {
    pub(crate) listed: Listed,
    pub(crate) context: String,
    pub(crate) before: Option<KnownFile>,
}

/// A file that was read.
struct Read {
    file: ToRead,
    found: Result<ReadContent, LineFailure>,
    remarks: Vec<String>,
}

enum ReadContent {
    Picture(FileStamp, PointId, Box<Described>),
    Other(FileStamp, String),
}

/// What describes a picture.
struct Described {
    /// What stands beside its file.
    beside: Description,
    /// That, and what stands in its file.
    all: Description,
}

impl ReadContent {
    /// The point of a picture.
    fn point(&self) -> Option<PointId> {
        match self {
            Self::Picture(_, point, _) => Some(*point),
            Self::Other(..) => None,
        }
    }
}

/// Processes a slice.
pub(crate) async fn work(scanner: &Scanner, root: &Path, slice: Slice) -> Result<Worked> {
    let mut worked = Worked::default();
    worked.summary.folders = u64::from(slice.is_last && slice.is_complete);
    worked.summary.files = slice.files.len() as u64;
    let known = scanner.known_in(&slice).await?;
    let mut known: HashMap<String, KnownFile> = known
        .into_iter()
        .map(|file| (file.name.clone(), file))
        .collect();
    let pairs: Vec<ToRead> = {
        let contexts = Contexts::new(scanner, root);
        slice
            .files
            .into_iter()
            .map(|listed| {
                let before = known.remove(&listed.name);
                ToRead {
                    context: contexts.of(&listed, before.as_ref()),
                    before,
                    listed,
                }
            })
            .collect()
    };
    worked.known_there = pairs.iter().filter(|file| file.before.is_some()).count() as u64;
    if slice.is_complete {
        worked.vanished = known.into_values().collect();
        worked
            .vanished
            .sort_by(|left, right| left.name.cmp(&right.name));
    }
    let stored = scanner
        .find_stored(pairs.iter().filter_map(same_picture))
        .await?;
    let mut to_read = Vec::new();
    for file in pairs {
        match (&file.before, looks_same(&file)) {
            (Some(before), true) => match &before.content {
                KnownContent::Other(what) => count_other(&mut worked.summary, &file.listed, what),
                KnownContent::Picture(point) if stored.contains(point) => {
                    worked.summary.unchanged += 1;
                }
                KnownContent::Picture(_) => to_read.push(file),
            },
            _ => to_read.push(file),
        }
    }
    let listed = to_read.len();
    to_read.retain(|file| !is_being_written(file.listed.stamp, scanner.request.settled_for));
    worked.summary.being_written += (listed - to_read.len()) as u64;
    if !to_read.is_empty() {
        let (folder, copies) = (&slice.folder, HashMap::new());
        read_and_describe(scanner, root, folder, to_read, copies, &mut worked).await?;
        add_descriptions(scanner, &mut worked).await?;
    }
    worked.summary.lines = worked.lines.len() as u64;
    Ok(worked)
}

/// Reads a file although it is known, such as a copy that replaces a picture whose file is gone.
pub(crate) async fn read_again(scanner: &Scanner, root: &Path, known: KnownFile) -> Result<Worked> {
    read_with(scanner, root, known, HashMap::new()).await
}

/// Reads a file again, and describes it by these new copies of its picture, too.
async fn read_with(
    scanner: &Scanner,
    root: &Path,
    known: KnownFile,
    copies: HashMap<PointId, Vec<BesideCopy>>,
) -> Result<Worked> {
    let mut worked = Worked::default();
    let (listed, known) = blocking("examining a file", move || {
        Ok((listed_alone(&known), known))
    })
    .await?;
    let folder = known.folder.clone();
    let file = ToRead {
        context: Contexts::new(scanner, root).of(&listed, Some(&known)),
        listed,
        before: Some(known),
    };
    read_and_describe(scanner, root, &folder, vec![file], copies, &mut worked).await?;
    worked.summary.lines = worked.lines.len() as u64;
    Ok(worked)
}

/// Describes stored pictures again, each with what stands beside its new copies. A picture outside of
/// the folders that this scan knows is described when its own folder is scanned next: here, the
/// names of its folders would be lost.
async fn add_descriptions(scanner: &Scanner, worked: &mut Worked) -> Result<()> {
    for described in std::mem::take(&mut worked.described_copies) {
        let DescribedCopies {
            point,
            original,
            copies,
        } = described;
        let Some(root) = scanner.root_of(&original.folder) else {
            worked.known.push(original.again());
            continue;
        };
        let copies = HashMap::from([(point, copies)]);
        let mut again = read_with(scanner, root, original, copies).await?;
        // A file that was written to meanwhile is left for the next scan.
        if again
            .lines
            .iter()
            .any(|line| picture_of(&line.fields) != Some(point))
        {
            continue;
        }
        worked.lines.append(&mut again.lines);
        worked.proposed.append(&mut again.proposed);
        worked.summary.described_anew += again.summary.described_anew;
    }
    Ok(())
}

async fn read_and_describe(
    scanner: &Scanner,
    root: &Path,
    folder: &str,
    files: Vec<ToRead>,
    copies: HashMap<PointId, Vec<BesideCopy>>,
    worked: &mut Worked,
) -> Result<()> {
    worked.summary.read += files.len() as u64;
    let place = PathBuf::from(folder);
    let read = blocking("reading files", move || {
        let mut reader = Reader::default();
        Ok(files
            .into_iter()
            .map(|file| read_one(&mut reader, &place, file))
            .collect::<Vec<_>>())
    })
    .await?;
    let originals = originals(scanner, folder, &read).await?;
    let mut beside_copies = beside(&read, &originals, copies).await?;
    let words_from = archives::words_begin_below(root, folder);
    for Read {
        file,
        found,
        remarks,
    } in read
    {
        let path = path_text(folder, &file.listed.name);
        for remark in remarks {
            worked.summary.remark(remark);
        }
        let known = |stamp, content| KnownFile {
            folder: folder.to_owned(),
            name: file.listed.name.clone(),
            stamp,
            context: file.context.clone(),
            content,
        };
        if let (Some(before), Ok(content)) = (&file.before, &found)
            && let KnownContent::Picture(point) = before.content
            && content.point() != Some(point)
        {
            worked.overwritten.push(Overwritten {
                before: before.clone(),
                no_picture: match content {
                    ReadContent::Picture(..) => None,
                    ReadContent::Other(stamp, what) => {
                        Some(known(*stamp, KnownContent::Other(what.clone())))
                    }
                },
            });
        }
        let was_picture = matches!(
            file.before.as_ref().map(|before| &before.content),
            Some(KnownContent::Picture(_))
        );
        match found {
            Err(failure) => {
                worked.summary.failed += 1;
                let line = settled_line(&path, &failure.into());
                worked.lines.push(line.into());
            }
            Ok(ReadContent::Other(stamp, what)) => {
                count_other(&mut worked.summary, &file.listed, &what);
                if !file.listed.describes {
                    let outcome = LineOutcome::Skipped {
                        reason: what.clone(),
                    };
                    worked.lines.push(settled_line(&path, &outcome).into());
                }
                if !was_picture {
                    worked.known.push(known(stamp, KnownContent::Other(what)));
                }
            }
            Ok(ReadContent::Picture(stamp, id, described)) => {
                let Described { mut beside, all } = *described;
                let place = Place {
                    root: &words_from,
                    file: &path,
                };
                let with_folders = file.context.ends_with(WITH_FOLDERS);
                let content = KnownContent::Picture(id);
                let before = file.before.as_ref().map(|before| &before.content);
                if before != Some(&content)
                    && let Some(original) = originals.get(&id).and_then(|files| files.first())
                {
                    let shown = path_text(&original.folder, &original.name);
                    worked.summary.duplicate(path.clone(), shown);
                    let is_described = beside != Description::default();
                    if is_described {
                        let copy = BesideCopy {
                            folder: folder.to_owned(),
                            name: file.listed.name.clone(),
                            beside,
                        };
                        worked.describe_by(id, original, copy);
                    }
                    // The picture that was here before is deleted when the run is confirmed, and after
                    // a crash the description must be read again.
                    let waits = is_described || matches!(before, Some(KnownContent::Picture(_)));
                    let copies = if waits {
                        &mut worked.copies
                    } else {
                        &mut worked.known
                    };
                    copies.push(known(stamp, content));
                    continue;
                }
                match before {
                    Some(before) if *before == content => worked.summary.described_anew += 1,
                    Some(KnownContent::Picture(_)) => worked.summary.changed += 1,
                    _ => worked.summary.new += 1,
                }
                let mut line = line_of(id, place, all, with_folders);
                if let Some(of_copies) = beside_copies.remove(&id) {
                    beside.merge(of_copies.clone());
                    add_description(&mut line, of_copies);
                }
                worked.lines.push(Line {
                    fields: line,
                    beside,
                });
                worked.proposed.push(known(stamp, content));
            }
        }
    }
    Ok(())
}

/// Returns, for each content that is already stored, other files that still have it.
async fn originals(
    scanner: &Scanner,
    folder: &str,
    read: &[Read],
) -> Result<HashMap<PointId, Vec<KnownFile>>> {
    let points: Vec<PointId> = read
        .iter()
        .filter_map(|read| match &read.found {
            Ok(ReadContent::Picture(_, id, _)) => Some(*id),
            _ => None,
        })
        .collect();
    let mut originals: HashMap<PointId, Vec<KnownFile>> = HashMap::new();
    if points.is_empty() {
        return Ok(originals);
    }
    let names: HashSet<&str> = read
        .iter()
        .map(|read| read.file.listed.name.as_str())
        .collect();
    let holders = scanner.holders(&points).await?;
    let stored = scanner
        .find_stored(holders.iter().filter_map(KnownFile::point))
        .await?;
    for holder in holders {
        let KnownContent::Picture(point) = holder.content else {
            continue;
        };
        let is_read_now = holder.folder == folder && names.contains(holder.name.as_str());
        if stored.contains(&point) && !is_read_now && is_there(&holder).await? {
            originals.entry(point).or_default().push(holder);
        }
    }
    Ok(originals)
}

/// Returns what stands beside the other files of the pictures that were read: beside new copies,
/// and beside files that are known. Below one root it is the same in whatever order they were found.
async fn beside(
    read: &[Read],
    originals: &HashMap<PointId, Vec<KnownFile>>,
    mut copies: HashMap<PointId, Vec<BesideCopy>>,
) -> Result<HashMap<PointId, Description>> {
    let points: HashSet<PointId> = read
        .iter()
        .filter_map(|read| read.found.as_ref().ok()?.point())
        .collect();
    copies.retain(|point, _| points.contains(point));
    let others: Vec<(PointId, KnownFile)> = points
        .into_iter()
        .filter_map(|point| Some((point, originals.get(&point)?)))
        .flat_map(|(point, files)| {
            let files = files.iter().take(MOST_COPIES).cloned();
            files.map(move |file| (point, file))
        })
        .collect();
    if others.is_empty() && copies.is_empty() {
        return Ok(HashMap::new());
    }
    blocking("reading files", move || {
        for (point, file) in others {
            let mut beside = Description::default();
            for (name, _) in listed_alone(&file).beside {
                // What cannot be read was reported when its own picture was read.
                if let Ok(found) = read_beside(&Path::new(&file.folder).join(name)) {
                    beside.merge(found);
                }
            }
            if beside != Description::default() {
                copies.entry(point).or_default().push(BesideCopy {
                    folder: file.folder,
                    name: file.name,
                    beside,
                });
            }
        }
        let merged = copies.into_iter().map(|(point, mut copies)| {
            copies.sort_by(BesideCopy::in_order_of_walk);
            let mut all = Description::default();
            for copy in copies.into_iter().take(MOST_COPIES) {
                all.merge(copy.beside);
            }
            (point, all)
        });
        Ok(merged.collect())
    })
    .await
}

/// Returns whether a known file is in its place and unchanged.
pub(crate) async fn is_there(known: &KnownFile) -> Result<bool> {
    let (path, stamp) = (path_text(&known.folder, &known.name), known.stamp);
    blocking("examining a file", move || {
        Ok(std::fs::metadata(path)
            .is_ok_and(|metadata| crate::reading::stamp_of(&metadata) == stamp))
    })
    .await
}

fn read_one(reader: &mut Reader, folder: &Path, file: ToRead) -> Read {
    let mut remarks = Vec::new();
    let path = folder.join(&file.listed.name);
    let found = reader.read(&path).map(|content| match content {
        Content::Other(stamp, what) => ReadContent::Other(stamp, what),
        Content::Picture(picture) => {
            let mut beside = Description::default();
            for (name, _) in &file.listed.beside {
                match read_beside(&folder.join(name)) {
                    Ok(found) => beside.merge(found),
                    Err(remark) => remarks.push(remark),
                }
            }
            let mut all = beside.clone();
            all.merge(read_embedded(picture.format, &picture.head, &picture.tail));
            let described = Box::new(Described { beside, all });
            ReadContent::Picture(picture.stamp, id_of(&picture.sha256), described)
        }
    });
    Read {
        file,
        found,
        remarks,
    }
}

/// Whether a file was written to within this time. A time in the future comes from another clock,
/// and says nothing.
fn is_being_written(stamp: FileStamp, within: Duration) -> bool {
    let modified = UNIX_EPOCH + Duration::from_nanos(stamp.modified_ns);
    SystemTime::now()
        .duration_since(modified)
        .is_ok_and(|age| age < within)
}

fn count_other(summary: &mut Summary, file: &Listed, what: &str) {
    if file.describes {
        summary.sidecars += 1;
    } else {
        summary.not_a_picture(what);
    }
}

fn looks_same(file: &ToRead) -> bool {
    file.before.as_ref().is_some_and(|before| {
        before.stamp == file.listed.stamp
            && before.stamp.modified_ns != 0
            && before.context == file.context
    })
}

fn same_picture(file: &ToRead) -> Option<PointId> {
    match file.before.as_ref()?.content {
        KnownContent::Picture(point) if looks_same(file) => Some(point),
        _ => None,
    }
}

/// Returns a file's path as text.
pub(crate) fn path_text(folder: &str, name: &str) -> String {
    Path::new(folder).join(name).to_string_lossy().into_owned()
}

/// Returns a file with the files beside it.
fn listed_alone(file: &KnownFile) -> Listed {
    let path = PathBuf::from(path_text(&file.folder, &file.name));
    let mut found = None;
    let alone = Walk {
        served: vec![PathBuf::from(&file.folder)],
        path,
        leave_out: None,
        only: Vec::new(),
    };
    walk(&alone, &mut |one| {
        if let Found::Slice(slice) = one {
            found = slice.files.into_iter().next();
        }
        true
    });
    found.unwrap_or_else(|| Listed {
        name: file.name.clone(),
        stamp: file.stamp,
        beside: Vec::new(),
        describes: false,
    })
}
