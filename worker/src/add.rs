//! Adds folders. A scan writes a manifest of what is new in them, which is ingested like any other
//! one. Then the stored files are recorded as known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use clippy_core::bulk::{AddRequest, IngestRequest, ManifestRequest};
use clippy_core::folders::Folders;
use clippy_core::gallery::Gallery;
use clippy_core::ids::PointId;
use clippy_core::ledger::{Ledger, LedgerTotals, Reasons};
use clippy_core::{Error, Result, blocking};
use clippy_library::archives::{self, Unpacked};
use clippy_library::scan::{self, Library, ScanProgress, ScanRequest, Target};
use clippy_library::summary::Summary;
use clippy_library::uploads;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ingest::progress::IngestProgress;
use crate::ingest::{RunSettings, Tools, ingest};
use crate::named_lines::name_files;
use crate::prune;

/// The folder of scan manifests in the data folder.
const SCANS: &str = "scans";
/// The age after which a scan manifest is removed.
const LEFT_OVER: Duration = Duration::from_hours(7 * 24);
/// How often a run that unpacks a tar asks whether to go on.
const PAUSE: Duration = Duration::from_millis(200);
/// The number of failures read at once.
const PAGE: usize = 1000;

/// The result of adding folders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AddReport {
    /// The id of the run.
    pub run: Uuid,
    /// The results of the scan.
    pub scan: Summary,
    /// The totals of the ledger, for new and changed files.
    pub totals: LedgerTotals,
    /// Why files failed, by kind.
    pub reasons: Reasons,
    /// The number of pictures that were deleted, since their files were overwritten.
    pub replaced: u64,
    /// The number of pictures that were moved to the trash, since their files are gone.
    pub pruned: u64,
    /// Whether everything was scanned and stored; `false` if the run was stopped.
    pub complete: bool,
    /// The duration in seconds.
    pub seconds: f64,
}

impl AddReport {
    /// Returns whether there was something to do and nothing succeeded.
    #[must_use]
    pub fn nothing_succeeded(&self) -> bool {
        !is_useful(&self.scan) && self.reasons.nothing_succeeded(&self.totals)
    }
}

/// Returns whether a scan found pictures that are in the collection, or were.
pub(crate) fn is_useful(scan: &Summary) -> bool {
    scan.unchanged + scan.duplicates + scan.moved + scan.missing > 0
}

/// Adds folders and files in this process.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] if a path cannot be read, and the errors of [`ingest`].
/// Everything that was acknowledged before an error stays, and the next run continues from there.
pub async fn add<P: IngestProgress + ScanProgress>(
    tools: Tools,
    library: &Library,
    request: &AddRequest,
    settings: &RunSettings,
    progress: &P,
    cancel: &CancellationToken,
) -> Result<AddReport> {
    request.check()?;
    let began = Instant::now();
    let adding = Adding::new(&tools, library, request, Uuid::now_v7());
    let going_on = || !cancel.is_cancelled();
    let outcome = match adding
        .scan(&settings.served_from, progress, &going_on)
        .await
    {
        Ok(scanned) => adding.store(scanned, settings, progress, cancel).await,
        Err(error) => Err(error),
    };
    adding.files.remove().await;
    let report = outcome?;
    Ok(AddReport {
        seconds: began.elapsed().as_secs_f64(),
        ..report
    })
}

/// The result of a scan: its summary, and the request to ingest its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub(crate) struct Scanned {
    pub(crate) summary: Summary,
    pub(crate) request: IngestRequest,
}

/// The files of a scan.
pub(crate) struct ScanFiles {
    folder: PathBuf,
    /// The manifest of what is new in the folders.
    pub(crate) manifest: PathBuf,
    /// The result of the scan, written when the manifest is complete.
    pub(crate) scanned: PathBuf,
}

impl ScanFiles {
    pub(crate) fn of(data: &Path, run: Uuid) -> Self {
        // A job checks by the absolute path that its manifest is in the data folder.
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
        let folder = data.join(SCANS);
        Self {
            manifest: folder.join(format!("{run}.jsonl")),
            scanned: folder.join(format!("{run}.json")),
            folder,
        }
    }

