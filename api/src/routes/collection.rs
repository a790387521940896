//! `GET /api/facets`, `GET /api/tags`, `GET /api/pictures` and `GET /api/model`: describe the
//! collection and the model.

use axum::Json;
use axum::extract::State;
use clippy_core::Error;
use clippy_core::gallery::{
    ADDED_FIELD, Filter, Origin, Payload, Point, RATING_FIELD, STYLE_FIELD, STYLE_TAGS_FIELD,
    TAGS_FIELD, With,
};
use clippy_core::ids::PointId;
use clippy_core::style_groups::StyleGroups;
use clippy_core::styles;
use clippy_jobs::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::routes::facet::FacetValue;
use crate::routes::payload::public_payload;
use crate::state::AppState;
use crate::tags::complete;

/// The indexed text fields of a collection.
const FACET_FIELDS: [&str; 4] = [STYLE_TAGS_FIELD, TAGS_FIELD, RATING_FIELD, STYLE_FIELD];
const MOST_VALUES: usize = 500;
/// How many tags one completion returns.
const MOST_TAGS: usize = 100;
/// The longest prefix of a tag, in bytes.
const LONGEST_PREFIX: usize = 200;
/// How many pictures one call may request.
const MOST_PICTURES: usize = 200;

/// Selects the field.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FacetQuery {
    /// `matched_tags`, `tags_all`, `rating` or `style`.
    #[param(default = "matched_tags")]
    field: Option<String>,
    /// How many values, 1..500.
    #[param(default = 50, minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The most frequent values of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetResponse {
    /// The field.
    field: String,
    /// The values, the most frequent first.
    values: Vec<FacetValue>,
}

/// Lists the most frequent values of a field, such as the styles (`matched_tags`).
#[utoipa::path(
    get,
    path = "/api/facets",
    tag = "search",
    params(FacetQuery),
    responses(
        (status = 200, description = "The values.", body = FacetResponse),
        (status = 400, description = "No such field, or a limit out of range."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_facets(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<FacetQuery>,
) -> Result<Json<FacetResponse>, Problem> {
    let field = query.field.unwrap_or_else(|| STYLE_TAGS_FIELD.to_owned());
    if !FACET_FIELDS.contains(&field.as_str()) {
        return Err(
            Error::invalid(format!("field must be one of {}", FACET_FIELDS.join(", "))).into(),
        );
    }
    let limit = query.limit.unwrap_or(50);
    if limit == 0 || limit > MOST_VALUES {
        return Err(
            Error::invalid(format!("limit is {limit}, but must be 1..{MOST_VALUES}")).into(),
        );
    }
    let filter = Filter {
        origin: Origin::Gallery,
        ..Filter::default()
    };
    let counts = state.gallery().facet(&field, &filter, limit).await?;
    let values = counts.into_iter().map(FacetValue::from).collect();
    Ok(Json(FacetResponse { field, values }))
}

/// A prefix of tags.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TagsQuery {
    /// The beginning of a tag or of a word in it, in upper or lower case, with spaces or
    /// underscores. Without it, the most frequent tags are returned.
    #[param(default = "")]
    prefix: Option<String>,
    /// How many tags, 1..100.
    #[param(default = 20, minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Completions of a prefix.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TagsResponse {
    /// Tags that begin with the prefix, the most frequent first; then tags with a word that does.
    tags: Vec<FacetValue>,
}

/// Completes a prefix to tags of the collection, for tag filters. New tags appear within a minute.
#[utoipa::path(
    get,
    path = "/api/tags",
    tag = "search",
    params(TagsQuery),
    responses(
        (status = 200, description = "The tags, or an empty list.", body = TagsResponse),
        (status = 400, description = "A prefix that is too long, or a limit out of range."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_tags(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<TagsQuery>,
) -> Result<Json<TagsResponse>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if limit == 0 || limit > MOST_TAGS {
        return Err(Error::invalid(format!("limit is {limit}, but must be 1..{MOST_TAGS}")).into());
    }
    let prefix = query.prefix.unwrap_or_default();
    if prefix.len() > LONGEST_PREFIX {
        return Err(Error::invalid(format!("prefix is longer than {LONGEST_PREFIX} bytes")).into());
    }
    let known = state.tags().all(state.gallery().as_ref()).await?;
    let tags = complete(&known, &prefix, limit)
        .into_iter()
        .cloned()
        .map(FacetValue::from)
        .collect();
    Ok(Json(TagsResponse { tags }))
}

/// Selects the pictures.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PicturesQuery {
    /// The ids of up to 200 pictures, separated by commas.
    ids: String,
}

/// The fields of pictures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PicturesResponse {
    /// The pictures in the requested order, without those that are not in the collection.
    pictures: Vec<PictureResponse>,
}

