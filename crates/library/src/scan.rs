//! A scan: walks folders, reads what is new in them, and writes a manifest of it.
//!
//! One thread walks. A few slices of folders are processed at the same time, and each reads its
//! files on its own thread. Lines are written in the order of the walk. After the walks, the lines
//! of pictures that lie in several places are written again, with what stands beside the copies.
//!
//! Memory holds only those slices, the names of the folders, 4 bytes for each picture that has a
//! line, 8 more if something stands beside it, and up to 64 MiB of what stands beside copies; in a
//! dry run also the ids of these pictures. Of files that are known, it holds those that vanished or
//! were overwritten, and of others the new copies that have a description.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clippy_common::shorten;
use clippy_core::gallery::{Gallery, GalleryReader, LOCAL_PATH_FIELD};
use clippy_core::ids::PointId;
use clippy_core::known::KnownFile;
use clippy_core::{Error, Result, blocking};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt as _, BufWriter};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::aborted;
use crate::batch::{self, Worked, path_text};
use crate::copies::{Repeated, picture_of, unwritable};
use crate::entry::settled_line;
use crate::missing;
use crate::presence::Places;
use crate::scanner::{ScanTools, Scanner};
use crate::summary::Summary;
use crate::vanished::{AllFound, WalkResult};
use crate::walk::{Found, Walk, walk};

pub use crate::library::Library;
pub use crate::missing::with_file;
pub use crate::scanner::ScanRequest;
pub use crate::target::{Target, check_ordinary};

/// Slices that may wait between the walk and the workers.
const WAITING: usize = 16;
/// Known and proposed files that are written together.
const WRITTEN_TOGETHER: usize = 2000;
/// The longest remark of a summary, in characters.
const LONGEST_REMARK: usize = 500;
/// The most bytes of the paths in a summary that are only examples.
const MOST_BYTES_OF_EXAMPLES: usize = 32 << 10;
/// The time between two progress reports.
const PAUSE: Duration = Duration::from_millis(200);
/// The age after which what an aborted run proposed is dropped.
const ABORTED_AFTER: Duration = Duration::from_hours(30 * 24);

/// Receives the progress of a scan. Must not block.
pub trait ScanProgress: Send + Sync {
    /// Reports the number of files and folders that were examined.
    fn report_scan(&self, files: u64, folders: u64);
}

impl ScanProgress for () {
    fn report_scan(&self, _files: u64, _folders: u64) {}
}

