//! Extracts typed values from requests. Every refusal is problem JSON.

mod body;
mod fields;
mod form;
mod large;
mod lenient;
mod parts;
mod scalar;
mod search;
mod search_form;
mod upload;
mod user;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::state::AppState;

pub(crate) use body::{Admitted, BodyLimits, IncomingBody};
pub(crate) use large::{LargeBytes, LargeJson};
pub(crate) use scalar::{Scalar, at_most};
pub(crate) use search::{SearchRequest, SuggestRequest};
pub(crate) use search_form::SearchForm;
pub(crate) use upload::{PictureForm, SentFile};
pub(crate) use user::check_user_id;

/// A JSON body.
pub(crate) struct ApiJson<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequest<AppState> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let value = large::read_small(request, state).await?;
        Ok(Self(value))
    }
}

/// The query string.
pub(crate) struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}
