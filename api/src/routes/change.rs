//! `POST /api/pictures/bulk` changes many pictures, and `GET /api/admin/changes` lists changes.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use clippy_common::shorten;
use clippy_core::bulk::TEXT_TEMPLATE;
use clippy_core::changes::{ChangeAction, ChangeJob, ChangeRequest, PictureFilter};
use clippy_core::ids::PointId;
use clippy_core::trash::{JournalEntry, KEPT_DAYS, KeptFilter};
use clippy_core::{Error, ErrorCode, Result};
use clippy_jobs::{JobKind, Lane};
use clippy_keeping::preview;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::bulk::{Rest, Submission, accepted, create, find_earlier, refuse_unknown};
use super::image::address_of;
use crate::access::Caller;
use crate::extract::{ApiJson, ApiQuery};
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// The most pictures that a dry run shows.
const SAMPLES: usize = 12;
/// The most lines of the journal in one answer.
const MOST_LISTED: usize = 500;

/// Which pictures, and what to do with them.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ChangeBody {
    /// Which pictures. It may be left out only for `rename_tag` and `remove_tags`, which select by
    /// their tags.
    #[serde(default)]
    filter: FilterBody,
    /// What to do.
    #[schema(value_type = String, example = "delete")]
    action: ChangeAction,
    /// The tags of `add_tags` and `remove_tags`.
    #[serde(default)]
    tags: Vec<String>,
    /// The tag that `rename_tag` replaces.
    from: Option<String>,
    /// The tag that `rename_tag` puts in its place.
    to: Option<String>,
    /// Count the pictures and show some, and change nothing.
    #[serde(default)]
    dry_run: bool,
    /// The sentence that tags are embedded as, with `{tags}` in it.
    #[schema(default = json!(TEXT_TEMPLATE))]
    text_template: Option<String>,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// Selects pictures. All conditions must hold.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct FilterBody {
    /// Only these pictures.
    #[schema(value_type = Option<Vec<Value>>)]
    ids: Option<Vec<PointId>>,
    /// Pictures with all of these tags.
    #[serde(default)]
    tags: Vec<String>,
    /// Pictures with one of these ratings.
    #[serde(default)]
    ratings: Vec<String>,
    /// Pictures with this rating: the same as `ratings` with this one value.
    rating: Option<String>,
    /// Pictures whose `source` or `source_post_url` contains this text.
    source: Option<String>,
    /// Pictures of this artist.
    artist: Option<String>,
    /// Pictures whose `path` is below this folder. A path begins in the folder that was added, so
    /// `Birds` selects the pictures of its sub-folder of this name.
    folder: Option<String>,
    /// For `restore`: what this job or call changed, by its id. Edits are undone only if it is
    /// given.
    change: Option<String>,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

impl ChangeBody {
    fn request(&self) -> Result<ChangeRequest> {
        refuse_unknown(&self.rest)?;
        refuse_unknown(&self.filter.rest)?;
        let filter = &self.filter;
        let ratings = filter.ratings.iter().chain(&filter.rating);
        let request = ChangeRequest {
            filter: PictureFilter {
                ids: filter.ids.clone(),
                tags: filter.tags.clone(),
                ratings: ratings.cloned().collect(),
                source: filter.source.clone(),
                artist: filter.artist.clone(),
                folder: filter.folder.clone(),
                change: filter.change.clone(),
            },
            action: self.action,
            tags: self.tags.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            text_template: self
                .text_template
                .clone()
                .unwrap_or_else(|| TEXT_TEMPLATE.to_owned()),
        };
        request.check()?;
        Ok(request)
    }
}

/// What a bulk change would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunResponse {
    /// Always true.
    dry_run: bool,
    /// How many pictures would change.
    count: u64,
    /// Some of them.
    samples: Vec<SamplePicture>,
}

/// A picture that would change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamplePicture {
    /// A number when the id is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// The address of the picture on this server. A deleted picture is not served.
    image_url: String,
}

