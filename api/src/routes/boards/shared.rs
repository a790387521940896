//! `GET /api/shared`: what a link to a board shows. The token is the only credential.
//!
//! The token is a parameter and not a part of the path, since paths are logged.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use clippy_core::boards::{Board, digest_of};
use clippy_core::gallery::{IMAGE_URL_FIELD, PATH_FIELD, Payload};
use clippy_core::ids::PointId;
use clippy_core::trash::now;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::answer::{BoardRoleName, payloads_of, time};
use crate::admission::CallerId;
use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::routes::image::{ImageQuery, send_image};
use crate::state::AppState;

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 100;

/// Names a link.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SharedQuery {
    /// The token of the link.
    share: String,
}

/// Names a link, and the size of a picture.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SharedImageQuery {
    /// The token of the link.
    share: String,
    /// The highest width in pixels. Without it, the file is sent unchanged.
    #[param(minimum = 1, maximum = 2048, example = 256)]
    w: Option<u32>,
}

/// A board that is shared by a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharedBoardResponse {
    /// Its name.
    name: String,
    /// Until when the link is valid: RFC 3339 in UTC.
    expires_at: String,
    /// Its pictures that are in the gallery, in their order.
    items: Vec<SharedItemResponse>,
}

/// A picture on a shared board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharedItemResponse {
    /// Its id as text.
    picture: String,
    /// What it is used for.
    role: BoardRoleName,
    /// How much it counts, 0..1.
    weight: f64,
    /// What the artist wrote about it.
    note: String,
    /// The manifest's fields without tags and folders. `image_url` also needs `share`.
    #[schema(value_type = Object)]
    payload: Payload,
}

/// Shows a board by a link. No key is needed.
#[utoipa::path(
    get,
    path = "/api/shared",
    tag = "boards",
    params(SharedQuery),
    responses(
        (status = 200, description = "The board.", body = SharedBoardResponse),
        (status = 404, description = "The link has expired, was revoked, or never existed."),
    )
)]
pub(crate) async fn get_shared_board(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<SharedQuery>,
) -> Result<Response, Problem> {
    let (board, until) = open(&state, &query.share).await?;
    let pictures: Vec<PointId> = board.items.iter().map(|item| item.picture).collect();
    let mut payloads = payloads_of(&state, &pictures).await?;
    let base = &state.options().base_path;
    let shown = board.items.iter().filter_map(|item| {
        let payload = payloads.remove(&item.picture)?;
        Some(SharedItemResponse {
            picture: item.picture.to_string(),
            role: item.role.into(),
            weight: item.weight,
            note: item.note.clone(),
            payload: for_visitors(base, item.picture, payload),
        })
    });
    let answer = SharedBoardResponse {
        items: shown.collect(),
        name: board.name,
        expires_at: time(until),
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((headers, Json(answer)).into_response())
}

/// Sends a picture of a shared board.
#[utoipa::path(
    get,
    path = "/api/shared/image/{id}",
    tag = "boards",
    params(
        ("id" = String, Path, description = "The picture's id."),
        SharedImageQuery
    ),
    responses(
        (
            status = 200,
            description = "The file, or a thumbnail no wider than `w`.",
            content_type = "image/*"
        ),
        (status = 304, description = "The caller's copy (If-None-Match) is current."),
        (status = 400, description = "`w` is not a width."),
        (status = 403, description = "The file is outside of the served folders."),
        (status = 404, description = "The link is not valid, or the board has no such picture."),
    )
)]
pub(crate) async fn get_shared_image(
    State(state): State<AppState>,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<SharedImageQuery>,
    who: CallerId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (board, _) = open(&state, &query.share).await?;
    let picture: Option<PointId> = id.parse().ok();
    if !board.items.iter().any(|item| Some(item.picture) == picture) {
        return Err(Error::not_found("the shared board has no such picture").into());
    }
    send_image(&state, &id, ImageQuery::of_width(query.w), who, &headers).await
}

/// Returns the board of a valid link, and until when it is valid.
async fn open(state: &AppState, token: &str) -> Result<(Board, u64)> {
    let unknown = || Error::not_found("this link is not valid: it has expired, or was revoked");
    if token.len() > LONGEST_TOKEN {
        return Err(unknown());
    }
    let found = state.boards().shared(&digest_of(token), now()).await?;
    let (board, until) = found.ok_or_else(unknown)?;
    // Without the key of its owner, nobody could revoke the link.
    if !board.owner.is_empty() && state.keys().named(&board.owner).is_none() {
        return Err(unknown());
    }
    Ok((board, until))
}

/// A payload without the folders of this server, and with an address for visitors.
fn for_visitors(base: &str, id: PointId, mut payload: Payload) -> Payload {
    if let Some(Value::String(path)) = payload.get_mut(PATH_FIELD) {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        *path = name.to_owned();
    }
    let address = format!("{base}/api/shared/image/{id}");
    payload.insert(IMAGE_URL_FIELD.to_owned(), Value::String(address));
    payload
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn visitors_see_no_folders() {
        for path in ["/home/ann/secret/a.png", "secret\\a.png", "a.png"] {
            let Value::Object(payload) = json!({"path": path, "license": "CC0-1.0"}) else {
                unreachable!("an object")
            };
            let shown = for_visitors("/clippy", PointId::Number(7), payload);
            let expected = json!({
                "path": "a.png", "license": "CC0-1.0", "image_url": "/clippy/api/shared/image/7"
            });
            assert_eq!(Value::Object(shown), expected);
        }
    }
}