/// Scans, and writes the manifest. `going_on` is called between folders. If it returns `false`, the
/// scan stops and the summary has `complete: false`.
///
/// # Errors
/// Errors of the database and the collection, or if the manifest cannot be written or read. A file
/// that cannot be read is never an error.
pub async fn scan(
    library: &Library,
    gallery: Arc<dyn GalleryReader>,
    request: ScanRequest,
    manifest: &Path,
    progress: &dyn ScanProgress,
    going_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<Summary> {
    if !request.dry_run {
        library.known.discard(request.run).await?;
    }
    let scanner = Scanner {
        library: ScanTools {
            known: Arc::clone(&library.known),
            collection: library.collection.clone(),
            gallery,
        },
        request,
    };
    let mut writer = Writer::create(&scanner, manifest).await?;
    let mut summary = Summary {
        complete: true,
        ..Summary::default()
    };
    let mut reported = Instant::now();
    let data = library.data.clone();
    let places = blocking("reading a file", move || Ok(Places::read(&data))).await?;
    let (mut results, mut all_found) = (Vec::new(), AllFound::default());
    for target in &scanner.request.targets {
        let mut result = WalkResult::begin(target).await?;
        result.adopted = aborted::adopt(&scanner, target).await?;
        let walking = walking(library, &scanner, target);
        let mut works = found_by(walking)
            .map(|found| look(&scanner, target, found).boxed())
            .buffered(at_once())
            .boxed();
        while let Some(looked) = works.next().await {
            let Looked {
                mut worked,
                visited,
                closed,
            } = looked?;
            result.vanished.append(&mut worked.vanished);
            result.overwritten.append(&mut worked.overwritten);
            result.visited.extend(visited);
            result.closed.extend(closed);
            result.known_there += worked.known_there;
            all_found.note(&worked, scanner.request.dry_run);
            summary.merge(writer.write(worked).await?);
            if reported.elapsed() >= PAUSE {
                reported = Instant::now();
                progress.report_scan(summary.files, summary.folders);
            }
            if !going_on() {
                summary.complete = false;
                break;
            }
        }
        drop(works);
        if !summary.complete {
            break;
        }
        results.push((target, result));
    }
    // After all walks, so that a file that was moved from one target to another is not missing.
    if summary.complete {
        all_found.read_superseded(&scanner).await?;
        for (target, result) in results {
            writer.remember_all().await?;
            let worked = result.settle(&scanner, target, &places, &all_found).await?;
            all_found.note(&worked, scanner.request.dry_run);
            summary.merge(writer.write(worked).await?);
        }
    }
    let repeated = writer.finish().await?;
    // A manifest that is not complete is not ingested.
    if summary.complete {
        let remark = repeated.remark();
        summary.remarks.extend(remark.map(|text| (text, 1)));
        summary.complete = add_copies(repeated, manifest, &summary, progress, going_on).await?;
    }
    if !scanner.request.dry_run && summary.complete {
        library.known.discard_older(oldest_live_run()).await?;
    }
    progress.report_scan(summary.files, summary.folders);
    bound(&mut summary);
    Ok(summary)
}

/// Adds to the lines of a manifest what stands beside copies, reports the progress, and asks now
/// and then whether to go on. Returns `false` if it was stopped.
async fn add_copies(
    repeated: Repeated,
    manifest: &Path,
    summary: &Summary,
    progress: &dyn ScanProgress,
    going_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<bool> {
    if repeated.is_empty() {
        return Ok(true);
    }
    if !going_on() {
        return Ok(false);
    }
    let stop = CancellationToken::new();
    // The thread ends if this future is dropped.
    let _stops = stop.clone().drop_guard();
    let (asked, manifest) = (stop.clone(), manifest.to_owned());
    let work = blocking("writing the manifest of the scan", move || {
        repeated.describe_in(&manifest, &|| !asked.is_cancelled())
    });
    tokio::pin!(work);
    loop {
        tokio::select! {
            described = &mut work => return described,
            () = tokio::time::sleep(PAUSE) => {
                progress.report_scan(summary.files, summary.folders);
                if !going_on() {
                    stop.cancel();
                }
            }
        }
    }
}

/// Shortens what grows with the lengths of paths: the result of a job has a limit, and contains the
/// summary.
fn bound(summary: &mut Summary) {
    for (text, count) in std::mem::take(&mut summary.remarks) {
        let text = shorten(&text, LONGEST_REMARK).into_owned();
        *summary.remarks.entry(text).or_default() += count;
    }
    let mut left = MOST_BYTES_OF_EXAMPLES;
    let mut fits = |bytes: usize| {
        let fits = bytes <= left;
        left = if fits { left - bytes } else { 0 };
        fits
    };
    summary.missing_files.retain(|path| fits(path.len()));
    summary
        .duplicate_files
        .retain(|file| fits(file.path.len() + file.duplicate_of.len()));
}

/// Records the pictures that a run stored as known. The points in `failed` were not stored. Deletes
/// the pictures whose files were overwritten with others, and returns their number. Marks the
/// pictures whose files are gone.
///
/// # Errors
/// Errors of the database and the collection. A repeated call does no harm.
pub async fn confirm(
    library: &Library,
    gallery: &dyn Gallery,
    run: Uuid,
    failed: &[PointId],
) -> Result<u64> {
    let Library {
        known, collection, ..
    } = library;
    let stored_before = aborted::set_apart(library, gallery, run, failed).await?;
    let overwritten = known.overwritten(run).await?;
    let mut replaced = known.replaced(run).await?;
    aborted::keep_those_there(library, run, &mut replaced).await?;
    if !replaced.is_empty() {
        gallery.delete(&replaced).await?;
    }
    let mut gone = known.gone_in(run).await?;
    let before = known.superseded(collection, run).await?;
    let deleted: HashSet<PointId> = replaced.iter().copied().collect();
    let mut elsewhere = overwritten;
    elsewhere.retain(|id| !deleted.contains(id));
    let described = known.proposed(run, &elsewhere).await?;
    known.confirm(run).await?;
    let superseded = aborted::without_file(library, gallery, run, before).await?;
    // During the scan, no other file had their content.
    let mut holders = known.holders(collection, &elsewhere).await?;
    holders.retain(|file| {
        file.point()
            .is_some_and(|point| !described.contains(&point))
    });
    aborted::describe_again(library, holders).await?;
    // Files that are recorded in other places may have gone, too.
    gone.extend(elsewhere);
    gone.extend(superseded.recorded);
    gone.extend(stored_before);
    missing::mark(library, gallery, &gone).await?;
    if !superseded.unrecorded.is_empty() {
        gallery.delete(&superseded.unrecorded).await?;
    }
    known
        .drop_earlier(collection, run, &superseded.proposals)
        .await?;
    known.discard(run).await?;
    Ok((replaced.len() + superseded.unrecorded.len()) as u64)
}

/// Forgets pictures whose files are gone, after they were removed from the collection.
///
/// # Errors
/// Errors of the database. A repeated call does no harm.
pub async fn forget_gone(library: &Library, points: &[PointId]) -> Result<()> {
    missing::forget(&*library.known, &library.collection, points).await
}

/// Returns what a walk finds, as a stream.
fn found_by(walking: mpsc::Receiver<Found>) -> impl futures::Stream<Item = Found> + Send {
    futures::stream::unfold(walking, |mut walking| async move {
        let found = walking.recv().await?;
        Some((found, walking))
    })
}

/// The result of processing what the walk found.
struct Looked {
    worked: Worked,
    visited: Option<String>,
    closed: Option<PathBuf>,
}

async fn look(scanner: &Scanner, target: &Target, found: Found) -> Result<Looked> {
    let mut worked = Worked::default();
    let (mut visited, mut closed) = (None, None);
    match found {
        Found::Slice(slice) => {
            visited = Some(slice.folder.clone()).filter(|_| slice.is_complete);
            worked = batch::work(scanner, &target.root, slice).await?;
        }
        Found::Failed(path, failure) => {
            worked.summary.failed = 1;
            worked.summary.lines = 1;
            let line = settled_line(&path, &failure.into());
            worked.lines.push(line.into());
        }
        Found::Closed(folder) => closed = Some(folder),
        Found::Remark(text) => worked.summary.remark(text),
    }
    Ok(Looked {
        worked,
        visited,
        closed,
    })
}

/// Walks on its own thread. Dropping the receiver ends the walk.
fn walking(library: &Library, scanner: &Scanner, target: &Target) -> mpsc::Receiver<Found> {
    let request = &scanner.request;
    let (sender, receiver) = mpsc::channel(WAITING);
    let roots = request.targets.iter().map(|target| target.root.clone());
    let real = |folder: &PathBuf| folder.canonicalize().ok();
    let wanted = Walk {
        path: target.path.clone(),
        served: roots
            .chain(request.served.iter().filter_map(real))
            .collect(),
        leave_out: library.data.canonicalize().ok(),
        only: scanner.parts_of(target).to_vec(),
    };
    tokio::task::spawn_blocking(move || {
        walk(&wanted, &mut |found| sender.blocking_send(found).is_ok());
    });
    receiver
}

fn at_once() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) + 1
}

