//! A JSON body with pictures in it.

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

/// A JSON body that may be as large as a search's, with the room that it takes.
pub(crate) struct LargeJson<T> {
    pub value: T,
    /// Given back when the body is no longer needed.
    pub _held: Admitted,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<AppState> for LargeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let (bytes, admitted) =
            read_whole(request, state.options().search_body_bytes, state).await?;
        let held = admitted.clone();
        // Large bodies take a while to parse: that happens beside the async threads.
        let value = blocking("reading a body", move || {
            // Held until here, also when nobody waits for the answer any more.
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

/// A small JSON body.
pub(super) async fn read_small<T: DeserializeOwned>(
    request: Request,
    state: &AppState,
) -> Result<T, Problem> {
    expect_json(request.headers())?;
    // The place is kept by the layer that made room for it.
    let (bytes, _admitted): (Bytes, Admitted) =
        read_whole(request, state.options().small_body_bytes, state).await?;
    parse(&bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error: serde_json::Error| match error.classify() {
        Category::Data => {
            let detail = format!("the body does not fit: {}", said(&error));
            Problem::from_rejection(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
        Category::Io | Category::Syntax | Category::Eof => {
            Error::invalid(format!("the body is not JSON: {}", said(&error))).into()
        }
    })
}

/// What is wrong with JSON. An error may quote a text of any length: its beginning and the place
/// are enough.
pub(super) fn said(error: &serde_json::Error) -> String {
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

/// The content type in lower case, without its parameters.
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
