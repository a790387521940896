//! `GET /api/history/{id}/pictures/{n}` and `/api/history/{id}/inputs/{sha256}`: the files of an
//! entry.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_common::shorten;
use clippy_core::Error;
use clippy_generate::StoredFile;

use crate::access::Caller;
use crate::admission::CallerId;
use crate::problem::Problem;
use crate::routes::history::visible_entry;
use crate::routes::stored_file::StoredFileAnswer;
use crate::state::AppState;

/// Sends a generated picture. If the server has keys, this route also accepts `?ticket=` and
/// `?key=`, since an `<img>` cannot send headers.
#[utoipa::path(
    get,
    path = "/api/history/{id}/pictures/{n}",
    tag = "history",
    params(
        ("id" = String, Path, description = "The entry's id."),
        ("n" = u32, Path, description = "The index of the picture."),
    ),
    responses(
        (status = 200, description = "The file.", content_type = "image/*"),
        (status = 304, description = "The caller's copy (If-None-Match) is current."),
        (status = 404, description = "No such entry or picture."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_history_picture(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, number)): Path<(String, String)>,
    who: CallerId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listed = visible_entry(&state, &caller, &id).await?;
    let pictures = listed.entry.pictures.iter();
    let picture = number
        .parse::<u32>()
        .ok()
        .and_then(|number| pictures.into_iter().find(|one| one.index == number))
        .ok_or_else(|| {
            let shown = shorten(&number, 20);
            Error::not_found(format!("entry {id} of the history has no picture {shown}"))
        })?;
    let answer = StoredFileAnswer::new(&state, &picture.sha256)?;
    if answer.is_known(&headers) {
        return Ok(answer.not_modified());
    }
    let outputs = &state.generation().outputs;
    let (file, length, media_type) = outputs.open_file(&picture.sha256).await?;
    answer.send(&state, who, file, length, media_type)
}

/// Sends an upload that an entry was made from: a sketch, a base, a mask, a reference, or the
/// client's document of the drawing. If the server has keys, this route also accepts `?ticket=` and
/// `?key=`.
#[utoipa::path(
    get,
    path = "/api/history/{id}/inputs/{sha256}",
    tag = "history",
    params(
        ("id" = String, Path, description = "The entry's id."),
        ("sha256" = String, Path, description = "SHA-256 of the file, as in its settings."),
    ),
    responses(
        (status = 200, description = "The file.", content_type = "*/*"),
        (status = 304, description = "The caller's copy (If-None-Match) is current."),
        (status = 404, description = "No such entry or upload."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_history_input(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, sha256)): Path<(String, String)>,
    who: CallerId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listed = visible_entry(&state, &caller, &id).await?;
    // Only those of this entry: others may belong to other callers.
    let mut inputs = listed.entry.inputs.iter();
    let input = inputs.find(|input| input.sha256 == sha256).ok_or_else(|| {
        let shown = shorten(&sha256, 64);
        Error::not_found(format!("entry {id} of the history has no upload {shown}"))
    })?;
    let answer = StoredFileAnswer::new(&state, &input.sha256)?;
    if answer.is_known(&headers) {
        return Ok(answer.not_modified());
    }
    let StoredFile {
        file,
        size,
        media_type,
    } = state.generation().intake.open_file(&input.sha256).await?;
    answer.send(&state, who, file, size, media_type)
}
