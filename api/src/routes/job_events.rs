//! `GET /api/jobs/{id}/events`: what happens to a job, as server-sent events. Which process answers
//! makes no difference.

use std::convert::Infallible;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, Result};
use clippy_jobs::EventId;
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::admission::Who;
use crate::extract::ApiQuery;
use crate::problem::{Problem, ProblemBody};
use crate::routes::jobs::visible_job;
use crate::routes::watch::{BEGINNING, Watch, is_told};
use crate::state::AppState;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// The id of the last event that was received, for clients that cannot send `Last-Event-ID`.
    after: Option<String>,
    /// A ticket of `POST /api/tickets`, for clients that cannot send headers.
    #[allow(
        dead_code,
        reason = "read by the layer that checks keys; it stands here for the document"
    )]
    ticket: Option<String>,
    /// A key of `API_KEYS`, for older clients. Logs keep addresses: a ticket is better.
    #[allow(
        dead_code,
        reason = "read by the layer that checks keys; it stands here for the document"
    )]
    key: Option<String>,
}

/// Follows a job: first a `snapshot` (the whole job, with its last preview), then `state`,
/// `progress`, `preview` and `log`, and `done` last. Each event's `id` is good as `Last-Event-ID`,
/// at any process of the API: what was missed is sent again. A comment every 15 s keeps the
/// connection open. Asked for again after `done`, it answers 204, upon which an `EventSource` stops
/// asking. `/api/jobs/events` follows many jobs over one connection.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/events",
    tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received."),
    ),
    responses(
        (status = 200, description = "The events.", body = String, content_type = "text/event-stream"),
        (status = 204, description = "The event named is the job's last: `done` was received."),
        (status = 400, description = "Something that is no event's id.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn stream_job_events(
    State(state): State<AppState>,
    caller: Caller,
    who: Who,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after: Option<EventId> = last_event(&headers, query.after)?
        .as_deref()
        .map(str::parse)
        .transpose()?;
    let after = after.filter(|after| *after != BEGINNING);
    let job = visible_job(&state, &caller, &id).await?;
    if is_told(&state, &job, after).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.admission().open_stream(who)?;
    let watch = Watch::new(&state, job, after);
    let events = stream::unfold((watch, place), |(mut watch, place)| async move {
        let told = watch.next().await?;
        Some((
            frame(&told.last.to_string(), told.name, &told.data),
            (watch, place),
        ))
    });
    Ok(answer(&state, events))
}

/// The id that a client comes back with.
pub(super) fn last_event(headers: &HeaderMap, after: Option<String>) -> Result<Option<String>> {
    let named = match headers.get("last-event-id") {
        Some(id) => {
            let id = id
                .to_str()
                .map_err(|_| Error::invalid("Last-Event-ID is not the id of an event"))?;
            Some(id.to_owned())
        }
        None => after,
    };
    Ok(named
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty()))
}

/// One event as it goes over the wire. JSON has no line breaks of its own.
pub(super) fn frame(id: &str, name: &'static str, data: &Value) -> Result<Event, Infallible> {
    Ok(Event::default().id(id).event(name).data(data.to_string()))
}

/// The stream, which ends with the server.
pub(super) fn answer(
    state: &AppState,
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let stopping = state.stopping().clone().cancelled_owned();
    let keep_alive = KeepAlive::new().interval(state.options().stream_comment_every);
    let events = Sse::new(events.take_until(Box::pin(stopping))).keep_alive(keep_alive);
    // Proxies that collect answers would hold events back.
    let unbuffered = [(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    )];
    (unbuffered, events).into_response()
}
