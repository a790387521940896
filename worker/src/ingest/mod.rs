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

use clippy_core::bulk::{ManifestRequest, TEXT_TEMPLATE};
use clippy_core::embedding::Embedder;
use clippy_core::gallery::Gallery;
use clippy_core::ledger::{Ledger, LedgerTotals, Reasons};
use clippy_core::live::LivePair;
use clippy_core::{Error, ErrorCode, Result, sentences};
use clippy_imaging::DecodeLimits;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ingest::chunk::IngestStep;
use crate::ingest::manifest::{Place, Shard, Slice};
use crate::ingest::paths::{Looking, Roots};
use crate::ingest::progress::Progress;
use crate::ingest::run::Step;

/// The payload field that Clippy keeps for itself: what the vectors of a point were made from.
pub use crate::ingest::mark::FIELD as MARK_FIELD;

/// What a run over a manifest works with.
#[derive(Clone)]
pub struct Tools {
    /// Makes the vectors.
    pub embedder: Arc<dyn Embedder>,
    /// Keeps the points.
    pub gallery: Arc<dyn Gallery>,
    /// Keeps account of every line.
    pub ledger: Arc<dyn Ledger>,
}

/// Which lines of which manifest, and how they are worked through: the same for ingest and
/// backfill.
#[derive(Debug, Clone)]
pub struct ManifestOptions {
    /// The manifest: one picture a line, as JSON.
    pub manifest: PathBuf,
    /// Folder that relative paths are looked up under; `None` means the manifest's own folder.
    pub images_root: Option<PathBuf>,
    /// Which lines are read.
    pub slice: Slice,
    /// Where to begin reading, when that is known already: the slice's first line is not before
    /// it, and the slice's `max_lines` is how many lines there are. `None` means the
    /// manifest's beginning.
    pub begin: Option<Place>,
    /// Lines in a chunk, which are embedded in one call. At least 1.
    pub clip_batch: usize,
    /// Points that are stored together. At least 1.
    pub upsert_batch: usize,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    pub text_template: String,
    /// Further folders that pictures are served from, such as `IMAGES_ROOT`: what lies there needs
    /// no other root.
    pub served_from: Vec<PathBuf>,
    /// Whether the folder of a picture that a relative path leads to from the working folder may
    /// be recorded: for an operator at the command line, and not for a job.
    pub may_record_folders: bool,
    /// File to write the failed lines to: the reason as a comment, then the id; lines without an
    /// id are written as `line N`.
    pub fail_log: Option<PathBuf>,
    /// How much one picture may cost.
    pub limits: DecodeLimits,
}

/// What runs over manifests work with, for as long as a process lives: each run takes the pair of
/// model and collection that is live when it begins. A switch in its middle refuses its writes, and
/// it is run again with the new pair.
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

impl ManifestOptions {
    /// A whole manifest with the command line's defaults.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            images_root: None,
            served_from: Vec::new(),
            may_record_folders: false,
            slice: Slice::default(),
            begin: None,
            clip_batch: 32,
            upsert_batch: 256,
            text_template: TEXT_TEMPLATE.to_owned(),
            fail_log: None,
            limits: DecodeLimits::bulk(),
        }
    }
}

impl From<&ManifestRequest> for ManifestOptions {
    fn from(request: &ManifestRequest) -> Self {
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let shard = request
            .shard_index
            .zip(request.shard_count)
            .map(|(index, count)| Shard { index, count });
        Self {
            images_root: request.images_root.clone(),
            slice: Slice {
                start_line: request.start_line,
                max_lines: request.max_lines,
                shard,
            },
            clip_batch: number(request.clip_batch),
            upsert_batch: number(request.upsert_batch),
            text_template: request.text_template.clone(),
            fail_log: request.fail_log.clone(),
            ..Self::new(&request.manifest)
        }
    }
}

/// What to ingest, and how.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Which manifest.
    pub lines: ManifestOptions,
    /// Whether text vectors are made. When not, text vectors that are stored already stay.
    pub with_text: bool,
    /// Read the manifest and look at the files, but embed nothing and change nothing in the
    /// collection. Lines that would be embedded are accounted for as skipped.
    pub dry_run: bool,
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

/// Embeds and stores a manifest's pictures. Pictures whose content and tags are stored already,
/// made by the same model, count as unchanged; where only other fields of the manifest changed, the
/// payload is brought up to date and the line counts as unchanged too; where the tags changed, the
/// text vector alone is made anew and the line counts as embedded.
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
    options: &IngestOptions,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let step = prepared(&tools, options).await?;
    run::drive(&tools, &options.lines, step, progress, cancel).await
}

/// The work on the chunks of a manifest, after a look at whether it can work at all.
pub(crate) async fn prepared(tools: &Tools, options: &IngestOptions) -> Result<Arc<dyn Step>> {
    check(tools, &options.lines).await?;
    let roots = roots(tools, &options.lines).await?;
    let underscores = if options.dry_run || !options.with_text {
        sentences::of(&*tools.gallery).await?
    } else {
        sentences::settled(&*tools.gallery).await?
    };
    Ok(Arc::new(IngestStep::new(
        tools.clone(),
        options,
        roots,
        underscores,
    )))
}

/// The folders that a manifest's pictures are looked up under.
pub(crate) async fn roots(tools: &Tools, options: &ManifestOptions) -> Result<Roots> {
    let mut served = options.served_from.clone();
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
        images_root: options.images_root.clone(),
        served,
        may_record: options.may_record_folders,
    };
    Roots::open(&options.manifest, looking).await
}

/// Refuses what can never work before anything is done.
pub(crate) async fn check(tools: &Tools, options: &ManifestOptions) -> Result<()> {
    if options.clip_batch == 0 || options.upsert_batch == 0 {
        return Err(Error::invalid("the batches must hold at least 1 picture"));
    }
    if let Some(shard) = options.slice.shard
        && shard.index >= shard.count
    {
        return Err(Error::invalid(format!(
            "shard {} of {} does not exist: shards are counted from 0 to {}",
            shard.index,
            shard.count,
            shard.count.saturating_sub(1)
        )));
    }
    if !options.text_template.contains("{tags}") {
        return Err(Error::invalid(format!(
            "the text template \"{}\" has no {{tags}} in it, so that every picture would get the \
             same text",
            options.text_template
        )));
    }
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
