//! `/api/jobs`: lists, shows, cancels and retries jobs.

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
use crate::problem::Problem;
use crate::routes::generate;
use crate::routes::image::matches;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// The largest `limit` of a list.
const MOST_JOBS: usize = 500;
/// How many jobs are read from the store at once. Few, because a stored job may be much larger than
/// its entry in the list.
const PIECE: usize = 25;
/// A page ends when its jobs have this many bytes as JSON.
const LONGEST_PAGE: usize = 4 << 20;

/// Selects the jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobsQuery {
    /// `generate`, `ingest`, `backfill`, `reindex` or `fetch`.
    kind: Option<String>,
    /// `queued`, `running`, `waiting`, `succeeded`, `failed` or `cancelled`.
    state: Option<String>,
    /// How many, 1..500.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobsResponse {
    /// The jobs. There may be fewer than `limit` even if there are further pages.
    jobs: Vec<JobResponse>,
    /// The `cursor` of the next page; null at the end.
    next_cursor: Option<String>,
    /// For admins: how many records were left out because they cannot be read. The log lists them.
    /// Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<u64>,
}

/// Lists the jobs that the caller may see, newest first. The parts of a job are not listed, but
/// counted in it.
#[utoipa::path(
    get,
    path = "/api/jobs",
    tag = "jobs",
    params(JobsQuery),
    responses(
        (status = 200, description = "The jobs.", body = JobsResponse),
        (
            status = 400,
            description = "No such kind or state, a limit out of range, or an invalid cursor."
        ),
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
            .map_err(|_| Error::invalid("cursor must be the next_cursor of the previous page"))?,
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

/// Returns a job. With `If-None-Match`, the answer is 304 while nothing has changed, which makes
/// polling cheap.
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
        (
            status = 404,
            description = "The job does not exist, was deleted, or belongs to another caller."
        ),
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
    // The position in line is part of the tag, since it changes while the job itself stays the
    // same.
    let etag = HeaderValue::from_str(&format!(
        "\"{}-{}\"",
        job.version,
        job.position.unwrap_or_default()
    ))
    .map_err(|error| Error::internal("a job's ETag is not a valid header").with_source(error))?;
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

/// Cancels a job: a waiting one at once, a running one within moments. Cancelling again does no
/// harm.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id.")),
    responses(
        (
            status = 200,
            description = "The job. A running one ends some moments later.",
            body = JobResponse
        ),
        (status = 404, description = "No such job."),
        (status = 409, description = "The job has ended; `state` is its state."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn cancel_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobResponse>, Problem> {
    let job = visible_job(&state, &caller, &id).await?;
    job_or_problem(&state, job.id, state.jobs().cancel(job.id).await).await
}

/// Cancels a job, like `POST /api/jobs/{id}/cancel`.
#[utoipa::path(
    delete,
    path = "/api/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id.")),
    responses(
        (status = 200, description = "The job.", body = JobResponse),
        (status = 404, description = "No such job."),
        (status = 409, description = "The job has ended; `state` is its state."),
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

/// Queues a failed or cancelled job again. Of a job with parts, only those that did not succeed run
/// again.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/retry",
    tag = "jobs",
    params(("id" = String, Path, description = "The job's id.")),
    responses(
        (status = 200, description = "The job, queued.", body = JobResponse),
        (status = 404, description = "No such job."),
        (
            status = 409,
            description = "The job has neither failed nor been cancelled; `state` is its state."
        ),
        (
            status = 402,
            description = "It would be paid for again, and its price exceeds a day's budget."
        ),
        (status = 429, description = "Its lane is full, or today's budget is spent."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn retry_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobResponse>, Problem> {
    let job = visible_job(&state, &caller, &id).await?;
    let retried =
        generate::retry_with_reservation(&state, &job, state.jobs().retry(job.id)).await?;
    if retried.is_ok() {
        state
            .new_jobs()
            .announce(job.owner.as_deref().unwrap_or_default());
    }
    job_or_problem(&state, job.id, retried).await
}

/// Returns a job that this caller may see. The job of another caller is answered like an unknown
/// one.
pub(crate) async fn visible_job(
    state: &AppState,
    caller: &Caller,
    id: &str,
) -> Result<Job, Problem> {
    let id: JobId = id.parse()?;
    let unknown = || {
        Error::not_found(format!(
            "There is no job {id}: it never existed, or it ended long ago and was deleted"
        ))
    };
    match state.jobs().get(id).await {
        Ok(job) if caller.may_see(&job) => Ok(job),
        Ok(_) => Err(unknown().into()),
        Err(error) if error.code == ErrorCode::NotFound => Err(unknown().into()),
        Err(error) => Err(error.into()),
    }
}

/// Returns the changed job, or a problem. If the state of the job does not allow the change, the
/// problem names that state.
async fn job_or_problem(
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
