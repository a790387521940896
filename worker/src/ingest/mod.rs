//! Ingest: embeds the pictures of a manifest and stores them.
//!
//! A reader cuts the manifest into chunks. A few chunks are processed at the same time ([`chunk`]):
//! each decodes its pictures on many threads and embeds them in one call. The results are stored in
//! the manifest's order, and are written to the ledger only after the collection has acknowledged
//! them ([`run`]). Only these few chunks are in memory, however long the manifest is.

pub(crate) mod chunk;
pub(crate) mod deleted;
pub(crate) mod embed;
pub(crate) mod failures;
pub mod manifest;
pub(crate) mod mark;
pub(crate) mod paths;
pub(crate) mod picture;
pub mod progress;
pub(crate) mod reviewed;
pub(crate) mod run;
pub(crate) mod source;

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::bulk::{IngestRequest, ManifestRequest};
use clippy_core::embedding::Embedder;
use clippy_core::gallery::Gallery;
use clippy_core::ledger::{Ledger, LedgerTotals, Reasons};
use clippy_core::live::LivePair;
use clippy_core::maps::Maps;
use clippy_core::styles::StyleVectors;
use clippy_core::trash::Trash;
use clippy_core::{Error, ErrorCode, Result, sentences, styles};
use clippy_imaging::DecodeLimits;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ingest::chunk::IngestProcessor;
use crate::ingest::manifest::Place;
use crate::ingest::paths::{LookupFolders, Roots};
use crate::ingest::progress::IngestProgress;
use crate::ingest::run::ChunkProcessor;

/// The reserved payload field that says what the vectors of a point were made from.
pub use crate::ingest::mark::FIELD as MARK_FIELD;

/// What a run over a manifest uses.
#[derive(Clone)]
pub struct Tools {
    /// Makes the vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Stores the points.
    pub gallery: Arc<dyn Gallery>,
    /// Records the outcome of every line.
    pub ledger: Arc<dyn Ledger>,
    /// Knows the pictures that were deleted, which a run does not add again.
    pub trash: Arc<dyn Trash>,
}

/// Settings of a run that come from this process and not from the request. The defaults are those
/// of a job.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Where to start reading. The request's `start_line` must not be before it, and its
    /// `max_lines` must be the number of lines to read. `None` means the beginning of the
    /// manifest.
    pub begin: Option<Place>,
    /// Further folders that pictures are served from, such as `IMAGES_ROOT`. A picture in one of
    /// them needs no other root.
    pub served_from: Vec<PathBuf>,
    /// Whether a folder outside of all roots may be recorded as a new root, when a relative path
    /// leads to it from the working folder. The command line may do that; a job may not.
    pub may_record_folders: bool,
    /// How much memory decoding one picture may take.
    pub limits: DecodeLimits,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            begin: None,
            served_from: Vec::new(),
            may_record_folders: false,
            limits: DecodeLimits::bulk(),
        }
    }
}

/// Provides the tools for runs over manifests. Each run takes the pair of model and collection that
/// is live when it starts. After a switch its writes are refused, and it is repeated with the new
/// pair.
#[derive(Clone)]
pub struct LiveTools {
    /// The model and the collection that are live.
    pub live: Arc<LivePair>,
    /// Records the outcome of every line.
    pub ledger: Arc<dyn Ledger>,
    /// Knows the pictures that were deleted, and keeps what pictures were before a change.
    pub trash: Arc<dyn Trash>,
    /// Keeps the maps of the collection.
    pub maps: Arc<dyn Maps>,
}

impl LiveTools {
    /// Returns the tools for one run.
    #[must_use]
    pub fn now(&self) -> Tools {
        let live = self.live.now();
        let (embedder, gallery) = (Arc::clone(&live.embedder), Arc::clone(&live.gallery));
        Tools {
            embedder,
            gallery,
            ledger: Arc::clone(&self.ledger),
            trash: Arc::clone(&self.trash),
        }
    }
}

