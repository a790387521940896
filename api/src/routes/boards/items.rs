//! `POST /api/boards/{id}/items`: changes the pictures of a board.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use clippy_core::boards::{Operation, Place};
use clippy_core::gallery::With;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::IfMatchHeader;
use super::answer::{BoardResponse, BoardRoleName, done, expected_version, with_etag};
use crate::access::Caller;
use crate::extract::{ApiJson, at_most};
use crate::problem::Problem;
use crate::routes::bulk::{Rest, refuse_unknown};
use crate::state::AppState;

/// The most unknown pictures that an error names.
const NAMED: usize = 5;

/// Changes of a board's pictures.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BoardItemsBody {
    /// The changes, in their order, up to 256. All of them are made, or none.
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    #[schema(value_type = Vec<BoardOperation>)]
    operations: Option<Vec<BoardOperation>>,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// One change of a board's pictures.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BoardOperation {
    /// What to do.
    op: BoardOperationName,
    /// The picture's id: a number, or text.
    #[schema(value_type = String)]
    id: PointId,
    /// For `add` and `change`: what the picture is used for.
    role: Option<BoardRoleName>,
    /// For `add` and `change`: how much it counts, 0..1.
    #[schema(minimum = 0, maximum = 1)]
    weight: Option<f64>,
    /// For `add` and `change`: the note about it. An empty text removes it.
    #[schema(max_length = 1000)]
    note: Option<String>,
    /// For `add` and `move`: put it before this picture.
    #[schema(value_type = Option<String>)]
    before: Option<PointId>,
    /// For `add` and `move`: put it before all others. Without this and `before`, it is put after
    /// all others.
    #[serde(default)]
    first: bool,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// What is done with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoardOperationName {
    /// Puts it on the board. If it is there already, it stays in its place and gets the given
    /// fields.
    Add,
    /// Changes the given fields.
    Change,
    /// Puts it in another place.
    Move,
    /// Takes it off the board. If it is not there, nothing happens.
    Remove,
}

impl BoardOperation {
    fn operation(self) -> Result<Operation> {
        refuse_unknown(&self.rest)?;
        let picture = self.id;
        let place = match (self.before, self.first) {
            (Some(_), true) => {
                return Err(Error::invalid(
                    "an operation has before and first: leave one of them out",
                ));
            }
            (Some(neighbour), false) => Place::Before(neighbour),
            (None, true) => Place::Start,
            (None, false) => Place::End,
        };
        let (role, weight, note) = (self.role.map(Into::into), self.weight, self.note);
        let fields = role.is_some() || weight.is_some() || note.is_some();
        let (name, takes_fields, takes_place) = match self.op {
            BoardOperationName::Add => ("add", true, true),
            BoardOperationName::Change => ("change", true, false),
            BoardOperationName::Move => ("move", false, true),
            BoardOperationName::Remove => ("remove", false, false),
        };
        if fields && !takes_fields {
            return Err(Error::invalid(format!(
                "{name} takes no role, weight or note: use change"
            )));
        }
        if place != Place::End && !takes_place {
            return Err(Error::invalid(format!(
                "{name} takes no before or first: use move"
            )));
        }
        Ok(match self.op {
            BoardOperationName::Add => Operation::Add {
                picture,
                place,
                role,
                weight,
                note,
            },
            BoardOperationName::Change => Operation::Change {
                picture,
                role,
                weight,
                note,
            },
            BoardOperationName::Move => Operation::Move { picture, place },
            BoardOperationName::Remove => Operation::Remove { picture },
        })
    }
}

/// Adds, changes, moves and removes pictures of a board.
///
/// Operations name pictures and their neighbours, not positions, so that two tabs may change one
/// board at the same time. With `If-Match`, they are applied only to that version of the board. The
/// answer has the board's pictures without their payloads.
#[utoipa::path(
    post,
    path = "/api/boards/{id}/items",
    tag = "boards",
    params(
        ("id" = String, Path, description = "The board's id, or `saved`."),
        IfMatchHeader
    ),
    request_body = BoardItemsBody,
    responses(
        (status = 200, description = "The board.", body = BoardResponse),
        (status = 400, description = "A value out of range, or fields that do not belong together."),
        (
            status = 404,
            description = "There is no such board; a picture to add is not in the gallery; or \
                another one is not on the board."
        ),
        (status = 409, description = "The board has 2,000 pictures already."),
        (status = 412, description = "The board has another version than `If-Match` names."),
        (status = 422, description = "A field is missing, unknown or mistyped."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn change_board_items(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<BoardItemsBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let given = body.operations.unwrap_or_default();
    if given.is_empty() {
        return Err(Error::invalid("operations is empty: name at least one change").into());
    }
    let operations: Vec<Operation> = given
        .into_iter()
        .map(BoardOperation::operation)
        .collect::<Result<_>>()?;
    operations.iter().try_for_each(Operation::check)?;
    let expected = expected_version(&headers)?;
    check_known(&state, &operations).await?;
    let boards = state.boards();
    let edited = boards.apply(caller.owner(), id.parse()?, &operations, expected);
    let board = done(edited.await?)?;
    Ok(with_etag(&board, BoardResponse::without_payloads(&board)).into_response())
}

/// Refuses to add pictures that are not in the gallery.
async fn check_known(state: &AppState, operations: &[Operation]) -> Result<()> {
    let is_added = |operation: &&Operation| matches!(operation, Operation::Add { .. });
    let added = operations.iter().filter(is_added);
    let added: Vec<PointId> = added.map(Operation::picture).collect();
    if added.is_empty() {
        return Ok(());
    }
    let known = state.gallery().retrieve(&added, With::NOTHING).await?;
    let known: HashSet<PointId> = known.into_iter().map(|point| point.id).collect();
    let unknown: Vec<String> = added
        .iter()
        .filter(|id| !known.contains(id))
        .map(ToString::to_string)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let named = unknown.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let more = match unknown.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Error::not_found(format!(
        "the gallery has no picture {}{more}: nothing was added",
        named.join(", ")
    )))
}
