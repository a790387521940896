//! Proposes tags as a job of kind `backfill`.
//!
//! Running it twice does no harm: proposals are written picture by picture, each in one write, and a
//! run continues after its last checkpoint.

use async_trait::async_trait;
use clippy_core::bulk::{TagRequest, Vocabulary};
use clippy_core::folders::Folders;
use clippy_core::{Error, Result, blocking};
use clippy_jobs::{JobContext, JobError, JobProgress};
use clippy_tagging::{Observer, Stage, TagCursor, TagReport, TagTools};
use parking_lot::Mutex;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::ingest::Tools;

/// Runs the job.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    folders: &Folders,
    request: TagRequest,
) -> Result<Value, JobError> {
    let request = allowed(folders, request).await?;
    let tools = TagTools {
        gallery: tools.gallery.clone(),
        embedder: tools.embedder.clone(),
        trash: tools.trash.clone(),
    };
    let cursor = context
        .last_checkpoint()
        .and_then(|cursor| TagCursor::deserialize(cursor).ok())
        .unwrap_or_default();
    let observer = JobObserver {
        context,
        stopped: Mutex::default(),
    };
    let change = context.job().id.to_string();
    let by = context.job().owner.as_deref();
    let ended = clippy_tagging::run(&tools, &request, (&change, by), cursor, &observer).await;
    // If the job was asked to stop, or its claim is lost, that is the cause of any error of the run.
    context.go_on()?;
    if let Some(error) = observer.stopped.into_inner() {
        return Err(error);
    }
    to_result(&ended?)
}

/// Checks the file again, since the queue is not trusted.
async fn allowed(folders: &Folders, request: TagRequest) -> Result<TagRequest> {
    let Vocabulary::File(file) = &request.vocabulary else {
        return Ok(request);
    };
    let given = file.to_string_lossy().into_owned();
    let folders = folders.clone();
    let file = blocking("examining a file", move || {
        folders.file("vocabulary", &given)
    })
    .await?;
    Ok(TagRequest {
        vocabulary: Vocabulary::File(file),
        ..request
    })
}

/// The result: the totals of bulk work, and the report.
fn to_result(report: &TagReport) -> Result<Value, JobError> {
    let tags = serde_json::to_value(report)
        .map_err(|error| Error::internal("a report is not JSON").with_source(error))?;
    let totals = json!({
        "lines": report.pictures, "embedded": 0, "unchanged": report.pictures, "duplicates": 0,
        "skipped": 0, "failed": 0,
    });
    Ok(json!({ "totals": totals, "failures": [], "tags": tags }))
}

struct JobObserver<'c> {
    context: &'c JobContext,
    /// Why a checkpoint was not saved.
    stopped: Mutex<Option<JobError>>,
}

#[async_trait]
impl Observer for JobObserver<'_> {
    fn progress(&self, stage: Stage, done: u64, total: u64) {
        let unit = match stage {
            Stage::Words => "words",
            _ => "pictures",
        };
        self.context.progress(JobProgress {
            done,
            total: Some(total),
            unit: unit.to_owned(),
            stage: stage.name().to_owned(),
            message: String::new(),
        });
    }

    fn is_stopped(&self) -> bool {
        self.context.token().is_cancelled()
    }

    async fn checkpoint(&self, cursor: &TagCursor) -> Result<()> {
        let cursor = serde_json::to_value(cursor)
            .map_err(|error| Error::internal("a place is not JSON").with_source(error))?;
        match self.context.save_checkpoint(cursor).await {
            Ok(()) => Ok(()),
            Err(error) => {
                *self.stopped.lock() = Some(error);
                Err(Error::internal("the checkpoint was not saved"))
            }
        }
    }
}
