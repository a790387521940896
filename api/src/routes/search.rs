//! `POST /api/search/hybrid`.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::{GENERATED, ORIGIN_FIELD, Payload, PerSpace};
use clippy_core::ids::PointId;
use clippy_core::recent::{LONGEST_RECENT, RecentQuery};
use clippy_core::search::fusion::Hit;
use clippy_search::{SearchAnswer, SearchQuery, Took};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::extract::SearchRequest;
use crate::metrics::record_stages;
use crate::problem::{Problem, ProblemBody};
use crate::routes::collection::FacetValue;
use crate::routes::image::address_of;
use crate::state::AppState;

/// Payload fields with this beginning are the program's own notes, not the manifest's.
const INTERNAL_PREFIX: &str = "_clippy";

/// What can be asked for. At least one of `sketch`, `image`, `like` and `query_text` says what to
/// look for. In a form numbers and booleans are text (`true`, `1`, `on`), and lists are CSV,
/// repeated fields or JSON. Unknown fields are ignored.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "stands for the body in the OpenAPI document; the body is read field by field"
)]
pub(crate) struct SearchForm {
    /// A drawing: a file, or in JSON a data URL or base64. Empty paper is trimmed away.
    #[schema(format = Binary)]
    sketch: Option<String>,
    /// A picture to look alike to: a file, or in JSON a data URL or base64.
    #[schema(format = Binary)]
    image: Option<String>,
    /// Ids of pictures of the collection to be like, up to 16; they are left out of the results.
    like: Option<Vec<String>>,
    /// Ids of pictures of the collection to be unlike, up to 16, beside something to look for;
    /// they are left out, too.
    unlike: Option<Vec<String>>,
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
    /// How many results.
    #[schema(default = 24, minimum = 1, maximum = 200)]
    top: Option<u32>,
    /// `next_cursor` of the page before, with the same query.
    cursor: Option<String>,
    /// Only pictures with these tags (CSV or a list).
    tag_filters: Option<String>,
    /// Whether one of the tags is enough (`any`) or all are needed (`all`).
    #[schema(default = "any")]
    tag_mode: Option<String>,
    /// Only pictures without these tags (CSV or a list).
    exclude_tags: Option<String>,
    /// Only pictures of these ratings (CSV or a list).
    rating: Option<String>,
    /// Leave these pictures out.
    exclude_ids: Option<Vec<String>>,
    /// `gallery` (the gallery's own pictures), `generated` (pictures made here and added to it) or
    /// `any`.
    #[schema(default = "gallery")]
    origin: Option<String>,
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
    /// Whose taste bends the ranking.
    user_id: Option<String>,
    /// Whether it does.
    #[schema(default = true)]
    personalize: Option<bool>,
}

/// A page of results.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResponse {
    /// Best first.
    results: Vec<SearchResult>,
    /// How many tag weights of the artist were known.
    priors_size: usize,
    /// Where the time went.
    took_ms: TookMs,
    /// The next page's cursor, or null at the end.
    next_cursor: Option<String>,
    /// The weights as they were used: they sum to 1 over what was asked for.
    weights: Scores<f32>,
    /// The physical collection that answered; it changes when a re-index switches to another.
    collection: String,
    /// Whether the weights acted on calibrated scores.
    calibrated: bool,
    /// How many pictures were left out of this page because they look the same as one that is in
    /// it.
    collapsed: usize,
    /// What the best hits have in common, when `facets` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<FacetsOfResults>,
}

/// Tags and styles among the best hits, each with how many of them have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetsOfResults {
    /// How many hits were counted, at most 200.
    of: usize,
    /// Tags that are no styles, most frequent first.
    tags: Vec<FacetValue>,
    /// Style tags, most frequent first.
    styles: Vec<FacetValue>,
}

/// One picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResult {
    /// A number when it is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// What it is ranked by.
    score: f32,
    /// Cosine in each space asked for, else null.
    scores: Scores<Option<f32>>,
    /// The share of the collection with a lower cosine in each space asked for, 0..1; null without
    /// calibration.
    percentiles: Scores<Option<f32>>,
    /// The share of the collection that the query ranks lower, taste left aside, 0..1; null
    /// without calibration.
    percentile: Option<f32>,
    /// How much of the words its tags cover, 0..1; null without words.
    lexical: Option<f32>,
    /// The payload's path.
    path: Option<String>,
    /// The manifest's fields, and `image_url`.
    #[schema(value_type = Object)]
    payload: Payload,
    /// Pictures that look the same and were left out for this one, best first.
    #[schema(value_type = Vec<Value>)]
    duplicates: Vec<PointId>,
}

/// One value for each space.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Scores<T> {
    /// The look.
    image: T,
    /// The shape.
    edge: T,
    /// The words.
    text: T,
}

impl<T> From<PerSpace<T>> for Scores<T> {
    fn from(PerSpace { image, edge, text }: PerSpace<T>) -> Self {
        Self { image, edge, text }
    }
}

/// Milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TookMs {
    /// Decoding, trimming, edge maps, resizing.
    preprocess: f64,
    /// Waiting for the model, and its work.
    embed: f64,
    /// Candidates, ranking, payloads.
    search: f64,
    /// All of it.
    total: f64,
}

impl From<Took> for TookMs {
    fn from(took: Took) -> Self {
        // Microseconds are plenty, and keep the answer short.
        let ms = |duration: std::time::Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            preprocess: ms(took.preprocess),
            embed: ms(took.embed),
            search: ms(took.search),
            total: ms(took.total),
        }
    }
}

