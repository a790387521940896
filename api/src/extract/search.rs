//! Reads the body of a search, as a form or as JSON.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use clippy_common::shorten;
use clippy_core::{Result, blocking};
use clippy_search::SearchQuery;
use serde::Deserialize;

use super::body::{Admitted, read_whole};
use super::fields::Fields;
use super::form::OpenForm;
use super::large::content_type;
use super::lenient::{names_of, read_form};
use super::parts;
use super::search_form::SearchForm;
use crate::maps::ChosenArea;
use crate::problem::Problem;
use crate::state::AppState;

/// The fields of a suggestion besides those of its search.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SuggestFields {
    provider: Option<String>,
    references: Option<usize>,
}

/// A search, with the counted bytes of its body.
pub(crate) struct SearchRequest {
    pub query: SearchQuery,
    /// Freed when the search has ended.
    pub held: Admitted,
}

/// A search whose results are used as references.
pub(crate) struct SuggestRequest {
    pub query: SearchQuery,
    /// The provider that the references are for.
    pub provider: Option<String>,
    /// How many; by default as many as the provider recommends.
    pub references: Option<usize>,
    /// Freed when the search has ended.
    pub held: Admitted,
}

impl FromRequest<AppState> for SearchRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let (mut fields, held) = read_fields(request, state, &[]).await?;
        let form = run_blocking(&held, move || read_query(&mut fields)).await?;
        Ok(Self {
            query: limited(form, state).await?,
            held,
        })
    }
}

impl FromRequest<AppState> for SuggestRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let names = names_of::<SuggestFields>();
        let (mut fields, held) = read_fields(request, state, names).await?;
        let SuggestFields {
            provider,
            references,
        } = read_form(&mut fields)?;
        let form = run_blocking(&held, move || read_query(&mut fields)).await?;
        Ok(Self {
            query: limited(form, state).await?,
            provider,
            references,
            held,
        })
    }
}

/// A query, and the area of a map that it is limited to.
type AskedQuery = (SearchQuery, Option<ChosenArea>);

fn read_query(fields: &mut Fields) -> Result<AskedQuery> {
    let form: SearchForm = read_form(fields)?;
    let area = form.area()?;
    Ok((form.try_into()?, area))
}

/// Limits a query to its area.
async fn limited((mut query, area): AskedQuery, state: &AppState) -> Result<SearchQuery> {
    if let Some(area) = area {
        let found = state.known_maps().pictures_in(state.maps(), area);
        query.filter.only_ids = Some(found.await?);
    }
    Ok(query)
}

enum Kind {
    Form,
    Json,
}

/// Reads the fields of a search, and these additional ones, from a form or JSON. Also returns the
/// counted bytes of the body.
async fn read_fields(
    request: Request,
    state: &AppState,
    besides: &'static [&'static str],
) -> Result<(Fields, Admitted), Problem> {
    let mut names = [names_of::<SearchForm>(), besides].concat();
    names.retain(|name| !SearchForm::FILES.contains(name));
    match kind(request.headers())? {
        Kind::Form => {
            let form = OpenForm::new(request, state).await?;
            form.read(async |multipart, unparsed| {
                parts::read(multipart, unparsed, &names, &SearchForm::FILES).await
            })
            .await
        }
        Kind::Json => {
            let limit = state.options().search_body_bytes;
            let (bytes, admitted) = read_whole(request, limit, state).await?;
            // Large bodies take a while to parse.
            let parse = move || Fields::from_json(&bytes, &names, &SearchForm::FILES);
            let fields = run_blocking(&admitted, parse).await?;
            Ok((fields, admitted))
        }
    }
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

/// Runs work that takes a while, such as decoding base64, on a blocking thread.
async fn run_blocking<T: Send + 'static>(
    admitted: &Admitted,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let admitted = admitted.clone();
    blocking("reading a search's body", move || {
        // Held until the thread ends, even if the caller has disconnected already.
        let _admitted = admitted;
        work()
    })
    .await
}
