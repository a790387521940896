//! `GET /api/gallery`: the pictures of the gallery without a search, page by page.

use axum::Json;
use axum::extract::State;
use clippy_core::Error;
use clippy_core::gallery::{Filter, Origin, TagMode, With};
use clippy_core::ids::PointId;
use clippy_core::style_groups::{self, StyleGroups};
use clippy_core::styles;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::ApiQuery;
use crate::listings::{ListKey, ListOrder, MOST_LISTED};
use crate::problem::Problem;
use crate::routes::collection::PictureResponse;
use crate::state::AppState;

/// How many pictures a page has at most.
const MOST_PICTURES: usize = 200;
/// How many pictures a page has unless the caller says.
const PICTURES: usize = 60;
/// How many names a filter has at most.
const MOST_NAMES: usize = 32;
/// The longest list of names, in bytes.
const LONGEST_LIST: usize = 4_000;

/// Which pictures are shown. Lists are CSV. The parts apply together: any of the styles, and the
/// tags.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GalleryFilter {
    /// Only pictures with one of these style tags.
    styles: Option<String>,
    /// Only pictures of one of these styles: ids of `GET /api/styles`.
    style_groups: Option<String>,
    /// Only pictures with these tags.
    tags: Option<String>,
    /// Whether one of the tags is enough (`any`) or all are needed (`all`).
    #[param(value_type = Option<String>, default = "all")]
    tag_mode: Option<TagMode>,
    /// Only pictures without these tags.
    exclude_tags: Option<String>,
    /// Only pictures with one of these ratings.
    rating: Option<String>,
    /// `gallery` (the gallery's own pictures), `generated` (generated pictures that were added to
    /// it) or `any`.
    #[param(value_type = Option<String>, default = "gallery")]
    origin: Option<Origin>,
}

impl GalleryFilter {
    /// Converts it for the collection.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for a list that is too long,
    /// [`clippy_core::ErrorCode::NotFound`] for a style that does not exist, and
    /// [`clippy_core::ErrorCode::Unsupported`] where no styles are known.
    pub(super) fn resolve(&self, groups: Option<&StyleGroups>) -> clippy_core::Result<Filter> {
        let mut keys = Vec::new();
        for name in names("style_groups", self.style_groups.as_deref())? {
            let groups = groups.ok_or_else(style_groups::none_yet)?;
            let id = name.parse().map_err(|_| {
                Error::invalid("style_groups: the id of a style is a number, see GET /api/styles")
            })?;
            keys.extend(groups.keys_of_group(groups.group(id)?));
        }
        Ok(Filter {
            any_tags: names("styles", self.styles.as_deref())?,
            style_groups: keys,
            tags: names("tags", self.tags.as_deref())?,
            tag_mode: self.tag_mode.unwrap_or(TagMode::All),
            exclude_tags: names("exclude_tags", self.exclude_tags.as_deref())?,
            ratings: names("rating", self.rating.as_deref())?,
            origin: self.origin.unwrap_or(Origin::Gallery),
            ..Filter::default()
        })
    }
}

/// Reads a list of names.
fn names(field: &str, list: Option<&str>) -> clippy_core::Result<Vec<String>> {
    let list = list.unwrap_or_default();
    if list.len() > LONGEST_LIST {
        return Err(Error::invalid(format!(
            "{field} is longer than {LONGEST_LIST} bytes"
        )));
    }
    let names = list.split(',').map(str::trim);
    let names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if names.len() > MOST_NAMES {
        return Err(Error::invalid(format!(
            "{field} has {} names, but at most {MOST_NAMES} work",
            names.len()
        )));
    }
    Ok(names)
}

/// The order of the gallery.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Newest,
    Id,
}

/// Which page to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GalleryPage {
    /// `newest` (the pictures that were added last come first; those that were added before the
    /// gallery recorded it come last, in the reverse order of their ids) or `id`.
    #[param(value_type = Option<String>, default = "newest")]
    order: Option<Order>,
    /// How many pictures, 1..200.
    #[param(default = 60, minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The position of the page's first picture, to jump to any place.
    #[param(default = 0, minimum = 0)]
    at: Option<usize>,
    /// `next_cursor` of the page before, with the same filter and order. Unlike `at`, it neither
    /// repeats nor leaves out pictures when others are added or deleted meanwhile.
    cursor: Option<String>,
}

/// A page of the gallery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GalleryResponse {
    /// How many pictures the filter selects.
    total: u64,
    /// The position of the first picture of this page.
    at: usize,
    /// The pictures. There may be fewer than were asked for if some were just deleted.
    pictures: Vec<PictureResponse>,
    /// The next page's cursor; null at the end.
    next_cursor: Option<String>,
}

/// Lists the pictures of the gallery that a filter selects, without a search.
///
/// New pictures appear within ten seconds. The first million pictures can be listed.
#[utoipa::path(
    get,
    path = "/api/gallery",
    tag = "search",
    params(GalleryFilter, GalleryPage),
    responses(
        (status = 200, description = "The page.", body = GalleryResponse),
        (
            status = 400,
            description = "A limit out of range, a list that is too long, or an invalid cursor."
        ),
        (status = 404, description = "No such style."),
        (status = 422, description = "No styles were found yet."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list_gallery(
    State(state): State<AppState>,
    ApiQuery(filter): ApiQuery<GalleryFilter>,
    ApiQuery(page): ApiQuery<GalleryPage>,
) -> Result<Json<GalleryResponse>, Problem> {
    let limit = page.limit.unwrap_or(PICTURES);
    if limit == 0 || limit > MOST_PICTURES {
        return Err(
            Error::invalid(format!("limit is {limit}, but must be 1..{MOST_PICTURES}")).into(),
        );
    }
    let (_, live) = state.searcher();
    let head = styles::head_of(&*live.gallery, live.embedder.info()).await?;
    let groups = StyleGroups::read(&*live.gallery, head.as_deref()).await?;
    let key = ListKey {
        collection: live.name.clone(),
        filter: filter.resolve(groups.as_ref())?,
        order: match page.order {
            None | Some(Order::Newest) => ListOrder::Newest,
            Some(Order::Id) => ListOrder::Id,
        },
    };
    let cursor = page.cursor.as_deref().map(position_in).transpose()?;
    if cursor.is_some() && page.at.is_some() {
        return Err(Error::invalid("send either at or cursor, not both").into());
    }
    let listing = state.listings().get(&*live.gallery, key).await?;
    let at = match cursor {
        Some((place, id)) => listing.after(place, id),
        None => page.at.unwrap_or(0),
    };
    let begin = at.min(listing.ids.len());
    let end = begin.saturating_add(limit).min(listing.ids.len());
    let shown = &listing.ids[begin..end];
    let points = live.gallery.retrieve(shown, With::PAYLOAD).await?;
    let base = &state.options().base_path;
    let pictures = points
        .into_iter()
        .map(|point| PictureResponse::of(base, groups.as_ref(), point));
    let last = shown.last().filter(|_| end < listing.ids.len());
    Ok(Json(GalleryResponse {
        total: listing.total,
        at: begin,
        pictures: pictures.collect(),
        next_cursor: last.map(|id| format!("{}.{id}", end - 1)),
    }))
}

/// Reads a cursor: the position of the last page's last picture, and its id.
fn position_in(cursor: &str) -> clippy_core::Result<(usize, PointId)> {
    let parts = cursor.split_once('.').and_then(|(place, id)| {
        let place = place.parse().ok().filter(|place| *place < MOST_LISTED)?;
        Some((place, id.parse().ok()?))
    });
    parts.ok_or_else(|| Error::invalid("cursor must be the next_cursor of the page before"))
}
