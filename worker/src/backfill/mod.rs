//! Backfill: fills missing vectors of stored points, and changes nothing else.

mod chunk;
pub(crate) mod selection;

use std::sync::Arc;

use clippy_core::bulk::{BackfillRequest, Which};
use clippy_core::gallery::Space;
use clippy_core::sentences::Underscores;
use clippy_core::styles::StyleVectors;
use clippy_core::{Error, ErrorCode, Result, sentences, styles};
use tokio_util::sync::CancellationToken;

use crate::backfill::chunk::BackfillProcessor;
use crate::backfill::selection::Selection;
use crate::ingest::progress::IngestProgress;
use crate::ingest::run::ChunkProcessor;
use crate::ingest::{IngestReport, RunSettings, Tools, check, roots, run};
use crate::whitening::{self, SampleFiles};

/// Returns the spaces that a request selects, of those that can be filled: styles need a model that
/// makes them and a collection of a schema that stores them.
///
/// # Errors
/// [`clippy_core::ErrorCode::Unsupported`] when styles are asked for by name and cannot be made.
async fn spaces(
    tools: &Tools,
    request: &BackfillRequest,
) -> Result<(&'static [Space], StyleVectors)> {
    let spaces: &'static [Space] = match request.which {
        Which::Image => &[Space::Image],
        Which::Edge => &[Space::Edge],
        Which::Text => &[Space::Text],
        Which::Both => &[Space::Image, Space::Edge],
        Which::Style => {
            let styles = settle_styles(tools, request.force_all).await?;
            return Ok((&[Space::Style], styles));
        }
        Which::All => match settle_styles(tools, request.force_all).await {
            Ok(styles) => return Ok((&Space::ALL, styles)),
            Err(error) if error.code == ErrorCode::Unsupported => {
                &[Space::Image, Space::Edge, Space::Text]
            }
            Err(error) => return Err(error),
        },
    };
    Ok((spaces, StyleVectors::NotMade))
}

async fn settle_styles(tools: &Tools, force_all: bool) -> Result<StyleVectors> {
    let (gallery, model) = (&*tools.gallery, tools.embedder.info());
    styles::check_fill(&gallery.info().await?, model)?;
    let whitens = model.style_statistics().is_some();
    if let (true, false, Some(head)) = (force_all, whitens, &model.style) {
        styles::replace(gallery, head).await?;
        return Ok(StyleVectors::Made);
    }
    let settled = styles::settle(gallery, model).await?;
    if settled.are_made() {
        return Ok(settled);
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        "the collection's style vectors are of another style head than the model's, and the \
         two do not compare: replace all of them with --force-all",
    ))
}

/// Fits the whitening of the collection's style vectors, if the request fills them, the model gives
/// statistics, and there is no whitening yet or all vectors are made anew. It must run once, before
/// the vectors are made: vectors of two whitenings cannot be compared.
///
/// # Errors
/// [`clippy_core::ErrorCode::Unsupported`] when styles are asked for by name and cannot be made.
pub(crate) async fn fit_whitening(
    tools: &Tools,
    request: &BackfillRequest,
    settings: &RunSettings,
) -> Result<()> {
    let (gallery, model) = (&*tools.gallery, tools.embedder.info());
    let asked = matches!(request.which, Which::Style | Which::All);
    if !asked
        || model.style_statistics().is_none()
        || styles::check_fill(&gallery.info().await?, model).is_err()
        || !request.force_all && gallery.note(styles::NOTE).await?.is_some()
    {
        return Ok(());
    }
    check(tools, &request.lines).await?;
    let roots = Arc::new(roots(tools, &request.lines, settings).await?);
    match whitening::fit(gallery, &*tools.embedder, &SampleFiles::Roots(roots)).await {
        Ok(whitening) => styles::record_whitening(gallery, &whitening).await,
        Err(error) if error.code == ErrorCode::Unsupported && request.which == Which::All => {
            tracing::info!(%error, "no style vectors are made");
            Ok(())
        }
        Err(error) => Err(error),
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
    progress: &dyn IngestProgress,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let selection = match &request.ids_file {
        Some(file) => Some(Arc::new(Selection::read(file).await?)),
        None => None,
    };
    fit_whitening(&tools, request, settings).await?;
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
    let (spaces, styles) = spaces(tools, request).await?;
    let underscores = if spaces.contains(&Space::Text) {
        sentences::record_form(&*tools.gallery).await?
    } else {
        Underscores::default()
    };
    Ok(Arc::new(BackfillProcessor::new(
        tools.clone(),
        request,
        settings.limits,
        roots,
        (spaces, styles),
        underscores,
        selection,
    )))
}
