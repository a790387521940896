//! `POST /api/references/suggest`: suggests references for a generation from the results of a
//! search.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::{Payload, STYLE_FIELD, style_tags_of, tags_of};
use clippy_core::ids::PointId;
use clippy_core::search::fusion::Hit;
use clippy_core::search::lexical::LexicalQuery;
use clippy_generate::{FoundPicture, SuggestionOptions, Treatment, suggest};
use clippy_search::SearchQuery;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::extract::{SearchForm, SuggestRequest};
use crate::problem::Problem;
use crate::routes::payload::public_payload;
use crate::routes::search::TookMs;
use crate::state::AppState;

/// How many of the best hits references are chosen from: enough for many styles, and few enough
/// that all are close.
const POOL: usize = 100;

/// A search (every field of `/api/search/hybrid` except `top` and `cursor`), and the provider that
/// uses the references.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body in the OpenAPI document; the body is read field by field"
)]
pub(crate) struct SuggestForm {
    #[schema(inline)]
    #[serde(flatten)]
    search: SearchForm,
    /// The provider. The default is the server's setting.
    provider: Option<String>,
    /// How many references. The default is 4, or as many as the provider accepts.
    #[schema(minimum = 1, maximum = 16)]
    references: Option<u32>,
}

/// The suggested references.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuggestResponse {
    /// The provider that they are for.
    provider: String,
    /// The references in the order of their use. They can be sent as `refs` without changes.
    references: Vec<ReferenceResponse>,
    /// The duration of each stage of the search.
    took_ms: TookMs,
}

/// A suggested reference.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReferenceResponse {
    /// `style` or `subject`.
    role: &'static str,
    /// Its weight, 0..1.
    weight: f32,
    /// The picture's id: a number if it is all digits, else a UUID.
    #[schema(value_type = Value)]
    id: PointId,
    /// Why it was chosen, for a person.
    reason: String,
    /// `honoured` or `approximated`: how the provider uses it.
    #[schema(value_type = String)]
    treatment: Treatment,
    /// Why it is only approximated; else empty.
    note: String,
    /// The name of its style, if it has one.
    style: Option<String>,
    /// The share of the collection that the search ranks lower.
    percentile: Option<f32>,
    /// The manifest's fields, and `image_url`, as in a search's results.
    #[schema(value_type = Object)]
    payload: Payload,
}

/// Chooses references from the results of a search: a close one that shows its colours as the
/// subject, then each style that does not clash with the others once, as many as the provider
/// accepts. The same body returns the same references while the
/// collection does not change.
#[utoipa::path(
    post,
    path = "/api/references/suggest",
    tag = "generation",
    request_body(content((SuggestForm = "multipart/form-data"),
    (SuggestForm = "application/json"))),
    responses(
        (
            status = 200,
            description = "The references; none if nothing was found.",
            body = SuggestResponse
        ),
        (status = 400, description = "The search is invalid, or there is no such provider."),
        (status = 404, description = "A picture of `like` or `unlike` does not exist."),
        (status = 409, description = "`map_made` is not the time of the newest map."),
        (status = 413, description = "The body or a picture is too large."),
        (status = 415, description = "Neither a form nor JSON."),
        (
            status = 422,
            description = "The provider accepts no references, or fewer than requested, or is not \
                configured."
        ),
        (status = 503, description = "Too many requests are waiting; see Retry-After."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn suggest_references(
    State(state): State<AppState>,
    caller: Caller,
    request: SuggestRequest,
) -> Result<Json<SuggestResponse>, Problem> {
    let SuggestRequest {
        query,
        provider,
        references,
        held,
    } = request;
    let provider = state.generation().providers.get(provider.as_deref())?;
    let options = SuggestionOptions {
        count: references,
        with_sketch: query.sketch.is_some(),
    };
    // Refuses a request that the provider does not support before the search.
    suggest(provider.as_ref(), &[], options)?;
    let words = query
        .text
        .as_deref()
        .map(|text| LexicalQuery::new(text).tags())
        .unwrap_or_default();
    // All references should show one subject, so guesses at different subjects are turned off.
    let diversity = query.diversity.or(Some(0.0));
    let query = SearchQuery {
        top: POOL,
        cursor: None,
        collapse: true,
        facets: false,
        diversity,
        user_id: query.user_id.map(|user| caller.artist(&user)),
        ..query
    };
    let (searcher, _) = state.searcher();
    let answer = searcher.search_holding(query, held.clone()).await?;
    let found: Vec<FoundPicture> = answer.hits.iter().map(|hit| found(hit, &words)).collect();
    let suggested = suggest(provider.as_ref(), &found, options)?;
    let mut known: HashMap<PointId, (FoundPicture, Payload)> = HashMap::new();
    for (picture, hit) in found.into_iter().zip(answer.hits) {
        known.insert(hit.id, (picture, hit.payload));
    }
    let references = suggested.into_iter().filter_map(|reference| {
        let (picture, payload) = known.remove(&reference.id)?;
        Some(ReferenceResponse {
            role: reference.role.as_str(),
            weight: reference.weight,
            id: reference.id,
            reason: reference.reason,
            treatment: reference.treatment,
            note: reference.note,
            style: picture.style,
            percentile: picture.percentile,
            payload: public_payload(&state.options().base_path, reference.id, payload),
        })
    });
    Ok(Json(SuggestResponse {
        provider: provider.capabilities().provider,
        references: references.collect(),
        took_ms: answer.took.into(),
    }))
}

fn found(hit: &Hit, words: &[String]) -> FoundPicture {
    let text = |field: &str| {
        hit.payload
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    // Manifests of picture boards have no style field, but the style tags that a picture was found
    // by.
    let tagged = || {
        let tags: Vec<&str> = style_tags_of(&hit.payload).collect();
        (!tags.is_empty()).then(|| tags.join(" and "))
    };
    FoundPicture {
        id: hit.id,
        style: text(STYLE_FIELD).map(str::to_owned).or_else(tagged),
        named_tags: tags_of(&hit.payload)
            .filter(|tag| words.iter().any(|word| word == tag))
            .map(str::to_owned)
            .collect(),
        percentile: hit.percentile,
    }
}