impl SearchResponse {
    /// The answer of a search in this collection, at a server under this sub-path.
    fn of(answer: SearchAnswer, collection: String, base: &str) -> Self {
        Self {
            results: answer
                .hits
                .into_iter()
                .map(|hit| SearchResult::of(hit, base))
                .collect(),
            priors_size: answer.priors_size,
            took_ms: answer.took.into(),
            next_cursor: answer.next_cursor,
            weights: answer.weights.into(),
            calibrated: answer.calibrated,
            collapsed: answer.collapsed,
            facets: answer.facets.map(|facets| FacetsOfResults {
                of: facets.of,
                tags: facets.tags.into_iter().map(FacetValue::from).collect(),
                styles: facets.styles.into_iter().map(FacetValue::from).collect(),
            }),
            collection,
        }
    }
}

impl SearchResult {
    fn of(hit: Hit, base: &str) -> Self {
        let id = hit.id;
        let payload = public_payload(base, id, hit.payload);
        let path = payload
            .get("path")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Self {
            id,
            score: hit.score,
            scores: hit.scores.into(),
            percentiles: hit.percentiles.into(),
            percentile: hit.percentile,
            lexical: hit.lexical,
            path,
            payload,
            duplicates: hit.duplicates,
        }
    }
}

/// A payload as callers see it: without the program's own notes, and with what Clippy 0.2's client
/// reads.
pub(super) fn public_payload(base: &str, id: PointId, payload: Payload) -> Payload {
    let address = address_of(base, id, &payload);
    let mut public: Map<String, Value> = payload
        .into_iter()
        .filter(|(field, _)| !field.starts_with(INTERNAL_PREFIX))
        .collect();
    public.entry("path").or_insert(Value::Null);
    if public
        .get(ORIGIN_FIELD)
        .is_some_and(|origin| origin == GENERATED)
        && let Some(Value::String(path)) = public.get_mut("path")
        && Path::new(path.as_str()).is_absolute()
    {
        // Made pictures were once stored with their whole path; below the folder of made pictures
        // it has two parts.
        let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
        parts.reverse();
        *path = parts.join("/");
    }
    public
        .entry("tags_all")
        .or_insert_with(|| Value::Array(Vec::new()));
    public.entry("source_post_url").or_insert(Value::Null);
    public.insert("image_url".to_owned(), Value::String(address));
    public
}

/// Finds pictures by a drawing, a picture, words, or pictures of the collection, in any
/// combination.
///
/// What cannot work as it is (a weight that is no number, `top` of 0, nothing to look for, a file
/// that is no picture) is answered 400; what is understood but cannot be honoured here, 422. Also
/// at `/search/hybrid`.
#[utoipa::path(
    post,
    path = "/api/search/hybrid",
    tag = "search",
    request_body(content((SearchForm = "multipart/form-data"), (SearchForm = "application/json"))),
    responses(
        (status = 200, description = "A page of results, best first.", body = SearchResponse),
        (status = 400, description = "It cannot work as it is.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "A key is needed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "A picture named by `like` or `unlike` is not there.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body or a picture is too large.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Neither a form nor JSON.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Understood, but it cannot be honoured here.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too much is waiting; see Retry-After.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn search_hybrid(
    State(state): State<AppState>,
    caller: Caller,
    request: SearchRequest,
) -> Result<Json<SearchResponse>, Problem> {
    let SearchRequest { query, _held } = request;
    let query = SearchQuery {
        user_id: query.user_id.map(|user| caller.artist(&user)),
        ..query
    };
    let recent = remembered(&query);
    // Model and collection, taken together once: a switch in the middle of this search does not
    // touch it.
    let (searcher, live) = state.searcher();
    let answer = searcher.search(query).await?;
    record_stages(&answer.took);
    if let Some(recent) = recent {
        state.recent().record(recent);
    }
    Ok(Json(SearchResponse::of(
        answer,
        live.name.clone(),
        &state.options().base_path,
    )))
}

/// What of a search may be remembered: words and ids of a first page; never who asked, and never a
/// picture that was sent.
fn remembered(query: &SearchQuery) -> Option<RecentQuery> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (text, negative_text) = (filled(&query.text), filled(&query.negative_text));
    let short = [&text, &negative_text]
        .into_iter()
        .flatten()
        .all(|text| text.len() <= LONGEST_RECENT);
    let plain = query.sketch.is_none() && query.image.is_none() && query.cursor.is_none();
    let asks = text.is_some() || negative_text.is_some() || !query.like.is_empty();
    let recent = RecentQuery {
        text,
        negative_text,
        like: query.like.clone(),
        weights: query.weights,
    };
    (short && plain && asks).then_some(recent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payload_shows_the_manifest_and_no_notes_of_ours() {
        let Value::Object(payload) =
            json!({ "path": "a.png", "_clippy_hash": "x", "rating": "safe" })
        else {
            unreachable!("an object")
        };
        let shown = Value::Object(public_payload("", PointId::Number(7), payload));
        let expected = json!({
            "path": "a.png", "rating": "safe", "tags_all": [], "source_post_url": null, "image_url": "/image/7"
        });
        assert_eq!(shown, expected);
        for (path, origin, shown) in [
            ("/data/outputs/ab/abc.png", "generated", "ab/abc.png"),
            ("ab/abc.png", "generated", "ab/abc.png"),
            (
                "/pictures/elsewhere/a.png",
                "gallery",
                "/pictures/elsewhere/a.png",
            ),
        ] {
            let Value::Object(payload) = json!({ "path": path, "origin": origin }) else {
                unreachable!("an object")
            };
            assert_eq!(
                public_payload("", PointId::Number(7), payload)["path"],
                shown
            );
        }
    }
}
