//! `GET /api/jobs/events`: the events of all of a caller's jobs, over one connection. A browser opens
//! at most six to a server, so it cannot have one for each job.

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
use crate::admission::{Places, Who};
use crate::extract::ApiQuery;
use crate::new_jobs::News;
use crate::problem::{Problem, ProblemBody};
use crate::routes::event_cursor::StreamCursor;
use crate::routes::event_stream::{LastEvent, StreamQuery, answer, frame};
use crate::routes::watch::{BEGINNING, Told, Watch, is_told};
use crate::state::AppState;

/// Most jobs that one stream follows at once.
const MOST_FOLLOWED: usize = 100;
/// How often the store is asked for new jobs, in case a notice was lost.
const LOOK: Duration = Duration::from_secs(15);
/// Most pages that are read of a list, whose pages may be empty before its end.
const MOST_PAGES: usize = 5;

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallerEventsQuery {
    /// The jobs that the caller asked for and that have not ended, also those that it asks for
    /// meanwhile. Needs no value.
    mine: Option<String>,
    /// These jobs: ids with commas between them, at most 100.
    ids: Option<String>,
}

/// Follows many jobs over one connection: the events of `/api/jobs/{id}/events`, each with `job_id`
/// in its data.
///
/// Say `mine`, or name jobs with `ids`. Each event's `id` says where all of them are, and is good
/// as `Last-Event-ID` for the same call at any process of the API. A job of `ids` that is not
/// there, or is somebody else's, is told by an event `gone`. The stream ends when each of its jobs
/// has ended; asked for again after that, it answers 204, upon which an `EventSource` stops asking.
/// `mine` without any unfinished job waits for the first one. It follows the 100 newest at once,
/// and the others as places become free.
#[utoipa::path(
    get,
    path = "/api/jobs/events",
    tag = "jobs",
    params(
        CallerEventsQuery,
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received."),
    ),
    responses(
        (status = 200, description = "The events.", body = String, content_type = "text/event-stream"),
        (status = 204, description = "Every `done` was received."),
        (status = 400, description = "Neither `mine` nor `ids`, too many ids, or something that is no event's id.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "None of the jobs is there.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn stream_caller_events(
    State(state): State<AppState>,
    caller: Caller,
    who: Who,
    ApiQuery(query): ApiQuery<CallerEventsQuery>,
    last: LastEvent,
) -> Result<Response, Problem> {
    let known = last.read(StreamCursor::parse)?;
    let mine = query
        .mine
        .is_some_and(|mine| !matches!(mine.trim(), "false" | "0"));
    let ids = match (mine, query.ids.as_deref()) {
        (true, None) => None,
        (false, Some(ids)) => Some(named(ids)?),
        _ => {
            return Err(Error::invalid(
                "say which jobs: either mine, or ids with commas between them",
            )
            .into());
        }
    };
    let place = state.admission().open_stream(who)?;
    let mut all = FollowedJobs::new(&state, caller, place);
    let has_some = match ids {
        Some(ids) => all.begin_with(&ids, known.as_ref()).await?,
        None => all.begin_with_mine(known.as_ref()).await?,
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

fn named(ids: &str) -> Result<Vec<JobId>> {
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
            "ids names {} jobs, but must name 1..{MOST_FOLLOWED}",
            ids.len()
        )));
    }
    Ok(ids)
}

