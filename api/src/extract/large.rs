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
        let essence = content_type(request.headers());
        if essence != "application/octet-stream" {
            let given = shorten(&essence, 60);
            return Err(Problem::unsupported_media_type(format!(
                "the content type is \"{given}\": send application/octet-stream"
            )));
        }
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
    let whole = in_plain_words(&error.to_string());
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

/// Replaces the names of Rust's types at the end of a message, after "expected". What comes before
/// may quote the caller, and is left as it is.
fn in_plain_words(message: &str) -> String {
    const EXPECTED: &str = ", expected ";
    let Some((said, expected)) = message.rsplit_once(EXPECTED) else {
        return message.to_owned();
    };
    let (kind, place) = match expected.find(" at line ") {
        Some(at) => expected.split_at(at),
        None => (expected, ""),
    };
    let kind = match kind {
        "a map" => "an object",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        _ if kind.starts_with("struct ") => "an object",
        _ => kind,
    };
    let said = match said.strip_prefix("invalid type: ") {
        Some("map") => "this is an object",
        Some("sequence") => "this is a list",
        _ => said,
    };
    format!("{said}{EXPECTED}{kind}{place}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sent {
        #[serde(rename = "count")]
        _count: u64,
        #[serde(rename = "tags")]
        _tags: Vec<String>,
    }

    #[test]
    fn errors_name_no_types_of_rust() {
        for (sent, told) in [
            ("[1]", "an object"),
            (r#"{"count": "many", "tags": []}"#, "a whole number"),
            (
                r#"{"count": 1, "tags": {}}"#,
                "this is an object, expected a list",
            ),
            (
                r#"{"count": ", expected u64", "tags": []}"#,
                "\", expected u64\", expected a whole number",
            ),
        ] {
            let error = serde_json::from_str::<Sent>(sent).expect_err(sent);
            let described = describe(&error);
            assert!(described.contains(told), "{described}");
            for name in ["Sent", "struct", "sequence", " map"] {
                assert!(!described.contains(name), "{described}");
            }
        }
    }
}
