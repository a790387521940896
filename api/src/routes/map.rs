//! `/api/map`: the map of the gallery, a place in the plane for each picture.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use clippy_core::blocking;
use clippy_core::gallery::{Filter, Origin};
use clippy_core::ids::PointId;
use clippy_core::maps::{MapRequest, MapSpace, PictureMap};
use clippy_core::style_groups::StyleGroups;
use clippy_core::styles;
use clippy_jobs::{JobKind, Lane};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::bulk::{Rest, Submission, accepted, create, find_earlier, refuse_unknown};
use crate::access::Caller;
use crate::extract::{ApiJson, ApiQuery};
use crate::listings::{ListKey, ListOrder, Listing};
use crate::maps::none_yet;
use crate::problem::Problem;
use crate::routes::idempotency::IdempotencyHeader;
use crate::routes::job_answer::JobResponse;
use crate::state::AppState;

/// Which map.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MapQuery {
    /// `image` (near pictures look alike) or `style` (they have the same style).
    #[param(value_type = Option<String>, default = "image")]
    #[serde(default)]
    space: MapSpace,
}

/// A map of the gallery. All lists have the same length and order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MapResponse {
    /// The vectors that it was made from.
    #[schema(value_type = String)]
    space: MapSpace,
    /// When it was made, in seconds since 1970.
    made: u64,
    /// How many pictures it has.
    count: u64,
    /// How many pictures of the gallery it does not have: those that were added since, and those
    /// without a vector.
    unplaced: u64,
    /// The pictures.
    #[schema(value_type = Vec<serde_json::Value>)]
    ids: Vec<PointId>,
    /// How far each is from the left edge, 0 to 1.
    x: Vec<f32>,
    /// How far each is from the upper edge, 0 to 1.
    y: Vec<f32>,
    /// The names of the styles on the map.
    groups: Vec<String>,
    /// The style of each: its place in `groups`, or null.
    group: Vec<Option<usize>>,
}

/// Returns the map of the gallery.
///
/// Pictures that were deleted since it was made are left out. Searches within an area of the map
/// have the field `map_area`.
#[utoipa::path(
    get,
    path = "/api/map",
    tag = "search",
    params(MapQuery),
    responses(
        (status = 200, description = "The map.", body = MapResponse),
        (status = 404, description = "No map was made yet: `POST /api/admin/map` makes one."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_map(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<MapQuery>,
) -> Result<Json<MapResponse>, Problem> {
    let (_, live) = state.searcher();
    let map = state.known_maps().newest(state.maps(), query.space).await?;
    let map = map.ok_or_else(none_yet)?;
    let key = ListKey {
        collection: live.name.clone(),
        filter: Filter {
            origin: Origin::Gallery,
            ..Filter::default()
        },
        order: ListOrder::Id,
    };
    let listing = state.listings().get(&*live.gallery, key).await?;
    let head = styles::head_of(&*live.gallery, live.embedder.info()).await?;
    let found = StyleGroups::read(&*live.gallery, head.as_deref()).await?;
    // 100,000 pictures take a while.
    let answer = blocking("reading the map", move || Ok(answer(&map, &listing, found)));
    Ok(Json(answer.await?))
}

/// The part of a map that is in the gallery, with the styles as they are called now.
fn answer(map: &PictureMap, listing: &Listing, found: Option<StyleGroups>) -> MapResponse {
    let mut groups = found.map_or_else(Vec::new, |found| found.groups);
    groups.sort_by_key(|group| group.id);
    // A style that was merged into another one is found by its centroid, which that one has now.
    let place_of: HashMap<u64, usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(place, group)| group.centroids.iter().map(move |own| (own.id, place)))
        .collect();
    let existing: HashSet<PointId> = listing.ids.iter().copied().collect();
    let places: Vec<_> = map
        .places
        .iter()
        .filter(|place| existing.contains(&place.id))
        .collect();
    let count = places.len() as u64;
    MapResponse {
        space: map.space,
        made: map.made,
        count,
        unplaced: listing.total.saturating_sub(count),
        ids: places.iter().map(|place| place.id).collect(),
        x: places.iter().map(|place| place.x).collect(),
        y: places.iter().map(|place| place.y).collect(),
        group: places
            .iter()
            .map(|place| place_of.get(&place.style?).copied())
            .collect(),
        groups: groups.into_iter().map(|group| group.name).collect(),
    }
}

/// A request to make a map.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct MakeMapBody {
    /// `image` (near pictures look alike) or `style` (they have the same style).
    #[schema(value_type = Option<String>, default = "image")]
    #[serde(default)]
    space: MapSpace,
    #[serde(flatten, skip_serializing)]
    #[schema(ignore)]
    rest: Rest,
}

