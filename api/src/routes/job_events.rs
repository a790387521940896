//! `GET /api/jobs/{id}/events`: what happens to a job, as server-sent events. Which process answers
//! makes no difference.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clippy_jobs::EventId;
use futures::stream;

use crate::access::Caller;
use crate::admission::Who;
use crate::problem::{Problem, ProblemBody};
use crate::routes::event_stream::{LastEvent, StreamQuery, answer, frame};
use crate::routes::jobs::visible_job;
use crate::routes::watch::{BEGINNING, Watch, is_told};
use crate::state::AppState;

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
        StreamQuery,
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
    last: LastEvent,
) -> Result<Response, Problem> {
    let after: Option<EventId> = last.read(str::parse)?;
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
