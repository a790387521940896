//! `GET /api/image/{id}`: a picture's file, or a thumbnail.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::gallery::With;
use clippy_core::ids::PointId;
use clippy_core::pictures::WIDEST_THUMBNAIL;
use clippy_core::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::extract::ApiQuery;
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// Pictures never change under their id, so browsers may keep them for a week.
const CACHE_FOR_ALL: &str = "public, max-age=604800, immutable";
/// With keys, no shared cache may hand pictures on.
const CACHE_FOR_ONE: &str = "private, max-age=604800, immutable";
/// A picture is only ever looked at: whatever it holds, nothing in it runs.
pub(crate) const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// How large.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImageQuery {
    /// Most pixels of width; without it the file comes as it is.
    #[param(minimum = 1, maximum = 2048, example = 256)]
    w: Option<u32>,
}

/// A picture of the collection, to be shown in a page.
///
/// When the server has keys, this route also takes one as `?key=`, since an `<img>` cannot send headers. Also at
/// `/image/{id}`.
#[utoipa::path(
    get,
    path = "/api/image/{id}",
    tag = "search",
    params(("id" = String, Path, description = "The picture's id."), ImageQuery),
    responses(
        (status = 200, description = "The file, or a thumbnail no wider than `w`.", content_type = "image/*"),
        (status = 304, description = "The caller's copy (If-None-Match) is still right."),
        (status = 400, description = "`w` is no width.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The file lies outside of the served folders.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such picture, or its file is gone.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_image(
    State(state): State<AppState>,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<ImageQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if query.w == Some(0) {
        return Err(Error::invalid("w is 0, but must be a width in pixels of 1 or more").into());
    }
    let width = query.w.map(|width| width.min(WIDEST_THUMBNAIL));
    let path = path_of(&state, &id).await?;
    let picture = state.pictures().open(&path, width).await?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", picture.etag))
        .map_err(|error| Error::internal("a picture's tag does not fit into a header").with_source(error))?;
    let always = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, cache_control(&state))];
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|given| matches(given, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, always).into_response());
    }
    let content_type = HeaderValue::from_str(&picture.content_type)
        .map_err(|error| Error::internal("a picture's type does not fit into a header").with_source(error))?;
    let shown = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE_POLICY)),
    ];
    Ok((always, shown, picture.bytes).into_response())
}

/// How long a picture may be kept, and by whom.
pub(crate) fn cache_control(state: &AppState) -> HeaderValue {
    HeaderValue::from_static(if state.keys().is_closed() { CACHE_FOR_ONE } else { CACHE_FOR_ALL })
}

/// The payload's path of a picture.
async fn path_of(state: &AppState, id: &str) -> Result<String> {
    let unknown = || {
        let shown: String = id.chars().take(60).collect();
        Error::not_found(format!("the collection has no picture {shown}"))
    };
    // What cannot be an id is no picture either.
    let id: PointId = id.parse().map_err(|_| unknown())?;
    let point = state.gallery().retrieve(&[id], With::PAYLOAD).await?.into_iter().next().ok_or_else(unknown)?;
    match point.payload.get("path") {
        Some(Value::String(path)) => Ok(path.clone()),
        _ => Err(Error::not_found(format!("picture {id} has no file: its entry names no path"))),
    }
}

/// Whether an `If-None-Match` names this tag. The comparison is the weak one, as RFC 9110 wants it here.
pub(crate) fn matches(given: &HeaderValue, etag: &HeaderValue) -> bool {
    let Ok(given) = given.to_str() else { return false };
    given.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_is_a_list_and_may_be_weak() {
        let etag = HeaderValue::from_static("\"abc\"");
        for (given, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x\", \"abc\"", true),
            ("*", true),
            ("\"ab\"", false),
            ("abc", false),
        ] {
            assert_eq!(matches(&HeaderValue::from_static(given), &etag), expected, "{given}");
        }
    }
}
