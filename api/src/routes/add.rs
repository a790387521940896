//! `POST /api/admin/add`: the pictures of folders, as a job of kind `ingest`.

use std::path::PathBuf;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_core::bulk::AddRequest;
use clippy_core::{Error, Result};
use clippy_jobs::JobKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::{Rest, Sent, accepted, once, refuse_unknown, start};
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::folders::Folders;
use crate::problem::{Problem, ProblemBody};
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// Most paths of one request.
const MOST_PATHS: usize = 1000;

/// What to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AddBody {
    /// Folders and files. They lie under `IMAGES_ROOT`, `DATA_DIR`, or a folder whose pictures are
    /// served already; a relative path is looked up there.
    paths: Vec<String>,
    /// The names of sub-folders are tags, and styles.
    #[serde(default)]
    tags_from_folders: bool,
    /// Look at the files, but store nothing.
    #[serde(default)]
    dry_run: bool,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Looks for pictures in folders, and embeds and stores those that are new or changed.
///
/// Pictures are told by their content, and their ids are made of it, so that a picture that was
/// moved or renamed stays the same. Files beside a picture may give it tags, an artist, a source and
/// a licence. The result of the job has the sums of `scan` besides those of an ingest.
#[utoipa::path(
    post,
    path = "/api/admin/add",
    tag = "admin",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body make one job, however often they are sent.")),
    request_body = AddBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "No path, or one that is not there.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A path outside of the folders of this server; `detail` says what to do.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A field that is missing, mistyped or unknown, or a key that was used with another body.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many jobs are waiting.", body = ProblemBody, content_type = "application/problem+json"),
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
    let once = match once(&state, &caller, &headers, JobKind::Ingest, &body).await? {
        Sent::Before(job) => return Ok(accepted(&state, *job)),
        Sent::First(once) => once,
    };
    let request = AddRequest {
        paths: found(&state, body.paths).await?,
        tags_from_folders: body.tags_from_folders,
        dry_run: body.dry_run,
    };
    request.check()?;
    start(&state, &caller, once, JobKind::Ingest, &request).await
}

async fn found(state: &AppState, given: Vec<String>) -> Result<Vec<PathBuf>> {
    if given.len() > MOST_PATHS {
        return Err(Error::invalid(format!(
            "paths has {} entries, but at most {MOST_PATHS} are taken: name the folders that hold \
             them",
            given.len()
        )));
    }
    let recorded = state.gallery().info().await?.roots;
    Folders::of(state.options())
        .ask(move |folders| {
            given
                .iter()
                .map(|path| folders.pictures(path.trim(), &recorded))
                .collect()
        })
        .await
}
