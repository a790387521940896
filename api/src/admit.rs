//! Layers that admit requests: they give each a slot for its place, and free the place when the
//! answer is ready.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::admission::Who;
use crate::problem::Problem;
use crate::state::AppState;

/// For routes that search. The place is taken when the body has been read.
pub(crate) async fn admit_search(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let slot = state.admission().search_slot(Who::of(request.extensions()));
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    drop(slot);
    response
}

/// For other routes that read a body. The place is taken when the body has been read.
pub(crate) async fn admit_body(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let slot = state.admission().call_slot(Who::of(request.extensions()));
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    drop(slot);
    response
}

/// For routes that read no body. The place is taken at once.
pub(crate) async fn admit_call(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let slot = state.admission().call_slot(Who::of(request.extensions()));
    slot.fill()?;
    let response = next.run(request).await;
    drop(slot);
    Ok(response)
}
