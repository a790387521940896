//! The results of jobs for the OpenAPI document. Workers write results as JSON, which answers pass
//! on.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The result of a job: pictures, or the account of bulk work.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes JSON that workers write")]
pub(crate) enum JobResult {
    Generation(Box<GenerationResult>),
    Bulk(Box<BulkResult>),
}

/// The pictures of a `generate` job.
#[derive(Serialize, ToSchema)]
pub(crate) struct GenerationResult {
    /// The pictures, in the order of their index.
    images: Vec<GeneratedPicture>,
    /// The model, or the provider if it has no models.
    model_used: String,
    /// How they were generated.
    meta: GenerationMetaResponse,
    /// The digests and weights of the inputs.
    #[schema(value_type = Object)]
    lineage: Map<String, Value>,
}

/// One generated picture.
#[derive(Serialize, ToSchema)]
pub(crate) struct GeneratedPicture {
    /// Its index, from 0.
    index: u32,
    /// Its path on this server.
    url: String,
    /// SHA-256 of the file.
    sha256: String,
    /// Size of the file in bytes.
    size: u64,
    /// Its media type.
    media_type: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// The seed that generates it again, if the provider has seeds.
    seed: Option<u64>,
}

/// How pictures were generated.
#[derive(Serialize, ToSchema)]
pub(crate) struct GenerationMetaResponse {
    /// The provider's name.
    provider: String,
    /// The model, if the provider has one.
    model: Option<String>,
    /// `edit`, `subject`, `style` or `generate`.
    mode: String,
    /// The prompt as it was sent to the provider.
    constructed_prompt: String,
    /// The negative prompt as it was sent to the provider.
    negative_prompt: Option<String>,
    /// Why pictures are missing, one reason for each.
    filtered: Option<Vec<String>>,
    /// The number of paid calls.
    calls: u32,
    /// The highest cost of the calls in US dollars, if the price is known.
    usd: Option<f64>,
}

/// The account of an `ingest`, `backfill`, `reindex` or `fetch` job. Each kind adds fields of its own.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// The number of lines per outcome.
    totals: TotalsResponse,
    /// The first failed lines.
    failures: Vec<FailedLine>,
    /// The number of lines that a dry run would embed. They are counted as `skipped`.
    would_embed: Option<u64>,
    /// The scan of the added folders. The lines are those of new and changed files.
    scan: Option<ScanResponse>,
    /// Proposed tags, of a job that proposes them. The lines are pictures.
    tags: Option<TagsReport>,
    /// What a bulk change of pictures did. The lines are pictures that were looked at.
    changes: Option<ChangesReport>,
    /// What a `fetch` job has fetched. The lines are those of its manifest, if it ingests them.
    fetch: Option<FetchReport>,
}

/// What a job fetched from a site.
#[derive(Serialize, ToSchema)]
pub(crate) struct FetchReport {
    /// The folder in `DATA_DIR`.
    folder: String,
    /// Its manifest, as `POST /api/admin/ingest` takes it.
    manifest: String,
    /// Tags that were asked for.
    tags: u64,
    /// Different posts that the site listed.
    posts: u64,
    /// Pictures that were downloaded by the run that ended the job.
    fetched: u64,
    /// Pictures that were there already.
    kept: u64,
    /// Posts without a picture: films, removed files.
    skipped: u64,
    /// Pictures and tags that failed.
    failed: u64,
    /// Posts whose id cannot be read. They are not in `posts`.
    unreadable: u64,
    /// Tags for which the site has no post.
    tags_without_posts: Vec<String>,
    /// The first failures.
    failures: Vec<FetchFailure>,
}

/// A picture or a tag that could not be fetched.
#[derive(Serialize, ToSchema)]
pub(crate) struct FetchFailure {
    /// Which one, and why.
    reason: String,
}

/// What a bulk change did.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangesReport {
    /// What was done.
    action: String,
    /// The name of the change: `restore` with it as `filter.change` undoes it.
    change: String,
    /// Pictures that changed.
    changed: u64,
    /// Pictures that were selected, and were so already.
    unchanged: u64,
    /// What a `restore` did.
    restored: RestoredReport,
}

/// What a `restore` did.
#[derive(Serialize, ToSchema)]
pub(crate) struct RestoredReport {
    /// Pictures that are again as they were.
    restored: u64,
    /// Among them, pictures that need their files added again, since the model changed meanwhile.
    without_vectors: u64,
    /// Pictures whose trash was emptied: they can be added again.
    lifted: u64,
    /// Edits that were not undone, since the picture was changed again or deleted.
    outdated: u64,
}

/// What a job proposed.
#[derive(Serialize, ToSchema)]
pub(crate) struct TagsReport {
    /// Pictures that were compared.
    pictures: u64,
    /// Words that they were compared with.
    words: u64,
    /// Pictures for which tags were proposed.
    proposed_pictures: u64,
    /// Tags that were proposed, over all pictures.
    proposed: u64,
    /// Proposals that were made tags.
    accepted: u64,
    /// Tagged pictures that the probabilities were learned from.
    learned_from: u64,
    /// The highest probability that a word can get which no picture has as a tag.
    most_for_new_words: f64,
}

/// The numbers of files in the added folders.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanResponse {
    /// The number of folders that were scanned.
    folders: u64,
    /// The number of files in them.
    files: u64,
    /// Pictures that were not known before.
    new: u64,
    /// Pictures whose file was overwritten with another picture.
    changed: u64,
    /// Pictures that have not changed since the last scan. They were not opened.
    unchanged: u64,
    /// Files with the content of a picture that is stored under another name.
    duplicates: u64,
    /// Pictures whose files were moved.
    moved: u64,
    /// Pictures whose file no longer exists. They stay in the collection.
    missing: u64,
    /// Files that are not pictures, by what they are.
    not_pictures: std::collections::BTreeMap<String, u64>,
    /// Remarks, with their numbers.
    remarks: std::collections::BTreeMap<String, u64>,
}

/// The number of lines per outcome.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotalsResponse {
    /// Lines read.
    lines: u64,
    /// Embedded and stored.
    embedded: u64,
    /// Stored already, with the same content and model.
    unchanged: u64,
    /// Lines with the id of an earlier line.
    duplicates: u64,
    /// Left out intentionally.
    skipped: u64,
    /// Not stored because of a failure.
    failed: u64,
}

/// A line that failed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailedLine {
    /// The manifest's line, from 0.
    line: u64,
    /// The picture's id, if the line has one: a number if it is all digits, else a UUID.
    id: Option<Value>,
    /// `failed`.
    outcome: String,
    /// Why, and what to do.
    reason: String,
}
