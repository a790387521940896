//! Proposes tags as a job of kind `backfill`.
//!
//! Running it twice does no harm: proposals are written picture by picture, each in one write, and a
//! run continues after its last checkpoint.

use async_trait::async_trait;
use clippy_core::bulk::{TagRequest, Vocabulary};
use clippy_core::folders::Folders;
use clippy_core::{Error, Result, blocking};
use clippy_jobs::{JobContext, JobError};
use clippy_tagging::{Observer, Stage, TagCursor, TagReport, TagTools};
use serde_json::{Value, json};

use super::observer::JobObserver;
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
    let observer = JobObserver::new(context);
    let change = context.job().id.to_string();
    let by = context.job().owner.as_deref();
    let cursor = observer.last_cursor();
    let ended = clippy_tagging::run(&tools, &request, (&change, by), cursor, &observer).await;
    to_result(&observer.end(ended)?)
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

#[async_trait]
impl Observer for JobObserver<'_> {
    fn progress(&self, stage: Stage, done: u64, total: u64) {
        let unit = match stage {
            Stage::Words => "words",
            _ => "pictures",
        };
        self.show(stage.name(), unit, done, total);
    }

    fn is_stopped(&self) -> bool {
        self.is_cancelled()
    }

    async fn checkpoint(&self, cursor: &TagCursor) -> Result<()> {
        self.save(cursor).await
    }
}
