//! `GET /api/image/{id}`: sends a picture's file, or a thumbnail.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_common::shorten;
use clippy_core::gallery::{MD5_FIELD, NOTES_FIELD, PATH_FIELD, Payload, With};
use clippy_core::ids::PointId;
use clippy_core::pictures::{PictureContent, WIDEST_THUMBNAIL};
use clippy_core::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::admission::CallerId;
use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::sending::body_of;
use crate::state::AppState;

/// `Cache-Control` for a URL with a version. Such a URL always has the same picture, so browsers
/// may cache it for a week.
const CACHE_FOR_ALL: &str = "public, max-age=604800, immutable";
/// The same for a server with keys: shared caches must not store pictures.
const CACHE_FOR_ONE: &str = "private, max-age=604800, immutable";
/// `Cache-Control` for a URL without a version. Browsers revalidate it, since the picture may be
/// replaced under its id.
const ASK_AGAIN_ALL: &str = "no-cache";
/// The same for a server with keys.
const ASK_AGAIN_ONE: &str = "private, no-cache";
/// How many letters and digits a version has.
const VERSION: std::ops::RangeInclusive<usize> = 8..=16;
/// `Content-Security-Policy` of pictures: a script in a picture does not run.
pub(crate) const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Selects the size and version.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImageQuery {
    /// The highest width in pixels. Without it, the file is sent unchanged.
    #[param(minimum = 1, maximum = 2048, example = 256)]
    w: Option<u32>,
    /// The version in the `image_url` of a search. If it is the picture's current version, browsers
    /// may cache the answer for a week; otherwise they revalidate it each time.
    v: Option<String>,
}

/// Sends a picture of the collection, to be shown in a page.
///
/// If the server has keys, this route also accepts `?ticket=` and `?key=`, since an `<img>` cannot
/// send headers. Also at `/image/{id}`.
#[utoipa::path(
    get,
    path = "/api/image/{id}",
    tag = "search",
    params(("id" = String, Path, description = "The picture's id."), ImageQuery),
    responses(
        (
            status = 200,
            description = "The file, or a thumbnail no wider than `w`.",
            content_type = "image/*"
        ),
        (status = 304, description = "The caller's copy (If-None-Match) is current."),
        (status = 400, description = "`w` is not a width."),
        (status = 403, description = "The file is outside of the served folders."),
        (status = 404, description = "No such picture, or its file is gone."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_image(
    State(state): State<AppState>,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<ImageQuery>,
    who: CallerId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    send_image(&state, &id, query, who, &headers).await
}

impl ImageQuery {
    /// Selects a width of a picture's current version.
    pub(crate) fn of_width(w: Option<u32>) -> Self {
        Self { w, v: None }
    }
}

/// Sends a picture to a caller who may see it.
pub(crate) async fn send_image(
    state: &AppState,
    id: &str,
    query: ImageQuery,
    who: CallerId,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if query.w == Some(0) {
        return Err(Error::invalid("w is 0, but must be a width in pixels of 1 or more").into());
    }
    let width = query.w.map(|width| width.min(WIDEST_THUMBNAIL));
    let payload = payload_of(state, id).await?;
    let path = match payload.get(PATH_FIELD) {
        Some(Value::String(path)) => path,
        _ => {
            return Err(Error::not_found(format!(
                "picture {id} has no file: its payload has no path"
            ))
            .into());
        }
    };
    let lasting = query.v.is_some() && query.v == version_of(&payload);
    let picture = state.pictures().open(path, width).await?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", picture.etag)).map_err(|error| {
        Error::internal("a picture's ETag is not a valid header").with_source(error)
    })?;
    let always = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, cache_control(state, lasting)),
    ];
    if headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|given| matches(given, &etag))
    {
        return Ok((StatusCode::NOT_MODIFIED, always).into_response());
    }
    let content_type = HeaderValue::from_str(&picture.content_type).map_err(|error| {
        Error::internal("a picture's media type is not a valid header").with_source(error)
    })?;
    let shown = [
        (header::CONTENT_TYPE, content_type),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("inline"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PICTURE_POLICY),
        ),
    ];
    // Only files take one of the limited places for sending. So thumbnails, which are in memory,
    // are sent even while callers read files slowly.
    let place = match &picture.content {
        PictureContent::File(..) => Some(state.admission().send_file(who)?),
        PictureContent::Memory(_) => None,
    };
    let length = [(
        header::CONTENT_LENGTH,
        HeaderValue::from(picture.content.length()),
    )];
    Ok((always, shown, length, body_of(picture.content, place)).into_response())
}

