//! The fields of a search.

use clippy_common::shorten;
use clippy_core::gallery::{Filter, Origin, TagMode};
use clippy_core::ids::PointId;
use clippy_core::maps::MapSpace;
use clippy_core::search::weights::Weights;
use clippy_core::{Error, Result};
use clippy_search::{AskedOrder, SearchQuery};
use serde::Deserialize;
use utoipa::ToSchema;

use super::lenient::File;
use super::user::check_user_id;
use crate::maps::ChosenArea;

/// The fields of a search. At least one of `sketch`, `image`, `like` and `query_text` is needed. In
/// a form, numbers and booleans are text (`true`, `1`, `on`), and lists are CSV, repeated fields or
/// JSON. Unknown fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SearchForm {
    /// A drawing: a file, or in JSON a data URL or base64. Empty paper is trimmed away.
    #[schema(value_type = Option<String>, format = Binary)]
    sketch: Option<File>,
    /// A picture that results should look like: a file, or in JSON a data URL or base64.
    #[schema(value_type = Option<String>, format = Binary)]
    image: Option<File>,
    /// Ids of up to 16 pictures of the collection that results should be like. These pictures are
    /// left out of the results.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    like: Vec<String>,
    /// Ids of up to 16 pictures of the collection that results should not be like, in addition to
    /// something to look for. These pictures are left out of the results.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    unlike: Vec<String>,
    /// Ids of pictures of the collection that results should look like, whatever those show; up to
    /// 16. They are left out of the results.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    style_like: Vec<String>,
    /// A picture that results should look like, whatever it shows: a file, or in JSON a data URL or
    /// base64.
    #[schema(value_type = Option<String>, format = Binary)]
    style_image: Option<File>,
    /// Only pictures of these styles: ids of `GET /api/styles` (CSV or a list), up to 16. Without
    /// anything else to look for, pictures that are typical of the styles come first.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    style_groups: Vec<String>,
    /// Words to look for.
    query_text: Option<String>,
    /// Words that results should not match, by their meaning or by their tags.
    negative_text: Option<String>,
    /// Weight of the comparison with pictures.
    #[schema(default = 0.7, minimum = 0)]
    w_img: Option<f32>,
    /// Weight of the comparison with edge maps.
    #[schema(default = 0.3, minimum = 0)]
    w_edge: Option<f32>,
    /// Weight of the words.
    #[schema(default = 0.2, minimum = 0)]
    w_txt: Option<f32>,
    /// Weight of the style.
    #[schema(default = 0.5, minimum = 0)]
    w_style: Option<f32>,
    /// How many results.
    #[schema(value_type = Option<u32>, default = 24, minimum = 1, maximum = 200)]
    top: Option<usize>,
    /// `next_cursor` of the previous page, with the same query.
    cursor: Option<String>,
    /// Only pictures with these tags (CSV or a list).
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    tag_filters: Vec<String>,
    /// Whether one of the tags is enough (`any`) or all are needed (`all`).
    #[schema(value_type = Option<String>, default = "any")]
    tag_mode: Option<TagMode>,
    /// Only pictures with one of these style tags (CSV or a list), whatever `tag_filters` and
    /// `tag_mode` ask for: any of the styles, and the tags.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    style_tags: Vec<String>,
    /// Only pictures without these tags (CSV or a list).
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    exclude_tags: Vec<String>,
    /// Only pictures with these ratings (CSV or a list).
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    rating: Vec<String>,
    /// Ids of pictures to leave out.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    exclude_ids: Vec<String>,
    /// `gallery` (the gallery's own pictures), `generated` (generated pictures that were added to
    /// it) or `any`.
    #[schema(value_type = Option<String>, default = "gallery")]
    origin: Option<Origin>,
    /// Only pictures in this area of the gallery's map (`GET /api/map`): 3 to 500 corners of a line
    /// around it, as `x,y x,y x,y`. 404 if no map was made.
    map_area: Option<String>,
    /// The map of `map_area`: `image` or `style`.
    #[schema(value_type = Option<String>, default = "image")]
    map_space: Option<MapSpace>,
    /// When the map of `map_area` was made: its field `made`. If the map was made anew since, the
    /// answer is 409: other pictures are in that area now.
    map_made: Option<u64>,
    /// Compare every picture instead of using the search graph.
    #[schema(default = false)]
    exact: Option<bool>,
    /// The lowest `percentile` of a result: 0.99 leaves the best hundredth of the collection. 422
    /// if the collection is too small for percentiles.
    #[schema(minimum = 0, maximum = 1)]
    min_percentile: Option<f32>,
    /// Whether weights act on calibrated scores, so that a weight means the same in every space,
    /// and the best hits get a hubness penalty. Otherwise only raw cosines count.
    #[schema(default = true)]
    calibrated: Option<bool>,
    /// Whether pictures that look the same as a better hit are left out, and listed there as
    /// `duplicates`.
    #[schema(default = true)]
    collapse: Option<bool>,
    /// Whether to count the tags and styles of the best 200 hits.
    #[schema(default = false)]
    facets: Option<bool>,
    /// How much results should differ visually (maximal marginal relevance). Without it, a search
    /// by sketch alone finds several guesses at what was drawn; 0 orders by likeness only.
    #[schema(minimum = 0, maximum = 1)]
    diversity: Option<f32>,
    /// The order of the results: `likeness`, `guesses` (several guesses at what was drawn),
    /// `diverse` or `per_style` (the best few of each style first; `styles` names them). Left out,
    /// `diversity` and what is asked for decide.
    #[schema(value_type = Option<String>)]
    order: Option<AskedOrder>,
    /// The artist whose preferences adjust the ranking.
    user_id: Option<String>,
    /// Whether they do.
    #[schema(default = true)]
    personalize: Option<bool>,
}