    /// Removes the files. A failure does no harm.
    pub(crate) async fn remove(&self) {
        for file in [&self.manifest, &self.scanned] {
            if let Err(error) = tokio::fs::remove_file(file).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "{} could not be removed", file.display());
            }
        }
    }

    /// Removes the files of runs that were aborted long ago.
    async fn remove_left_over(&self) {
        let Ok(mut entries) = tokio::fs::read_dir(&self.folder).await else {
            return;
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let modified = entry.metadata().await.and_then(|file| file.modified());
            let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            if age.is_ok_and(|age| age > LEFT_OVER) {
                // The next run tries again.
                let _ = tokio::fs::remove_file(entry.path()).await;
            }
        }
    }
}

/// One run that adds folders.
pub(crate) struct Adding<'a> {
    tools: &'a Tools,
    library: &'a Library,
    request: &'a AddRequest,
    run: Uuid,
    pub(crate) files: ScanFiles,
}

impl<'a> Adding<'a> {
    pub(crate) fn new(
        tools: &'a Tools,
        library: &'a Library,
        request: &'a AddRequest,
        run: Uuid,
    ) -> Self {
        Self {
            tools,
            library,
            request,
            run,
            files: ScanFiles::of(&library.data, run),
        }
    }

    /// Scans, and returns the request to ingest what is new. `served` are the folders that pictures
    /// are served from, besides the recorded roots of the collection.
    pub(crate) async fn scan(
        &self,
        served: &[PathBuf],
        progress: &dyn ScanProgress,
        going_on: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Scanned> {
        let own = Folders::new(None, Some(self.library.data.clone()));
        for path in &self.request.paths {
            own.check_not_own(path)?;
        }
        self.files.remove_left_over().await;
        let recorded = self.tools.gallery.info().await?.roots;
        let served: Vec<PathBuf> = served
            .iter()
            .cloned()
            .chain(recorded.into_iter().map(PathBuf::from))
            // Uploaded pictures have one root, although each is added by its own path.
            .chain([uploads::folder_in(&self.library.data)])
            .collect();
        let (paths, remarks) = self.unpacked(going_on).await?;
        let known = served.clone();
        let targets = blocking("examining a folder", move || Target::of(&paths, &known)).await?;
        let mut roots: Vec<PathBuf> = Vec::new();
        for target in &targets {
            if !roots.contains(&target.root) {
                roots.push(target.root.clone());
            }
        }
        let wanted = ScanRequest {
            run: self.run,
            targets,
            served,
            tags_from_folders: self.request.tags_from_folders,
            dry_run: self.request.dry_run,
            only: self.request.only.clone(),
            settled_for: Duration::from_secs(self.request.settled_secs),
        };
        let gallery: Arc<dyn Gallery> = Arc::clone(&self.tools.gallery);
        let manifest = &self.files.manifest;
        let mut summary =
            scan::scan(self.library, gallery, wanted, manifest, progress, going_on).await?;
        for remark in remarks {
            summary.remark(remark);
        }
        self.check_presence(&summary)?;
        let mut roots = roots.into_iter();
        let lines = ManifestRequest {
            images_root: roots.next(),
            more_roots: roots.collect(),
            ..ManifestRequest::new(manifest)
        };
        Ok(Scanned {
            summary,
            request: IngestRequest {
                dry_run: self.request.dry_run,
                ..IngestRequest::new(lines)
            },
        })
    }

    /// Refuses to prune a folder whose drive seems to be away.
    fn check_presence(&self, summary: &Summary) -> Result<()> {
        let Some(away) = summary.away.first().filter(|_| self.request.prune) else {
            return Ok(());
        };
        Err(Error::invalid(format!(
            "nothing was removed: none of the known pictures in {away} is there, so its drive \
             seems to be away. Mount it and try again. If you deleted all of them, delete them \
             from the collection by their folder (docs/library.md)"
        )))
    }

    /// Returns the requested paths, with the folder of its pictures instead of each tar, and what
    /// was left out of the tars.
    async fn unpacked(
        &self,
        going_on: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<(Vec<PathBuf>, Vec<String>)> {
        let given = self.request.paths.clone();
        let (tars, mut paths) = blocking("examining files", move || {
            for path in &given {
                if let Some(compression) = archives::compression_of(path) {
                    return Err(Error::invalid(format!(
                        "{} is a tar that is compressed with {compression}: uncompress it first, \
                         and add the tar",
                        path.display()
                    )));
                }
            }
            let (tars, paths): (Vec<PathBuf>, Vec<PathBuf>) =
                given.into_iter().partition(|path| archives::is_tar(path));
            Ok((tars, paths))
        })
        .await?;
        let mut remarks = Vec::new();
        for tar in tars {
            if self.request.dry_run {
                return Err(Error::invalid(format!(
                    "{} is a tar, whose pictures a dry run cannot count, since it would have to \
                     unpack them",
                    tar.display()
                )));
            }
            let name = tar.display().to_string();
            let unpacked = unpack(tar, self.library.data.clone(), going_on).await?;
            remarks.extend(
                unpacked
                    .left_out
                    .into_iter()
                    .map(|(reason, (count, first))| {
                        format!("left out of {name}: {count} {reason}, such as {first}")
                    }),
            );
            paths.push(unpacked.folder);
        }
        Ok((paths, remarks))
    }

    async fn store(
        &self,
        scanned: Scanned,
        settings: &RunSettings,
        progress: &dyn IngestProgress,
        cancel: &CancellationToken,
    ) -> Result<AddReport> {
        let Scanned { summary, request } = scanned;
        let mut report = AddReport {
            run: self.run,
            complete: summary.complete,
            scan: summary,
            totals: LedgerTotals::default(),
            reasons: Reasons::default(),
            replaced: 0,
            pruned: 0,
            seconds: 0.0,
        };
        let mut failed = Vec::new();
        if report.complete && report.scan.lines > 0 {
            let ingested = ingest(self.tools.clone(), &request, settings, progress, cancel).await?;
            failed = failed_points(&*self.tools.ledger, ingested.run).await?;
            report.totals = ingested.totals;
            report.reasons = ingested.reasons;
            name_files(&mut report.reasons, &self.files.manifest).await;
            report.complete = ingested.complete;
        }
        if request.dry_run {
            return Ok(report);
        }
        if report.complete {
            let run = FinishedRun {
                id: self.run,
                failed: &failed,
                prune: self.request.prune,
                by: None,
            };
            let settled = settle(self.tools, self.library, run).await?;
            report.replaced = settled.replaced;
            report.pruned = settled.pruned;
        }
        // The proposals of an incomplete run stay: the next scan records what it stored.
        Ok(report)
    }
}

/// A run whose pictures are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishedRun<'r> {
    pub(crate) id: Uuid,
    /// The points that were not stored.
    pub(crate) failed: &'r [PointId],
    /// Whether pictures whose files are gone are moved to the trash.
    pub(crate) prune: bool,
    /// Who asked for it: the name of a key, if there is one.
    pub(crate) by: Option<&'r str>,
}

/// What became of pictures whose files were overwritten, or are gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SettledRun {
    pub(crate) replaced: u64,
    pub(crate) pruned: u64,
}

