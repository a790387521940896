//! Changes many pictures as a job of kind `backfill`.
//!
//! Running it twice does no harm: a run continues after its last page, and a page that is repeated
//! changes nothing twice.

use async_trait::async_trait;
use clippy_core::changes::ChangeRequest;
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError};
use clippy_keeping::{ChangeCursor, ChangeReport, ChangeTools, Observer};
use serde_json::{Value, json};

use super::observer::JobObserver;
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
    let observer = JobObserver::new(context);
    let change = context.job().id.to_string();
    let by = context.job().owner.as_deref();
    let cursor = observer.last_cursor();
    let ended = clippy_keeping::run(&tools, request, (&change, by), cursor, &observer).await;
    to_result(request, &change, &observer.end(ended)?)
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

#[async_trait]
impl Observer for JobObserver<'_> {
    fn progress(&self, done: u64, total: u64) {
        self.show("changing", "pictures", done, total);
    }

    fn is_stopped(&self) -> bool {
        self.is_cancelled()
    }

    async fn checkpoint(&self, cursor: &ChangeCursor) -> Result<()> {
        self.save(cursor).await
    }
}
