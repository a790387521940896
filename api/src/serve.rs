//! Serves until it is told to stop.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;

use clippy_core::{Error, ErrorCode, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::metrics;
use crate::router::router;
use crate::state::AppState;

/// Serves on this listener until `shutdown` is over: then it is not ready any more, takes no more connections, and
/// gives requests in flight the time of [`crate::ApiOptions::drain_timeout`] to end.
///
/// # Errors
/// [`ErrorCode::Unavailable`] when the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
    metrics::install()?;
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(metrics::keep_up()));
    let watched = state.clone();
    let _watch = AbortOnDropHandle::new(tokio::spawn(async move {
        let every = watched.options().probe_every;
        watched.readiness().watch(watched.gallery().as_ref(), every).await;
    }));

    let stop = CancellationToken::new();
    let service = router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended.map_err(failed),
        () = shutdown => {}
    }
    state.readiness().withdraw();
    state.stopping().cancel();
    stop.cancel();
    let patience = state.options().drain_timeout;
    match tokio::time::timeout(patience, server).await {
        Ok(ended) => ended.map_err(failed),
        Err(_) => {
            tracing::warn!(patience_secs = patience.as_secs(), "requests were still running and were cut off");
            Ok(())
        }
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, format!("the server stopped listening: {error}")).with_source(error)
}
