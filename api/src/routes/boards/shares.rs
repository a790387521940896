//! `/api/boards/{id}/shares`: links to a board, which expire.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::boards::{NewShare, Share};
use clippy_core::trash::now;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::time;
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::problem::Problem;
use crate::routes::bulk::{Rest, refuse_unknown};
use crate::state::AppState;

const DAY: u64 = 86_400;
/// How long a link is valid by default, in seconds.
const DEFAULT_LIFE: u64 = 7 * DAY;
/// The shortest and the longest life of a link, in seconds.
const LIFE: std::ops::RangeInclusive<u64> = 60..=366 * DAY;

/// A new link.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ShareBody {
    /// For how many seconds it is valid, 60..31622400.
    #[schema(default = 604_800, minimum = 60, maximum = 31_622_400)]
    expires_in: Option<u64>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// A link that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewShareResponse {
    /// Its id, for revoking it.
    id: Uuid,
    /// Opens the board: `GET /api/shared?share=TOKEN`. It is not stored, so it cannot be shown
    /// again.
    token: String,
    /// The page for it, on this server.
    url: String,
    /// When it was made: RFC 3339 in UTC.
    created_at: String,
    /// Until when it is valid: RFC 3339 in UTC.
    expires_at: String,
}

/// The valid links of a board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharesResponse {
    /// The oldest first. Their tokens are not stored.
    shares: Vec<ShareResponse>,
}

/// A valid link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareResponse {
    /// Its id, for revoking it.
    id: Uuid,
    /// When it was made: RFC 3339 in UTC.
    created_at: String,
    /// Until when it is valid: RFC 3339 in UTC.
    expires_at: String,
}

impl From<Share> for ShareResponse {
    fn from(share: Share) -> Self {
        Self {
            id: share.id,
            created_at: time(share.created_at),
            expires_at: time(share.expires_at),
        }
    }
}

/// Makes a link by which everybody can look at a board until it expires, without a key.
///
/// The answer has the link's token, once: the server stores a digest of it. The page's address has
/// the token behind `#`, which browsers do not send to servers.
#[utoipa::path(
    post,
    path = "/api/boards/{id}/shares",
    tag = "boards",
    params(("id" = String, Path, description = "The board's id, or `saved`.")),
    request_body = ShareBody,
    responses(
        (status = 201, description = "The link.", body = NewShareResponse),
        (status = 400, description = "`expires_in` is out of range."),
        (status = 404, description = "There is no such board."),
        (status = 409, description = "The board has 32 valid links already."),
        (status = 422, description = "A field is unknown or mistyped."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn share_board(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    ApiJson(body): ApiJson<ShareBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let life = body.expires_in.unwrap_or(DEFAULT_LIFE);
    if !LIFE.contains(&life) {
        let (least, most) = (LIFE.start(), LIFE.end());
        let message = format!("expires_in is {life}, but must be {least}..{most} seconds");
        return Err(Error::invalid(message).into());
    }
    let link = NewShare::new(now(), life);
    let boards = state.boards();
    let share = boards.share(caller.owner(), id.parse()?, &link).await?;
    let answer = NewShareResponse {
        id: share.id,
        url: format!("{}/#/shared/{}", state.options().base_path, link.token),
        token: link.token,
        created_at: time(share.created_at),
        expires_at: time(share.expires_at),
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(answer)).into_response())
}

/// Lists the valid links of a board.
#[utoipa::path(
    get,
    path = "/api/boards/{id}/shares",
    tag = "boards",
    params(("id" = String, Path, description = "The board's id, or `saved`.")),
    responses(
        (status = 200, description = "The links.", body = SharesResponse),
        (status = 404, description = "There is no such board."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_shares(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SharesResponse>, Problem> {
    let boards = state.boards();
    let shares = boards.shares(caller.owner(), id.parse()?, now()).await?;
    let shares = shares.into_iter().map(ShareResponse::from).collect();
    Ok(Json(SharesResponse { shares }))
}

/// Revokes a link: it opens nothing from now on.
#[utoipa::path(
    delete,
    path = "/api/boards/{id}/shares/{share}",
    tag = "boards",
    params(
        ("id" = String, Path, description = "The board's id, or `saved`."),
        ("share" = String, Path, description = "The link's id.")
    ),
    responses(
        (status = 204, description = "The link is revoked."),
        (status = 404, description = "There is no such board, or no such link."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn revoke_share(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, share)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let unknown = || Error::not_found("this board has no such link: it may have expired");
    let share = Uuid::parse_str(&share).map_err(|_| unknown())?;
    let boards = state.boards();
    if boards.revoke(caller.owner(), id.parse()?, share).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(unknown().into())
}
