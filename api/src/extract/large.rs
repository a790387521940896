//! JSON bodies that may contain pictures.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use clippy_common::shorten;
use clippy_core::{Error, blocking};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::body::{Admitted, read_whole};
use crate::problem::Problem;
use crate::state::AppState;

/// A JSON body that may be as large as that of a search.
pub(crate) struct LargeJson<T> {
    pub value: T,
    /// Frees the body's counted bytes and the request's place when it is dropped.
    pub _held: Admitted,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<AppState> for LargeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let (bytes, admitted) =
            read_whole(request, state.options().search_body_bytes, state).await?;
        let held = admitted.clone();
        // Parsing a large body takes a while, so it must not run on an async thread.
        let value = blocking("reading a body", move || {
            // The room is freed here, even if the caller has disconnected already.
            let _held = held;
            Ok(parse(&bytes))
        })
        .await??;
        Ok(Self {
            value,
            _held: admitted,
        })
    }
}

/// Reads a small JSON body.
pub(super) async fn read_small<T: DeserializeOwned>(
    request: Request,
    state: &AppState,
) -> Result<T, Problem> {
    expect_json(request.headers())?;
    // The layer that admitted the request keeps its place.
    let (bytes, _admitted): (Bytes, Admitted) =
        read_whole(request, state.options().small_body_bytes, state).await?;
    parse(&bytes)
}

/// A body of any type that may be as large as that of a search.
pub(crate) struct LargeBytes {
    pub bytes: Bytes,
    /// Frees the body's counted bytes and the request's place when it is dropped.
    pub _held: Admitted,
}

impl FromRequest<AppState> for LargeBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (bytes, held) = read_whole(request, state.options().search_body_bytes, state).await?;
        Ok(Self { bytes, _held: held })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error: serde_json::Error| match error.classify() {
        Category::Data => {
            let detail = format!("the body has a wrong field: {}", describe(&error));
            Problem::from_rejection(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        Category::Io | Category::Syntax | Category::Eof => {
            Error::invalid(format!("the body is not JSON: {}", describe(&error))).into()
        }
    })
}

/// Describes a JSON error. Its text may quote a value of any length; a long text is cut, and its
/// line and column are appended.
pub(super) fn describe(error: &serde_json::Error) -> String {
    const LONGEST: usize = 200;
    let whole = error.to_string();
    match whole.char_indices().nth(LONGEST) {
        None => whole,
        Some((end, _)) => format!(
            "{}… at line {} column {}",
            &whole[..end],
            error.line(),
            error.column()
        ),
    }
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let essence = content_type(headers);
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    let given = shorten(&essence, 60);
    Err(Problem::unsupported_media_type(format!(
        "the content type is \"{given}\": send application/json"
    )))
}

/// Returns the content type in lower case, without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    given
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}
