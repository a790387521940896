//! `POST /api/admin/tag`: proposes tags, as a job of kind `backfill`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_core::bulk::{TEXT_TEMPLATE, TagRequest, Vocabulary};
use clippy_jobs::{JobKind, Lane};
use clippy_tagging::check_takes_proposals;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::{Rest, Submission, accepted, create, find_earlier, refuse_unknown};
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::folders::Folders;
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// The name of the vocabulary of style tags.
const STYLES: &str = "styles";

/// A request to propose tags.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct TagBody {
    /// The words to compare pictures with: `styles` for the gallery's style tags, or a file with
    /// one tag a line, in `IMAGES_ROOT` or `DATA_DIR`. The default is the gallery's tags.
    vocabulary: Option<String>,
    /// The lowest probability of a proposal, above 0 and below 1.
    #[schema(default = json!(TagRequest::AT_LEAST))]
    at_least: Option<f64>,
    /// Make the proposals tags at once.
    #[serde(default)]
    accept: bool,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[schema(default = json!(TEXT_TEMPLATE))]
    text_template: Option<String>,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Compares all pictures with words, and stores the tags that are probable enough as proposals.
///
/// The probabilities are learned from the gallery's tagged pictures, of which at least 200 are
/// needed. A stated 0.9 is right nine times in ten for pictures like those. Proposals of an earlier
/// run are replaced. They are not tags before they are accepted (`POST /api/tags/review`).
#[utoipa::path(
    post,
    path = "/api/admin/tag",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = TagBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "A value out of range, or a missing file."),
        (status = 403, description = "A file outside of `IMAGES_ROOT` and `DATA_DIR`."),
        (
            status = 422,
            description = "A field that is mistyped or unknown, a key that was used with another \
                body, or a collection of an older schema."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_tag(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<TagBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let once = match find_earlier(&state, &caller, &headers, JobKind::Backfill, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let vocabulary = match body.vocabulary {
        None => Vocabulary::Gallery,
        Some(name) if name == STYLES => Vocabulary::Styles,
        Some(given) => {
            let folders = Folders::of(state.options());
            let found = folders.run(move |folders| folders.file("vocabulary", &given));
            Vocabulary::File(found.await?)
        }
    };
    let request = TagRequest {
        vocabulary,
        at_least: body.at_least.unwrap_or(TagRequest::AT_LEAST),
        accept: body.accept,
        text_template: body
            .text_template
            .unwrap_or_else(|| TEXT_TEMPLATE.to_owned()),
    };
    request.check()?;
    check_takes_proposals(&state.gallery().info().await?)?;
    // The whole run is one job, so that it takes no place of those that plan and merge.
    let lane = Lane::Bulk;
    let job = create(lane, &state, &caller, once, JobKind::Backfill, &request).await?;
    Ok(accepted(&state, job))
}
