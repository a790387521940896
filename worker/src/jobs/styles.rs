//! Finds the styles of a collection as a job of kind `backfill`.
//!
//! Running it twice does no harm: a run that was interrupted has changed nothing that is shown.

use clippy_core::bulk::StylesRequest;
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError, JobProgress};
use serde_json::Value;

use crate::ingest::Tools;
use crate::style_groups::Finder;

/// Finds the styles, and returns the job's result.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    request: &StylesRequest,
) -> Result<Value, JobError> {
    let report = |done, total| {
        context.progress(JobProgress {
            done,
            total: Some(total),
            unit: "pictures".to_owned(),
            stage: "grouping".to_owned(),
            message: String::new(),
        });
    };
    let finder = Finder {
        gallery: &*tools.gallery,
        embedder: &*tools.embedder,
        stop: context.token(),
        report: &report,
    };
    let found = finder.find(request.find_styles_afresh).await?;
    context.go_on()?;
    let found = found.ok_or_else(|| Error::internal("a run ended early without a reason"))?;
    let result = serde_json::to_value(found)
        .map_err(|error| Error::internal("a result is not JSON").with_source(error))?;
    Ok(result)
}