/// Deletes, hides, restores or tags the pictures that a filter selects.
///
/// With `dry_run`, the answer counts the pictures and shows some of them. Without it, the work is a
/// job of kind `backfill`: it can be cancelled, and continues after a restart. `restore` with the
/// job's id as `filter.change` undoes the whole job within 30 days. `hide` is a deletion that never
/// expires. To add a tag that another tag implies (`cat` to every `kitten`), select by `kitten` and
/// add `cat`.
#[utoipa::path(
    post,
    path = "/api/pictures/bulk",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = ChangeBody,
    responses(
        (status = 200, description = "What would change, with `dry_run`.", body = DryRunResponse),
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 400, description = "An empty filter, or a value out of range."),
        (
            status = 404,
            description = "A change to restore of which nothing is kept: it was undone already, \
                or more than 30 days ago, or there never was one."
        ),
        (
            status = 422,
            description = "A field that is mistyped or unknown, or a key that was used with \
                another body."
        ),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn change_pictures(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    ApiJson(body): ApiJson<ChangeBody>,
) -> Result<Response, Problem> {
    // `?dry_run=true` must not change anything.
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Error::invalid(
            "this call takes nothing in its address: write all fields in the body, such as \
             \"dry_run\": true",
        )
        .into());
    }
    let request = body.request()?;
    if body.dry_run {
        check_is_kept(&state, &request).await?;
        let (_, live) = state.searcher();
        let found = preview(&*live.gallery, state.trash(), &request, SAMPLES).await?;
        let base = &state.options().base_path;
        let samples = found.samples.iter().map(|point| SamplePicture {
            id: point.id,
            image_url: address_of(base, point.id, &point.payload),
        });
        let answer = DryRunResponse {
            dry_run: true,
            count: found.count,
            samples: samples.collect(),
        };
        return Ok(Json(answer).into_response());
    }
    let once = match find_earlier(&state, &caller, &headers, JobKind::Backfill, &body).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    check_is_kept(&state, &request).await?;
    let work = ChangeJob {
        change_pictures: request,
    };
    // In the control lane, the job does not wait for the parts of a running re-index or ingest.
    let lane = Lane::Control;
    let job = create(lane, &state, &caller, once, JobKind::Backfill, &work).await?;
    Ok(accepted(&state, job))
}

/// Refuses to undo a change of which nothing is kept.
async fn check_is_kept(state: &AppState, request: &ChangeRequest) -> Result<()> {
    let Some(change) = &request.filter.change else {
        return Ok(());
    };
    let of_change = KeptFilter {
        change: Some(change.clone()),
        ..KeptFilter::default()
    };
    if !state.trash().list(&of_change, 0, 1).await?.is_empty() {
        return Ok(());
    }
    Err(Error::not_found(format!(
        "nothing is kept of the change \"{}\": it was undone already, or it is more than \
         {KEPT_DAYS} days old, or there never was one",
        shorten(change, 60)
    )))
}

/// Selects lines of the journal.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesQuery {
    /// The most lines to return, 1..500.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Lines of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangesResponse {
    /// The newest first.
    changes: Vec<ChangeLine>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A line of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeLine {
    /// When, in seconds since 1970.
    at: u64,
    /// Who: the name of a key, if there is one.
    by: Option<String>,
    /// The id of the job or the call. `restore` with this id as `filter.change` undoes the change.
    change: String,
    /// What was done.
    action: String,
    /// How many pictures were changed. When a bulk change begins, about how many it will look at.
    pictures: u64,
    /// Details: the request, or for the end of a bulk change its report.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<JournalEntry> for ChangeLine {
    fn from(entry: JournalEntry) -> Self {
        let JournalEntry {
            at,
            by,
            change,
            action,
            pictures,
            detail,
        } = entry;
        Self {
            at,
            by,
            change,
            action,
            pictures,
            detail,
        }
    }
}

/// Lists who changed which pictures, and when. Lines of the journal are never changed or removed.
#[utoipa::path(
    get,
    path = "/api/admin/changes",
    tag = "admin",
    params(ChangesQuery),
    responses(
        (status = 200, description = "The changes, or an empty list.", body = ChangesResponse),
        (status = 400, description = "A limit out of range, or an invalid cursor."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_changes(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<ChangesQuery>,
) -> Result<Json<ChangesResponse>, Problem> {
    let limit = query.limit.unwrap_or(50);
    if limit == 0 || limit > MOST_LISTED {
        let message = format!("limit is {limit}, but must be 1..{MOST_LISTED}");
        return Err(Error::new(ErrorCode::InvalidInput, message).into());
    }
    let before = query.cursor.as_deref().map(|cursor| {
        let number = cursor.parse::<u64>();
        number.map_err(|_| Error::invalid("cursor is not the next_cursor of an answer"))
    });
    let before = before.transpose()?;
    let mut lines = state.trash().journal(before, limit + 1).await?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let last = lines.last().filter(|_| more);
    Ok(Json(ChangesResponse {
        next_cursor: last.map(|line| line.number.to_string()),
        changes: lines.into_iter().map(|line| line.entry.into()).collect(),
    }))
}
