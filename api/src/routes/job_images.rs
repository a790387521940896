//! `GET /api/jobs/{id}/images/{n}`: sends a generated picture of a job.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_common::shorten;
use clippy_core::Error;

use crate::access::Caller;
use crate::admission::CallerId;
use crate::problem::Problem;
use crate::routes::jobs::visible_job;
use crate::routes::stored_file::StoredFileAnswer;
use crate::state::AppState;

/// Sends a generated picture of a job, with its lineage in the file. If the server has keys, this
/// route also accepts `?ticket=` and `?key=`, since an `<img>` cannot send headers.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/images/{n}",
    tag = "generation",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("n" = u32, Path, description = "The index of the picture, from 0."),
    ),
    responses(
        (status = 200, description = "The file.", content_type = "image/*"),
        (status = 304, description = "The caller's copy (If-None-Match) is current."),
        (
            status = 404,
            description = "No such job, or it has no such picture (yet); `state` is its state."
        ),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_job_image(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    who: CallerId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = visible_job(&state, &caller, &id).await?;
    let found = job.result.as_ref().zip(number.parse::<usize>().ok());
    let image = found.and_then(|(result, number)| result.get("images")?.get(number));
    let Some(sha256) = image.and_then(|image| image["sha256"].as_str()) else {
        let shown = shorten(&number, 20);
        let missing = Error::not_found(format!(
            "job {} has no picture {shown}: it is {}",
            job.id, job.state
        ));
        return Err(Problem::from(missing).in_state(job.state.as_str()));
    };
    let answer = StoredFileAnswer::new(&state, sha256)?;
    if answer.is_known(&headers) {
        return Ok(answer.not_modified());
    }
    let (file, length, media_type) = state.generation().outputs.open_file(sha256).await?;
    answer.send(&state, who, file, length, media_type)
}
