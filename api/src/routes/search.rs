//! `POST /api/search/hybrid`: searches the collection.

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::{PATH_FIELD, Payload, ProbeKind};
use clippy_core::ids::PointId;
use clippy_core::recent::{LONGEST_RECENT, RecentQuery};
use clippy_core::search::fusion::{Hit, PerProbe};
use clippy_core::search::suggestions::Correction;
use clippy_core::search::weights::Weights;
use clippy_core::search::words::WordsPart;
use clippy_search::{DidYouMean, GroupCount, SearchAnswer, SearchQuery, StyleHits, Took};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::extract::{SearchForm, SearchRequest};
use crate::metrics::record_stages;
use crate::problem::Problem;
use crate::routes::facet::FacetValue;
use crate::routes::payload::public_payload;
use crate::state::AppState;

/// A page of results.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResponse {
    /// The results, best first.
    results: Vec<SearchResult>,
    /// How many tag weights of the artist were used.
    priors_size: usize,
    /// The duration of each stage.
    took_ms: TookMs,
    /// The next page's cursor; null at the end.
    next_cursor: Option<String>,
    /// The weights as they were used: those of the comparisons in the query, with a sum of 1.
    weights: UsedWeights,
    /// The physical collection that answered. It changes when a re-index switches.
    collection: String,
    /// Whether the weights acted on calibrated scores.
    calibrated: bool,
    /// How many pictures were left out of this page because they look the same as one in it.
    collapsed: usize,
    /// Whether even the best results are no closer to the words than chance, so that the gallery has
    /// probably nothing like it. Only for searches by words alone, on the first page.
    nothing_close: bool,
    /// What was probably meant, if the gallery's tags do not have words of `query_text` but similar
    /// ones. Only on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<CorrectedText>,
    /// The tags and styles of the best hits, if `facets` was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<FacetsOfResults>,
    /// The styles of the best hits, when `order` is `per_style`.
    #[serde(skip_serializing_if = "Option::is_none")]
    styles: Option<Vec<StyleOfResults>>,
}

/// The words of a search with misspelt words corrected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectedText {
    /// The whole text.
    text: String,
    /// The corrected words.
    corrections: Vec<CorrectedWord>,
}

/// A word, and the gallery's word that was probably meant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CorrectedWord {
    /// The word, in lower case.
    word: String,
    /// The gallery's word.
    instead: String,
}

impl From<DidYouMean> for CorrectedText {
    fn from(DidYouMean { text, corrections }: DidYouMean) -> Self {
        let corrections = corrections.into_iter();
        let corrections =
            corrections.map(|Correction { word, instead }| CorrectedWord { word, instead });
        Self {
            text,
            corrections: corrections.collect(),
        }
    }
}

/// One style among the best hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StyleOfResults {
    /// Its name; null for the pictures that have no style.
    #[schema(required)]
    style: Option<String>,
    /// How many of the best 200 hits are of this style.
    count: usize,
    /// The few that the results begin with, best first.
    #[schema(value_type = Vec<Value>)]
    ids: Vec<PointId>,
}

impl From<StyleHits> for StyleOfResults {
    fn from(StyleHits { style, count, ids }: StyleHits) -> Self {
        Self { style, count, ids }
    }
}

/// Tags and styles among the best hits, each with how many of them have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetsOfResults {
    /// How many hits were counted, at most 200.
    of: usize,
    /// Tags that are not styles, the most frequent first.
    tags: Vec<FacetValue>,
    /// Style tags, the most frequent first.
    styles: Vec<FacetValue>,
    /// Styles that the gallery has, the most frequent first; see `GET /api/styles`.
    style_groups: Vec<StyleGroupCount>,
}

/// How many pictures are of a style that the gallery has; in a search, how many of the best hits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StyleGroupCount {
    /// The style's id, for the field `style_groups`.
    id: u64,
    /// Its name.
    name: String,
    /// How many.
    count: u64,
}

impl StyleGroupCount {
    pub(super) fn new(id: u64, name: String, count: u64) -> Self {
        Self { id, name, count }
    }
}

impl From<GroupCount> for StyleGroupCount {
    fn from(GroupCount { id, name, count }: GroupCount) -> Self {
        Self { id, name, count }
    }
}

/// One picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResult {
    /// A number if it is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// The score that it is ranked by.
    score: f32,
    /// The cosine of each comparison; null for those not in the query.
    scores: Scores,
    /// The share of the collection with a lower cosine, 0..1; null without calibration.
    percentiles: Scores,
    /// The share of the collection that the query ranks lower without the artist's preferences,
    /// 0..1; null without calibration.
    percentile: Option<f32>,
    /// The share of the words that its tags match, 0..1; null without words or without tags.
    lexical: Option<f32>,
    /// Which comparison with the words adds most to the score: `sentence` (made from the tags),
    /// `tags` or `picture`; null without words, or if none adds anything.
    words_part: Option<&'static str>,
    /// The payload's path.
    path: Option<String>,
    /// The manifest's fields, and `image_url`.
    #[schema(value_type = Object)]
    payload: Payload,
    /// Pictures that look the same and were left out, best first.
    #[schema(value_type = Vec<Value>)]
    duplicates: Vec<PointId>,
}

/// One value for each comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Scores {
    /// The query's drawings and pictures with the picture.
    #[schema(required)]
    image: Option<f32>,
    /// Their edge maps with the picture's edge map.
    #[schema(required)]
    edge: Option<f32>,
    /// The query's words with the sentence made from the picture's tags.
    #[schema(required)]
    text: Option<f32>,
    /// The query's words with the picture itself.
    #[schema(required)]
    words_image: Option<f32>,
    /// The look of the query's style pictures with the picture's look.
    #[schema(required)]
    style: Option<f32>,
}

