//! Backfill: fills missing vectors of stored points, and changes nothing else.

mod chunk;
pub(crate) mod selection;

use std::sync::Arc;

use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::gallery::Space;
use clippy_core::sentences::Underscores;
use clippy_core::{Result, sentences};
use tokio_util::sync::CancellationToken;

use crate::backfill::chunk::BackfillProcessor;
use crate::backfill::selection::Selection;
use crate::ingest::progress::ProgressSink;
use crate::ingest::run::ChunkProcessor;
use crate::ingest::{IngestReport, RunSettings, Tools, check, roots, run};

/// Returns the spaces that a request selects.
pub(crate) fn spaces(which: Which) -> &'static [Space] {
    match which {
        Which::Image => &[Space::Image],
        Which::Edge => &[Space::Edge],
        Which::Text => &[Space::Text],
        Which::Both => &[Space::Image, Space::Edge],
        Which::All => &Space::ALL,
    }
}

/// Makes the vectors that are absent or all zero in the collection. Lines with nothing to fill
/// count as unchanged. Lines whose picture is not in the collection, and lines that the list of ids
/// leaves out, count as skipped. Payloads are kept, except for the mark, which tells a later ingest
/// what the vectors were made from.
///
/// # Errors
/// As [`crate::ingest::ingest`], and [`clippy_core::ErrorCode::InvalidInput`] when the list of ids
/// cannot be read.
pub async fn backfill(
    tools: Tools,
    request: &BackfillRequest,
    settings: &RunSettings,
    progress: &dyn ProgressSink,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let selection = match &request.ids_file {
        Some(file) => Some(Arc::new(Selection::read(file).await?)),
        None => None,
    };
    let processor = prepare_processor(&tools, request, settings, selection).await?;
    run::drive(
        &tools,
        &request.lines,
        settings,
        processor,
        progress,
        cancel,
    )
    .await
}

/// Checks the request, and returns the processor for the chunks of a manifest.
pub(crate) async fn prepare_processor(
    tools: &Tools,
    request: &BackfillRequest,
    settings: &RunSettings,
    selection: Option<Arc<Selection>>,
) -> Result<Arc<dyn ChunkProcessor>> {
    check(tools, &request.lines).await?;
    let roots = roots(tools, &request.lines, settings).await?;
    let underscores = if spaces(request.which).contains(&Space::Text) {
        sentences::settled(&*tools.gallery).await?
    } else {
        Underscores::default()
    };
    Ok(Arc::new(BackfillProcessor::new(
        tools.clone(),
        request,
        settings.limits,
        roots,
        underscores,
        selection,
    )))
}
