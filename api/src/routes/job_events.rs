//! `GET /api/jobs/{id}/events`: what happens to a job, as server-sent events.
//!
//! A stream begins with a `snapshot`, goes on with every event after the one that the client names (all that are kept,
//! when it names none), and then with what happens, until `done`. Which process answers makes no difference.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, ErrorCode};
use clippy_jobs::{EventId, Follow, FollowSettings, Following, Job, JobId};
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use crate::auth::Caller;
use crate::extract::ApiQuery;
use crate::problem::{Problem, ProblemBody};
use crate::routes::job_answer::JobResponse;
use crate::routes::jobs::visible_job;
use crate::state::AppState;

/// A stream looks for news this often should a notice have been lost, and reads so many events at once.
const FOLLOW: FollowSettings = FollowSettings { poll: Duration::from_secs(5), page: 100 };
/// How long a stream waits before it asks a store again that is away.
const PAUSE: Duration = Duration::from_secs(1);
/// The id of a snapshot that no event came before.
const BEGINNING: EventId = EventId { major: 0, minor: 0 };

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// The id of the last event that was received, for clients that cannot send `Last-Event-ID`.
    after: Option<String>,
    /// A key, for clients that cannot send headers.
    #[allow(dead_code, reason = "read by the layer that checks keys; it stands here for the document")]
    key: Option<String>,
}

/// Follows a job: first a `snapshot` (the whole job, with its last preview), then `state`, `progress`, `preview` and
/// `log`, and `done` last. Each event's `id` is good as `Last-Event-ID`, at any process of the API: what was missed is
/// sent again. A comment every 15 s keeps the connection open.
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
        (status = 400, description = "Something that is no event's id.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn stream_job_events(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    ApiQuery(query): ApiQuery<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let named = match headers.get("last-event-id") {
        Some(id) => {
            let id = id.to_str().map_err(|_| Error::invalid("Last-Event-ID is not the id of an event"))?;
            Some(id.to_owned())
        }
        None => query.after,
    };
    let named = named.filter(|id| !id.trim().is_empty());
    let after: Option<EventId> = named.as_deref().map(str::trim).map(str::parse).transpose()?;
    let after = after.filter(|after| *after != BEGINNING);
    let job = visible_job(&state, &caller, &id).await?;
    let place = state.admission().open_stream(&state)?;
    let watch = Watch {
        job: job.id,
        follow: state.events().follow(job.id, after, FOLLOW),
        owes_snapshot: true,
        first: Some(Box::new(job)),
        last: after.unwrap_or(BEGINNING),
        state: state.clone(),
        _place: place,
    };
    let stopping = state.stopping().clone().cancelled_owned();
    let keep_alive = KeepAlive::new().interval(state.options().stream_comment_every);
    let events = Sse::new(watch.events().take_until(Box::pin(stopping))).keep_alive(keep_alive);
    // Proxies that collect answers would hold events back.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))];
    Ok((unbuffered, events).into_response())
}

/// One open stream. What it holds is small, since there may be ten thousand.
struct Watch {
    job: JobId,
    /// Whether a snapshot comes before the next event.
    owes_snapshot: bool,
    /// The job as it was when the stream was opened, until it is sent.
    first: Option<Box<Job>>,
    /// The id that a client would come back with now.
    last: EventId,
    follow: Follow,
    state: AppState,
    _place: OwnedSemaphorePermit,
}

impl Watch {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        stream::unfold(self, |mut watch| async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    /// The next event; `None` at the end. A store that is away is waited for: the client has its comments meanwhile.
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.step().await {
                Ok(event) => return event,
                Err(error) if error.code == ErrorCode::NotFound => return None,
                Err(error) => {
                    tracing::debug!(job = %self.job, %error, "a stream of events asks again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Event>, Error> {
        if self.owes_snapshot {
            let job = match self.first.take() {
                Some(job) => *job,
                None => self.state.jobs().get(self.job).await?,
            };
            let preview = self.state.jobs().last_preview(self.job).await?;
            let event = self.frame("snapshot", &Snapshot { job: job.into(), preview })?;
            self.owes_snapshot = false;
            return Ok(Some(event));
        }
        match self.follow.next().await? {
            None => Ok(None),
            // What was dropped cannot be told; how the job is now can.
            Some(Following::Gap) => {
                self.owes_snapshot = true;
                Box::pin(self.step()).await
            }
            Some(Following::Event(event)) => {
                self.last = event.id;
                let mut data = event.data;
                if let Some(fields) = data.as_object_mut() {
                    fields.insert("at".to_owned(), event.at.to_string().into());
                }
                self.frame(event.kind.as_str(), &data).map(Some)
            }
        }
    }

    fn frame<T: Serialize>(&self, name: &'static str, data: &T) -> Result<Event, Error> {
        Event::default()
            .id(self.last.to_string())
            .event(name)
            .json_data(data)
            .map_err(|error| Error::internal("an event cannot be written as JSON").with_source(error))
    }
}

/// The data of a `snapshot`.
#[derive(Serialize)]
struct Snapshot {
    #[serde(flatten)]
    job: JobResponse,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Value>,
}
