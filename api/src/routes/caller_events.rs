//! `GET /api/jobs/events`: the events of all of a caller's jobs, over one connection. A browser
//! opens at most six connections to a server, so it cannot have one for each job.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{EventId, Job, JobFilter, JobId, JobState};
use futures::StreamExt;
use futures::stream::{self, BoxStream, SelectAll};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::access::Caller;
use crate::admission::{CallerId, Places};
use crate::extract::ApiQuery;
use crate::new_jobs::NewJobWatch;
use crate::problem::Problem;
use crate::routes::event_cursor::StreamCursor;
use crate::routes::event_stream::{LastEvent, StreamQuery, answer, frame};
use crate::routes::watch::{BEGINNING, StreamEvent, Watch, has_seen_end};
use crate::state::AppState;

/// How many jobs one stream follows at once.
const MOST_FOLLOWED: usize = 100;
/// How often the store is polled for new jobs, in case a notice was lost.
const POLL: Duration = Duration::from_secs(15);
/// How many pages of a list are read, since pages may be empty before the end.
const MOST_PAGES: usize = 5;

/// Selects the jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallerEventsQuery {
    /// The caller's unfinished jobs, including those that it creates later. Needs no value.
    mine: Option<String>,
    /// The ids of up to 100 jobs, separated by commas.
    ids: Option<String>,
}