/// Returns the lowest UUID (version 7) of a run that may still be active, or be adopted.
fn oldest_live_run() -> Uuid {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Uuid::from_u128(now.saturating_sub(ABORTED_AFTER).as_millis() << 80)
}

/// Writes lines and known files, in the order of the walk.
struct Writer<'s> {
    scanner: &'s Scanner,
    file: BufWriter<File>,
    named: PathBuf,
    proposed: Vec<KnownFile>,
    known: Vec<KnownFile>,
    repeated: Repeated,
    /// Files that are being stored while the scan goes on.
    storing: Option<AbortOnDropHandle<Result<()>>>,
}

impl<'s> Writer<'s> {
    async fn create(scanner: &'s Scanner, manifest: &Path) -> Result<Self> {
        let named = manifest.to_owned();
        let file = async {
            if let Some(folder) = named.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            File::create(&named).await
        };
        let file = file.await.map_err(|error| unwritable(&named, &error))?;
        Ok(Self {
            scanner,
            file: BufWriter::with_capacity(1 << 16, file),
            named,
            proposed: Vec::new(),
            known: Vec::new(),
            repeated: Repeated::default(),
            storing: None,
        })
    }

    async fn write(&mut self, worked: Worked) -> Result<Summary> {
        let mut text = String::new();
        let (mut left_out, mut pictures) = (HashSet::new(), HashSet::new());
        for line in worked.lines {
            text.push_str(&line.fields.to_string());
            text.push('\n');
            if let Some(fields) = self.repeated.note(line) {
                let path = fields.get(LOCAL_PATH_FIELD).and_then(Value::as_str);
                left_out.extend(path.map(str::to_owned));
                pictures.extend(picture_of(&fields));
            }
        }
        self.file
            .write_all(text.as_bytes())
            .await
            .map_err(|error| unwritable(&self.named, &error))?;
        // The next run must find the copies again whose texts it is to use.
        let proposed = worked.proposed.into_iter();
        self.proposed.extend(proposed.filter(|file| {
            left_out.is_empty() || !left_out.contains(&path_text(&file.folder, &file.name))
        }));
        let copies = worked.copies.into_iter();
        self.proposed.extend(copies.filter(|file| {
            pictures.is_empty() || !file.point().is_some_and(|point| pictures.contains(&point))
        }));
        self.proposed
            .extend(worked.gone.into_iter().map(KnownFile::gone));
        self.known.extend(worked.known);
        if self.proposed.len() + self.known.len() >= WRITTEN_TOGETHER {
            self.remember().await?;
        }
        Ok(worked.summary)
    }

