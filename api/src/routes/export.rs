//! `/api/admin/export`: reads the collection page by page, for `clippy export`.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clippy_core::blocking;
use clippy_core::ids::PointId;
use clippy_transfer::{Description, Records, encode_page, give};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::ApiQuery;
use crate::problem::Problem;
use crate::state::AppState;

/// Where a page of points begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PointsQuery {
    /// The first id of the page: `next` of the page before.
    from: Option<String>,
}

/// Where a page of records begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordsQuery {
    /// `next` of the page before.
    after: Option<String>,
}

/// Describes the collection for an export: its model, schema, folders and notes.
#[utoipa::path(
    get,
    path = "/api/admin/export",
    tag = "admin",
    responses(
        (status = 200, description = "The collection and its notes.", body = Value),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn describe_collection(
    State(state): State<AppState>,
) -> Result<Json<Description>, Problem> {
    let (_, live) = state.searcher();
    Ok(Json(give::describe(live.gallery.as_ref()).await?))
}

/// Returns a page of points with payloads and vectors, as a safetensors file.
///
/// `ids` and `payloads` are lines of text. Each space has its vectors (`image`) and the numbers of
/// their points (`image.rows`). The metadata has the fingerprint of the model, and `next` unless it
/// is the last page.
#[utoipa::path(
    get,
    path = "/api/admin/export/points",
    tag = "admin",
    params(PointsQuery),
    responses(
        (status = 200, description = "The page.", content_type = "application/octet-stream"),
        (status = 400, description = "`from` is not an id."),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn export_points(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<PointsQuery>,
) -> Result<Response, Problem> {
    let from: Option<PointId> = query.from.map(|from| from.parse()).transpose()?;
    let (_, live) = state.searcher();
    let fingerprint = live.gallery.info().await?.fingerprint;
    let page = give::points(live.gallery.as_ref(), &fingerprint, from).await?;
    let bytes = blocking("encoding a page", move || encode_page(&page)).await?;
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, bytes).into_response())
}

/// Returns a page of preferences, then of boards, and then of deleted and hidden pictures.
#[utoipa::path(
    get,
    path = "/api/admin/export/records",
    tag = "admin",
    params(RecordsQuery),
    responses(
        (status = 200, description = "`tastes`, `boards`, `trash`, and `next` unless it is the last page.",
            body = Value),
        (status = 400, description = "`after` is not the `next` of a page."),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn export_records(
    State(state): State<AppState>,
    ApiQuery(query): ApiQuery<RecordsQuery>,
) -> Result<Json<Records>, Problem> {
    let records = give::records(
        state.tastes(),
        state.boards(),
        state.trash(),
        query.after.as_deref(),
    )
    .await?;
    Ok(Json(records))
}
