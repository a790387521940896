//! `POST /api/tickets`: for addresses that a page puts into an `<img>` or an `EventSource`.

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clippy_jobs::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Caller, tickets};
use crate::problem::{Problem, ProblemBody};
use crate::state::AppState;

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketResponse {
    /// Send it as `?ticket=`.
    ticket: String,
    /// When it ends: RFC 3339 in UTC.
    expires_at: String,
    /// How many seconds that is from now.
    #[schema(example = 600)]
    expires_in: u64,
}

/// A ticket, good for 10 minutes, for the addresses of pictures and event streams, where headers
/// cannot be sent.
///
/// `?ticket=` is taken by `GET` of `/api/image/{id}`, `/image/{id}`, `/api/jobs/{id}/images/{n}`,
/// `/api/jobs/{id}/events` and `/api/jobs/events`, and by nothing else. It sees what the key sees
/// that it was asked for with, and ends with that key. A stream that is open goes on when its
/// ticket has ended. Without keys nobody needs a ticket, and any is taken.
#[utoipa::path(
    post,
    path = "/api/tickets",
    tag = "operations",
    responses(
        (status = 200, description = "The ticket.", body = TicketResponse),
        (status = 401, description = "A key is needed.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A page from elsewhere asked, and no keys are set.", body = ProblemBody, content_type = "application/problem+json"),
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
