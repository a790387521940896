//! `/api/admin`: for who runs the server.

use axum::Json;
use axum::extract::State;
use clippy_core::gallery::Space;
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

/// What scores are calibrated by from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibrationResponse {
    /// How many points the collection has.
    points: u64,
    /// How many of them were sampled.
    sampled: usize,
    /// How the cosines between two of them lie.
    spaces: CalibratedSpaces,
}

/// One background for each space; null where too few pictures have a vector.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibratedSpaces {
    /// The look.
    image: Option<CalibratedSpace>,
    /// The shape.
    edge: Option<CalibratedSpace>,
    /// The words.
    text: Option<CalibratedSpace>,
    /// The style.
    style: Option<CalibratedSpace>,
}

/// The background of a space.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibratedSpace {
    /// How many sampled points have a vector here.
    vectors: usize,
    /// Mean of the cosines.
    mean: f32,
    /// Their standard deviation.
    deviation: f32,
}

/// Samples the collection again, and keeps with it what scores are calibrated by.
///
/// Searches of this server use it at once, those of others within half a minute.
#[utoipa::path(
    post,
    path = "/api/admin/calibrate",
    tag = "admin",
    responses(
        (status = 200, description = "What was found.", body = CalibrationResponse),
        (status = 401, description = "An admin key is needed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "This key is no admin key, or the call comes from elsewhere.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The collection has too few pictures.", body = ProblemBody, content_type = "application/problem+json"),
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
