//! Changes many pictures as a job of kind `backfill`.
//!
//! Running it twice does no harm: a run continues after its last page, and a page that is repeated
//! changes nothing twice.

use async_trait::async_trait;
use clippy_core::changes::ChangeRequest;
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError, JobProgress};
use clippy_keeping::{ChangeCursor, ChangeReport, ChangeTools, Observer};
use parking_lot::Mutex;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::ingest::Tools;

/// Runs the job.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    request: &ChangeRequest,
) -> Result<Value, JobError> {
    request.check()?;
    let tools = ChangeTools {
        gallery: tools.gallery.clone(),
        embedder: tools.embedder.clone(),
        trash: tools.trash.clone(),
    };
    let cursor = context
        .last_checkpoint()
        .and_then(|cursor| ChangeCursor::deserialize(cursor).ok())
        .unwrap_or_default();
    let observer = JobObserver {
        context,
        stopped: Mutex::default(),
    };
    let change = context.job().id.to_string();
    let by = context.job().owner.as_deref();
    let ended = clippy_keeping::run(&tools, request, (&change, by), cursor, &observer).await;
    // If the job was asked to stop, or its claim was lost, that is the cause of every error of the
    // run.
    context.go_on()?;
    if let Some(error) = observer.stopped.into_inner() {
        return Err(error);
    }
    to_result(request, &change, &ended?)
}

/// The result: the totals of bulk work, and the name of the change, which undoes it.
fn to_result(
    request: &ChangeRequest,
    change: &str,
    report: &ChangeReport,
) -> Result<Value, JobError> {
    let restored = serde_json::to_value(report.restored)
        .map_err(|error| Error::internal("a report is not JSON").with_source(error))?;
    let unchanged = report.seen.saturating_sub(report.changed);
    let totals = json!({
        "lines": report.seen, "embedded": 0, "unchanged": report.seen, "duplicates": 0,
        "skipped": 0, "failed": 0,
    });
    let changes = json!({
        "action": request.action, "change": change, "changed": report.changed,
        "unchanged": unchanged, "restored": restored,
    });
    Ok(json!({ "totals": totals, "failures": [], "changes": changes }))
}

struct JobObserver<'c> {
    context: &'c JobContext,
    /// Why a checkpoint was not saved.
    stopped: Mutex<Option<JobError>>,
}

#[async_trait]
impl Observer for JobObserver<'_> {
    fn progress(&self, done: u64, total: u64) {
        self.context.progress(JobProgress {
            done,
            total: Some(total),
            unit: "pictures".to_owned(),
            stage: "changing".to_owned(),
            message: String::new(),
        });
    }

    fn is_stopped(&self) -> bool {
        self.context.token().is_cancelled()
    }

    async fn checkpoint(&self, cursor: &ChangeCursor) -> Result<()> {
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