impl SearchForm {
    /// The fields that are files.
    pub(super) const FILES: [&str; 3] = ["sketch", "image", "style_image"];

    /// Returns the area that the search is limited to.
    pub(super) fn area(&self) -> Result<Option<ChosenArea>> {
        let area = self
            .map_area
            .as_deref()
            .filter(|area| !area.trim().is_empty());
        area.map(|area| {
            Ok(ChosenArea {
                space: self.map_space.unwrap_or_default(),
                made: self.map_made,
                area: area.parse()?,
            })
        })
        .transpose()
    }
}

/// Converts the fields. [`SearchQuery::check`] checks the query later.
impl TryFrom<SearchForm> for SearchQuery {
    type Error = Error;

    fn try_from(form: SearchForm) -> Result<Self> {
        let default = Self::default();
        let user_id = form
            .user_id
            .filter(|user| !user.trim().is_empty())
            .map(|user| check_user_id(&user))
            .transpose()?;
        let tag_mode = form.tag_mode.unwrap_or_default();
        Ok(Self {
            sketch: form.sketch.map(|file| file.0),
            image: form.image.map(|file| file.0),
            like: ids("like", &form.like)?,
            unlike: ids("unlike", &form.unlike)?,
            style_like: ids("style_like", &form.style_like)?,
            style_image: form.style_image.map(|file| file.0),
            style_groups: style_ids(&form.style_groups)?,
            text: form.query_text,
            negative_text: form.negative_text,
            weights: Weights {
                image: form.w_img.unwrap_or(default.weights.image),
                edge: form.w_edge.unwrap_or(default.weights.edge),
                text: form.w_txt.unwrap_or(default.weights.text),
                style: form.w_style.unwrap_or(default.weights.style),
            },
            top: form.top.unwrap_or(default.top),
            cursor: form.cursor,
            filter: Filter {
                tags: match tag_mode {
                    TagMode::Any => with_lower_case(form.tag_filters),
                    TagMode::All => form.tag_filters,
                },
                tag_mode,
                any_tags: with_lower_case(form.style_tags),
                exclude_tags: with_lower_case(form.exclude_tags),
                ratings: form.rating,
                exclude_ids: ids("exclude_ids", &form.exclude_ids)?,
                origin: form.origin.unwrap_or(default.filter.origin),
                ..default.filter
            },
            exact: form.exact.unwrap_or(default.exact),
            min_percentile: form.min_percentile,
            calibrated: form.calibrated.unwrap_or(default.calibrated),
            collapse: form.collapse.unwrap_or(default.collapse),
            facets: form.facets.unwrap_or(default.facets),
            diversity: form.diversity,
            order: form.order,
            user_id,
            personalize: form.personalize.unwrap_or(default.personalize),
        })
    }
}

fn ids(field: &str, ids: &[String]) -> Result<Vec<PointId>> {
    let id = |id: &String| {
        id.parse().map_err(|error: Error| Error {
            message: format!("{field}: {}", error.message),
            ..error
        })
    };
    ids.iter().map(id).collect()
}

fn style_ids(ids: &[String]) -> Result<Vec<u64>> {
    let id = |id: &String| {
        id.trim().parse().map_err(|_| {
            let shown = shorten(id, 60);
            Error::invalid(format!(
                "style_groups: \"{shown}\" is not the id of a style, which is a number"
            ))
        })
    };
    ids.iter().map(id).collect()
}

/// Adds the lower-case forms of tags. Clippy 0.2 ignored case; the collection's index does not, but
/// its tags are usually lower case.
fn with_lower_case(mut tags: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = tags
        .iter()
        .map(|tag| tag.to_lowercase())
        .filter(|lower| !tags.contains(lower))
        .collect();
    tags.extend(lower);
    tags
}