/// Follows many jobs over one connection: the events of `/api/jobs/{id}/events`, each with `job_id`
/// in its data.
///
/// Send `mine`, or the ids of jobs as `ids`. Each event's `id` is the position in the events of all
/// jobs, and can be sent as `Last-Event-ID` of the same call to any process of the API. For a job
/// of `ids` that does not exist or belongs to another caller, there is an event `gone`. The stream
/// ends when all of its jobs have ended. After that the call is answered 204, so that an
/// `EventSource` does not reconnect. `mine` without unfinished jobs waits for the first one. It
/// follows the 100 newest jobs, and others when these have ended.
#[utoipa::path(
    get,
    path = "/api/jobs/events",
    tag = "jobs",
    params(
        CallerEventsQuery,
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
        (status = 204, description = "All jobs have ended, and their `done` events were received."),
        (
            status = 400,
            description = "Neither `mine` nor `ids`, too many ids, or an invalid event id."
        ),
        (status = 404, description = "None of the jobs exists."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn stream_caller_events(
    State(state): State<AppState>,
    caller: Caller,
    who: CallerId,
    ApiQuery(query): ApiQuery<CallerEventsQuery>,
    last: LastEvent,
) -> Result<Response, Problem> {
    let known = last.read(StreamCursor::parse)?;
    let mine = query
        .mine
        .is_some_and(|mine| !matches!(mine.trim(), "false" | "0"));
    let ids = match (mine, query.ids.as_deref()) {
        (true, None) => None,
        (false, Some(ids)) => Some(parse_ids(ids)?),
        _ => {
            return Err(Error::invalid("send either mine, or ids separated by commas").into());
        }
    };
    let place = state.admission().open_stream(who)?;
    let mut all = FollowedJobs::new(&state, caller, place);
    let has_some = match ids {
        Some(ids) => all.start_with(&ids, known.as_ref()).await?,
        None => all.start_with_mine(known.as_ref()).await?,
    };
    if !has_some {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = stream::unfold(all, |mut all| async move {
        let (id, name, data) = all.next().await?;
        Some((frame(&id, name, &data), all))
    });
    Ok(answer(&state, events))
}

fn parse_ids(ids: &str) -> Result<Vec<JobId>> {
    let mut seen = HashSet::new();
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    let ids = ids.map(|id| {
        id.parse()
            .map_err(|error: Error| Error::invalid(format!("ids: {}", error.message)))
    });
    let ids = ids
        .filter(|id| !matches!(id, Ok(id) if !seen.insert(*id)))
        .collect::<Result<Vec<JobId>>>()?;
    if ids.is_empty() || ids.len() > MOST_FOLLOWED {
        return Err(Error::invalid(format!(
            "ids has {} jobs, but must have 1..{MOST_FOLLOWED}",
            ids.len()
        )));
    }
    Ok(ids)
}

/// The jobs of one open stream.
struct FollowedJobs {
    state: AppState,
    caller: Caller,
    jobs: SelectAll<BoxStream<'static, (JobId, Option<StreamEvent>)>>,
    /// The jobs that have not ended.
    open: HashSet<JobId>,
    /// Requested jobs that do not exist, and for which no `gone` was sent yet.
    gone: Vec<JobId>,
    cursor: StreamCursor,
    /// For `mine` only.
    news: Option<NewJobWatch>,
    /// Whether any job was followed so far.
    has_followed: bool,
    _place: Places,
}

impl FollowedJobs {
    fn new(state: &AppState, caller: Caller, place: Places) -> Self {
        let (state, jobs) = (state.clone(), SelectAll::new());
        let (open, gone, cursor) = (HashSet::new(), Vec::new(), StreamCursor::default());
        Self {
            state,
            caller,
            jobs,
            open,
            gone,
            cursor,
            news: None,
            has_followed: false,
            _place: place,
        }
    }

    /// Starts with these jobs. Returns whether there are events to send.
    async fn start_with(
        &mut self,
        ids: &[JobId],
        known: Option<&StreamCursor>,
    ) -> Result<bool, Problem> {
        for id in ids {
            let after = known.and_then(|known| known.after(*id));
            self.cursor.set(*id, after.unwrap_or(BEGINNING));
            match visible(&self.state, &self.caller, *id).await? {
                Some(job) if has_seen_end(&self.state, &job, after).await? => {}
                Some(job) => self.follow(job, after),
                // A client that knows one of its events was told about its end before.
                None if after.is_some_and(|after| after != BEGINNING) => {}
                None => self.gone.push(*id),
            }
        }
        if self.open.is_empty() && known.is_none() && self.gone.len() == ids.len() {
            return Err(Error::not_found(
                "None of these jobs exists: they never existed, or were deleted",
            )
            .into());
        }
        Ok(!self.open.is_empty() || !self.gone.is_empty())
    }

    /// Starts with the caller's own jobs. Returns whether there are events to send, now or later.
    async fn start_with_mine(&mut self, known: Option<&StreamCursor>) -> Result<bool, Problem> {
        // Subscribes before it lists the jobs, so that no job is missed in between.
        self.news = Some(
            self.state
                .new_jobs()
                .watch(self.state.shared_jobs(), self.caller.name()),
        );
        for id in known
            .into_iter()
            .flat_map(StreamCursor::jobs)
            .take(MOST_FOLLOWED)
        {
            let after = known.and_then(|known| known.after(id));
            if let Some(job) = visible(&self.state, &self.caller, id).await?
                && !has_seen_end(&self.state, &job, after).await?
            {
                self.follow(job, after);
            }
        }
        self.find_new_jobs().await?;
        Ok(known.is_none() || !self.open.is_empty())
    }

    /// Follows further unfinished jobs of the caller, the newest first, up to the limit.
    async fn find_new_jobs(&mut self) -> Result<()> {
        for state in [JobState::Running, JobState::Waiting, JobState::Queued] {
            let mut filter = JobFilter {
                state: Some(state),
                owner: Some(self.caller.name().to_owned()),
                limit: MOST_FOLLOWED,
                ..JobFilter::default()
            };
            for _ in 0..MOST_PAGES {
                let page = self.state.jobs().list(&filter).await?;
                for job in page.jobs {
                    if self.open.len() < MOST_FOLLOWED && !self.open.contains(&job.id) {
                        self.follow(job, None);
                    }
                }
                filter.before = page.next_cursor;
                if filter.before.is_none() || self.open.len() >= MOST_FOLLOWED {
                    break;
                }
            }
        }
        Ok(())
    }

    fn follow(&mut self, job: Job, after: Option<EventId>) {
        let id = job.id;
        self.open.insert(id);
        self.has_followed = true;
        self.cursor.set(id, after.unwrap_or(BEGINNING));
        let watch = Watch::new(&self.state, job, after.filter(|after| *after != BEGINNING));
        let events = stream::unfold(Some(watch), move |watch| async move {
            let mut watch = watch?;
            let event = watch.next().await;
            let rest = event.is_some().then_some(watch);
            Some(((id, event), rest))
        });
        self.jobs.push(events.boxed());
    }

    /// Returns the next event with its id; `None` at the end.
    async fn next(&mut self) -> Option<(String, &'static str, Value)> {
        loop {
            if let Some(id) = self.gone.pop() {
                // The position before the first event.
                self.cursor.set(id, EventId { major: 0, minor: 1 });
                return Some((self.cursor.to_text(), "gone", json!({ "job_id": id })));
            }
            if self.open.is_empty() && self.news.is_none() {
                return None;
            }
            tokio::select! {
                Some((id, event)) = self.jobs.next(), if !self.open.is_empty() => match event {
                    Some(event) => return Some(self.convert_event(id, event)),
                    None => {
                        self.open.remove(&id);
                        if self.news.is_some() && !self.handle_end(id).await {
                            return None;
                        }
                    }
                },
                () = wait_for_new_job(self.news.as_mut()), if self.news.is_some() => {
                    match self.find_new_jobs().await {
                        Ok(()) if self.has_followed && self.open.is_empty() => return None,
                        Ok(()) => {}
                        Err(error) => tracing::debug!(%error,
                        "new jobs of a stream could not be listed"),
                    }
                }
                else => return None,
            }
        }
    }

    /// Handles the end of a job. Returns whether others are still followed.
    async fn handle_end(&mut self, ended: JobId) -> bool {
        self.cursor.remove(ended);
        // A new job may have been created just now, or one may have been over the limit.
        match self.find_new_jobs().await {
            Ok(()) => !self.open.is_empty(),
            Err(_) => true,
        }
    }

    fn convert_event(&mut self, id: JobId, event: StreamEvent) -> (String, &'static str, Value) {
        self.cursor.set(id, event.last);
        if event.done && self.news.is_some() {
            // The next call follows only unfinished jobs, so its cursor does not need this one.
            self.cursor.remove(id);
        }
        let mut data = event.data;
        if let Some(fields) = data.as_object_mut() {
            fields.insert("job_id".to_owned(), json!(id));
        }
        (self.cursor.to_text(), event.name, data)
    }
}

/// Returns the job if the caller may see it.
async fn visible(state: &AppState, caller: &Caller, id: JobId) -> Result<Option<Job>> {
    match state.jobs().get(id).await {
        Ok(job) => Ok(Some(job).filter(|job| caller.may_see(job))),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until there may be a new job.
async fn wait_for_new_job(news: Option<&mut NewJobWatch>) {
    if let Some(news) = news {
        let _ = tokio::time::timeout(POLL, news.next()).await;
    }
}
