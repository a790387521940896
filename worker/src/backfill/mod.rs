//! Backfill: fills vectors that stored points miss, and touches nothing else.

mod chunk;
pub(crate) mod selection;

use std::path::PathBuf;
use std::sync::Arc;

pub use clippy_core::bulk::Which;
use clippy_core::gallery::Space;
use clippy_core::sentences::Underscores;
use clippy_core::{Result, sentences};
use tokio_util::sync::CancellationToken;

use crate::backfill::chunk::BackfillStep;
use crate::backfill::selection::Selection;
use crate::ingest::progress::Progress;
use crate::ingest::run::Step;
use crate::ingest::{IngestReport, ManifestOptions, Tools, check, roots, run};

/// The spaces that are meant.
pub(crate) fn spaces(which: Which) -> &'static [Space] {
    match which {
        Which::Image => &[Space::Image],
        Which::Edge => &[Space::Edge],
        Which::Text => &[Space::Text],
        Which::Both => &[Space::Image, Space::Edge],
        Which::All => &Space::ALL,
    }
}

/// What to fill.
#[derive(Debug, Clone)]
pub struct BackfillOptions {
    /// Which manifest says where the pictures are and what their tags are.
    pub lines: ManifestOptions,
    /// Which vectors.
    pub which: Which,
    /// Make them anew where they are there, too.
    pub force_all: bool,
    /// Only the lines whose ids stand in this file, one a line; a list of failures works as it is.
    pub ids_file: Option<PathBuf>,
}

/// Fills the vectors that are absent or all zero, as the collection itself tells. Lines with
/// nothing to fill count as unchanged; lines whose picture is not in the collection, and those that
/// the ids' file leaves out, as skipped. Payloads stay, but for the mark that tells a later ingest
/// what the vectors were made from.
///
/// # Errors
/// As [`crate::ingest::ingest`], and [`clippy_core::ErrorCode::InvalidInput`] when the ids' file
/// cannot be read.
pub async fn backfill(
    tools: Tools,
    options: &BackfillOptions,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let selection = match &options.ids_file {
        Some(file) => Some(Arc::new(Selection::read(file).await?)),
        None => None,
    };
    let step = prepared(&tools, options, selection).await?;
    run::drive(&tools, &options.lines, step, progress, cancel).await
}

/// The work on the chunks of a manifest, after a look at whether it can work at all.
pub(crate) async fn prepared(
    tools: &Tools,
    options: &BackfillOptions,
    selection: Option<Arc<Selection>>,
) -> Result<Arc<dyn Step>> {
    check(tools, &options.lines).await?;
    let roots = roots(tools, &options.lines).await?;
    let underscores = if spaces(options.which).contains(&Space::Text) {
        sentences::settled(&*tools.gallery).await?
    } else {
        Underscores::default()
    };
    Ok(Arc::new(BackfillStep::new(
        tools.clone(),
        options,
        roots,
        underscores,
        selection,
    )))
}