impl From<&PerProbe> for Scores {
    fn from(values: &PerProbe) -> Self {
        let of = |kind| values.get(&kind).copied();
        Self {
            image: of(ProbeKind::Image),
            edge: of(ProbeKind::Edge),
            text: of(ProbeKind::Text),
            words_image: of(ProbeKind::WordsImage),
            style: of(ProbeKind::Style),
        }
    }
}

/// The weights as they were used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsedWeights {
    /// From `w_img`.
    image: f32,
    /// From `w_edge`.
    edge: f32,
    /// From `w_txt`.
    text: f32,
    /// From `w_style`.
    style: f32,
}

impl From<Weights> for UsedWeights {
    fn from(weights: Weights) -> Self {
        let Weights {
            image,
            edge,
            text,
            style,
        } = weights;
        Self {
            image,
            edge,
            text,
            style,
        }
    }
}

fn name_of_part(part: WordsPart) -> &'static str {
    match part {
        WordsPart::Sentence => "sentence",
        WordsPart::Tags => "tags",
        WordsPart::Picture => "picture",
    }
}

/// The duration of each stage, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TookMs {
    /// Decoding, trimming, edge maps, resizing.
    preprocess: f64,
    /// Waiting for the model, and embedding.
    embed: f64,
    /// Finding candidates, ranking, fetching payloads.
    search: f64,
    /// The whole search.
    total: f64,
}

impl From<Took> for TookMs {
    fn from(took: Took) -> Self {
        // Microseconds are precise enough, and keep the answer short.
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
    /// Converts the answer of a search in this collection, on a server under this sub-path.
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
            nothing_close: answer.nothing_close,
            did_you_mean: answer.did_you_mean.map(CorrectedText::from),
            facets: answer.facets.map(|facets| FacetsOfResults {
                of: facets.of,
                tags: facets.tags.into_iter().map(FacetValue::from).collect(),
                styles: facets.styles.into_iter().map(FacetValue::from).collect(),
                style_groups: facets
                    .style_groups
                    .into_iter()
                    .map(StyleGroupCount::from)
                    .collect(),
            }),
            styles: answer
                .styles
                .map(|styles| styles.into_iter().map(StyleOfResults::from).collect()),
            collection,
        }
    }
}

impl SearchResult {
    fn of(hit: Hit, base: &str) -> Self {
        let id = hit.id;
        let payload = public_payload(base, id, hit.payload);
        let path = payload
            .get(PATH_FIELD)
            .and_then(Value::as_str)
            .map(str::to_owned);
        Self {
            id,
            score: hit.score,
            scores: (&hit.scores).into(),
            percentiles: (&hit.percentiles).into(),
            percentile: hit.percentile,
            lexical: hit.lexical,
            words_part: hit.words_part.map(name_of_part),
            path,
            payload,
            duplicates: hit.duplicates,
        }
    }
}

/// Finds pictures by a drawing, a picture, words, or pictures of the collection, in any
/// combination.
///
/// An invalid request (a weight that is not a number, `top` of 0, nothing to look for, a file that
/// is not a picture) is answered 400. A valid request that this server cannot fulfil is answered
/// 422. Also at `/search/hybrid`.
#[utoipa::path(
    post,
    path = "/api/search/hybrid",
    tag = "search",
    request_body(content((SearchForm = "multipart/form-data"), (SearchForm = "application/json"))),
    responses(
        (status = 200, description = "A page of results, best first.", body = SearchResponse),
        (status = 400, description = "The request is invalid."),
        (status = 401, description = "A key is needed."),
        (
            status = 404,
            description = "A picture of `like`, `unlike` or `style_like` does not exist."
        ),
        (status = 409, description = "`map_made` is not the time of the newest map."),
        (status = 413, description = "The body or a picture is too large."),
        (status = 415, description = "Neither a form nor JSON."),
        (status = 422, description = "The request is valid, but this server cannot fulfil it."),
        (status = 503, description = "Too many requests are waiting; see Retry-After."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn search_hybrid(
    State(state): State<AppState>,
    caller: Caller,
    request: SearchRequest,
) -> Result<Json<SearchResponse>, Problem> {
    let SearchRequest { query, held } = request;
    let query = SearchQuery {
        user_id: query.user_id.map(|user| caller.artist(&user)),
        ..query
    };
    let recent = recent_query_of(&query);
    // Model and collection are taken together, so that a switch does not affect this search.
    let (searcher, live) = state.searcher();
    let answer = searcher.search_holding(query, held.clone()).await?;
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

/// Returns the record of a search: its words and ids, if it is for a first page. The artist and
/// pictures that were sent are never recorded.
fn recent_query_of(query: &SearchQuery) -> Option<RecentQuery> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (text, negative_text) = (filled(&query.text), filled(&query.negative_text));
    let short = [&text, &negative_text]
        .into_iter()
        .flatten()
        .all(|text| text.len() <= LONGEST_RECENT);
    let plain = query.sketch.is_none()
        && query.image.is_none()
        && query.style_image.is_none()
        && query.style_like.is_empty()
        && query.cursor.is_none();
    let asks = text.is_some() || negative_text.is_some() || !query.like.is_empty();
    let recent = RecentQuery {
        text,
        negative_text,
        like: query.like.clone(),
        weights: query.weights,
    };
    (short && plain && asks).then_some(recent)
}
