//! `POST /api/admin/ingest|backfill|reindex`: bulk work as jobs. A body has the flags of the
//! command by their snake_case names.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_common::shorten;
use clippy_core::bulk::{
    BackfillRequest, CLIP_BATCH, IngestRequest, ManifestRequest, ReindexRequest, TEXT_TEMPLATE,
    UPSERT_BATCH, Which,
};
use clippy_core::{Error, ErrorCode};
use clippy_jobs::{Envelope, Job, JobFilter, JobKind, JobState, Lane, NewJob};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::extract::ApiJson;
use crate::folders::Folders;
use crate::problem::Problem;
use crate::routes::idempotency::{IdempotencyHeader, IdempotentRequest, idempotency_key};
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// Unknown fields. They are refused, since a misspelt flag should not be ignored.
pub(super) type Rest = BTreeMap<String, IgnoredAny>;

/// A manifest, the lines to read, and how its pictures are found and embedded.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ManifestBody {
    /// The manifest: one picture a line, as JSON. It is in `IMAGES_ROOT` or `DATA_DIR`; a relative
    /// path is looked up there.
    manifest: String,
    /// The folder that relative paths begin at. The default is `IMAGES_ROOT` if it is set, else the
    /// manifest's folder.
    images_root: Option<String>,
    /// Pictures that are embedded together, 1..4096.
    #[schema(default = json!(CLIP_BATCH))]
    clip_batch: Option<u64>,
    /// Points that are stored together, 1..65536.
    #[schema(default = json!(UPSERT_BATCH))]
    upsert_batch: Option<u64>,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[schema(default = json!(TEXT_TEMPLATE))]
    text_template: Option<String>,
    /// First line, counted from 0.
    start_line: Option<u64>,
    /// How many lines at most.
    max_lines: Option<u64>,
    /// The index of this run, counted from 0, if several runs share the manifest.
    shard_index: Option<u64>,
    /// How many runs share the manifest.
    shard_count: Option<u64>,
    /// The file in `DATA_DIR` to write the ids of failed lines to. It ends in `.txt` or `.log`.
    fail_log: Option<String>,
}

/// The body of an ingest.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct IngestBody {
    #[serde(flatten)]
    lines: ManifestBody,
    /// Make no text vectors.
    #[serde(default)]
    no_text: bool,
    /// Read the manifest and check the files, but store nothing.
    #[serde(default)]
    dry_run: bool,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// The body of a backfill.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct BackfillBody {
    #[serde(flatten)]
    lines: ManifestBody,
    /// Which vectors: `image`, `edge`, `text`, `style`, `both` (image and edge) or `all`.
    #[schema(value_type = String)]
    which: Which,
    /// Make existing vectors again, too.
    #[serde(default)]
    force_all: bool,
    /// Only the pictures whose ids are in this file, one a line. It is in `IMAGES_ROOT` or
    /// `DATA_DIR`.
    ids_file: Option<String>,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// The body of a re-index.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ReindexBody {
    /// open_clip's name of the architecture. The default is the model in use.
    model: Option<String>,
    /// The weights of that model.
    pretrained: Option<String>,
    /// Go back to the collection that the last reindex replaced.
    #[serde(default)]
    rollback: bool,
    /// Delete the collection that the last reindex replaced.
    #[serde(default)]
    drop_old: bool,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[schema(default = json!(TEXT_TEMPLATE))]
    text_template: Option<String>,
    /// Switch even if many pictures cannot be read any more.
    #[serde(default)]
    allow_missing: bool,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Embeds and stores a manifest's pictures. Pictures that are stored already are left unchanged.