/// One picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PictureResponse {
    /// A number when the id is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// The manifest's fields.
    #[schema(value_type = Object)]
    payload: Payload,
    /// The id of its style, see `GET /api/styles`; left out where styles are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    style_group: Option<u64>,
    /// When it came into the gallery, in RFC 3339; left out where that was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    added_at: Option<String>,
}

impl PictureResponse {
    /// Describes a point.
    pub(super) fn of(base: &str, groups: Option<&StyleGroups>, point: Point) -> Self {
        let Point { id, payload, .. } = point;
        let group = groups.and_then(|groups| groups.group_of(&payload));
        let added = payload.get(ADDED_FIELD).and_then(Value::as_i64);
        Self {
            id,
            style_group: group.map(|group| group.id),
            added_at: added.map(|added| Timestamp::from_millis(added).to_string()),
            payload: public_payload(base, id, payload),
        }
    }
}

/// Returns the manifest's fields of pictures, by their ids.
#[utoipa::path(
    get,
    path = "/api/pictures",
    tag = "search",
    params(PicturesQuery),
    responses(
        (status = 200, description = "The pictures that exist.", body = PicturesResponse),
        (status = 400, description = "An invalid id, or too many ids."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_pictures(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<PicturesQuery>,
) -> Result<Json<PicturesResponse>, Problem> {
    let named = query
        .ids
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty());
    let ids: Vec<PointId> = named.map(str::parse).collect::<Result<_, _>>()?;
    if ids.is_empty() || ids.len() > MOST_PICTURES {
        return Err(Error::invalid(format!(
            "ids has {} pictures, but must have 1..{MOST_PICTURES}",
            ids.len()
        ))
        .into());
    }
    let (_, live) = state.searcher();
    let points = live.gallery.retrieve(&ids, With::PAYLOAD).await?;
    let head = styles::head_of(&*live.gallery, live.embedder.info()).await?;
    let groups = StyleGroups::read(&*live.gallery, head.as_deref()).await?;
    let base = &state.options().base_path;
    let shown = |point| PictureResponse::of(base, groups.as_ref(), point);
    Ok(Json(PicturesResponse {
        pictures: points.into_iter().map(shown).collect(),
    }))
}

/// The model that queries are embedded with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelResponse {
    /// open_clip's name of the architecture.
    name: String,
    /// Length of its vectors.
    dimension: usize,
    /// The highest number of tokens in a text.
    context_length: usize,
    /// Side of its square input, in pixels.
    image_side: u32,
    /// Models with the same fingerprint make the same vectors.
    fingerprint: String,
}

/// Describes the model that queries are embedded with.
#[utoipa::path(
    get,
    path = "/api/model",
    tag = "search",
    responses((status = 200, description = "The model.", body = ModelResponse)),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_model(State(state): State<AppState>) -> Json<ModelResponse> {
    let model = state.model();
    // `pretrained` is left out, since it may be a path of this machine.
    Json(ModelResponse {
        name: model.name.clone(),
        dimension: model.dimension,
        context_length: model.context_length,
        image_side: model.transform.side,
        fingerprint: model.fingerprint.clone(),
    })
}
