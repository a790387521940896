//! `/api/admin`: routes for admins.

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::Space;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::AppState;

/// Describes the collection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionResponse {
    /// Its name.
    name: String,
    /// How many points it has.
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
    /// Whether every part that is large enough has its search graph.
    indexed: bool,
}

/// Returns the collection's size, model and roots.
#[utoipa::path(
    get,
    path = "/api/admin/collection",
    tag = "admin",
    responses(
        (status = 200, description = "The collection.", body = CollectionResponse),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get_collection(
    State(state): State<AppState>,
) -> Result<Json<CollectionResponse>, Problem> {
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

/// The new calibration of scores.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibrationResponse {
    /// How many points the collection has.
    points: u64,
    /// How many of them were sampled.
    sampled: usize,
    /// The distribution of cosines between two sampled points, in each space.
    spaces: CalibratedSpaces,
}

/// The backgrounds of the spaces; null where too few pictures have a vector.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibratedSpaces {
    /// The space of pictures.
    image: Option<CalibratedSpace>,
    /// The space of edge maps.
    edge: Option<CalibratedSpace>,
    /// The space of sentences.
    text: Option<CalibratedSpace>,
    /// The style.
    style: Option<CalibratedSpace>,
}

/// The background of a space.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibratedSpace {
    /// How many sampled points have a vector in this space.
    vectors: usize,
    /// The mean of the cosines.
    mean: f32,
    /// The standard deviation of the cosines.
    deviation: f32,
}

/// Samples the collection again, and stores the new calibration with it.
///
/// Searches of this server use it at once, those of other servers within half a minute.
#[utoipa::path(
    post,
    path = "/api/admin/calibrate",
    tag = "admin",
    responses(
        (status = 200, description = "The new calibration.", body = CalibrationResponse),
        (status = 401, description = "An admin key is needed."),
        (
            status = 403,
            description = "This key is not an admin key, or the call comes from another machine."
        ),
        (status = 422, description = "The collection has too few pictures."),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn calibrate_scores(
    State(state): State<AppState>,
) -> Result<Json<CalibrationResponse>, Problem> {
    let sampled = state.searcher().0.calibrate().await?;
    let calibration = &sampled.calibration;
    let space = |space: Space| {
        let background = calibration.spaces.get(space).as_ref()?;
        Some(CalibratedSpace {
            vectors: background.vectors,
            mean: background.mean,
            deviation: background.deviation,
        })
    };
    Ok(Json(CalibrationResponse {
        points: calibration.points,
        sampled: calibration.sample.len(),
        spaces: CalibratedSpaces {
            image: space(Space::Image),
            edge: space(Space::Edge),
            text: space(Space::Text),
            style: space(Space::Style),
        },
    }))
}
