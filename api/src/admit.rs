//! The layers that admit requests: they give each request a slot for its place, and free the place
//! when the answer is ready.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::admission::CallerId;
use crate::problem::Problem;
use crate::state::AppState;

/// Admits searches. The place is taken when the body has been read.
pub(crate) async fn admit_search(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let slot = state
        .admission()
        .search_slot(CallerId::of(request.extensions()));
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    drop(slot);
    response
}

/// Admits other calls with a body. The place is taken when the body has been read.
pub(crate) async fn admit_body(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let slot = state
        .admission()
        .call_slot(CallerId::of(request.extensions()));
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    drop(slot);
    response
}

/// Admits calls without a body. The place is taken at once.
pub(crate) async fn admit_call(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let slot = state
        .admission()
        .call_slot(CallerId::of(request.extensions()));
    slot.fill()?;
    let response = next.run(request).await;
    drop(slot);
    Ok(response)
}
