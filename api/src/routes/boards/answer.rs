//! The answers about boards.

use std::collections::HashMap;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use clippy_core::boards::{Board, BoardItem, BoardRole, BoardSummary, Edited};
use clippy_core::changes::{ARTIST_FIELD, SOURCE_FIELD};
use clippy_core::gallery::{
    HEIGHT_FIELD, IMAGE_URL_FIELD, LICENCE_FIELD, MISSING_FIELD, ORIGIN_FIELD, PATH_FIELD,
    POST_URL_FIELD, Payload, STYLE_FIELD, STYLE_TAGS_FIELD, WIDTH_FIELD, With,
};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use clippy_jobs::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;
use crate::routes::payload::public_payload;
use crate::state::AppState;

/// Pictures that are read from the collection at once.
const AT_ONCE: usize = 500;

/// The fields that a board tells of its pictures: what is needed to show them and to name their
/// sources. Tags are left out, since a board may have 2,000 pictures with hundreds of tags each.
const SHOWN_FIELDS: [&str; 17] = [
    PATH_FIELD,
    IMAGE_URL_FIELD,
    STYLE_FIELD,
    STYLE_TAGS_FIELD,
    WIDTH_FIELD,
    HEIGHT_FIELD,
    LICENCE_FIELD,
    "licence",
    POST_URL_FIELD,
    SOURCE_FIELD,
    "source_site",
    ARTIST_FIELD,
    MISSING_FIELD,
    ORIGIN_FIELD,
    "subject",
    "title",
    "prompt",
];

/// What a picture of a board is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoardRoleName {
    /// Nothing in particular.
    Any,
    /// What it looks like.
    Style,
    /// What it shows.
    Subject,
}

impl From<BoardRole> for BoardRoleName {
    fn from(role: BoardRole) -> Self {
        match role {
            BoardRole::Any => Self::Any,
            BoardRole::Style => Self::Style,
            BoardRole::Subject => Self::Subject,
        }
    }
}

impl From<BoardRoleName> for BoardRole {
    fn from(role: BoardRoleName) -> Self {
        match role {
            BoardRoleName::Any => Self::Any,
            BoardRoleName::Style => Self::Style,
            BoardRoleName::Subject => Self::Subject,
        }
    }
}

/// The boards of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardsResponse {
    /// *Saved* first, then those that were changed last.
    boards: Vec<BoardSummaryResponse>,
}

/// A board in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardSummaryResponse {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// Whether it is the board that the heart puts pictures on. Its address is also
    /// `/api/boards/saved`.
    saved: bool,
    /// Counted up by every change.
    version: u64,
    /// When it was made: RFC 3339 in UTC.
    created_at: String,
    /// When it was changed last: RFC 3339 in UTC.
    changed_at: String,
    /// How many pictures it has.
    count: usize,
    /// Its first pictures, up to 4.
    covers: Vec<BoardCover>,
    /// Whether a link to it is valid.
    shared: bool,
}

/// A picture that stands for a board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardCover {
    /// A number when the id is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// The id as text: JavaScript cannot represent every number.
    picture: String,
    /// The address of the picture on this server; left out if it is not in the gallery.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
}

/// A board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardResponse {
    /// Its id.
    id: Uuid,
    /// Its name.
    name: String,
    /// Whether it is the board that the heart puts pictures on.
    saved: bool,
    /// Counted up by every change.
    version: u64,
    /// When it was made: RFC 3339 in UTC.
    created_at: String,
    /// When it was changed last: RFC 3339 in UTC.
    changed_at: String,
    /// Its pictures, in their order.
    items: Vec<BoardItemResponse>,
    /// The fields of `POST /api/search/hybrid` for a search by this board.
    search: BoardSearch,
}

/// A search by a board. Of each role, the pictures with the highest weights are compared, up to 16;
/// those with a weight of 0 are left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardSearch {
    /// The pictures whose role is not `style`.
    like: Vec<String>,
    /// The pictures whose role is `style`.
    style_like: Vec<String>,
}

/// A picture on a board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BoardItemResponse {
    /// A number when the id is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// The id as text: JavaScript cannot represent every number.
    picture: String,
    /// What it is used for.
    role: BoardRoleName,
    /// How much it counts, 0..1.
    weight: f64,
    /// What the artist wrote about it.
    note: String,
    /// When it was added: RFC 3339 in UTC.
    added_at: String,
    /// The manifest's fields without tags; left out if the picture is not in the gallery (any
    /// more), and where payloads are not asked for.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
}

