//! `POST /api/admin/add`: adds the pictures of folders, as a job of kind `ingest`.

use std::path::PathBuf;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_core::bulk::AddRequest;
use clippy_core::{Error, Result};
use clippy_jobs::JobKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::{Rest, Submission, accepted, find_earlier, refuse_unknown, start};
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::folders::Folders;
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// The maximum number of paths in one request.
const MAX_PATHS: usize = 1000;

/// A request to add folders.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AddBody {
    /// Folders and files. They must be in `IMAGES_ROOT`, `DATA_DIR`, or a folder whose pictures are
    /// already served. Relative paths are looked up there.
    paths: Vec<String>,
    /// Whether the names of sub-folders become tags and styles.
    #[serde(default)]
    tags_from_folders: bool,
    /// Whether files are only examined and nothing is stored.
    #[serde(default)]
    dry_run: bool,
    /// Whether pictures whose files are gone are moved to the trash. Refused if the drive of a
    /// folder seems to be away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    prune: bool,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Finds pictures in folders, and embeds and stores those that are new or changed.
///
/// Pictures are recognised by their content, and their ids are computed from it, so a picture that
/// was moved or renamed stays the same. Files beside a picture may give it tags, an artist, a
/// source and a licence. Besides the totals of an ingest, the job's result has the counts of the
/// scan.
#[utoipa::path(
    post,
    path = "/api/admin/add",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = AddBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "No path, or a path that does not exist."),
        (
            status = 403,
            description = "A path outside the folders of this server; `detail` says what to do."
        ),
        (
            status = 422,
            description = "A field that is missing, mistyped or unknown, or a key that was used \
                with another body."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_add(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<AddBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let once = match find_earlier(&state, &caller, &headers, JobKind::Ingest, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let request = AddRequest {
        paths: resolve(&state, body.paths).await?,
        tags_from_folders: body.tags_from_folders,
        dry_run: body.dry_run,
        prune: body.prune,
        ..AddRequest::default()
    };
    request.check()?;
    start(&state, &caller, once, JobKind::Ingest, &request).await
}

async fn resolve(state: &AppState, given: Vec<String>) -> Result<Vec<PathBuf>> {
    if given.len() > MAX_PATHS {
        return Err(Error::invalid(format!(
            "paths has {} entries, but at most {MAX_PATHS} are allowed: give the folders that \
             contain them",
            given.len()
        )));
    }
    let recorded = state.gallery().info().await?.roots;
    Folders::of(state.options())
        .run(move |folders| {
            given
                .iter()
                .map(|path| folders.pictures(path.trim(), &recorded))
                .collect()
        })
        .await
}
