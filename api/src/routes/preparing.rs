//! `GET /api/preparing`: the preparation that is still in progress while the server runs.

use axum::Json;
use axum::extract::State;
use clippy_core::preparing::PreparingStage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::AppState;

/// The preparation in progress; null if there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreparingAnswer {
    preparing: Option<PreparingPart>,
}

/// The progress of the preparation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreparingPart {
    /// `drawing`, `embedding` or `calibrating`.
    #[schema(value_type = String)]
    stage: PreparingStage,
    /// The number of finished pictures.
    done: u64,
    /// The number of all pictures.
    total: u64,
}

/// Returns the progress of a preparation, such as that of `clippy demo`. Searches find the pictures
/// that are finished.
#[utoipa::path(
    get,
    path = "/api/preparing",
    tag = "operations",
    responses((status = 200, description = "The progress.", body = PreparingAnswer))
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
