//! `/api/boards`: named, ordered sets of pictures.
//!
//! A board belongs to the key that made it. Callers without a key and with admin keys share their
//! boards, as they share their artists.

pub(crate) mod answer;
pub(crate) mod archive;
mod attribution;
pub(crate) mod items;
pub(crate) mod shared;
pub(crate) mod shares;
mod zip;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::boards::{Board, check_name};
use clippy_core::trash::now;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use self::answer::{BoardResponse, BoardsResponse, done, expected_version, with_etag};
use super::bulk::{Rest, refuse_unknown};
use crate::access::Caller;
use crate::extract::{ApiJson, ApiQuery};
use crate::problem::Problem;
use crate::state::AppState;

/// Lists the boards: *Saved*, where the heart puts pictures, and then those that were changed last.
#[utoipa::path(
    get,
    path = "/api/boards",
    tag = "boards",
    responses((status = 200, description = "The boards.", body = BoardsResponse)),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_boards(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<BoardsResponse>, Problem> {
    let boards = state.boards().list(caller.owner(), now()).await?;
    Ok(Json(BoardsResponse::of(&state, boards).await?))
}

/// A new board.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewBoardBody {
    /// Its name, in one line.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    /// The board whose pictures it begins with, with their roles, weights and notes: an id, or
    /// `saved`.
    copy_of: Option<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// Makes a board, empty or as a copy of another one.
#[utoipa::path(
    post,
    path = "/api/boards",
    tag = "boards",
    request_body = NewBoardBody,
    responses(
        (
            status = 201,
            description = "The board; `Location` is its address.",
            body = BoardResponse
        ),
        (status = 400, description = "The name is empty or too long."),
        (status = 404, description = "There is no board `copy_of`."),
        (status = 409, description = "There are 500 boards already."),
        (status = 422, description = "A field is missing, unknown or mistyped."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn create_board(
    State(state): State<AppState>,
    caller: Caller,
    ApiJson(body): ApiJson<NewBoardBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let name = check_name(&body.name)?;
    let owner = caller.owner();
    let board = match &body.copy_of {
        None => Board::new(owner, &name, now()),
        Some(copied) => {
            let copied = state.boards().board(owner, copied.parse()?).await?;
            copied.copy(&name, now())
        }
    };
    state.boards().add(board.clone()).await?;
    let location = format!("{}/api/boards/{}", state.options().base_path, board.id);
    let answer = with_etag(&board, BoardResponse::without_payloads(&board));
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        answer.into_response(),
    )
        .into_response())
}

/// Selects what is told of a board's pictures.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BoardQuery {
    /// Whether the pictures have their `payload`.
    #[param(default = true)]
    payloads: Option<bool>,
}

/// Returns a board with its pictures. `ETag` is its version.
#[utoipa::path(
    get,
    path = "/api/boards/{id}",
    tag = "boards",
    params(
        ("id" = String, Path, description = "The board's id, or `saved`."),
        BoardQuery
    ),
    responses(
        (status = 200, description = "The board.", body = BoardResponse),
        (status = 404, description = "There is no such board."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_board(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<BoardQuery>,
) -> Result<Response, Problem> {
    let board = state.boards().board(caller.owner(), id.parse()?).await?;
    let answer = if query.payloads.unwrap_or(true) {
        BoardResponse::with_payloads(&state, &board).await?
    } else {
        BoardResponse::without_payloads(&board)
    };
    Ok(with_etag(&board, answer).into_response())
}

/// What to change of a board.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BoardBody {
    /// Its new name, in one line.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// The header for a change of one version of a board.
#[derive(IntoParams)]
#[into_params(parameter_in = Header, names("If-Match"))]
#[expect(dead_code, reason = "only its documentation is used")]
pub(crate) struct IfMatchHeader(
    /// The `ETag` of an answer: the change is made only if the board still has this version.
    Option<String>,
);

/// Renames a board. The answer has its pictures without their payloads.
#[utoipa::path(
    patch,
    path = "/api/boards/{id}",
    tag = "boards",
    params(("id" = String, Path, description = "The board's id."), IfMatchHeader),
    request_body = BoardBody,
    responses(
        (status = 200, description = "The board.", body = BoardResponse),
        (status = 400, description = "The name is empty or too long."),
        (status = 404, description = "There is no such board."),
        (status = 409, description = "*Saved* cannot be renamed."),
        (status = 412, description = "The board has another version than `If-Match` names."),
        (status = 422, description = "A field is missing, unknown or mistyped."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn rename_board(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<BoardBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let name = check_name(&body.name)?;
    let expected = expected_version(&headers)?;
    let edited = state
        .boards()
        .rename(caller.owner(), id.parse()?, &name, expected)
        .await?;
    let board = done(edited)?;
    Ok(with_etag(&board, BoardResponse::without_payloads(&board)).into_response())
}

/// Deletes a board and its links. Its pictures stay in the gallery.
#[utoipa::path(
    delete,
    path = "/api/boards/{id}",
    tag = "boards",
    params(("id" = String, Path, description = "The board's id."), IfMatchHeader),
    responses(
        (status = 204, description = "The board is deleted."),
        (status = 404, description = "There is no such board."),
        (status = 409, description = "*Saved* cannot be deleted."),
        (status = 412, description = "The board has another version than `If-Match` names."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn delete_board(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let expected = expected_version(&headers)?;
    let boards = state.boards();
    done(boards.delete(caller.owner(), id.parse()?, expected).await?)?;
    Ok(StatusCode::NO_CONTENT)
}