/// The jobs of one open stream.
struct FollowedJobs {
    state: AppState,
    caller: Caller,
    jobs: SelectAll<BoxStream<'static, (JobId, Option<Told>)>>,
    /// The jobs that have not ended.
    open: HashSet<JobId>,
    /// Requested jobs that do not exist, and for which no `gone` was sent yet.
    gone: Vec<JobId>,
    cursor: StreamCursor,
    /// For `mine` alone.
    news: Option<News>,
    /// Whether any job was followed.
    begun: bool,
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
            begun: false,
            _place: place,
        }
    }

    /// Begins with named jobs; gives whether there is anything to tell.
    async fn begin_with(
        &mut self,
        ids: &[JobId],
        known: Option<&StreamCursor>,
    ) -> Result<bool, Problem> {
        for id in ids {
            let after = known.and_then(|known| known.after(*id));
            self.cursor.set(*id, after.unwrap_or(BEGINNING));
            match visible(&self.state, &self.caller, *id).await? {
                Some(job) if is_told(&self.state, &job, after).await? => {}
                Some(job) => self.follow(job, after),
                // A client that knows one of its events has learnt of its end before.
                None if after.is_some_and(|after| after != BEGINNING) => {}
                None => self.gone.push(*id),
            }
        }
        if self.open.is_empty() && known.is_none() && self.gone.len() == ids.len() {
            return Err(Error::not_found(
                "None of these jobs is there: they never were, or were dropped",
            )
            .into());
        }
        Ok(!self.open.is_empty() || !self.gone.is_empty())
    }

    /// Begins with the caller's own jobs; gives whether there is anything to tell, now or later.
    async fn begin_with_mine(&mut self, known: Option<&StreamCursor>) -> Result<bool, Problem> {
        // Listens before it looks, so that nothing falls between the two.
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
                && !is_told(&self.state, &job, after).await?
            {
                self.follow(job, after);
            }
        }
        self.look().await?;
        Ok(known.is_none() || !self.open.is_empty())
    }

    /// Follows further unfinished jobs of the caller, the newest first, up to the limit.
    async fn look(&mut self) -> Result<()> {
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
        self.begun = true;
        self.cursor.set(id, after.unwrap_or(BEGINNING));
        let watch = Watch::new(&self.state, job, after.filter(|after| *after != BEGINNING));
        let events = stream::unfold(Some(watch), move |watch| async move {
            let mut watch = watch?;
            let told = watch.next().await;
            let rest = told.is_some().then_some(watch);
            Some(((id, told), rest))
        });
        self.jobs.push(events.boxed());
    }

    /// The next event with its id; `None` at the end.
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
                Some((id, told)) = self.jobs.next(), if !self.open.is_empty() => match told {
                    Some(told) => return Some(self.told(id, told)),
                    None => {
                        self.open.remove(&id);
                        if self.news.is_some() && !self.goes_on(id).await {
                            return None;
                        }
                    }
                },
                () = changed(self.news.as_mut()), if self.news.is_some() => {
                    match self.look().await {
                        Ok(()) if self.begun && self.open.is_empty() => return None,
                        Ok(()) => {}
                        Err(error) => tracing::debug!(%error, "a stream looks for new jobs later"),
                    }
                }
                else => return None,
            }
        }
    }

    /// Handles the end of a job. Gives whether others are still followed.
    async fn goes_on(&mut self, ended: JobId) -> bool {
        self.cursor.remove(ended);
        // A new job may have been made just now, or one was over the limit.
        match self.look().await {
            Ok(()) => !self.open.is_empty(),
            Err(_) => true,
        }
    }

    fn told(&mut self, id: JobId, told: Told) -> (String, &'static str, Value) {
        self.cursor.set(id, told.last);
        if told.done && self.news.is_some() {
            // The next call only follows unfinished jobs, so this one is not needed in its cursor.
            self.cursor.remove(id);
        }
        let mut data = told.data;
        if let Some(fields) = data.as_object_mut() {
            fields.insert("job_id".to_owned(), json!(id));
        }
        (self.cursor.to_text(), told.name, data)
    }
}

/// The job, if the caller may see it.
async fn visible(state: &AppState, caller: &Caller, id: JobId) -> Result<Option<Job>> {
    match state.jobs().get(id).await {
        Ok(job) => Ok(Some(job).filter(|job| caller.may_see(job))),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until there may be a new job.
async fn changed(news: Option<&mut News>) {
    if let Some(news) = news {
        let _ = tokio::time::timeout(LOOK, news.next()).await;
    }
}
