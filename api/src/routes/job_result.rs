//! What jobs end with, as the OpenAPI document describes it. Workers write results as JSON, and
//! answers pass that JSON on.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a job ended with: pictures, or the account of bulk work.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes JSON that workers write")]
pub(crate) enum JobResult {
    Generation(Box<GenerationResult>),
    Bulk(BulkResult),
}

/// The pictures of a `generate` job.
#[derive(Serialize, ToSchema)]
pub(crate) struct GenerationResult {
    /// The pictures, in the order of their index.
    images: Vec<GeneratedPicture>,
    /// The model, or the provider where it names none.
    model_used: String,
    /// How they were made.
    meta: GenerationMetaResponse,
    /// The digests and weights of what they were made from.
    #[schema(value_type = Object)]
    lineage: Map<String, Value>,
}

/// One generated picture.
#[derive(Serialize, ToSchema)]
pub(crate) struct GeneratedPicture {
    /// Its place, from 0.
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
    /// The seed that makes it again, where the provider has seeds.
    seed: Option<u64>,
}

/// How pictures were made.
#[derive(Serialize, ToSchema)]
pub(crate) struct GenerationMetaResponse {
    /// The provider's name.
    provider: String,
    /// The model, where there is one.
    model: Option<String>,
    /// `edit`, `subject`, `style` or `generate`.
    mode: String,
    /// The prompt as it was sent to the provider.
    constructed_prompt: String,
    /// The negative prompt as it was sent to the provider.
    negative_prompt: Option<String>,
    /// Why pictures are missing, one reason for each.
    filtered: Option<Vec<String>>,
    /// Paid calls.
    calls: u32,
    /// What the calls cost in US dollars at most, where the price is known.
    usd: Option<f64>,
}

/// The account of an `ingest`, `backfill` or `reindex` job. Each kind adds fields of its own.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// How many lines there were, and what became of them.
    totals: TotalsResponse,
    /// Some of the lines that failed.
    failures: Vec<FailedLine>,
    /// What was found in the folders that were added; the lines are those of new and changed files.
    scan: Option<ScanResponse>,
}

/// Files of the folders that were added, counted by what they are.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanResponse {
    /// Folders that were looked at.
    folders: u64,
    /// Files in them.
    files: u64,
    /// Pictures that were not known.
    new: u64,
    /// Pictures whose file was overwritten with another picture.
    changed: u64,
    /// Pictures that look as they did the last time: they were not opened.
    unchanged: u64,
    /// Files with the content of a picture that is stored under another name.
    duplicates: u64,
    /// Pictures that lie elsewhere than before.
    moved: u64,
    /// Pictures whose file is not there any more. They stay in the collection.
    missing: u64,
    /// Files that are no pictures, by what they are.
    not_pictures: std::collections::BTreeMap<String, u64>,
    /// What is worth knowing, with how often it occurred.
    remarks: std::collections::BTreeMap<String, u64>,
}

/// Lines, counted by what became of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotalsResponse {
    /// Lines read.
    lines: u64,
    /// Embedded and stored.
    embedded: u64,
    /// Stored already, with the same content and model.
    unchanged: u64,
    /// The id occurred in an earlier line.
    duplicates: u64,
    /// Left out on purpose.
    skipped: u64,
    /// Not stored because of a failure.
    failed: u64,
}

/// A line that failed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailedLine {
    /// The manifest's line, from 0.
    line: u64,
    /// The picture's id, where the line names one: a number when it is all digits, else a UUID.
    id: Option<Value>,
    /// `failed`.
    outcome: String,
    /// Why, and what to do.
    reason: String,
}
