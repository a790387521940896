//! `POST /api/tickets`: issues tickets for the URLs of an `<img>` or an `EventSource`.

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clippy_jobs::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Caller, tickets};
use crate::problem::Problem;
use crate::state::AppState;

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketResponse {
    /// The ticket, to be sent as `?ticket=`.
    ticket: String,
    /// When it expires: RFC 3339 in UTC.
    expires_at: String,
    /// The number of seconds until it expires.
    #[schema(example = 600)]
    expires_in: u64,
}

/// Issues a ticket, valid for 10 minutes, for the URLs of pictures and event streams, where headers
/// cannot be sent.
///
/// `?ticket=` is accepted only by `GET` of `/api/image/{id}`, `/image/{id}`,
/// `/api/jobs/{id}/images/{n}`, `/api/jobs/{id}/events`, `/api/jobs/events` and
/// `/api/boards/{id}/export`. A ticket has the
/// rights of the key that requested it, and is invalid when that key is removed. An open stream
/// continues after its ticket has expired. Without keys no ticket is needed, and any is accepted.
#[utoipa::path(
    post,
    path = "/api/tickets",
    tag = "operations",
    responses(
        (status = 200, description = "The ticket.", body = TicketResponse),
        (status = 401, description = "A key is needed."),
        (status = 403, description = "A foreign web page sent the call, and no keys are set."),
    ),
    security((), ("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn issue_ticket(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    let ticket = tickets::issue(state.keys(), &caller, SystemTime::now())?;
    let expires_at = Timestamp::from_millis(
        i64::try_from(ticket.expires.saturating_mul(1_000)).unwrap_or(i64::MAX),
    );
    let answer = TicketResponse {
        ticket: ticket.text,
        expires_at: expires_at.to_string(),
        expires_in: tickets::LIFE.as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}
