//! `/livez`, `/readyz`, `/healthz`, `/metrics`: routes for operating the server. None of them needs
//! a key.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use clippy_core::{Error, ErrorCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics;
use crate::problem::Problem;
use crate::state::AppState;

/// Answers while the process runs.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operations",
    responses((status = 200, description = "The process runs.", body = String,
    content_type = "text/plain"))
)]
pub(crate) async fn get_livez() -> &'static str {
    "ok\n"
}

/// Answers whether the server should get requests. It is not ready after two failed checks of the
/// collection in a row.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "Ready.", body = String, content_type = "text/plain"),
        (
            status = 503,
            description = "Not ready yet, the collection is unavailable, or the server is stopping."
        ),
    )
)]
pub(crate) async fn get_readyz(State(state): State<AppState>) -> Result<&'static str, Problem> {
    if state.readiness().is_ready() {
        return Ok("ready\n");
    }
    // The checks have logged the reason.
    Err(
        Problem::from(Error::new(ErrorCode::Unavailable, "not ready"))
            .retry_after(state.options().probe_every)
            .quiet(),
    )
}

/// The name and version of this server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthResponse {
    /// Always true.
    ok: bool,
    /// `clippy`.
    name: &'static str,
    /// Its version.
    version: &'static str,
}

/// Returns the name and version of this server, in the form of Clippy 0.2.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, description = "Name and version.", body = HealthResponse))
)]
pub(crate) async fn get_healthz() -> Json<HealthResponse> {
    Json(HealthResponse {
        ok: true,
        name: "clippy",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Returns the metrics for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "Prometheus' text format.", body = String,
    content_type = "text/plain"))
)]
pub(crate) async fn get_metrics() -> Result<impl IntoResponse, Problem> {
    let text = metrics::render()?;
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    ))
}
