//! `POST /api/pictures`: stores the caller's own pictures, and adds them by a job of kind `ingest`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::bulk::AddRequest;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_jobs::{Job, JobKind, Lane};
use clippy_library::uploads::{self, Upload};
use serde::Serialize;
use utoipa::ToSchema;

use super::bulk::{Submission, create, find_earlier};
use crate::access::Caller;
use crate::extract::{PictureForm, SentFile};
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// The form, for the document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form is read part by part")]
pub(crate) struct UploadForm {
    /// The pictures.
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<Vec<u8>>,
    /// Tags for all of them, separated by commas.
    tags: Option<String>,
}

/// The job, and the pictures that it adds.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadResponse {
    #[serde(flatten)]
    job: JobResponse,
    /// The ids of the pictures, in the order of the files. A picture that was sent twice has one
    /// id.
    #[schema(value_type = Vec<serde_json::Value>)]
    ids: Vec<PointId>,
    /// Files that are not added.
    refused: Vec<RefusedFile>,
}

/// A file that is not added.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RefusedFile {
    /// Its name.
    name: String,
    /// Why.
    reason: String,
}

/// Stores pictures, and adds them to the gallery.
///
/// Each picture is stored once, by its content, in `DATA_DIR/pictures`. The words of its name and
/// the given tags find it. It is found by searches when the job has ended. Files that are not
/// pictures are listed in `refused`, and so are pictures that were deleted, until they are restored;
/// if no file is left, the request is refused.
#[utoipa::path(
    post,
    path = "/api/pictures",
    tag = "search",
    params(IdempotencyHeader),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (
            status = 202,
            description = "The job with the ids of the pictures; `Location` is its address.",
            body = UploadResponse
        ),
        (
            status = 400,
            description = "No file, no file that is a picture, or a tag that cannot be stored."
        ),
        (
            status = 422,
            description = "An unknown field, or a key that was used with other pictures."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn upload_pictures(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    form: PictureForm,
) -> Result<Response, Problem> {
    let (stored, refused) = store(&state, &form).await?;
    let mut ids: Vec<PointId> = Vec::with_capacity(stored.len());
    let mut request = AddRequest::default();
    for Upload { id, path } in stored {
        if !ids.contains(&id) {
            ids.push(id);
            request.paths.push(path);
        }
    }
    let sent = (&ids, &form.tags);
    let job = match find_earlier(&state, &caller, &headers, JobKind::Ingest, &sent).await? {
        Submission::Repeated(job) => *job,
        Submission::New(once) => {
            create(
                Lane::Control,
                &state,
                &caller,
                once,
                JobKind::Ingest,
                &request,
            )
            .await?
        }
    };
    Ok(answer(&state, job, ids, refused))
}

fn answer(state: &AppState, job: Job, ids: Vec<PointId>, refused: Vec<RefusedFile>) -> Response {
    let location = format!("/api/jobs/{}", job.id);
    let body = UploadResponse {
        job: JobResponse::of(state, job),
        ids,
        refused,
    };
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(body),
    )
        .into_response()
}

/// Returns why files were deleted: the tombstones of those pictures that are not to come back, by
/// their points.
async fn deleted(state: &AppState, form: &PictureForm) -> Result<HashMap<PointId, String>> {
    let (files, held) = (form.files.clone(), form.held.clone());
    let points = blocking("reading pictures", move || {
        let _held = held;
        let point_of = |file: &SentFile| uploads::point_of(&file.bytes);
        Ok(files.iter().map(point_of).collect::<Vec<_>>())
    })
    .await?;
    let stones = state.trash().tombstones(&points).await?;
    Ok(stones
        .into_iter()
        .map(|stone| (stone.id, stone.reason()))
        .collect())
}

/// Stores all pictures of a form, and lists the files that are none, or were deleted.
async fn store(state: &AppState, form: &PictureForm) -> Result<(Vec<Upload>, Vec<RefusedFile>)> {
    let Some(data) = state.options().data_dir.clone() else {
        return Err(Error::new(
            ErrorCode::Unsupported,
            "This server has no folder to store pictures in: set DATA_DIR",
        ));
    };
    if form.files.is_empty() {
        return Err(Error::invalid(
            "The form has no file: send pictures as parts with a file name",
        ));
    }
    let deleted = deleted(state, form).await?;
    let files: Vec<SentFile> = form.files.clone();
    let (tags, held) = (form.tags.clone(), form.held.clone());
    let (stored, refused) = blocking("storing pictures", move || {
        // Held until the thread ends, even if the caller has disconnected already.
        let _held = held;
        let (mut stored, mut refused) = (Vec::new(), Vec::new());
        for SentFile { name, bytes } in files {
            let stone = if deleted.is_empty() {
                None
            } else {
                deleted.get(&uploads::point_of(&bytes))
            };
            if let Some(reason) = stone {
                refused.push(RefusedFile {
                    name,
                    reason: reason.clone(),
                });
                continue;
            }
            match uploads::store(&data, &name, &bytes, &tags) {
                Ok(upload) => stored.push(upload),
                // The disk is full, for example. The next file would fail, too.
                Err(error) if error.code == ErrorCode::Unavailable => return Err(error),
                Err(error) => refused.push(RefusedFile {
                    name,
                    reason: error.message,
                }),
            }
        }
        Ok((stored, refused))
    })
    .await?;
    match (stored.is_empty(), refused.first()) {
        (true, Some(first)) => Err(Error::invalid(match refused.len() {
            1 => format!("{}: {}", first.name, first.reason),
            many => format!(
                "None of the {many} files is a picture that can be added. {}: {}",
                first.name, first.reason
            ),
        })),
        _ => Ok((stored, refused)),
    }
}
