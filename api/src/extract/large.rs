//! A JSON body with pictures in it.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{StatusCode, header};
use clippy_core::Error;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::sync::OwnedSemaphorePermit;

use super::body::{announced, refuse_too_large};
use crate::problem::Problem;
use crate::state::AppState;

/// A JSON body that may be as large as a search's, with the room that it takes.
pub(crate) struct LargeJson<T> {
    pub value: T,
    /// Given back when the body is no longer needed.
    pub _held: OwnedSemaphorePermit,
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<AppState> for LargeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let given =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" {
            let given: String = essence.chars().take(60).collect();
            return Err(Problem::unsupported_media_type(format!(
                "the content type is \"{given}\": send application/json"
            )));
        }
        let limit = state.options().search_body_bytes;
        let (parts, body) = request.into_parts();
        let body = refuse_too_large(&parts.headers, body, limit).await?;
        let length = announced(&parts.headers).and_then(|length| usize::try_from(length).ok()).unwrap_or(limit);
        let held = state.admission().hold_body(length, state)?;
        let mut request = Request::from_parts(parts, body);
        DefaultBodyLimit::max(limit).apply(&mut request);
        let bytes = Bytes::from_request(request, state).await?;
        // Large bodies take a while to parse: that happens beside the async threads.
        let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await;
        let parsed = parsed.map_err(|error| Error::internal("reading a body ended early").with_source(error))?;
        let value = parsed.map_err(|error: serde_json::Error| match error.classify() {
            Category::Data => {
                Problem::from_rejection(StatusCode::UNPROCESSABLE_ENTITY, format!("the body does not fit: {error}"))
            }
            Category::Io | Category::Syntax | Category::Eof => {
                Error::invalid(format!("the body is not JSON: {error}")).into()
            }
        })?;
        Ok(Self { value, _held: held })
    }
}