/// Returns how long a picture may be cached, and by whom.
pub(crate) fn cache_control(state: &AppState, lasting: bool) -> HeaderValue {
    HeaderValue::from_static(match (lasting, state.keys().is_closed()) {
        (true, false) => CACHE_FOR_ALL,
        (true, true) => CACHE_FOR_ONE,
        (false, false) => ASK_AGAIN_ALL,
        (false, true) => ASK_AGAIN_ONE,
    })
}

/// Returns the version of a picture's file: the beginning of the hash in its mark, or else of the
/// hash in the manifest.
pub(crate) fn version_of(payload: &Payload) -> Option<String> {
    let noted = payload.get(NOTES_FIELD).and_then(|notes| notes.get("md5"));
    [noted, payload.get(MD5_FIELD)]
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find_map(|hash| {
            let version = hash.get(..hash.len().min(*VERSION.end()))?;
            let plain = version.len() >= *VERSION.start()
                && version.bytes().all(|byte| byte.is_ascii_alphanumeric());
            plain.then(|| version.to_ascii_lowercase())
        })
}

/// Returns the URL of a picture, with its version if that is known.
pub(crate) fn address_of(base: &str, id: PointId, payload: &Payload) -> String {
    match version_of(payload) {
        Some(version) => format!("{base}/image/{id}?v={version}"),
        None => format!("{base}/image/{id}"),
    }
}

/// Fetches the payload of a picture.
async fn payload_of(state: &AppState, id: &str) -> Result<Payload> {
    let unknown = || {
        let shown = shorten(id, 60);
        Error::not_found(format!("the collection has no picture {shown}"))
    };
    // An invalid id is answered like an unknown one.
    let id: PointId = id.parse().map_err(|_| unknown())?;
    let point = state
        .gallery()
        .retrieve(&[id], With::PAYLOAD)
        .await?
        .into_iter()
        .next()
        .ok_or_else(unknown)?;
    Ok(point.payload)
}

/// Whether an `If-None-Match` contains this tag. The comparison is weak, as RFC 9110 requires.
pub(crate) fn matches(given: &HeaderValue, etag: &HeaderValue) -> bool {
    let Ok(given) = given.to_str() else {
        return false;
    };
    given
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_hash_of_the_mark_or_else_of_the_manifest() {
        let payload = |json: Value| json.as_object().cloned().expect("an object");
        let (own, other) = ("0123456789abcdef0123456789abcdef", "F".repeat(32));
        let noted = payload(serde_json::json!({ "md5": other, "_clippy": { "md5": own } }));
        assert_eq!(
            address_of("", PointId::Number(7), &noted),
            "/image/7?v=0123456789abcdef"
        );
        let named = payload(serde_json::json!({ "md5": other }));
        assert_eq!(
            address_of("/clippy", PointId::Number(7), &named),
            "/clippy/image/7?v=ffffffffffffffff"
        );
        for odd in [
            serde_json::json!({}),
            serde_json::json!({ "md5": "a&b=cdefgh" }),
            serde_json::json!({ "md5": 7 }),
        ] {
            assert_eq!(
                address_of("", PointId::Number(7), &payload(odd)),
                "/image/7"
            );
        }
    }

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
            assert_eq!(
                matches(&HeaderValue::from_static(given), &etag),
                expected,
                "{given}"
            );
        }
    }
}
