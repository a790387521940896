//! Makes a map of a collection as a job of kind `backfill`.
//!
//! Running it twice does no harm: a run that was interrupted has changed nothing that is shown.

use clippy_core::Error;
use clippy_core::maps::{MapRequest, Maps};
use clippy_jobs::{JobContext, JobError, JobProgress};
use serde_json::{Value, json};

use crate::ingest::Tools;
use crate::map::MapMaker;

/// Makes the map, and returns the job's result.
pub(super) async fn run(
    context: &JobContext,
    tools: &Tools,
    maps: &dyn Maps,
    request: MapRequest,
) -> Result<Value, JobError> {
    let report = |stage: &str, done, total| {
        context.progress(JobProgress {
            done,
            total: Some(total),
            unit: "pictures".to_owned(),
            stage: stage.to_owned(),
            message: String::new(),
        });
    };
    let maker = MapMaker {
        gallery: &*tools.gallery,
        embedder: &*tools.embedder,
        maps,
        space: request.make_map,
        stop: context.token(),
        report: &report,
    };
    let made = maker.make().await?;
    context.go_on()?;
    let made = made.ok_or_else(|| Error::internal("a run ended early without a reason"))?;
    Ok(json!({
        "space": request.make_map, "pictures": made.placed, "unplaced": made.unplaced,
    }))
}