/// Records what a run stored, and marks or removes the pictures whose files are gone. Running it
/// twice does no harm.
pub(crate) async fn settle(
    tools: &Tools,
    library: &Library,
    run: FinishedRun<'_>,
) -> Result<SettledRun> {
    let gone = if run.prune {
        library.known.gone_in(run.id).await?
    } else {
        Vec::new()
    };
    let change = (&*run.id.to_string(), run.by);
    let pruned = prune::remove(tools, library, change, &gone).await?;
    let replaced = scan::confirm(library, &*tools.gallery, run.id, run.failed).await?;
    if !gone.is_empty() {
        scan::forget_gone(library, &gone).await?;
    }
    Ok(SettledRun { replaced, pruned })
}

/// Unpacks a tar, and asks now and then whether to go on.
async fn unpack(
    tar: PathBuf,
    data: PathBuf,
    going_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<Unpacked> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    let work = blocking("unpacking a tar", move || {
        archives::unpack(&tar, &data, &|| !flag.load(Ordering::Relaxed))
    });
    tokio::pin!(work);
    loop {
        tokio::select! {
            unpacked = &mut work => return unpacked,
            () = tokio::time::sleep(PAUSE) => stopped.store(!going_on(), Ordering::Relaxed),
        }
    }
}

/// Returns the points of the failed lines.
async fn failed_points(ledger: &dyn Ledger, run: Uuid) -> Result<Vec<PointId>> {
    let (mut points, mut after) = (Vec::new(), None);
    loop {
        let page = ledger.failures(run, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(points);
        };
        after = Some(last.line);
        points.extend(page.iter().filter_map(|record| record.id));
    }
}