/// The body in a record of its own, so that another job with the same key is another body.
#[derive(Serialize)]
struct MapOfSpace {
    map: MapSpace,
}

/// Makes a map of the gallery, as a job of kind `backfill`.
///
/// Until the job has succeeded, the earlier map is shown.
#[utoipa::path(
    post,
    path = "/api/admin/map",
    tag = "admin",
    params(IdempotencyHeader),
    request_body = MakeMapBody,
    responses(
        (status = 202, description = "The job; `Location` is its address.", body = JobResponse),
        (status = 422, description = "A field that is mistyped or unknown, or a key that was used with another body."),
        (status = 429, description = "Too many jobs are waiting."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn start_map(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    ApiJson(body): ApiJson<MakeMapBody>,
) -> Result<Response, Problem> {
    refuse_unknown(&body.rest)?;
    let sent = MapOfSpace { map: body.space };
    let once = match find_earlier(&state, &caller, &headers, JobKind::Backfill, &sent).await? {
        Submission::Repeated(job) => return Ok(accepted(&state, *job)),
        Submission::New(once) => once,
    };
    let request = MapRequest {
        make_map: body.space,
    };
    // The whole run is one job, so that it takes no place of those that plan and merge.
    let lane = Lane::Bulk;
    let job = create(lane, &state, &caller, once, JobKind::Backfill, &request).await?;
    Ok(accepted(&state, job))
}

#[cfg(test)]
mod tests {
    use clippy_core::maps::MapPlace;
    use clippy_core::style_groups::{Centroid, GroupCentroid, StyleGroup};

    use super::*;

    fn group(id: u64, centroids: &[u64]) -> StyleGroup {
        let centroid = |id: &u64| GroupCentroid {
            id: *id,
            centroid: Centroid::new(&[1.0, 0.0]),
        };
        StyleGroup {
            id,
            name: format!("style {id}"),
            is_named: false,
            centroids: centroids.iter().map(centroid).collect(),
            count: 1,
            tags: Vec::new(),
            covers: Vec::new(),
        }
    }

    #[test]
    fn pictures_of_merged_styles_have_the_style_that_is_left() {
        let place = |id: u64, style: Option<u64>| MapPlace {
            id: id.into(),
            x: 0.5,
            y: 0.5,
            style,
        };
        let map = PictureMap {
            space: MapSpace::Image,
            made: 1,
            places: vec![
                place(1, Some(4)),
                place(2, Some(2)),
                place(3, None),
                place(4, Some(9)),
                place(5, Some(5)),
            ],
        };
        let listing = Listing {
            ids: (1..5_u64).map(PointId::from).collect(),
            total: 6,
        };
        let mut found = StyleGroups::new("run".into(), "head".into(), "model".into(), 9);
        found.groups = vec![group(5, &[5]), group(2, &[2, 4])];
        let shown = answer(&map, &listing, Some(found));
        assert_eq!(shown.groups, ["style 2", "style 5"]);
        assert_eq!(shown.group, [Some(0), Some(0), None, None]);
        assert_eq!((shown.count, shown.unplaced), (4, 2));
    }
}
