//! `POST /api/generate_image`: Clippy 0.2's call, which waits. It is the same job underneath.

use std::time::Instant;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::Error;
use clippy_jobs::{FollowSettings, Job, JobId, JobState};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::admission::{Places, Who};
use crate::extract::LargeJson;
use crate::problem::{Problem, status_of};
use crate::routes::generate::enqueue;
use crate::routes::older_answer::body_with_files;
use crate::routes::older_body::{Asked, OlderBody, Told};
use crate::routes::own_picture::OwnAddress;
use crate::state::AppState;

/// Pictures, as Clippy 0.2 answered them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OlderResponse {
    /// The pictures.
    data: Vec<OlderImage>,
    /// The model, or the provider where it has none.
    model_used: String,
    /// How long it took, from the call to the last picture.
    latency_ms: u64,
    /// `source`, `mode`, `count`, `constructed_prompt`, what is particular to the mode, and the
    /// job's id and receipt.
    #[schema(value_type = Value)]
    meta: Value,
}

/// One picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OlderImage {
    /// The file, as base64.
    b64_json: String,
}

/// An error, as Clippy 0.2 answered it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OlderError {
    /// What happened, why, and what to do.
    error: String,
    /// The HTTP status again.
    status: u16,
}

fn refused(status: StatusCode, error: String) -> Response {
    (
        status,
        Json(OlderError {
            error,
            status: status.as_u16(),
        }),
    )
        .into_response()
}

/// Makes pictures and waits for them, as in Clippy 0.2. `POST /api/images/generate` does the same
/// without waiting.
///
/// `subject_ref` and `image_url` put a subject into a sketch; `refs` and `image_url` draw a sketch
/// in the style of references; with `mask_url`, or without the others, a picture is edited or made
/// of words.
#[utoipa::path(
    post,
    path = "/api/generate_image",
    tag = "generation",
    request_body = OlderBody,
    responses(
        (status = 200, description = "The pictures.", body = OlderResponse),
        (status = "4XX", description = "What is wrong with the request.", body = OlderError),
        (status = "5XX", description = "What went wrong here.", body = OlderError),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn generate_image(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Response {
    let begun = Instant::now();
    let made = async {
        let who = Who::of(request.extensions());
        let own = OwnAddress::of(request.headers());
        let body = LargeJson::<OlderBody>::from_request(request, &state).await?;
        // Waiting takes a place of its own, not one of those for short calls.
        let place = state.admission().open_stream(who)?;
        let LargeJson { value, _held: held } = body;
        let Asked { request, told } = value.asked(&own)?;
        let created = enqueue(&state, &caller, request, None, &held).await?;
        // The pictures of the body are gone only now, and only now its room is free again.
        drop(held);
        Ok::<_, Problem>((told, created.job.id, place))
    };
    let (told, id, place) = match made.await {
        Ok(made) => made,
        Err(problem) => return older(&problem),
    };
    match tokio::time::timeout(state.options().generation_timeout, ended(&state, id)).await {
        Ok(Ok(job)) if job.state == JobState::Succeeded => {
            match answer(&state, told, &job, begun, place).await {
                Ok(answer) => answer,
                Err(error) => older(&Problem::from(error)),
            }
        }
        Ok(Ok(job)) => failed(&state, &job),
        Ok(Err(error)) => older(&Problem::from(error)),
        Err(_) => {
            let waited = state.options().generation_timeout.as_secs();
            let error = format!(
                "the pictures took longer than {waited} s; the job goes on: see /api/jobs/{id}"
            );
            refused(StatusCode::GATEWAY_TIMEOUT, error)
        }
    }
}

fn older(problem: &Problem) -> Response {
    let (status, error) = problem.told();
    refused(status, error)
}

/// The job, when it has ended.
async fn ended(state: &AppState, id: JobId) -> Result<Job, Error> {
    let mut follow = state.events().follow(id, None, FollowSettings::default());
    while follow.next().await?.is_some() {}
    state.jobs().get(id).await
}

/// Why there are no pictures.
fn failed(state: &AppState, job: &Job) -> Response {
    match &job.error {
        // A message about the server's own parts may hold addresses and names of theirs.
        Some(failure) if !status_of(failure.code).is_server_error() => refused(
            status_of(failure.code),
            state.hidden().in_text(&failure.message),
        ),
        Some(failure) => older(&Problem::from(Error::new(
            failure.code,
            failure.message.clone(),
        ))),
        None => refused(
            StatusCode::CONFLICT,
            format!(
                "job {} was {} before it had made a picture",
                job.id, job.state
            ),
        ),
    }
}

async fn answer(
    state: &AppState,
    told: Told,
    job: &Job,
    begun: Instant,
    place: Places,
) -> Result<Response, Error> {
    let damaged = || {
        Error::internal(format!(
            "job {} ended well without a result that can be read",
            job.id
        ))
    };
    let result = job.result.as_ref().ok_or_else(damaged)?;
    let (mut data, mut files) = (Vec::new(), Vec::new());
    for image in result["images"].as_array().ok_or_else(damaged)? {
        let sha256 = image["sha256"].as_str().ok_or_else(damaged)?;
        let (file, length, _) = state.generation().outputs.open_file(sha256).await?;
        files.push((file, length));
        // The file takes its place while the answer is sent.
        data.push(OlderImage {
            b64_json: String::new(),
        });
    }
    let mut meta = json!({
        "source": result["meta"]["provider"],
        "mode": told.mode,
        "count": data.len(),
        "constructed_prompt": result["meta"]["constructed_prompt"],
        "job_id": job.id,
        "receipt": job.receipt,
    });
    if let Some(meta) = meta.as_object_mut() {
        meta.extend(told.meta);
    }
    let answer = OlderResponse {
        data,
        model_used: result["model_used"].as_str().unwrap_or_default().to_owned(),
        latency_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        meta,
    };
    let text = serde_json::to_string(&answer)
        .map_err(|error| Error::internal("an answer cannot be written").with_source(error))?;
    Ok((
        [(header::CONTENT_TYPE, "application/json")],
        body_with_files(&text, "\"b64_json\":\"", files, place),
    )
        .into_response())
}
