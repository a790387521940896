//! Ingest: a manifest's pictures, embedded and stored.
//!
//! A reader cuts the manifest into chunks; a few chunks are worked on at the same time ([`chunk`]),
//! each decoding its pictures on many threads and embedding them in one call; what comes out is
//! stored in the manifest's order, and only what the collection acknowledged is written to the
//! ledger ([`run`]). However long the manifest, no more than those few chunks are in memory.

pub(crate) mod chunk;
pub(crate) mod embed;
pub(crate) mod failures;
pub mod manifest;
pub(crate) mod mark;
pub(crate) mod paths;
pub(crate) mod picture;
pub mod progress;
pub(crate) mod run;
pub(crate) mod source;

use std::path::PathBuf;
use std::sync::Arc;

use clippy_core::bulk::{IngestRequest, ManifestRequest};
use clippy_core::embedding::Embedder;
use clippy_core::gallery::Gallery;
use clippy_core::ledger::{Ledger, LedgerTotals, Reasons};
use clippy_core::live::LivePair;
use clippy_core::{Error, ErrorCode, Result, sentences};
use clippy_imaging::DecodeLimits;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ingest::chunk::IngestProcessor;
use crate::ingest::manifest::Place;
use crate::ingest::paths::{Looking, Roots};
use crate::ingest::progress::ProgressSink;
use crate::ingest::run::ChunkProcessor;

/// The payload field that Clippy keeps for itself: what the vectors of a point were made from.
pub use crate::ingest::mark::FIELD as MARK_FIELD;

/// What a run over a manifest uses.
#[derive(Clone)]
pub struct Tools {
    /// Makes the vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Keeps the points.
    pub gallery: Arc<dyn Gallery>,
    /// Keeps account of every line.
    pub ledger: Arc<dyn Ledger>,
}

/// What a run over a manifest depends on besides the request: where this process runs, and for
/// whom. The default is that of a job.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Where to start reading, if that is known already. The request's `start_line` must not be
    /// before it, and its `max_lines` must say how many lines there are. `None` means the
    /// beginning of the manifest.
    pub begin: Option<Place>,
    /// Further folders that pictures are served from, such as `IMAGES_ROOT`. A picture in one of
    /// them needs no other root.
    pub served_from: Vec<PathBuf>,
    /// Whether the folder of a picture may be recorded that a relative path leads to from the
    /// working folder. An operator at the command line may do that; a job may not.
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

/// What runs over manifests use while a process lives. Each run takes the pair of model and
/// collection that is live when it starts. After a switch its writes are refused, and it is run
/// again with the new pair.
#[derive(Clone)]
pub struct LiveTools {
    /// The model and the collection that are live.
    pub live: Arc<LivePair>,
    /// Keeps account of every line.
    pub ledger: Arc<dyn Ledger>,
}

impl LiveTools {
    /// The tools for one run.
    #[must_use]
    pub fn now(&self) -> Tools {
        let live = self.live.now();
        let (embedder, gallery) = (Arc::clone(&live.embedder), Arc::clone(&live.gallery));
        Tools {
            embedder,
            gallery,
            ledger: Arc::clone(&self.ledger),
        }
    }
}

/// How a run over a manifest ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IngestReport {
    /// The run's account in the ledger.
    pub run: Uuid,
    /// The sums of that account.
    pub totals: LedgerTotals,
    /// Why lines failed or were skipped, by kind.
    pub reasons: Reasons,
    /// Whether the end of the manifest was reached; `false` after a stop that was asked for.
    pub complete: bool,
    /// How long it took.
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
/// When `cancel` is cancelled, the chunks in work are finished and stored, and the report says
/// `complete: false`.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] when the manifest or a folder cannot be read,
/// [`ErrorCode::Conflict`] when another model filled the collection, and whatever the embedder, the
/// gallery or the ledger cannot recover from. What was acknowledged before an error stays, and the
/// ledger tells of it; a single bad line or picture is never an error.
pub async fn ingest(
    tools: Tools,
    request: &IngestRequest,
    settings: &RunSettings,
    progress: &dyn ProgressSink,
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

/// Checks the request, then prepares the work on the chunks of a manifest.
pub(crate) async fn prepare_processor(
    tools: &Tools,
    request: &IngestRequest,
    settings: &RunSettings,
) -> Result<Arc<dyn ChunkProcessor>> {
    check(tools, &request.lines).await?;
    let roots = roots(tools, &request.lines, settings).await?;
    let underscores = if request.dry_run || request.no_text {
        sentences::of(&*tools.gallery).await?
    } else {
        sentences::settled(&*tools.gallery).await?
    };
    Ok(Arc::new(IngestProcessor::new(
        tools.clone(),
        request,
        settings.limits,
        roots,
        underscores,
    )))
}

/// The folders that a manifest's pictures are looked up under.
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
    let looking = Looking {
        images_root: request.images_root.clone(),
        more_roots: request.more_roots.clone(),
        served,
        may_record: settings.may_record_folders,
    };
    Roots::open(&request.manifest, looking).await
}

/// Checks the request, and that the collection was filled with the model that is used here, before
/// any work is done.
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
