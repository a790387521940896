//! `/api/admin/queues`: lists, pauses and resumes the lanes of jobs.

use axum::Json;
use axum::extract::{Path, State};
use clippy_core::Error;
use clippy_jobs::{Lane, LaneStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::AppState;

/// How many of the newest dead letters are listed.
const DEAD_LETTERS: usize = 20;

/// All lanes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueuesResponse {
    /// `interactive`, `bulk` and `control`.
    queues: Vec<QueueResponse>,
    /// Tasks that could not be read and were set aside, newest first.
    dead_letters: Vec<DeadLetterResponse>,
}

/// One lane.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueResponse {
    /// Its name.
    lane: &'static str,
    /// Whether workers start no jobs of this lane.
    paused: bool,
    /// The number of waiting jobs.
    queued: u64,
    /// The number of running jobs.
    running: u64,
    /// The limit of waiting jobs. Further ones are answered 429.
    limit: u64,
    /// How long the first waiting job has waited, in seconds; null if there is none.
    oldest_secs: Option<f64>,
    /// The number of worker loops that were seen recently.
    workers: u64,
    /// The number of jobs that succeeded.
    succeeded: u64,
    /// The number of jobs that failed.
    failed: u64,
    /// The number of jobs that were cancelled.
    cancelled: u64,
}

/// A task that could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterResponse {
    /// When it was set aside.
    at: String,
    /// Why.
    reason: String,
    /// The beginning of its content.
    payload: String,
}

impl From<LaneStatus> for QueueResponse {
    fn from(status: LaneStatus) -> Self {
        Self {
            lane: status.lane.as_str(),
            paused: status.paused,
            queued: status.queued,
            running: status.running,
            limit: status.limit,
            oldest_secs: status.oldest_secs,
            workers: status.workers,
            succeeded: status.succeeded,
            failed: status.failed,
            cancelled: status.cancelled,
        }
    }
}

/// Lists the lanes, with their jobs and workers.
#[utoipa::path(
    get,
    path = "/api/admin/queues",
    tag = "admin",
    responses(
        (status = 200, description = "The lanes.", body = QueuesResponse),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_queues(
    State(state): State<AppState>,
) -> Result<Json<QueuesResponse>, Problem> {
    let lanes = state.jobs().lanes().await?;
    let letters = state.jobs().dead_letters(DEAD_LETTERS).await?;
    let letter = |letter: clippy_jobs::DeadLetter| DeadLetterResponse {
        at: letter.at.to_string(),
        reason: letter.reason,
        payload: letter.payload,
    };
    Ok(Json(QueuesResponse {
        queues: lanes.into_iter().map(QueueResponse::from).collect(),
        dead_letters: letters.into_iter().map(letter).collect(),
    }))
}

/// Pauses a lane: workers start no more of its jobs. Running jobs continue, and new ones may be
/// queued.
#[utoipa::path(
    post,
    path = "/api/admin/queues/{lane}/pause",
    tag = "admin",
    params(("lane" = String, Path, description = "`interactive`, `bulk` or `control`.")),
    responses(
        (status = 200, description = "The lane.", body = QueueResponse),
        (status = 404, description = "No such lane."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn pause_queue(
    State(state): State<AppState>,
    Path(lane): Path<String>,
) -> Result<Json<QueueResponse>, Problem> {
    set_paused(&state, &lane, true).await
}

/// Resumes a lane: workers start its jobs again.
#[utoipa::path(
    post,
    path = "/api/admin/queues/{lane}/resume",
    tag = "admin",
    params(("lane" = String, Path, description = "`interactive`, `bulk` or `control`.")),
    responses(
        (status = 200, description = "The lane.", body = QueueResponse),
        (status = 404, description = "No such lane."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn resume_queue(
    State(state): State<AppState>,
    Path(lane): Path<String>,
) -> Result<Json<QueueResponse>, Problem> {
    set_paused(&state, &lane, false).await
}

async fn set_paused(
    state: &AppState,
    lane: &str,
    paused: bool,
) -> Result<Json<QueueResponse>, Problem> {
    let lane: Lane = lane
        .parse()
        .map_err(|error: Error| Error::not_found(error.message))?;
    state.jobs().pause(lane, paused).await?;
    let found = state
        .jobs()
        .lanes()
        .await?
        .into_iter()
        .find(|status| status.lane == lane);
    let status =
        found.ok_or_else(|| Error::internal(format!("the store does not list its lane {lane}")))?;
    Ok(Json(status.into()))
}
