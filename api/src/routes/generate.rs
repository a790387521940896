//! `POST /api/images/generate` and `/api/images/estimate`. Requests are checked before they are
//! queued.

use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clippy_core::gallery::With;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_generate::{
    Estimate, GenerateRequest, Reservation, admit, count_bought, estimate, scope_of,
};
use clippy_jobs::{Created, Envelope, Job, JobId, JobKind, JobState, Lane, NewJob};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::extract::{Admitted, LargeJson};
use crate::problem::Problem;
use crate::routes::found_subject::with_found_subject;
use crate::routes::generate_body::GenerateBody;
use crate::routes::idempotency::{IdempotencyHeader, IdempotentRequest, idempotency_key};
use crate::routes::job_answer::JobResponse;
use crate::routes::own_picture::OwnAddress;
use crate::routes::receipt::ReceiptResponse;
use crate::state::AppState;

/// How often, and with which pause, a request whose budget was refused looks for the job of an
/// identical request. If both were sent at the same time, the other may have reserved the rest of
/// the budget without having created its job yet.
const TWIN: (u32, Duration) = (5, Duration::from_millis(60));

/// The price of a request, and how its inputs would be used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EstimateResponse {
    /// The provider.
    provider: String,
    /// The model, if the provider has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The number of paid calls.
    calls: u32,
    /// The number of pictures.
    images: u32,
    /// The price of the request in US dollars: 0 for a free provider, null if the price is not
    /// configured.
    usd: Option<f64>,
    /// How the price was computed.
    note: String,
    /// For each input `honoured`, `approximated` or `dropped`, what would be sent, and why.
    receipt: ReceiptResponse,
}

impl From<Estimate> for EstimateResponse {
    fn from(
        Estimate {
            provider,
            model,
            calls,
            images,
            usd,
            note,
            receipt,
        }: Estimate,
    ) -> Self {
        Self {
            provider,
            model,
            calls,
            images,
            usd,
            note,
            receipt: receipt.into(),
        }
    }
}

/// Generates pictures from a sketch, references and words.
///
/// The answer is a job: follow it at `/api/jobs/{id}/events`, and fetch its pictures from
/// `/api/jobs/{id}/images/{n}`. Also at `/images/generate`.
#[utoipa::path(
    post,
    path = "/api/images/generate",
    tag = "generation",
    params(IdempotencyHeader),
    request_body = GenerateBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (
            status = 400,
            description = "A value out of range, an unreadable picture, or a mask of another size."
        ),
        (status = 402, description = "The price exceeds a day's budget, or is not known."),
        (status = 404, description = "A reference's id is not in the gallery."),
        (status = 413, description = "The body or a picture is too large."),
        (
            status = 422,
            description = "The provider cannot do this, or with `strict` not all of it; or the \
                key was used with another body."
        ),
        (status = 429, description = "Today's budget is spent, or too many jobs are waiting."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn generate_images(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: LargeJson<GenerateBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let LargeJson { value, _held: held } = body;
    let request = value.request(&OwnAddress::of(&headers))?;
    let created = enqueue(&state, &caller, request, key, &held).await?;
    let location = format!("/api/jobs/{}", created.job.id);
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(JobResponse::of(&state, created.job)),
    )
        .into_response())
}

