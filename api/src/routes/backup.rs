//! `POST /api/admin/backup` copies what changes while a server runs.

use axum::extract::State;
use axum::response::Response;
use clippy_core::{Error, ErrorCode};

use super::long_answer::answer_when_done;
use crate::problem::Problem;
use crate::state::AppState;

/// Copies the live collection and the databases, for `clippy backup`.
///
/// The copy goes to the folder that `clippy backup` wrote into the data folder, so a caller cannot
/// choose one. Writes wait until the copy is made; searches do not. The answer ends when the copy is
/// made: empty lines, then one line of JSON, `{"done": {"points": 3}}` or `{"failed": "why"}`.
#[utoipa::path(
    post,
    path = "/api/admin/backup",
    tag = "admin",
    responses(
        (
            status = 200,
            description = "Lines; the last one has the result.",
            content_type = "application/x-ndjson"
        ),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
        (status = 422, description = "The collection is on a Qdrant server."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn copy_data_folder(State(state): State<AppState>) -> Result<Response, Problem> {
    let backup = state.backup().ok_or_else(|| {
        Error::new(
            ErrorCode::Unsupported,
            "the collection is on a Qdrant server, not in the data folder: use the server's \
             snapshots, or `clippy export`",
        )
    })?;
    Ok(answer_when_done(&state, async move { backup.copy().await }))
}
