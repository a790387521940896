//! What the server still prepares.

use axum::Json;
use axum::extract::State;
use clippy_core::preparing::PreparingStage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::AppState;

/// What is being prepared while the server already serves; null when nothing is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreparingAnswer {
    preparing: Option<PreparingPart>,
}

/// How far the preparation is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreparingPart {
    /// `drawing`, `embedding` or `calibrating`.
    #[schema(value_type = String)]
    stage: PreparingStage,
    /// How many of `total` are done.
    done: u64,
    /// How many there are.
    total: u64,
}

/// What the server still prepares, such as the gallery of `clippy demo`. Searches work meanwhile,
/// on what is there.
#[utoipa::path(
    get,
    path = "/api/preparing",
    tag = "operations",
    responses((status = 200, description = "How far it is", body = PreparingAnswer))
)]
pub(crate) async fn get_preparing(State(state): State<AppState>) -> Json<PreparingAnswer> {
    let preparing = state.options().preparing.now();
    Json(PreparingAnswer {
        preparing: preparing.map(|now| PreparingPart {
            stage: now.stage,
            done: now.done,
            total: now.total,
        }),
    })
}
