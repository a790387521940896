//! A search's body, as a form or as JSON.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use clippy_core::gallery::{Filter, Origin, PerSpace, TagMode};
use clippy_core::{Error, Result};
use clippy_search::SearchQuery;
use tokio::sync::OwnedSemaphorePermit;

use super::body::{announced, refuse_too_large};
use super::fields::Fields;
use super::parts;
use crate::problem::Problem;
use crate::state::AppState;

const FILES: [&str; 2] = ["sketch", "image"];
const TEXTS: [&str; 25] = [
    "like",
    "unlike",
    "collapse",
    "calibrated",
    "facets",
    "provider",
    "references",
    "query_text",
    "negative_text",
    "w_img",
    "w_edge",
    "w_txt",
    "top",
    "cursor",
    "tag_filters",
    "tag_mode",
    "exclude_tags",
    "rating",
    "exact",
    "min_percentile",
    "diversity",
    "user_id",
    "personalize",
    "exclude_ids",
    "origin",
];
/// Most tags, ratings or ids that one filter may name.
const MOST_NAMED: usize = 256;
/// Longest name of an artist, in bytes.
pub(crate) const LONGEST_USER_ID: usize = 256;

/// A search as it came, with the room that its body takes.
pub(crate) struct SearchRequest {
    pub query: SearchQuery,
    /// Given back when the search is over.
    pub _held: OwnedSemaphorePermit,
}

/// A search whose results are to become references.
pub(crate) struct SuggestRequest {
    pub query: SearchQuery,
    /// Who is to take them.
    pub provider: Option<String>,
    /// How many; as it suits the provider when it is not said.
    pub references: Option<usize>,
    /// Given back when the search is over.
    pub _held: OwnedSemaphorePermit,
}

impl FromRequest<AppState> for SearchRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (fields, held) = read(request, state).await?;
        Ok(Self { query: decode(fields, query).await?, _held: held })
    }
}

impl FromRequest<AppState> for SuggestRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (fields, held) = read(request, state).await?;
        let (provider, references) = (fields.text("provider")?, fields.count("references")?);
        Ok(Self { query: decode(fields, query).await?, provider, references, _held: held })
    }
}

enum Kind {
    Form,
    Json,
}

/// The fields of a body, whatever its kind, and the room that it takes.
async fn read(mut request: Request, state: &AppState) -> Result<(Fields, OwnedSemaphorePermit), Problem> {
    let kind = kind(request.headers())?;
    let limit = state.options().search_body_bytes;
    let (parts, body) = request.into_parts();
    let body = refuse_too_large(&parts.headers, body, limit).await?;
    // Without an announced length the body may become as long as the limit.
    let length = announced(&parts.headers).and_then(|length| usize::try_from(length).ok()).unwrap_or(limit);
    let held = state.admission().hold_body(length, state)?;
    request = Request::from_parts(parts, body);
    // The route's own limit counts, wherever the router stands.
    DefaultBodyLimit::max(limit).apply(&mut request);
    let fields = match kind {
        Kind::Form => {
            let multipart = Multipart::from_request(request, state)
                .await
                .map_err(|rejection| Error::invalid(format!("the form cannot be read: {}", rejection.body_text())))?;
            parts::read(multipart, &TEXTS, &FILES).await?
        }
        Kind::Json => {
            let bytes = Bytes::from_request(request, state).await?;
            json_fields(bytes).await?
        }
    };
    Ok((fields, held))
}

fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "multipart/form-data" => Ok(Kind::Form),
        "application/json" => Ok(Kind::Json),
        _ => {
            let given: String = essence.chars().take(60).collect();
            Err(Problem::unsupported_media_type(format!(
                "the content type is \"{given}\": send multipart/form-data or application/json"
            )))
        }
    }
}

/// Large bodies take a while to parse: that happens beside the async threads.
async fn json_fields(bytes: Bytes) -> Result<Fields, Problem> {
    let value = beside(move || {
        serde_json::from_slice(&bytes).map_err(|error| Error::invalid(format!("the body is not JSON: {error}")))
    })
    .await?;
    Ok(Fields::from_json(value)?)
}

/// Files may come as long base64 texts: they are read beside the async threads.
async fn decode<T: Send + 'static>(fields: Fields, reads: fn(Fields) -> Result<T>) -> Result<T, Problem> {
    Ok(beside(move || reads(fields)).await?)
}

