//! `GET /api/jobs/{id}/events`: the events of a job as server-sent events, from any process of the
//! API.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clippy_jobs::EventId;
use futures::stream;

use crate::access::Caller;
use crate::admission::CallerId;
use crate::problem::Problem;
use crate::routes::event_stream::{LastEvent, StreamQuery, answer, frame};
use crate::routes::jobs::visible_job;
use crate::routes::watch::{BEGINNING, Watch, has_seen_end};
use crate::state::AppState;

/// Follows a job: first a `snapshot` (the whole job, with its last preview), then `state`,
/// `progress`, `preview` and `log`, and `done` last. Each event's `id` can be sent as
/// `Last-Event-ID` to any process of the API, which then sends the events that were missed. A
/// comment every 15 s keeps the connection open. After `done`, a call is answered 204, so that an
/// `EventSource` does not reconnect. `/api/jobs/events` follows many jobs over one connection.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/events",
    tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        StreamQuery,
        (
            "Last-Event-ID" = Option<String>,
            Header,
            description = "The id of the last event that was received."
        ),
    ),
    responses(
        (
            status = 200,
            description = "The events.",
            body = String,
            content_type = "text/event-stream"
        ),
        (status = 204, description = "The last event of the job, `done`, was received."),
        (status = 400, description = "An invalid event id."),
        (status = 404, description = "No such job."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn stream_job_events(
    State(state): State<AppState>,
    caller: Caller,
    who: CallerId,
    Path(id): Path<String>,
    last: LastEvent,
) -> Result<Response, Problem> {
    let after: Option<EventId> = last.read(str::parse)?;
    let after = after.filter(|after| *after != BEGINNING);
    let job = visible_job(&state, &caller, &id).await?;
    if has_seen_end(&state, &job, after).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let place = state.admission().open_stream(who)?;
    let watch = Watch::new(&state, job, after);
    let events = stream::unfold((watch, place), |(mut watch, place)| async move {
        let event = watch.next().await?;
        Some((
            frame(&event.last.to_string(), event.name, &event.data),
            (watch, place),
        ))
    });
    Ok(answer(&state, events))
}
