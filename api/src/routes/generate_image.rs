//! `POST /api/generate_image`: Clippy 0.2's call, which creates a `generate` job and waits for it.

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
use crate::admission::{CallerId, Places};
use crate::extract::LargeJson;
use crate::problem::{Problem, status_of};
use crate::routes::generate::enqueue;
use crate::routes::older_answer::body_with_files;
use crate::routes::older_body::{OlderBody, OlderMeta, OlderRequest};
use crate::routes::own_picture::OwnAddress;
use crate::state::AppState;

/// Pictures, in the form of Clippy 0.2.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OlderResponse {
    /// The pictures.
    data: Vec<OlderImage>,
    /// The model, or the provider if it has no models.
    model_used: String,
    /// The time from the call to the last picture, in milliseconds.
    latency_ms: u64,
    /// `source`, `mode`, `count`, `constructed_prompt`, fields of the mode, and the job's id and
    /// receipt.
    #[schema(value_type = Value)]
    meta: Value,
}

/// One picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OlderImage {
    /// The file, as base64.
    b64_json: String,
}

/// An error, in the form of Clippy 0.2.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OlderError {
    /// What happened, why, and what to do.
    error: String,
    /// The HTTP status.
    status: u16,
}

fn error_response(status: StatusCode, error: String) -> Response {
    (
        status,
        Json(OlderError {
            error,
            status: status.as_u16(),
        }),
    )
        .into_response()
}

/// Generates pictures and waits for them, as in Clippy 0.2. `POST /api/images/generate` does the
/// same without waiting.
///
/// `subject_ref` with `image_url` puts a subject into a sketch. `refs` with `image_url` draws a
/// sketch in the style of references. Other bodies edit the picture `image_url`, or generate one
/// from words.
#[utoipa::path(
    post,
    path = "/api/generate_image",
    tag = "generation",
    request_body = OlderBody,
    responses(
        (status = 200, description = "The pictures.", body = OlderResponse),
        (status = "4XX", description = "An error of the request.", body = OlderError),
        (status = "5XX", description = "An error of the server.", body = OlderError),
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
        let who = CallerId::of(request.extensions());
        let own = OwnAddress::of(request.headers());
        let body = LargeJson::<OlderBody>::from_request(request, &state).await?;
        // A waiting call takes one of the places for streams, not one of those for short calls.
        let place = state.admission().open_stream(who)?;
        let LargeJson { value, _held: held } = body;
        let OlderRequest {
            request,
            meta: older,
        } = value.into_request(&own)?;
        let created = enqueue(&state, &caller, request, None, &held).await?;
        // The pictures of the body are needed until here, so its bytes are released only now.
        drop(held);
        Ok::<_, Problem>((older, created.job.id, place))
    };
    let (older, id, place) = match made.await {
        Ok(made) => made,
        Err(problem) => return older_error(&problem),
    };
    match tokio::time::timeout(state.options().generation_timeout, wait_for_end(&state, id)).await {
        Ok(Ok(job)) if job.state == JobState::Succeeded => {
            match answer(&state, older, &job, begun, place).await {
                Ok(answer) => answer,
                Err(error) => older_error(&Problem::from(error)),
            }
        }
        Ok(Ok(job)) => failure_response(&state, &job),
        Ok(Err(error)) => older_error(&Problem::from(error)),
        Err(_) => {
            let waited = state.options().generation_timeout.as_secs();
            let error = format!(
                "the pictures took longer than {waited} s; the job continues: see /api/jobs/{id}"
            );
            error_response(StatusCode::GATEWAY_TIMEOUT, error)
        }
    }
}

fn older_error(problem: &Problem) -> Response {
    let (status, error) = problem.status_and_detail();
    error_response(status, error)
}

/// Waits for the end of a job, and returns it.
async fn wait_for_end(state: &AppState, id: JobId) -> Result<Job, Error> {
    let mut follow = state.events().follow(id, None, FollowSettings::default());
    while follow.next().await?.is_some() {}
    state.jobs().get(id).await
}

/// Returns the answer for a job without pictures.
fn failure_response(state: &AppState, job: &Job) -> Response {
    match &job.error {
        // The message of a server error may contain internal addresses and names.
        Some(failure) if !status_of(failure.code).is_server_error() => error_response(
            status_of(failure.code),
            state.hidden().in_text(&failure.message),
        ),
        Some(failure) => older_error(&Problem::from(Error::new(
            failure.code,
            failure.message.clone(),
        ))),
        None => error_response(
            StatusCode::CONFLICT,
            format!(
                "job {} was {} before it generated a picture",
                job.id, job.state
            ),
        ),
    }
}

async fn answer(
    state: &AppState,
    older: OlderMeta,
    job: &Job,
    begun: Instant,
    place: Places,
) -> Result<Response, Error> {
    let damaged = || {
        Error::internal(format!(
            "job {} succeeded, but its result cannot be read",
            job.id
        ))
    };
    let result = job.result.as_ref().ok_or_else(damaged)?;
    let (mut data, mut files) = (Vec::new(), Vec::new());
    for image in result["images"].as_array().ok_or_else(damaged)? {
        let sha256 = image["sha256"].as_str().ok_or_else(damaged)?;
        let (file, length, _) = state.generation().outputs.open_file(sha256).await?;
        files.push((file, length));
        // The base64 text is read from the file while the answer is sent.
        data.push(OlderImage {
            b64_json: String::new(),
        });
    }
    let mut meta = json!({
        "source": result["meta"]["provider"],
        "mode": older.mode,
        "count": data.len(),
        "constructed_prompt": result["meta"]["constructed_prompt"],
        "job_id": job.id,
        "receipt": job.receipt,
    });
    if let Some(meta) = meta.as_object_mut() {
        meta.extend(older.meta);
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