#[utoipa::path(
    post,
    path = "/api/admin/ingest",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = IngestBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "A value out of range, or a missing file."),
        (status = 403, description = "A file outside of `IMAGES_ROOT` and `DATA_DIR`."),
        (
            status = 422,
            description = "A field that is missing, mistyped or unknown, or a key that was used \
                with another body."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_ingest(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<IngestBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let once = match find_earlier(&state, &caller, &headers, JobKind::Ingest, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let lines = manifest_request(&state, body.lines).await?;
    let request = IngestRequest {
        lines,
        no_text: body.no_text,
        dry_run: body.dry_run,
    };
    start(&state, &caller, once, JobKind::Ingest, &request).await
}

/// Makes the vectors that are missing or zero in the collection. Others are left unchanged.
#[utoipa::path(
    post,
    path = "/api/admin/backfill",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = BackfillBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "A value out of range, or a missing file."),
        (status = 403, description = "A file outside of `IMAGES_ROOT` and `DATA_DIR`."),
        (
            status = 422,
            description = "A field that is missing, mistyped or unknown, or a key that was used \
                with another body."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_backfill(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<BackfillBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let once = match find_earlier(&state, &caller, &headers, JobKind::Backfill, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let ids_file = match body.ids_file {
        Some(given) => Some(
            Folders::of(state.options())
                .run(move |folders| folders.file("ids_file", &given))
                .await?,
        ),
        None => None,
    };
    let lines = manifest_request(&state, body.lines).await?;
    let request = BackfillRequest {
        lines,
        which: body.which,
        force_all: body.force_all,
        ids_file,
    };
    start(&state, &caller, once, JobKind::Backfill, &request).await
}

/// Builds a new collection beside the live one, with the same or another model, catches up with
/// writes, compares the results of recent queries, and switches. Searches work all the time. The
/// old collection is kept: `rollback` goes back to it, `drop_old` deletes it. Only one re-index
/// runs at a time; the same request again returns its job.
#[utoipa::path(
    post,
    path = "/api/admin/reindex",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = ReindexBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "Fields that exclude each other."),
        (status = 409, description = "Another re-index is running."),
        (
            status = 422,
            description = "A field that is mistyped or unknown, or a key that was used with \
                another body."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_reindex(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<ReindexBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let once = match find_earlier(&state, &caller, &headers, JobKind::Reindex, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let defaults = ReindexRequest::default();
    let request = ReindexRequest {
        model: body.model,
        pretrained: body.pretrained,
        rollback: body.rollback,
        drop_old: body.drop_old,
        text_template: body.text_template.unwrap_or(defaults.text_template),
        allow_missing: body.allow_missing,
    };
    request.check()?;
    if let Some(job) = reindex_under_way(&state).await? {
        if job.payload == Envelope::whole(&request).to_payload()? {
            return Ok(accepted(&state, job));
        }
        return Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "job {} is already working on the collections: wait for its end, or cancel it",
                job.id
            ),
        )
        .into());
    }
    start(&state, &caller, once, JobKind::Reindex, &request).await
}

/// Finds the unfinished re-index, if there is one.
async fn reindex_under_way(state: &AppState) -> Result<Option<Job>, Problem> {
    for unfinished in [JobState::Running, JobState::Waiting, JobState::Queued] {
        let mut filter = JobFilter {
            kind: Some(JobKind::Reindex),
            state: Some(unfinished),
            limit: 1,
            ..JobFilter::default()
        };
        loop {
            let page = state.jobs().list(&filter).await.map_err(Problem::of_job)?;
            if let Some(job) = page.jobs.into_iter().next() {
                return Ok(Some(job));
            }
            // A page may be empty although there are more.
            filter.before = page.next_cursor;
            if filter.before.is_none() {
                break;
            }
        }
    }
    Ok(None)
}

pub(super) fn refuse_unknown(rest: &Rest) -> Result<(), Error> {
    if rest.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = rest.keys().take(5).map(|name| shorten(name, 60)).collect();
    let message = format!(
        "There is no field \"{}\": /docs lists all fields",
        names.join("\", \"")
    );
    Err(Error::new(ErrorCode::Unsupported, message))
}

/// The error for a root that cannot be read. Without it, every line would fail for an unclear
/// reason.
fn unreadable_root(error: &std::io::Error) -> Error {
    Error::invalid(format!(
        "IMAGES_ROOT of this server is a folder that cannot be read ({error}): correct it, or \
         send the pictures' folder as images_root"
    ))
}

/// Converts a body to a request: finds its files and checks its values.
async fn manifest_request(state: &AppState, body: ManifestBody) -> Result<ManifestRequest, Error> {
    let recorded = match &body.images_root {
        Some(_) => state.gallery().info().await?.roots,
        None => Vec::new(),
    };
    let defaults = state.options().images_root.clone();
    let folders = Folders::of(state.options());
    let found = folders.run(move |folders| {
        let images_root = match &body.images_root {
            Some(given) => Some(folders.folder("images_root", given, &recorded)?),
            None => defaults
                .map(|root| root.canonicalize().map_err(|error| unreadable_root(&error)))
                .transpose()?,
        };
        let request = ManifestRequest::new(folders.file("manifest", &body.manifest)?);
        Ok(ManifestRequest {
            images_root,
            clip_batch: body.clip_batch.unwrap_or(request.clip_batch),
            upsert_batch: body.upsert_batch.unwrap_or(request.upsert_batch),
            text_template: body
                .text_template
                .unwrap_or_else(|| request.text_template.clone()),
            start_line: body.start_line.unwrap_or_default(),
            max_lines: body.max_lines,
            shard_index: body.shard_index,
            shard_count: body.shard_count,
            fail_log: body
                .fail_log
                .map(|given| folders.list("fail_log", &given))
                .transpose()?,
            ..request
        })
    });
    let request = found.await?;
    request.check()?;
    Ok(request)
}

/// A body, sent with or without an idempotency key.
pub(super) enum Submission {
    /// The same key and body have created this job.
    Repeated(Box<Job>),
    /// No job was created with this key yet.
    New(Option<IdempotentRequest>),
}

/// Finds the job of an earlier request with the same key and body. This comes before all other
/// checks, since files may have moved meanwhile.
pub(super) async fn find_earlier<B: Serialize + Sync>(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    kind: JobKind,
    body: &B,
) -> Result<Submission, Problem> {
    let Some(key) = idempotency_key(headers)? else {
        return Ok(Submission::New(None));
    };
    let once = IdempotentRequest::new(kind, key, body)?;
    Ok(once
        .find_job(state, caller)
        .await?
        .map_or(Submission::New(Some(once)), |job| {
            Submission::Repeated(Box::new(job))
        }))
}

pub(super) async fn start<R: Serialize + Sync>(
    state: &AppState,
    caller: &Caller,
    once: Option<IdempotentRequest>,
    kind: JobKind,
    request: &R,
) -> Result<Response, Problem> {
    // A parent plans and merges in the control lane; its parts run in the bulk lane.
    let job = create(Lane::Control, state, caller, once, kind, request).await?;
    Ok(accepted(state, job))
}

/// Creates the job of a request in a lane, or returns the one that the same key and body have
/// created.
pub(super) async fn create<R: Serialize + Sync>(
    lane: Lane,
    state: &AppState,
    caller: &Caller,
    once: Option<IdempotentRequest>,
    kind: JobKind,
    request: &R,
) -> Result<Job, Problem> {
    let payload = Envelope::whole(request).to_payload()?;
    let mut new = NewJob::new(kind, lane, payload).owner(caller.name());
    if let Some(once) = &once {
        new = once.apply_to(new);
    }
    let created = state.jobs().create(&new).await.map_err(Problem::of_job)?;
    if !created.existing {
        state.new_jobs().announce(caller.name());
    }
    Ok(created.job)
}

pub(super) fn accepted(state: &AppState, job: Job) -> Response {
    let location = format!("/api/jobs/{}", job.id);
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(JobResponse::of(state, job)),
    )
        .into_response()
}