    /// Begins to store the files, after those before them.
    async fn remember(&mut self) -> Result<()> {
        self.stored().await?;
        let (proposed, known) = (
            std::mem::take(&mut self.proposed),
            std::mem::take(&mut self.known),
        );
        if self.scanner.request.dry_run {
            return Ok(());
        }
        let store = Arc::clone(&self.scanner.library.known);
        let collection = self.scanner.library.collection.clone();
        let run = self.scanner.request.run;
        self.storing = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            store.propose(&collection, run, &proposed).await?;
            store.remember(&collection, &known).await
        })));
        Ok(())
    }

    /// Waits until the files are stored that it began to store.
    async fn stored(&mut self) -> Result<()> {
        match self.storing.take() {
            Some(storing) => storing.await.map_err(|error| {
                Error::internal("known files were not stored").with_source(error)
            })?,
            None => Ok(()),
        }
    }

    /// Stores all files up to now.
    async fn remember_all(&mut self) -> Result<()> {
        self.remember().await?;
        self.stored().await
    }

    /// Waits until everything is written, and returns what is known of pictures with several lines.
    async fn finish(mut self) -> Result<Repeated> {
        self.remember_all().await?;
        let synced = async {
            self.file.flush().await?;
            self.file.get_ref().sync_all().await
        };
        synced
            .await
            .map_err(|error| unwritable(&self.named, &error))?;
        Ok(self.repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_of_long_paths_is_short_and_counts_everything() {
        let mut summary = Summary::default();
        for number in 0..60 {
            let path = format!("/{number}/{}", "deep/".repeat(800));
            summary.remark(format!("{path} is a link"));
            summary.missing(path.clone());
            summary.duplicate(path.clone(), path);
        }
        bound(&mut summary);
        assert_eq!((summary.missing, summary.duplicates), (60, 60));
        assert_eq!(summary.remarks.values().sum::<u64>(), 60);
        assert!(summary.remarks.len() > 40, "{}", summary.remarks.len());
        assert!(!summary.missing_files.is_empty());
        let bytes = serde_json::to_string(&summary).expect("JSON").len();
        assert!(bytes < 80 << 10, "{bytes}");

        let mut short = Summary::default();
        for number in 0..10 {
            short.missing(format!("/{number}.png"));
            short.duplicate(format!("/a/{number}.png"), format!("/b/{number}.png"));
        }
        let before = short.clone();
        bound(&mut short);
        assert_eq!(short, before);
    }
}
