//! `/api/admin`: for who runs the server.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// What the collection is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionResponse {
    /// Its name.
    name: String,
    /// How many points it holds.
    points: u64,
    /// Length of its vectors.
    dimension: usize,
    /// The model that filled it.
    model: String,
    /// The weights of that model.
    pretrained: String,
    /// Fingerprint of that model.
    fingerprint: String,
    /// Version of its schema.
    schema_version: u32,
    /// Folders that pictures are served from.
    roots: Vec<String>,
    /// Whether every large enough part has its search graph.
    indexed: bool,
}

/// The collection: how large it is, what filled it, and where its pictures lie.
#[utoipa::path(
    get,
    path = "/api/admin/collection",
    tag = "admin",
    responses(
        (status = 200, description = "The collection.", body = CollectionResponse),
        (status = 401, description = "An admin key is needed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "This key is no admin key, or the call comes from elsewhere.", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_collection(State(state): State<AppState>) -> Result<Json<CollectionResponse>, Problem> {
    let info = state.gallery().info().await?;
    Ok(Json(CollectionResponse {
        name: info.name,
        points: info.points,
        dimension: info.dimension,
        model: info.model,
        pretrained: info.pretrained,
        fingerprint: info.fingerprint,
        schema_version: info.schema_version,
        roots: info.roots,
        indexed: info.indexed,
    }))
}