/// The result of a run over a manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IngestReport {
    /// The run's id in the ledger.
    pub run: Uuid,
    /// The number of lines per outcome.
    pub totals: LedgerTotals,
    /// Why lines failed or were skipped, by kind.
    pub reasons: Reasons,
    /// Whether the end of the manifest was reached; `false` if the run was cancelled.
    pub complete: bool,
    /// Duration of the run, in seconds.
    pub seconds: f64,
}

/// Embeds and stores a manifest's pictures.
///
/// A picture whose content and tags are stored already, made by the same model, counts as
/// unchanged. If only other fields of the manifest changed, the payload is updated and the line
/// still counts as unchanged. If the tags changed, only the text vector is made again, and the line
/// counts as embedded. With `no_text`, stored text vectors stay as they are. With `dry_run`, lines
/// that would be embedded are reported as skipped.
///
/// When `cancel` is cancelled, the chunks in progress are finished and stored, and the report has
/// `complete: false`.
///
/// # Errors [`ErrorCode::InvalidInput`] when the manifest or a folder cannot be read,
/// [`ErrorCode::Conflict`] when another model filled the collection, and errors of the embedder,
/// the gallery or the ledger. Points that were acknowledged before an error stay stored and
/// recorded. A single bad line or picture is never an error.
pub async fn ingest(
    tools: Tools,
    request: &IngestRequest,
    settings: &RunSettings,
    progress: &dyn IngestProgress,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let processor = prepare_processor(&tools, request, settings).await?;
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
    request: &IngestRequest,
    settings: &RunSettings,
) -> Result<Arc<dyn ChunkProcessor>> {
    check(tools, &request.lines).await?;
    let roots = roots(tools, &request.lines, settings).await?;
    let underscores = if request.dry_run || request.no_text {
        sentences::read_form(&*tools.gallery).await?
    } else {
        sentences::record_form(&*tools.gallery).await?
    };
    let styles = if request.dry_run {
        StyleVectors::NotMade
    } else {
        styles::settle(&*tools.gallery, tools.embedder.info()).await?
    };
    if styles == StyleVectors::NotMade && tools.embedder.info().style_statistics().is_some() {
        tracing::info!(
            "new pictures get no style vectors until `clippy backfill --which style --manifest \
             M.jsonl` has made those of the collection"
        );
    }
    if styles == StyleVectors::OfAnotherHead {
        tracing::warn!(
            "the collection's style vectors were made by another style head: new pictures get none \
             until `clippy backfill --which style --force-all --manifest M.jsonl` has replaced them"
        );
    }
    Ok(Arc::new(IngestProcessor::new(
        tools.clone(),
        request,
        settings.limits,
        roots,
        underscores,
        styles,
    )))
}

/// Opens the folders that a manifest's pictures are looked up in.
pub(crate) async fn roots(
    tools: &Tools,
    request: &ManifestRequest,
    settings: &RunSettings,
) -> Result<Roots> {
    let mut served = settings.served_from.clone();
    served.extend(
        tools
            .gallery
            .info()
            .await?
            .roots
            .into_iter()
            .map(PathBuf::from),
    );
    let lookup = LookupFolders {
        images_root: request.images_root.clone(),
        more_roots: request.more_roots.clone(),
        served,
        may_record: settings.may_record_folders,
    };
    Roots::open(&request.manifest, lookup).await
}

/// Checks the request, and that the collection was filled by the current model.
pub(crate) async fn check(tools: &Tools, request: &ManifestRequest) -> Result<()> {
    request.check()?;
    let (collection, model) = (tools.gallery.info().await?, tools.embedder.info());
    let same = collection.dimension == model.dimension
        && (collection.fingerprint.is_empty() || collection.fingerprint == model.fingerprint);
    if !same {
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "the collection {} was filled with {} {} ({} values a vector), but the model here \
                 is {} {} ({}): use that model, or reindex the collection with this one",
                collection.name,
                collection.model,
                collection.pretrained,
                collection.dimension,
                model.name,
                model.pretrained,
                model.dimension
            ),
        ));
    }
    Ok(())
}
