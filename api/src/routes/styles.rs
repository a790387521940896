//! `/api/styles`: the styles that the gallery has, and their names.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_common::shorten;
use clippy_core::Error;
use clippy_core::bulk::StylesRequest;
use clippy_core::gallery::{Filter, Origin, STYLE_GROUP_FIELD, With};
use clippy_core::ids::PointId;
use clippy_core::live::Live;
use clippy_core::style_groups::{self, StyleGroups};
use clippy_core::styles;
use clippy_jobs::{JobKind, Lane};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bulk::{Rest, Submission, accepted, create, find_earlier, refuse_unknown};
use crate::access::Caller;
use crate::extract::ApiJson;
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::image::address_of;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// More keys of groups than pictures can have: those of two runs.
const MOST_KEYS: usize = 2_000;

/// The styles of the gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StylesResponse {
    /// The styles with pictures, the largest first.
    styles: Vec<StyleResponse>,
    /// Whether styles were looked for. If not, `POST /api/admin/styles` does.
    found: bool,
}

/// A style: a group of pictures that look similar, whatever they show.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StyleResponse {
    /// Its id, for the field `style_groups` of a search. It stays when styles are found again.
    id: u64,
    /// Its name.
    name: String,
    /// Whether a person gave it the name.
    named: bool,
    /// How many of the gallery's own pictures are of this style.
    count: u64,
    /// The tags that tell it from other styles, the most telling first.
    tags: Vec<String>,
    /// Typical pictures, the most typical first.
    covers: Vec<CoverResponse>,
}

/// A typical picture of a style.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CoverResponse {
    /// A number if it is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// Its address on this server.
    image_url: String,
}

impl StylesResponse {
    async fn of(live: &Live, base: &str, groups: Option<StyleGroups>) -> Result<Self, Problem> {
        let Some(groups) = groups else {
            return Ok(Self {
                styles: Vec::new(),
                found: false,
            });
        };
        let own = Filter {
            origin: Origin::Gallery,
            ..Filter::default()
        };
        let covers: Vec<PointId> = groups
            .groups
            .iter()
            .flat_map(|group| group.covers.iter().copied())
            .collect();
        // Pictures may have been deleted since the styles were found.
        let existing = live.gallery.retrieve(&covers, With::PAYLOAD).await?;
        let cover = |id: &PointId| {
            let point = existing.iter().find(|point| point.id == *id)?;
            Some(CoverResponse {
                id: *id,
                image_url: address_of(base, *id, &point.payload),
            })
        };
        let keys = live
            .gallery
            .facet(STYLE_GROUP_FIELD, &own, MOST_KEYS)
            .await?;
        let counts = groups.counts(&keys).into_iter();
        let styles = counts.map(|(group, count)| StyleResponse {
            id: group.id,
            name: group.name.clone(),
            named: group.is_named,
            count,
            tags: group.tags.clone(),
            covers: group.covers.iter().filter_map(cover).collect(),
        });
        Ok(Self {
            styles: styles.collect(),
            found: true,
        })
    }
}

/// Lists the styles that the gallery has.
///
/// The list is empty until styles were found, and after the model's style head was replaced.
#[utoipa::path(
    get,
    path = "/api/styles",
    tag = "search",
    responses((status = 200, description = "The styles.", body = StylesResponse)),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_styles(
    State(state): State<AppState>,
) -> Result<Json<StylesResponse>, Problem> {
    let (_, live) = state.searcher();
    let base = &state.options().base_path;
    let head = styles::head_of(&*live.gallery, live.embedder.info()).await?;
    let groups = StyleGroups::read(&*live.gallery, head.as_deref()).await?;
    Ok(Json(StylesResponse::of(&live, base, groups).await?))
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RenameBody {
    /// The name, 1..80 characters.
    name: String,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// Names a style. The name stays when styles are found again.
#[utoipa::path(
    patch,
    path = "/api/styles/{id}",
    tag = "admin",
    params(("id" = u64, Path, description = "The style's id.")),
    request_body = RenameBody,
    responses(
        (status = 200, description = "All styles.", body = StylesResponse),
        (status = 400, description = "A name that is empty, too long, or another style's."),
        (status = 404, description = "No such style."),
        (status = 422, description = "No styles were found yet."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn rename_style(
    State(state): State<AppState>,
    Path(id): Path<String>,
    ApiJson(body): ApiJson<RenameBody>,
) -> Result<Json<StylesResponse>, Problem> {
    refuse_unknown(&body.rest)?;
    let id = id_of(&id)?;
    change(&state, |groups| groups.rename(id, &body.name)).await
}

/// The style to merge into.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MergeBody {
    /// The id of the style that stays, with its name.
    into: u64,
    #[serde(flatten)]
    #[schema(ignore)]
    rest: Rest,
}

/// Merges a style into another one. They stay one style when styles are found again.
#[utoipa::path(
    post,
    path = "/api/styles/{id}/merge",
    tag = "admin",
    params(("id" = u64, Path, description = "The id of the style that goes.")),
    request_body = MergeBody,
    responses(
        (status = 200, description = "All styles.", body = StylesResponse),
        (status = 400, description = "A style and itself."),
        (status = 404, description = "No such style."),
        (status = 422, description = "No styles were found yet."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn merge_styles(
    State(state): State<AppState>,
    Path(id): Path<String>,
    ApiJson(body): ApiJson<MergeBody>,
) -> Result<Json<StylesResponse>, Problem> {
    refuse_unknown(&body.rest)?;
    let id = id_of(&id)?;
    change(&state, |groups| groups.merge(id, body.into)).await
}

/// Reads the id of a path. Text that is not a number is the id of no style.
fn id_of(text: &str) -> clippy_core::Result<u64> {
    text.parse().map_err(|_| {
        let shown = shorten(text, 60);
        Error::not_found(format!(
            "there is no style \"{shown}\": a style's id is a number"
        ))
    })
}

async fn change(
    state: &AppState,
    work: impl FnOnce(&mut StyleGroups) -> clippy_core::Result<()> + Send,
) -> Result<Json<StylesResponse>, Problem> {
    let (_, live) = state.searcher();
    let base = &state.options().base_path;
    let head = styles::head_of(&*live.gallery, live.embedder.info()).await?;
    let groups = style_groups::change(&*live.gallery, head.as_deref(), work).await?;
    Ok(Json(StylesResponse::of(&live, base, Some(groups)).await?))
}

/// A request to find styles.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FindStylesBody {
    /// Forget the styles that were found before, with their ids and names.
    #[serde(default)]
    find_styles_afresh: bool,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Finds the styles that the gallery has, as a job of kind `backfill`.
///
/// Styles that were found before keep their ids and names. Until the job has succeeded, they are
/// shown unchanged.
#[utoipa::path(
    post,
    path = "/api/admin/styles",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = FindStylesBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 422, description = "A field that is mistyped or unknown, or a key that was used with another body."),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_finding_styles(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<FindStylesBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    // A body of its own, so that a backfill with the same key is another body.
    let once = match find_earlier(&state, &caller, &headers, JobKind::Backfill, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let request = StylesRequest {
        find_styles_afresh: body.find_styles_afresh,
    };
    // The whole run is one job, so that it takes no place of those that plan and merge.
    let lane = Lane::Bulk;
    let job = create(lane, &state, &caller, once, JobKind::Backfill, &request).await?;
    Ok(accepted(&state, job))
}
