//! The shared parts of both event streams: where a client continues, and how events are sent.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, Result};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::state::AppState;

/// The query of both streams.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The id of the last event that was received, for clients that cannot send `Last-Event-ID`.
    after: Option<String>,
    /// A ticket of `POST /api/tickets`, for clients that cannot send headers.
    #[allow(
        dead_code,
        reason = "read by the layer that checks keys; declared here for the OpenAPI document"
    )]
    ticket: Option<String>,
    /// A key of `API_KEYS`, for older clients. A ticket is safer, since logs contain URLs.
    #[allow(
        dead_code,
        reason = "read by the layer that checks keys; declared here for the OpenAPI document"
    )]
    key: Option<String>,
}

/// The id of the last event that a client received, from the header `Last-Event-ID` or else from
/// `after` in the query.
pub(crate) struct LastEvent(Option<String>);

impl LastEvent {
    /// Parses the id in the form of this stream; `None` if the client has no events yet.
    pub(super) fn read<T>(&self, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        self.0.as_deref().map(read).transpose()
    }
}

impl FromRequestParts<AppState> for LastEvent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let header = parts
            .headers
            .get("last-event-id")
            .map(HeaderValue::to_str)
            .transpose()
            .map_err(|_| Error::invalid("Last-Event-ID is not the id of an event"))?
            .map(str::to_owned);
        let ApiQuery(query) = ApiQuery::<StreamQuery>::from_request_parts(parts, state).await?;
        let id = header
            .or(query.after)
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty());
        Ok(Self(id))
    }
}

/// Encodes one event. The JSON has no line breaks, which would split its data.
pub(super) fn frame(id: &str, name: &'static str, data: &Value) -> Result<Event, Infallible> {
    Ok(Event::default().id(id).event(name).data(data.to_string()))
}

/// Answers with a stream, which ends when the server stops.
pub(super) fn answer(
    state: &AppState,
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let stopping = state.stopping().clone().cancelled_owned();
    let keep_alive = KeepAlive::new().interval(state.options().stream_comment_every);
    let events = Sse::new(events.take_until(Box::pin(stopping))).keep_alive(keep_alive);
    // Tells proxies not to buffer the answer, which would delay events.
    let unbuffered = [(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    )];
    (unbuffered, events).into_response()
}