/// Estimates the price of a request, and how its inputs would be used. Nothing is fetched or
/// queued.
#[utoipa::path(
    post,
    path = "/api/images/estimate",
    tag = "generation",
    request_body = GenerateBody,
    responses(
        (status = 200, description = "The estimate.", body = EstimateResponse),
        (status = 400, description = "A value out of range."),
        (status = 404, description = "A reference's id is not in the gallery."),
        (
            status = 422,
            description = "The provider cannot do this, or with `strict` not all of it."
        ),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn estimate_images(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: LargeJson<GenerateBody>,
) -> Result<Json<EstimateResponse>, Problem> {
    let request = body.value.request(&OwnAddress::of(&headers))?;
    let request = with_found_subject(&state, request).await?;
    Ok(Json(check_request(&state, &request).await?.into()))
}

/// Checks a request, stores its pictures, reserves its price, and queues it. A request that was
/// sent before returns the same job, even if the budget, the gallery or the settings have changed.
pub(crate) async fn enqueue(
    state: &AppState,
    caller: &Caller,
    request: GenerateRequest,
    key: Option<&str>,
    held: &Admitted,
) -> Result<Created, Problem> {
    let (request, once) = match key {
        None => (request, None),
        Some(key) => {
            let (key, held) = (key.to_owned(), held.clone());
            // Hashing a large body takes a while, so it must not run on an async thread.
            blocking("hashing a body", move || {
                let _held = held;
                let once = IdempotentRequest::new(JobKind::Generate, &key, &request)?;
                Ok((request, Some(once)))
            })
            .await?
        }
    };
    if let Some(once) = &once
        && let Some(job) = once.find_job(state, caller).await?
    {
        return Ok(Created {
            job,
            existing: true,
        });
    }
    let request = with_found_subject(state, request).await?;
    let estimate = check_request(state, &request).await?;
    let stored = state.generation().intake.take(request).await?;
    let payload = Envelope::whole(&stored).to_payload()?;
    // The id is chosen before the price is reserved, so that the job can be found if the store's
    // answer is lost.
    let id = JobId::generate();
    let mut new = NewJob::new(JobKind::Generate, Lane::Interactive, payload)
        .owner(caller.name())
        .id(id);
    if let Some(once) = &once {
        new = once.apply_to(new);
    }
    let reserved = match reserve(state, caller.name(), &estimate).await {
        Ok(reserved) => reserved,
        Err(refusal) => {
            let Some(once) = &once else {
                return Err(refusal);
            };
            for _ in 0..TWIN.0 {
                tokio::time::sleep(TWIN.1).await;
                if let Some(job) = once.find_job(state, caller).await? {
                    return Ok(Created {
                        job,
                        existing: true,
                    });
                }
            }
            return Err(refusal);
        }
    };
    let created = match state.jobs().create(&new).await {
        Err(error) if error.code.is_retryable() => {
            after_lost_answer(error, state.jobs().get(id).await)
        }
        created => created.map_err(CreateError::Certain),
    };
    if created
        .as_ref()
        .map_or_else(CreateError::is_certain, |made| made.existing)
    {
        give_back(state, reserved).await;
    }
    let created = created.map_err(|failed| Problem::of_job(failed.into()))?;
    if !created.existing {
        state.new_jobs().announce(caller.name());
    }
    Ok(created)
}

/// Why a job could not be created.
enum CreateError {
    /// No job exists, so its reservation is given back.
    Certain(Error),
    /// The job may exist, since the store's answer was lost. Its price stays reserved.
    Uncertain(Error),
}

impl CreateError {
    fn is_certain(&self) -> bool {
        matches!(self, Self::Certain(_))
    }
}

impl From<CreateError> for Error {
    fn from(failed: CreateError) -> Self {
        match failed {
            CreateError::Certain(error) | CreateError::Uncertain(error) => error,
        }
    }
}

/// Decides whether a job was created although the store reported a retryable error, by looking the
/// job up.
fn after_lost_answer(
    error: Error,
    found: Result<Job>,
) -> std::result::Result<Created, CreateError> {
    match found {
        Ok(job) => Ok(Created {
            job,
            existing: false,
        }),
        Err(missing) if missing.code == ErrorCode::NotFound => Err(CreateError::Certain(error)),
        Err(_) => Err(CreateError::Uncertain(error)),
    }
}

/// Checks a request as far as possible without its pictures.
async fn check_request(state: &AppState, request: &GenerateRequest) -> Result<Estimate> {
    let provider = state
        .generation()
        .providers
        .get(request.provider.as_deref())?;
    let receipt = admit(provider.as_ref(), request)?;
    let ids: Vec<PointId> = request
        .refs
        .iter()
        .filter_map(|reference| reference.id)
        .collect();
    if !ids.is_empty() {
        let known = state.gallery().retrieve(&ids, With::NOTHING).await?;
        for (index, reference) in request.refs.iter().enumerate() {
            if let Some(id) = reference
                .id
                .filter(|id| !known.iter().any(|point| point.id == *id))
            {
                return Err(Error::not_found(format!(
                    "refs[{index}]: picture {id} is not in the gallery"
                )));
            }
        }
    }
    if request.add_to_gallery {
        state.gallery().info().await?.check_takes_generated()?;
    }
    Ok(Estimate {
        receipt,
        ..estimate(provider.as_ref(), request)?
    })
}

async fn reserve(
    state: &AppState,
    key: &str,
    estimate: &Estimate,
) -> Result<Option<Reservation>, Problem> {
    let parts = state.generation();
    match parts
        .budget
        .reserve(parts.spending.as_ref(), key, estimate, SystemTime::now())
        .await?
    {
        Ok(reserved) => Ok(reserved),
        Err(refusal) => Err(Problem::of_budget(refusal)),
    }
}

async fn give_back(state: &AppState, reserved: Option<Reservation>) {
    let Some(reserved) = reserved else { return };
    let parts = state.generation();
    if let Err(error) = parts
        .budget
        .settle(parts.spending.as_ref(), &reserved, 0.0)
        .await
    {
        tracing::error!(
            %error,
            "the reservation of a job that was not created was not given back; it expires with \
             the day"
        );
    }
}

/// Retries a job. A generation may be paid for again, so its price is reserved first, unless each
/// of its calls was answered.
pub(crate) async fn retry_with_reservation<T>(
    state: &AppState,
    job: &Job,
    retry: impl Future<Output = Result<T>>,
) -> Result<Result<T>, Problem> {
    #[derive(Deserialize)]
    struct Payload {
        request: GenerateRequest,
    }
    // A job that cannot be retried needs no reservation. The store returns the reason.
    let again = job.kind == JobKind::Generate
        && matches!(job.state, JobState::Failed | JobState::Cancelled);
    let asked = Payload::deserialize(&job.payload).ok().filter(|_| again);
    let (Some(Payload { request }), Some(owner)) = (asked, &job.owner) else {
        return Ok(retry.await);
    };
    let provider = state
        .generation()
        .providers
        .get(request.provider.as_deref())?;
    let estimate = estimate(provider.as_ref(), &request)?;
    let scopes: Vec<String> = (0..=job.retries)
        .map(|retries| scope_of(&job.id.to_string(), retries))
        .collect();
    let bought = count_bought(&*state.generation().journal, &scopes).await;
    // Answered calls are not bought again. The price is reserved as a whole or not at all.
    let reserved = if estimate.calls > 0 && bought >= estimate.calls {
        None
    } else {
        reserve(state, owner, &estimate).await?
    };
    let retried = retry.await;
    if let Err(error) = &retried
        && (!error.code.is_retryable() || is_unchanged(state, job).await)
    {
        give_back(state, reserved).await;
    }
    Ok(retried)
}

/// Whether a job is certainly unchanged after its retry reported an error.
async fn is_unchanged(state: &AppState, job: &Job) -> bool {
    let found = state.jobs().get(job.id).await;
    found.is_ok_and(|found| found.retries == job.retries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_kept_unless_the_job_certainly_does_not_exist() {
        let lost = || Error::new(ErrorCode::Unavailable, "the answer was lost");
        let missing = after_lost_answer(lost(), Err(Error::not_found("no such job")));
        assert!(missing.expect_err("not made").is_certain());
        let unknown = after_lost_answer(lost(), Err(lost()));
        assert!(!unknown.expect_err("not known").is_certain());
    }
}
