//! `/api/admin/import`: stores an export page by page, for `clippy import`.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use clippy_core::gallery::Gallery;
use clippy_core::{Result, blocking};
use clippy_transfer::{
    Begun, Description, Records, Rules, Stored, StoredRecords, decode_page, take,
};
use serde_json::json;

use super::long_answer::answer_when_done;
use crate::extract::{ApiQuery, LargeBytes, LargeJson};
use crate::folders::Folders;
use crate::problem::Problem;
use crate::state::AppState;

/// Begins an import: checks that the vectors can be compared with those of this collection.
///
/// An empty collection takes over the notes of the export. Folders of pictures are taken over if
/// this server may read them already; the others are listed in `closed`.
#[utoipa::path(
    post,
    path = "/api/admin/import",
    tag = "admin",
    request_body(content = Value, description = "The answer of `GET /api/admin/export`."),
    responses(
        (status = 200, description = "What is taken over: `style`, `text`, `groups`, `closed`.",
            body = Value),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
        (
            status = 409,
            description = "Another model made the vectors, or the collection has an older schema."
        ),
        (status = 422, description = "The body is no description of a collection."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn begin_import(
    State(state): State<AppState>,
    body: LargeJson<Description>,
) -> Result<Json<Begun>, Problem> {
    let (_, live) = state.searcher();
    let accepted = take::begin(live.gallery.as_ref(), &body.value).await?;
    let roots = body.value.collection.roots;
    let closed = open_roots(&state, live.gallery.as_ref(), roots).await?;
    Ok(Json(Begun { accepted, closed }))
}

/// Records the folders of pictures that this server may read. Returns the others.
async fn open_roots(
    state: &AppState,
    gallery: &dyn Gallery,
    roots: Vec<String>,
) -> Result<Vec<String>> {
    let recorded = gallery.info().await?.roots;
    let folders = Folders::of(state.options());
    let (mut found, mut closed) = (Vec::new(), Vec::new());
    for root in roots {
        if recorded.contains(&root) {
            continue;
        }
        let (known, given) = (recorded.clone(), root.clone());
        let resolved = folders.run(move |folders| folders.folder("roots", &given, &known));
        match resolved.await {
            Ok(folder) => found.push(folder.display().to_string()),
            Err(error) => {
                tracing::debug!(%error, "a folder of an import is not served");
                closed.push(root);
            }
        }
    }
    for root in &found {
        gallery.add_root(root).await?;
    }
    Ok(closed)
}

/// How points are stored. All but `replace` are from the answer of `POST /api/admin/import`.
#[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RulesQuery {
    /// Overwrite pictures that the collection has in another form. Otherwise they stay.
    #[serde(default)]
    replace: bool,
    /// Whether style vectors are stored.
    style: bool,
    /// Whether text vectors are stored.
    text: bool,
    /// Whether groups of similar styles are stored.
    groups: bool,
}

/// Stores a page of points, in the form of `GET /api/admin/export/points`.
///
/// A picture that the collection has already stays as it is, unless `replace` is set. A picture that
/// was deleted here stays deleted. The same page may be sent again.
#[utoipa::path(
    post,
    path = "/api/admin/import/points",
    tag = "admin",
    params(RulesQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (
            status = 200,
            description = "Counts: `added`, `unchanged`, `kept`, `replaced`, `deleted`.",
            body = Value
        ),
        (status = 400, description = "The body is no page of points, or of another dimension."),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
        (status = 409, description = "Another model made the vectors."),
        (status = 413, description = "The page is too large."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn import_points(
    State(state): State<AppState>,
    query: Result<ApiQuery<RulesQuery>, Problem>,
    body: LargeBytes,
) -> Result<Json<Stored>, Problem> {
    let ApiQuery(query) = query?;
    let rules = Rules {
        replace: query.replace,
        style: query.style,
        text: query.text,
        groups: query.groups,
    };
    let LargeBytes { bytes, _held: held } = body;
    let (page, _held) =
        blocking("decoding a page", move || Ok((decode_page(&bytes)?, held))).await?;
    let (_, live) = state.searcher();
    take::check_page(&live.gallery.info().await?, &page)?;
    // No edit of a picture may run between reading and writing it.
    let _turn = clippy_tagging::take_turn().await;
    let stored = take::points(live.gallery.as_ref(), state.trash(), page.points, rules).await?;
    Ok(Json(stored))
}

/// Stores a page of preferences, boards and deleted pictures, in the form of `GET
/// /api/admin/export/records`.
///
/// Of two weights of a tag the higher one wins. A board that is there stays as it is; *Saved* gets
/// the pictures that it does not have. A deleted picture that the collection has stays
/// there.
#[utoipa::path(
    post,
    path = "/api/admin/import/records",
    tag = "admin",
    request_body = Value,
    responses(
        (
            status = 200,
            description = "Counts: `tastes`, `boards`, `deleted`, `known`, `present`.",
            body = Value
        ),
        (status = 400, description = "A record that is invalid."),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
        (status = 422, description = "The body has a wrong field."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn import_records(
    State(state): State<AppState>,
    body: LargeJson<Records>,
) -> Result<Json<StoredRecords>, Problem> {
    let (_, live) = state.searcher();
    let _turn = clippy_tagging::take_turn().await;
    let stored = take::records(
        live.gallery.as_ref(),
        state.tastes(),
        state.boards(),
        state.trash(),
        body.value,
    )
    .await?;
    Ok(Json(stored))
}

/// Ends an import: builds the search graphs, and calibrates if the collection has outgrown its
/// calibration.
///
/// The answer ends when this is done: empty lines, then one line of JSON, `{"done": {}}` or
/// `{"failed": "why"}`.
#[utoipa::path(
    post,
    path = "/api/admin/import/finish",
    tag = "admin",
    responses(
        (
            status = 200,
            description = "Lines; the last one has the result.",
            content_type = "application/x-ndjson"
        ),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn finish_import(State(state): State<AppState>) -> Response {
    let (_, live) = state.searcher();
    answer_when_done(&state, async move {
        live.gallery.optimize().await?;
        clippy_search::calibrate_if_outgrown(live.gallery.as_ref()).await?;
        Ok(json!({}))
    })
}
