//! Backfill: fills vectors that stored points miss, and touches nothing else.

mod chunk;
mod selection;

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::Result;
use clippy_core::gallery::Space;
use tokio_util::sync::CancellationToken;

use crate::backfill::chunk::BackfillStep;
use crate::backfill::selection::Selection;
use crate::ingest::paths::Roots;
use crate::ingest::progress::Progress;
use crate::ingest::{IngestReport, ManifestOptions, Tools, check, run};

/// Which vectors to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The picture's.
    Image,
    /// The edge map's.
    Edge,
    /// The tags'.
    Text,
    /// Image and edge.
    Both,
    /// All three.
    All,
}

impl Which {
    /// The spaces that are meant.
    #[must_use]
    pub fn spaces(self) -> &'static [Space] {
        match self {
            Self::Image => &[Space::Image],
            Self::Edge => &[Space::Edge],
            Self::Text => &[Space::Text],
            Self::Both => &[Space::Image, Space::Edge],
            Self::All => &Space::ALL,
        }
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

/// Fills the vectors that are absent or all zero, as the collection itself tells. Lines with nothing to fill count as
/// unchanged; lines whose picture is not in the collection, and those that the ids' file leaves out, as skipped.
/// Payloads stay, but for the mark that tells a later ingest what the vectors were made from.
///
/// # Errors
/// As [`crate::ingest::ingest`], and [`clippy_core::ErrorCode::InvalidInput`] when the ids' file cannot be read.
pub async fn backfill(
    tools: Tools,
    options: &BackfillOptions,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    check(&tools, &options.lines).await?;
    let selection = match &options.ids_file {
        Some(file) => Some(Selection::read(file).await?),
        None => None,
    };
    let roots = Roots::open(&options.lines.manifest, options.lines.images_root.as_deref()).await?;
    let step = Arc::new(BackfillStep::new(tools.clone(), options, roots, selection));
    run::drive(&tools, &options.lines, step, progress, cancel).await
}
