//! The form of a job in answers.

use clippy_jobs::{Children, Job, JobFailure, JobProgress, JobState};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::routes::job_result::JobResult;
use crate::routes::receipt::ReceiptResponse;
use crate::state::AppState;

/// One job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct JobResponse {
    /// A UUID that begins with the time of creation.
    id: String,
    /// `generate`, `ingest`, `backfill`, `reindex` or `fetch`.
    kind: &'static str,
    /// `interactive`, `bulk` or `control`.
    lane: &'static str,
    /// Its state.
    state: JobStateName,
    /// Its position in its lane, counted from 1; only while queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// The number of attempts since it last made progress, including those whose worker ended.
    attempt: u32,
    /// The limit of attempts.
    max_attempts: u32,
    /// Its progress.
    progress: ProgressResponse,
    /// When it was created: RFC 3339 in UTC.
    created_at: String,
    /// When it first ran.
    started_at: Option<String>,
    /// When it ended.
    finished_at: Option<String>,
    /// Its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<JobResult>)]
    result: Option<Value>,
    /// Why the job or its last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureResponse>,
    /// How each input of a generation was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReceiptResponse>)]
    receipt: Option<Value>,
    /// The job that this one is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// The number of its parts, by their state.
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<ChildrenResponse>,
}

/// The states of a job. `waiting` is a job that waits for its parts.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobStateName {
    Queued,
    Running,
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
}

/// The progress of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProgressResponse {
    /// The number of finished units.
    done: u64,
    /// The number of all units; null while that is not known.
    total: Option<u64>,
    /// The unit: `lines`, `pictures` or `steps`.
    unit: String,
    /// The current stage.
    stage: String,
    /// A sentence for a person.
    message: String,
}

/// Why a job failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FailureResponse {
    /// The kind of failure, as in problems.
    code: &'static str,
    /// What happened, why, and what to do.
    message: String,
    /// Whether a retry without any change may succeed.
    retryable: bool,
}

/// The number of a job's parts, by their state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ChildrenResponse {
    total: u64,
    succeeded: u64,
    failed: u64,
    cancelled: u64,
}

impl JobResponse {
    /// Returns the job as callers see it: without its payload, and without paths of this machine or
    /// a worker's.
    pub(crate) fn of(state: &AppState, job: Job) -> Self {
        let hidden = state.hidden();
        let progress = JobProgress {
            message: hidden.in_text(&job.progress.message),
            ..job.progress
        };
        let error = job.error.map(|failure| JobFailure {
            message: hidden.in_text(&failure.message),
            ..failure
        });
        Self {
            id: job.id.to_string(),
            kind: job.kind.as_str(),
            lane: job.lane.as_str(),
            state: job.state.into(),
            position: job.position,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            progress: progress.into(),
            created_at: job.created_at.to_string(),
            started_at: job.started_at.map(|at| at.to_string()),
            finished_at: job.finished_at.map(|at| at.to_string()),
            result: job.result.map(|result| hidden.in_value(result)),
            error: error.map(FailureResponse::from),
            receipt: job.receipt.map(|receipt| hidden.in_value(receipt)),
            parent: job.parent.map(|parent| parent.to_string()),
            children: job.children.map(ChildrenResponse::from),
        }
    }
}

impl From<JobState> for JobStateName {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Waiting => Self::Waiting,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<JobProgress> for ProgressResponse {
    fn from(
        JobProgress {
            done,
            total,
            unit,
            stage,
            message,
        }: JobProgress,
    ) -> Self {
        Self {
            done,
            total,
            unit,
            stage,
            message,
        }
    }
}

impl From<JobFailure> for FailureResponse {
    fn from(
        JobFailure {
            code,
            message,
            retryable,
        }: JobFailure,
    ) -> Self {
        Self {
            code: code.as_str(),
            message,
            retryable,
        }
    }
}

impl From<Children> for ChildrenResponse {
    fn from(
        Children {
            total,
            succeeded,
            failed,
            cancelled,
        }: Children,
    ) -> Self {
        Self {
            total,
            succeeded,
            failed,
            cancelled,
        }
    }
}
