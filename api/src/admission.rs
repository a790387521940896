//! How much is taken on at once. What does not fit is answered 503 right away, instead of waiting for everybody.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use clippy_core::{Error, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::options::ApiOptions;
use crate::problem::Problem;
use crate::state::AppState;

/// Bodies are counted in pieces of so many bytes, because a semaphore counts in 32 bits.
const PIECE: usize = 1024;

/// The places that a server has.
pub(crate) struct Admission {
    searches: Arc<Semaphore>,
    calls: Arc<Semaphore>,
    body_pieces: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Admission {
    pub(crate) fn new(options: &ApiOptions) -> Self {
        let pieces = (options.held_body_bytes.max(options.search_body_bytes) / PIECE + 1).min(Semaphore::MAX_PERMITS);
        Self {
            searches: Arc::new(Semaphore::new(options.searches_at_once)),
            calls: Arc::new(Semaphore::new(options.calls_at_once)),
            body_pieces: Arc::new(Semaphore::new(pieces)),
            streams: Arc::new(Semaphore::new(options.streams_at_once)),
        }
    }

    /// A place for a stream of events, until the permit is dropped.
    ///
    /// # Errors
    /// 503 when as many are open as may be.
    pub(crate) fn open_stream(&self, state: &AppState) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| full("too many event streams are open", state))
    }

    /// Room for a body of so many bytes, until the permit is dropped.
    ///
    /// # Errors
    /// 503 when the bodies held already leave no room for it.
    pub(crate) fn hold_body(&self, bytes: usize, state: &AppState) -> Result<OwnedSemaphorePermit, Problem> {
        let pieces = u32::try_from(bytes / PIECE + 1).unwrap_or(u32::MAX);
        Arc::clone(&self.body_pieces)
            .try_acquire_many_owned(pieces)
            .map_err(|_| full("the files of other searches leave no room for this one", state))
    }
}

/// Takes one of the places for searches, for as long as the request lasts.
pub(crate) async fn admit_search(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let places = Arc::clone(&state.admission().searches);
    let _place = places.try_acquire_owned().map_err(|_| full("too many searches are running", &state))?;
    Ok(next.run(request).await)
}

/// Takes one of the places for other calls, for as long as the request lasts.
pub(crate) async fn admit_call(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let places = Arc::clone(&state.admission().calls);
    let _place = places.try_acquire_owned().map_err(|_| full("too many calls are running", &state))?;
    Ok(next.run(request).await)
}

fn full(what: &str, state: &AppState) -> Problem {
    metrics::counter!("clippy_http_shed_total").increment(1);
    Problem::from(Error::new(ErrorCode::Overloaded, what)).retry_after(state.retry_after())
}
