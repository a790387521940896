//! Runs a server until it is told to stop.

use std::future::Future;

use clippy_core::Result;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::connections::serve_connections;
use crate::metrics;
use crate::router::router;
use crate::state::AppState;

/// Serves on this listener until `shutdown` completes. Then it reports that it is not ready,
/// accepts no more connections, and waits up to [`crate::ApiOptions::drain_timeout`] for requests
/// in progress.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when the metrics cannot be installed.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    metrics::install()?;
    if let Ok(address) = listener.local_addr() {
        state.sites().bound_to(address);
    }
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(metrics::run_upkeep_loop()));
    let watched = state.clone();
    let _watch = AbortOnDropHandle::new(tokio::spawn(async move {
        let every = watched.options().probe_every;
        watched
            .readiness()
            .watch(watched.gallery().as_ref(), every)
            .await;
    }));

    let stop = CancellationToken::new();
    let limits = state.options().connections.clone();
    let server = serve_connections(
        listener,
        router(state.clone()),
        &limits,
        stop.clone().cancelled_owned(),
    );
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => return Ok(()),
        () = shutdown => {}
    }
    state.readiness().withdraw();
    state.stopping().cancel();
    stop.cancel();
    let patience = state.options().drain_timeout;
    if tokio::time::timeout(patience, server).await.is_err() {
        tracing::warn!(
            patience_secs = patience.as_secs(),
            "requests were still running and were aborted"
        );
    }
    Ok(())
}
