//! Adds folders as a job. The parent scans the folders, then continues like an ingest of the scan's
//! manifest.
//!
//! Running it twice does no harm. The scan is repeated unless its manifest was complete, the parts
//! are those of an ingest, and files are recorded last, by the job's id.

use clippy_common::files;
use clippy_core::bulk::{AddRequest, IngestRequest};
use clippy_core::folders::Folders;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result, blocking};
use clippy_jobs::{JobContext, JobError, JobProgress, Phase};
use clippy_library::scan::{Library, ScanProgress};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::admission::admit;
use super::merge::{self, Failed, Sum, add_up};
use super::{BulkSettings, plan};
use crate::add::{Adding, FinishedRun, ScanFiles, Scanned, SettledRun, is_useful, settle};
use crate::ingest::Tools;
use crate::named_lines::name_files;

/// The request of an `ingest` job: the pictures of a manifest or of folders.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum IngestWork {
    /// The pictures of folders. The field `paths` distinguishes it.
    Add(AddRequest),
    /// The pictures of a manifest.
    Manifest(Box<IngestRequest>),
}

/// Runs the parent.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    library: &Library,
    folders: &Folders,
    settings: BulkSettings,
    request: AddRequest,
) -> Result<Value, JobError> {
    let id = run_of(context)?;
    let files = ScanFiles::of(&library.data, id);
    let prune = request.prune;
    if context.phase() == Phase::Merge {
        // An earlier run of this phase was killed after it had done everything.
        if let Some(result) = context.last_checkpoint() {
            files.remove().await;
            return Ok(result.clone());
        }
        let scanned = earlier(&files).await?.ok_or_else(|| {
            Error::invalid("the scan of this job no longer exists: submit the request again")
        })?;
        let (sum, failed) = add_up(context, Failed::Points(Vec::new())).await?;
        let failed = match failed {
            Failed::Points(points) => points,
            _ => Vec::new(),
        };
        let found = (&scanned, &sum, failed.as_slice());
        return finish(context, tools, library, &files, found, prune).await;
    }
    let scanned = match earlier(&files).await? {
        Some(scanned) => scanned,
        None => {
            let request = allowed(tools, folders, request).await?;
            let adding = Adding::new(tools, library, &request, id);
            scan_now(context, &adding, folders).await?
        }
    };
    if scanned.summary.lines == 0 {
        let sum = Sum::default();
        let found = (&scanned, &sum, &[][..]);
        return finish(context, tools, library, &files, found, prune).await;
    }
    let (lines, _) = admit(tools, folders, &scanned.request.lines, None, false).await?;
    let ingest = IngestRequest {
        lines,
        ..scanned.request
    };
    plan::run(context, tools, settings, &ingest, &ingest.lines).await?;
    // The job waits for its parts; this value is dropped.
    Ok(Value::Null)
}

fn run_of(context: &JobContext) -> Result<Uuid> {
    let id = context.job().id.to_string();
    id.parse()
        .map_err(|error| Error::internal(format!("{id} is not the id of a job")).with_source(error))
}

/// Checks the paths again, since the queue is not trusted.
async fn allowed(tools: &Tools, folders: &Folders, request: AddRequest) -> Result<AddRequest> {
    request.check()?;
    let recorded = tools.gallery.info().await?.roots;
    let folders = folders.clone();
    blocking("examining a folder", move || {
        let paths = request.paths.iter().map(|path| {
            let given = path.to_str().ok_or_else(|| {
                Error::invalid(format!(
                    "{} cannot be written in a job, since it is not UTF-8",
                    path.display()
                ))
            })?;
            folders.pictures(given, &recorded)
        });
        Ok(AddRequest {
            paths: paths.collect::<Result<_>>()?,
            ..request
        })
    })
    .await
}

/// Returns the scan of an earlier run of this job, if it is complete.
async fn earlier(files: &ScanFiles) -> Result<Option<Scanned>> {
    match tokio::fs::read(&files.scanned).await {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::internal(format!("{} is damaged", files.scanned.display())).with_source(error)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::internal("the scan of a job cannot be read").with_source(error)),
    }
}

async fn scan_now(
    context: &JobContext,
    adding: &Adding<'_>,
    folders: &Folders,
) -> Result<Scanned, JobError> {
    let served = folders.images_root();
    let going_on = || !context.token().is_cancelled();
    let scanned = adding
        .scan(served.as_slice(), &ScanReports(context), &going_on)
        .await?;
    context.go_on()?;
    let text = serde_json::to_vec(&scanned)
        .map_err(|error| Error::internal("a scan is not JSON").with_source(error))?;
    let path = adding.files.scanned.clone();
    blocking("writing a file", move || Ok(files::replace(&path, &text)))
        .await?
        .map_err(|error| {
            Error::internal("the scan of a job cannot be written").with_source(error)
        })?;
    Ok(scanned)
}

/// Records what the parts stored, and returns the job's result.
async fn finish(
    context: &JobContext,
    tools: &Tools,
    library: &Library,
    files: &ScanFiles,
    (scanned, sum, failed): (&Scanned, &Sum, &[PointId]),
    prune: bool,
) -> Result<Value, JobError> {
    let Scanned { summary, request } = scanned;
    let writes = !request.dry_run;
    merge::conclude(
        context,
        tools,
        sum,
        writes && summary.lines > 0,
        is_useful(summary),
    )
    .await?;
    let mut settled = SettledRun::default();
    if writes {
        let run = FinishedRun {
            id: run_of(context)?,
            failed,
            prune,
            by: context.job().owner.as_deref(),
        };
        settled = settle(tools, library, run).await?;
    }
    let mut outcome = sum.outcome.clone();
    name_files(&mut outcome.reasons, &files.manifest).await;
    let mut result = merge::to_result(&outcome)?;
    result["scan"] = serde_json::to_value(summary)
        .map_err(|error| Error::internal("a scan is not JSON").with_source(error))?;
    result["replaced"] = settled.replaced.into();
    result["pruned"] = settled.pruned.into();
    result["dry_run"] = request.dry_run.into();
    if context.phase() == Phase::Merge {
        context.remember(result.clone()).await?;
    }
    files.remove().await;
    Ok(result)
}

struct ScanReports<'c>(&'c JobContext);

impl ScanProgress for ScanReports<'_> {
    fn report_scan(&self, files: u64, folders: u64) {
        self.0.progress(JobProgress {
            done: files,
            total: None,
            unit: "files".to_owned(),
            stage: "scanning".to_owned(),
            message: format!("{files} files in {folders} folders"),
        });
    }
}
