//! The fields of a search.

use clippy_core::gallery::{Filter, Origin, TagMode};
use clippy_core::ids::PointId;
use clippy_core::search::weights::Weights;
use clippy_core::{Error, Result};
use clippy_search::{AskedOrder, SearchQuery};
use serde::Deserialize;
use utoipa::ToSchema;

use super::lenient::File;
use super::user::checked_user;

/// What can be asked for. At least one of `sketch`, `image`, `like` and `query_text` says what to
/// look for. In a form numbers and booleans are text (`true`, `1`, `on`), and lists are CSV,
/// repeated fields or JSON. Unknown fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SearchForm {
    /// A drawing: a file, or in JSON a data URL or base64. Empty paper is trimmed away.
    #[schema(value_type = Option<String>, format = Binary)]
    sketch: Option<File>,
    /// A picture to look alike to: a file, or in JSON a data URL or base64.
    #[schema(value_type = Option<String>, format = Binary)]
    image: Option<File>,
    /// Ids of pictures of the collection to be like, up to 16; they are left out of the results.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    like: Vec<String>,
    /// Ids of pictures of the collection to be unlike, up to 16, beside something to look for;
    /// they are left out, too.
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
    /// Words to look for.
    query_text: Option<String>,
    /// Words to stay away from: their meaning, and pictures that have them as tags.
    negative_text: Option<String>,
    /// Weight of the look.
    #[schema(default = 0.7, minimum = 0)]
    w_img: Option<f32>,
    /// Weight of the shape.
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
    /// `next_cursor` of the page before, with the same query.
    cursor: Option<String>,
    /// Only pictures with these tags (CSV or a list).
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    tag_filters: Vec<String>,
    /// Whether one of the tags is enough (`any`) or all are needed (`all`).
    #[schema(value_type = Option<String>, default = "any")]
    tag_mode: Option<TagMode>,
    /// Only pictures without these tags (CSV or a list).
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    exclude_tags: Vec<String>,
    /// Only pictures of these ratings (CSV or a list).
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    rating: Vec<String>,
    /// Leave these pictures out.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    exclude_ids: Vec<String>,
    /// `gallery` (the gallery's own pictures), `generated` (pictures made here and added to it) or
    /// `any`.
    #[schema(value_type = Option<String>, default = "gallery")]
    origin: Option<Origin>,
    /// Look at every picture instead of walking the search graph.
    #[schema(default = false)]
    exact: Option<bool>,
    /// Least `percentile` of a result: 0.99 leaves the best hundredth of the collection. 422 when
    /// the collection is too small to say.
    #[schema(minimum = 0, maximum = 1)]
    min_percentile: Option<f32>,
    /// Whether weights act on calibrated scores, so that a weight means the same in every space,
    /// and the best hits are ordered by how crowded it is around them, too; else raw cosines
    /// alone count.
    #[schema(default = true)]
    calibrated: Option<bool>,
    /// Whether pictures that look the same as a better one are left out, and named there as
    /// `duplicates`.
    #[schema(default = true)]
    collapse: Option<bool>,
    /// Whether to count the tags and styles of the best 200 hits.
    #[schema(default = false)]
    facets: Option<bool>,
    /// How much results should differ from each other in their look (maximal marginal relevance).
    /// Left out, a sketch without words or other pictures finds several guesses at what was
    /// drawn; 0 orders by likeness alone.
    #[schema(minimum = 0, maximum = 1)]
    diversity: Option<f32>,
    /// The order of the results: `likeness`, `guesses` (several guesses at what was drawn),
    /// `diverse` or `per_style` (the best few of each style first; `styles` names them). Left out,
    /// `diversity` and what is asked for decide.
    #[schema(value_type = Option<String>)]
    order: Option<AskedOrder>,
    /// Whose taste bends the ranking.
    user_id: Option<String>,
    /// Whether it does.
    #[schema(default = true)]
    personalize: Option<bool>,
}

impl SearchForm {
    /// The fields that are files.
    pub(super) const FILES: [&str; 3] = ["sketch", "image", "style_image"];
}

/// Understands the fields; whether the query can work is checked by [`SearchQuery::check`].
impl TryFrom<SearchForm> for SearchQuery {
    type Error = Error;

    fn try_from(form: SearchForm) -> Result<Self> {
        let default = Self::default();
        let user_id = form
            .user_id
            .filter(|user| !user.trim().is_empty())
            .map(|user| checked_user(&user))
            .transpose()?;
        let tag_mode = form.tag_mode.unwrap_or_default();
        Ok(Self {
            sketch: form.sketch.map(|file| file.0),
            image: form.image.map(|file| file.0),
            like: ids("like", &form.like)?,
            unlike: ids("unlike", &form.unlike)?,
            style_like: ids("style_like", &form.style_like)?,
            style_image: form.style_image.map(|file| file.0),
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
                    TagMode::Any => in_either_case(form.tag_filters),
                    TagMode::All => form.tag_filters,
                },
                tag_mode,
                exclude_tags: in_either_case(form.exclude_tags),
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

/// Clippy 0.2 compared tags without regard to case; the collection's index does not, but tags are
/// lower case as a rule.
fn in_either_case(mut tags: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = tags
        .iter()
        .map(|tag| tag.to_lowercase())
        .filter(|lower| !tags.contains(lower))
        .collect();
    tags.extend(lower);
    tags
}
