//! A search's body, as a form or as JSON.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::HeaderMap;
use clippy_common::shorten;
use clippy_core::gallery::{Filter, Origin, PerSpace, TagMode};
use clippy_core::{Error, Result, blocking};
use clippy_search::SearchQuery;

use super::body::{Admitted, BodyLimits, ComingBody, read_whole};
use super::fields::Fields;
use super::large::content_type;
use super::parts;
use crate::admission::Who;
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
/// Longest name of an artist, in bytes.
pub(crate) const LONGEST_USER_ID: usize = 256;

/// A search as it came, with the room that its body takes.
pub(crate) struct SearchRequest {
    pub query: SearchQuery,
    /// Given back when the search is over.
    pub _held: Admitted,
}

/// A search whose results are to become references.
pub(crate) struct SuggestRequest {
    pub query: SearchQuery,
    /// Who is to take them.
    pub provider: Option<String>,
    /// How many; as it suits the provider when it is not said.
    pub references: Option<usize>,
    /// Given back when the search is over.
    pub _held: Admitted,
}

impl FromRequest<AppState> for SearchRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (fields, held) = read(request, state).await?;
        Ok(Self {
            query: decode(fields, query, &held).await?,
            _held: held,
        })
    }
}

impl FromRequest<AppState> for SuggestRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (fields, held) = read(request, state).await?;
        let (provider, references) = (fields.text("provider")?, fields.count("references")?);
        Ok(Self {
            query: decode(fields, query, &held).await?,
            provider,
            references,
            _held: held,
        })
    }
}

enum Kind {
    Form,
    Json,
}

/// The fields of a body, whatever its kind, and the room that it takes.
async fn read(request: Request, state: &AppState) -> Result<(Fields, Admitted), Problem> {
    match kind(request.headers())? {
        Kind::Form => read_form(request, state).await,
        Kind::Json => {
            let (bytes, admitted) =
                read_whole(request, state.options().search_body_bytes, state).await?;
            // Large bodies take a while to parse: that happens beside the async threads.
            let fields =
                beside(&admitted, move || Fields::from_json(&bytes, &TEXTS, &FILES)).await?;
            Ok((fields, admitted))
        }
    }
}

async fn read_form(request: Request, state: &AppState) -> Result<(Fields, Admitted), Problem> {
    let (parts, body) = request.into_parts();
    let limits = BodyLimits::new(state.options().search_body_bytes, state.options());
    let who = Who::of(&parts.extensions);
    let coming = ComingBody::new(
        &parts.headers,
        body,
        limits,
        state.admission().bodies(),
        who,
    )
    .await?;
    let (stream, refusal, held) = coming.parts();
    let extensions = parts.extensions.clone();
    let mut request = Request::from_parts(parts, Body::from_stream(stream));
    // The stream keeps to its own limit, wherever the router stands.
    DefaultBodyLimit::disable().apply(&mut request);
    let multipart = Multipart::from_request(request, state)
        .await
        .map_err(|rejection| {
            Error::invalid(format!(
                "the form cannot be read: {}",
                rejection.body_text()
            ))
        })?;
    let fields = parts::read(multipart, &TEXTS, &FILES).await;
    let fields = fields.map_err(|problem| refusal.take().unwrap_or(problem))?;
    Ok((fields, Admitted::new(held, &extensions)?))
}

fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    let essence = content_type(headers);
    match essence.as_str() {
        "multipart/form-data" => Ok(Kind::Form),
        "application/json" => Ok(Kind::Json),
        _ => {
            let given = shorten(&essence, 60);
            Err(Problem::unsupported_media_type(format!(
                "the content type is \"{given}\": send multipart/form-data or application/json"
            )))
        }
    }
}

/// Files may come as long base64 texts: they are read beside the async threads.
async fn decode<T: Send + 'static>(
    fields: Fields,
    reads: fn(Fields) -> Result<T>,
    admitted: &Admitted,
) -> Result<T, Problem> {
    Ok(beside(admitted, move || reads(fields)).await?)
}

async fn beside<T: Send + 'static>(
    admitted: &Admitted,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let admitted = admitted.clone();
    blocking("reading a search's body", move || {
        // Held until the thread ends, also when nobody waits for it any more.
        let _admitted = admitted;
        work()
    })
    .await
}

/// Names what was asked for; whether it can work is for [`SearchQuery::check`] to say.
fn query(mut fields: Fields) -> Result<SearchQuery> {
    let default = SearchQuery::default();
    let ids = |name: &str| -> Result<Vec<_>> {
        fields
            .list(name)?
            .iter()
            .map(|id| {
                id.parse().map_err(|error: Error| Error {
                    message: format!("{name}: {}", error.message),
                    ..error
                })
            })
            .collect()
    };
    let (like, unlike, exclude_ids) = (ids("like")?, ids("unlike")?, ids("exclude_ids")?);
    let tags = |name: &str| fields.list(name);
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
    let weight =
        |name: &str, default: f32| -> Result<f32> { Ok(fields.number(name)?.unwrap_or(default)) };
    let weights = PerSpace {
        image: weight("w_img", default.weights.image)?,
        edge: weight("w_edge", default.weights.edge)?,
        text: weight("w_txt", default.weights.text)?,
    };
    let user_id = fields.text("user_id")?;
    if user_id
        .as_ref()
        .is_some_and(|user| user.len() > LONGEST_USER_ID)
    {
        return Err(Error::invalid(format!(
            "user_id is longer than {LONGEST_USER_ID} bytes"
        )));
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
        personalize: fields
            .boolean("personalize")?
            .unwrap_or(default.personalize),
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

/// Clippy 0.2 compared tags without regard to case; the collection's index does not, but tags are
/// lower case as a rule.
fn either_case(mut tags: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = tags
        .iter()
        .map(|tag| tag.to_lowercase())
        .filter(|lower| !tags.contains(lower))
        .collect();
    tags.extend(lower);
    tags
}

fn tag_mode(text: Option<&str>) -> Result<TagMode> {
    match text.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(TagMode::default()),
        Some("any") => Ok(TagMode::Any),
        Some("all") => Ok(TagMode::All),
        Some(other) => {
            let shown = shorten(other, 60);
            Err(Error::invalid(format!(
                "tag_mode is \"{shown}\", but must be any or all"
            )))
        }
    }
}

/// Made pictures are left out unless they are asked for: an artist looks for references, not for
/// what came of them.
fn origin(text: Option<&str>) -> Result<Origin> {
    match text.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        None | Some("gallery") => Ok(Origin::Gallery),
        Some("generated") => Ok(Origin::Generated),
        Some("any") => Ok(Origin::Any),
        Some(other) => {
            let shown = shorten(other, 60);
            Err(Error::invalid(format!(
                "origin is \"{shown}\", but must be gallery, generated or any"
            )))
        }
    }
}
