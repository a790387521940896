//! `POST /api/admin/fetch`: fetches pictures from a site, as a job of kind `fetch`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_core::bulk::FetchRequest;
use clippy_jobs::{JobKind, Lane};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::{Rest, Submission, accepted, create, find_earlier, refuse_unknown};
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// A request to fetch the pictures of tags.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FetchBody {
    /// The tags; spaces become underscores. Each entry is one tag.
    tags: Vec<String>,
    /// The name of the folder in `DATA_DIR/fetched`: lower-case letters, digits, `-` and `_`. The
    /// default is the id of the job. A name that was used before goes on with what is in that
    /// folder, and needs the same tags, site, `union`, `max_pages` and limits of ids.
    name: Option<String>,
    /// One folder for all pictures, instead of one for each tag.
    #[serde(default)]
    union: bool,
    /// Downloads at the same time, 1 to 64.
    #[schema(default = json!(FetchRequest::WORKERS))]
    workers: Option<u64>,
    /// The most pages of 100 posts for each tag.
    max_pages: Option<u64>,
    /// Only posts whose id is smaller.
    older_than_id: Option<u64>,
    /// Only posts whose id is at most this.
    max_id: Option<u64>,
    /// The most requests a second.
    #[schema(default = json!(FetchRequest::RATE))]
    rate: Option<f64>,
    /// The address of the site, one of `FETCH_SITES` of the server. The default is the first.
    base_url: Option<String>,
    /// Whether the pictures are embedded and stored, too.
    #[serde(default)]
    ingest: bool,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Fetches pictures with their tags from a site with Gelbooru's interface into a folder of
/// `DATA_DIR`, with a manifest, and embeds and stores them if `ingest` is set.
///
/// The site must be one of the server's setting `FETCH_SITES`. A job that was interrupted goes on
/// with what is in its folder.
#[utoipa::path(
    post,
    path = "/api/admin/fetch",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = FetchBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "A value out of range."),
        (status = 403, description = "A site that this server may not call."),
        (
            status = 422,
            description = "A field that is missing, mistyped or unknown, or a key that was used \
                with another body."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_fetch(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<FetchBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let once = match find_earlier(&state, &caller, &headers, JobKind::Fetch, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let request = FetchRequest {
        tags: body.tags,
        name: body.name,
        union: body.union,
        workers: body.workers.unwrap_or(FetchRequest::WORKERS),
        max_pages: body.max_pages,
        older_than_id: body.older_than_id,
        max_id: body.max_id,
        rate: body.rate.unwrap_or(FetchRequest::RATE),
        base_url: body.base_url,
        ingest: body.ingest,
    };
    request.check()?;
    let request = FetchRequest {
        base_url: Some(request.site(&state.options().fetch_sites)?),
        ..request
    };
    // A fetch takes long and waits for the network, so it takes no place of those that plan.
    let job = create(Lane::Bulk, &state, &caller, once, JobKind::Fetch, &request).await?;
    Ok(accepted(&state, job))
}
