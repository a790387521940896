//! Finds the styles of a collection as a job of kind `backfill`.
//!
//! Running it twice does no harm: a run that was interrupted has changed nothing that is shown.

use clippy_core::bulk::{BackfillRequest, StylesRequest};
use clippy_core::{Error, Result};
use clippy_jobs::{JobContext, JobError, Progress};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ingest::Tools;
use crate::style_groups::Finder;

/// The request of a `backfill` job: vectors, or the styles that the vectors are grouped into.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BackfillWork {
    /// Styles. The field `find_styles_afresh` distinguishes it.
    Styles(StylesRequest),
    /// Vectors of the pictures of a manifest.
    Vectors(Box<BackfillRequest>),
}

/// Finds the styles, and returns the job's result.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    request: &StylesRequest,
) -> Result<Value, JobError> {
    let report = |done, total| {
        context.progress(Progress {
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