async fn beside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("reading a search's body ended early").with_source(error))?
}

/// Names what was asked for; whether it can work is for [`SearchQuery::check`] to say.
fn query(mut fields: Fields) -> Result<SearchQuery> {
    let default = SearchQuery::default();
    let ids = |name: &str| -> Result<Vec<_>> {
        bounded(name, fields.list(name)?)?
            .iter()
            .map(|id| {
                id.parse().map_err(|error: Error| Error { message: format!("{name}: {}", error.message), ..error })
            })
            .collect()
    };
    let (like, unlike, exclude_ids) = (ids("like")?, ids("unlike")?, ids("exclude_ids")?);
    let tags = |name: &str| -> Result<Vec<String>> { bounded(name, fields.list(name)?) };
    let tag_mode = tag_mode(fields.text("tag_mode")?.as_deref())?;
    let filter = Filter {
        tags: match tag_mode {
            TagMode::Any => either_case(tags("tag_filters")?),
            TagMode::All => tags("tag_filters")?,
        },
        tag_mode,
        exclude_tags: either_case(tags("exclude_tags")?),
        ratings: tags("rating")?,
        exclude_ids,
        origin: origin(fields.text("origin")?.as_deref())?,
        ..Filter::default()
    };
    let weight = |name: &str, default: f32| -> Result<f32> { Ok(fields.number(name)?.unwrap_or(default)) };
    let weights = PerSpace {
        image: weight("w_img", default.weights.image)?,
        edge: weight("w_edge", default.weights.edge)?,
        text: weight("w_txt", default.weights.text)?,
    };
    let user_id = fields.text("user_id")?;
    if user_id.as_ref().is_some_and(|user| user.len() > LONGEST_USER_ID) {
        return Err(Error::invalid(format!("user_id is longer than {LONGEST_USER_ID} bytes")));
    }
    Ok(SearchQuery {
        like,
        text: fields.text("query_text")?,
        negative_text: fields.text("negative_text")?,
        weights,
        top: fields.count("top")?.unwrap_or(default.top),
        cursor: fields.text("cursor")?,
        filter,
        exact: fields.boolean("exact")?.unwrap_or(default.exact),
        user_id,
        personalize: fields.boolean("personalize")?.unwrap_or(default.personalize),
        min_percentile: fields.number("min_percentile")?,
        diversity: fields.number("diversity")?,
        unlike,
        collapse: fields.boolean("collapse")?.unwrap_or(default.collapse),
        calibrated: fields.boolean("calibrated")?.unwrap_or(default.calibrated),
        facets: fields.boolean("facets")?.unwrap_or(default.facets),
        sketch: fields.file("sketch")?,
        image: fields.file("image")?,
    })
}

fn bounded(name: &str, members: Vec<String>) -> Result<Vec<String>> {
    if members.len() > MOST_NAMED {
        return Err(Error::invalid(format!("{name} names {} things; at most {MOST_NAMED} work", members.len())));
    }
    Ok(members)
}

/// Clippy 0.2 compared tags without regard to case; the collection's index does not, but tags are lower case as a rule.
fn either_case(mut tags: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = tags.iter().map(|tag| tag.to_lowercase()).filter(|lower| !tags.contains(lower)).collect();
    tags.extend(lower);
    tags
}

fn tag_mode(text: Option<&str>) -> Result<TagMode> {
    match text.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(TagMode::default()),
        Some("any") => Ok(TagMode::Any),
        Some("all") => Ok(TagMode::All),
        Some(other) => {
            let shown: String = other.chars().take(60).collect();
            Err(Error::invalid(format!("tag_mode is \"{shown}\", but must be any or all")))
        }
    }
}

/// Made pictures are left out unless they are asked for: an artist looks for references, not for what came of them.
fn origin(text: Option<&str>) -> Result<Origin> {
    match text.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        None | Some("gallery") => Ok(Origin::Gallery),
        Some("generated") => Ok(Origin::Generated),
        Some("any") => Ok(Origin::Any),
        Some(other) => {
            let shown: String = other.chars().take(60).collect();
            Err(Error::invalid(format!("origin is \"{shown}\", but must be gallery, generated or any")))
        }
    }
}