impl BoardsResponse {
    /// Describes boards, with the addresses of their covers.
    pub(super) async fn of(state: &AppState, boards: Vec<BoardSummary>) -> Result<Self> {
        let covers = boards.iter().flat_map(|board| board.covers.iter().copied());
        let mut payloads = payloads_of(state, &covers.collect::<Vec<_>>()).await?;
        let mut address_of = |id: PointId| -> Option<String> {
            let url = payloads.get_mut(&id)?.get(IMAGE_URL_FIELD)?;
            Some(url.as_str()?.to_owned())
        };
        let mut shown = Vec::with_capacity(boards.len());
        for board in boards {
            let cover = |id| BoardCover {
                id,
                picture: id.to_string(),
                image_url: address_of(id),
            };
            shown.push(BoardSummaryResponse {
                id: board.id,
                name: board.name,
                saved: board.saved,
                version: board.version,
                created_at: time(board.created_at),
                changed_at: time(board.changed_at),
                count: board.count,
                covers: board.covers.into_iter().map(cover).collect(),
                shared: board.shared,
            });
        }
        Ok(Self { boards: shown })
    }
}

impl BoardResponse {
    /// Describes a board, without the payloads of its pictures.
    pub(super) fn without_payloads(board: &Board) -> Self {
        Self::new(board, &mut HashMap::new())
    }

    /// Describes a board with the payloads of its pictures.
    pub(super) async fn with_payloads(state: &AppState, board: &Board) -> Result<Self> {
        let pictures: Vec<PointId> = board.items.iter().map(|item| item.picture).collect();
        let mut payloads = payloads_of(state, &pictures).await?;
        Ok(Self::new(board, &mut payloads))
    }

    fn new(board: &Board, payloads: &mut HashMap<PointId, Payload>) -> Self {
        let query = board.query();
        let texts = |ids: &[PointId]| ids.iter().map(ToString::to_string).collect();
        Self {
            id: board.id,
            name: board.name.clone(),
            saved: board.saved,
            version: board.version,
            created_at: time(board.created_at),
            changed_at: time(board.changed_at),
            items: board
                .items
                .iter()
                .map(|item| BoardItemResponse::new(item, payloads.remove(&item.picture)))
                .collect(),
            search: BoardSearch {
                like: texts(&query.like),
                style_like: texts(&query.style_like),
            },
        }
    }
}

impl BoardItemResponse {
    pub(super) fn new(item: &BoardItem, payload: Option<Payload>) -> Self {
        Self {
            id: item.picture,
            picture: item.picture.to_string(),
            role: item.role.into(),
            weight: item.weight,
            note: item.note.clone(),
            added_at: time(item.added_at),
            payload,
        }
    }
}

/// Reads what boards tell of pictures that are in the gallery.
pub(super) async fn payloads_of(
    state: &AppState,
    pictures: &[PointId],
) -> Result<HashMap<PointId, Payload>> {
    let base = &state.options().base_path;
    let mut payloads = HashMap::with_capacity(pictures.len());
    for part in pictures.chunks(AT_ONCE) {
        for point in state.gallery().retrieve(part, With::PAYLOAD).await? {
            let mut payload = public_payload(base, point.id, point.payload);
            payload.retain(|field, _| SHOWN_FIELDS.contains(&field.as_str()));
            payloads.insert(point.id, payload);
        }
    }
    Ok(payloads)
}

/// A time in answers, from seconds since 1970.
pub(super) fn time(seconds: u64) -> String {
    let millis = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    Timestamp::from_millis(millis).to_string()
}

/// Adds the version of a board to an answer.
pub(super) fn with_etag<T: Serialize>(
    board: &Board,
    answer: T,
) -> ([(HeaderName, HeaderValue); 2], Json<T>) {
    // Digits in quotes are always a valid header.
    let etag = HeaderValue::from_str(&format!("\"{}\"", board.version));
    let headers = [
        (
            header::ETAG,
            etag.unwrap_or(HeaderValue::from_static("\"\"")),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ),
    ];
    (headers, Json(answer))
}

/// Reads the version that a change is meant for; `None` for any version.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] for an `If-Match` that is no `ETag` of a board.
pub(super) fn expected_version(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(given) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = given.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let version = quoted.and_then(|text| text.parse().ok());
    version.map(Some).ok_or_else(|| {
        Error::invalid("If-Match must be the ETag of one answer about this board, such as \"3\"")
    })
}

/// The result of a change.
///
/// # Errors
/// A problem with status 412 when the board has another version.
pub(super) fn done<T>(edited: Edited<T>) -> Result<T, Problem> {
    match edited {
        Edited::Done(done) => Ok(done),
        Edited::Stale { version } => Err(Problem::precondition_failed(format!(
            "the board has been changed meanwhile, and nothing was changed now: it has version \
             {version}. Get it again, and repeat the change if it is still wanted"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_one_etag_of_a_board() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            expected_version(&headers)
        };
        assert_eq!(expected_version(&HeaderMap::new()).expect("none"), None);
        assert_eq!(read("*").expect("any"), None);
        assert_eq!(read("\"17\"").expect("a version"), Some(17));
        for wrong in ["17", "W/\"17\"", "\"a\"", "\"1\", \"2\"", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
