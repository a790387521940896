//! `/api/jobs`: what waits, runs and has ended.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::{Error, ErrorCode};
use clippy_jobs::{Job, JobFilter, JobId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::extract::ApiQuery;
use crate::problem::{Problem, ProblemBody};
use crate::routes::generate;
use crate::routes::image::matches;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

const MOST_JOBS: usize = 500;
/// Jobs are read in pieces of this many: what is stored of each may be large, and most of it is not
/// listed.
const PIECE: usize = 25;
/// Once the listed jobs have this many bytes, the page ends.
const LONGEST_PAGE: usize = 4 << 20;

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobsQuery {
    /// `generate`, `ingest`, `backfill` or `reindex`.
    kind: Option<String>,
    /// `queued`, `running`, `waiting`, `succeeded`, `failed` or `cancelled`.
    state: Option<String>,
    /// How many, 1..500.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobsResponse {
    /// The jobs; there may be fewer than asked for although more follow.
    jobs: Vec<JobResponse>,
    /// Send it as `cursor` to go on; null at the end.
    next_cursor: Option<String>,
    /// For admins: how many records were left out because they cannot be read; the log names each.
    /// Absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<u64>,
}

/// The jobs that the caller may see, newest first. The parts of a job are counted in it and not
/// listed.
#[utoipa::path(
    get,
    path = "/api/jobs",
    tag = "jobs",
    params(JobsQuery),
    responses(
        (status = 200, description = "The jobs.", body = JobsResponse),
        (status = 400, description = "No such kind or state, a limit out of range, or something that is no cursor.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_jobs(
    State(state): State<AppState>,
    caller: Caller,
    ApiQuery(query): ApiQuery<JobsQuery>,
) -> Result<Json<JobsResponse>, Problem> {
    let limit = query.limit.unwrap_or(50);
    if limit == 0 || limit > MOST_JOBS {
        return Err(Error::invalid(format!("limit is {limit}, but must be 1..{MOST_JOBS}")).into());
    }
    let before = query
        .cursor
        .map(|cursor| cursor.parse::<JobId>())
        .transpose();
    let mut filter = JobFilter {
        kind: query.kind.as_deref().map(str::parse).transpose()?,
        state: query.state.as_deref().map(str::parse).transpose()?,
        owner: caller.sees().map(str::to_owned),
        parent: None,
        before: before
            .map_err(|_| Error::invalid("cursor must be the next_cursor of the page before"))?,
        limit: PIECE.min(limit),
    };
    let (mut jobs, mut bytes, mut damaged) = (Vec::new(), 0, 0);
    let next_cursor = loop {
        let page = state.jobs().list(&filter).await?;
        damaged += page.damaged;
        for job in page.jobs {
            let job = JobResponse::of(&state, job);
            bytes += serde_json::to_vec(&job).map_or(0, |text| text.len());
            jobs.push(job);
        }
        let next = page.next_cursor;
        if next.is_none() || jobs.len() >= limit || bytes >= LONGEST_PAGE {
            break next;
        }
        filter.before = next;
        filter.limit = PIECE.min(limit - jobs.len());
    };
    Ok(Json(JobsResponse {
        jobs,
        next_cursor: next_cursor.map(|cursor| cursor.to_string()),
        damaged: Some(damaged).filter(|damaged| *damaged > 0 && caller.sees().is_none()),
    }))
}

/// One job. With `If-None-Match`, 304 while nothing has changed: cheap to ask again and again.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}",
    tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the last answer."),
    ),
    responses(
        (status = 200, description = "The job.", body = JobResponse),
        (status = 304, description = "Nothing has changed."),
        (status = 404, description = "No such job, or no longer, or somebody else's.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = visible_job(&state, &caller, &id).await?;
    // The place in line changes without a change of the job itself.
    let etag = HeaderValue::from_str(&format!(
        "\"{}-{}\"",
        job.version,
        job.position.unwrap_or_default()
    ))
    .map_err(|error| {
        Error::internal("a job's tag does not fit into a header").with_source(error)
    })?;
    let always = [
        (header::ETAG, etag.clone()),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ),
    ];
    if headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|given| matches(given, &etag))
    {
        return Ok((StatusCode::NOT_MODIFIED, always).into_response());
    }
    Ok((always, Json(JobResponse::of(&state, job))).into_response())
}

/// Stops a job: a waiting one at once, a running one within a moment. Asking twice is asking once.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id.")),
    responses(
        (status = 200, description = "The job as it is now; a running one ends a moment later.", body = JobResponse),
        (status = 404, description = "No such job.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It has ended; `state` says how.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn cancel_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobResponse>, Problem> {
    let job = visible_job(&state, &caller, &id).await?;
    changed(&state, job.id, state.jobs().cancel(job.id).await).await
}

/// The same as `POST /api/jobs/{id}/cancel`.
#[utoipa::path(
    delete,
    path = "/api/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id.")),
    responses(
        (status = 200, description = "The job as it is now.", body = JobResponse),
        (status = 404, description = "No such job.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It has ended; `state` says how.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn delete_job(
    state: State<AppState>,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<JobResponse>, Problem> {
    cancel_job(state, caller, id).await
}

/// Queues a failed or cancelled job again; of a job with parts, those that failed.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/retry",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id.")),
    responses(
        (status = 200, description = "The job, queued.", body = JobResponse),
        (status = 404, description = "No such job.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It has neither failed nor been cancelled; `state` says what it is.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 402, description = "It would be bought again, for more than a day's budget.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Its lane is full, or today's budget is spent.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn retry_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobResponse>, Problem> {
    let job = visible_job(&state, &caller, &id).await?;
    let retried = generate::retried(&state, &job, state.jobs().retry(job.id)).await?;
    if retried.is_ok() {
        state
            .new_jobs()
            .made(job.owner.as_deref().unwrap_or_default());
    }
    changed(&state, job.id, retried).await
}

/// The job, when there is one that this caller may see. Somebody else's looks like none.
pub(crate) async fn visible_job(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<Job, Problem> {
    let id: JobId = id.parse()?;
    let unknown = || {
        Error::not_found(format!(
            "There is no job {id}: it never was, or it ended so long ago that it was dropped"
        ))
    };
    match state.jobs().get(id).await {
        Ok(job) if caller.may_see(&job) => Ok(job),
        Ok(_) => Err(unknown().into()),
        Err(error) if error.code == ErrorCode::NotFound => Err(unknown().into()),
        Err(error) => Err(error.into()),
    }
}

/// What a change came to; a refusal that lies in the job's state names it.
async fn changed(
    state: &AppState,
    id: JobId,
    changed: clippy_core::Result<Job>,
) -> Result<Json<JobResponse>, Problem> {
    match changed {
        Ok(job) => Ok(Json(JobResponse::of(state, job))),
        Err(error) if error.code == ErrorCode::Conflict => {
            let now = state.jobs().get(id).await?.state;
            Err(Problem::from(error).in_state(now.as_str()))
        }
        Err(error) => Err(Problem::of_job(error)),
    }
}
