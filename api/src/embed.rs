//! The embedding server of a worker, which other processes call through `EMBEDDER_URL`. `GET
//! /embed` describes the model, `POST /embed` embeds. `clippy_remote::wire` defines the bodies.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clippy_core::embedding::{Embedder, ModelInfo};
use clippy_core::settings::Secret;
use clippy_core::{Error, Result, blocking};
use clippy_remote::wire;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::KeyRing;
use crate::admission::{BodyRoom, CallerId};
use crate::auth::require_key_of;
use crate::connections::serve_connections;
use crate::extract::{BodyLimits, IncomingBody};
use crate::metrics;
use crate::options::ConnectionLimits;
use crate::problem::{Problem, panic_response};
use crate::routes::{health, method_not_allowed, not_found};

/// The limit for the bytes of all bodies in memory.
const HELD: usize = 512 << 20;
/// The limits of one body.
const PACE: BodyLimits = BodyLimits {
    bytes: wire::MAX_REQUEST,
    least: 5 << 10,
    window: Duration::from_secs(5),
    time: Duration::from_secs(30),
};
/// How long calls in progress may continue after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Returns the current encoder. A re-index may replace it.
pub type CurrentEmbedder = Arc<dyn Fn() -> Arc<dyn Embedder> + Send + Sync>;

struct EmbedState {
    embedder: CurrentEmbedder,
    keys: KeyRing,
    held: BodyRoom,
}

/// Serves an encoder on this listener until `shutdown` completes. If there are keys, calls need one
/// of them.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when the metrics cannot be installed.
pub async fn serve_embedder(
    listener: TcpListener,
    embedder: CurrentEmbedder,
    keys: &[Secret],
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    metrics::install()?;
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(metrics::run_upkeep_loop()));
    let stop = CancellationToken::new();
    let limits = ConnectionLimits::default();
    let server = serve_connections(
        listener,
        router(embedder, keys),
        &limits,
        stop.clone().cancelled_owned(),
    );
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => return Ok(()),
        () = shutdown => {}
    }
    stop.cancel();
    if tokio::time::timeout(DRAIN, server).await.is_err() {
        tracing::warn!("calls to the embedding server were still running and were aborted");
    }
    Ok(())
}

fn router(embedder: CurrentEmbedder, keys: &[Secret]) -> Router {
    let state = Arc::new(EmbedState {
        embedder,
        keys: KeyRing::new(keys, &[]),
        held: BodyRoom::new(HELD, wire::MAX_REQUEST),
    });
    Router::new()
        .route(wire::PATH, get(model).post(embed))
        .route_layer(from_fn_with_state(Arc::clone(&state), require_key))
        .route("/livez", get(health::get_livez))
        .route("/metrics", get(health::get_metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(panic_response))
        .with_state(state)
}

async fn require_key(
    State(state): State<Arc<EmbedState>>,
    request: Request,
    next: Next,
) -> std::result::Result<Response, Problem> {
    require_key_of(&state.keys, request.headers())?;
    Ok(next.run(request).await)
}

async fn model(State(state): State<Arc<EmbedState>>) -> Json<ModelInfo> {
    Json((**(state.embedder)().info()).clone())
}

async fn embed(
    State(state): State<Arc<EmbedState>>,
    who: CallerId,
    headers: HeaderMap,
    body: Body,
) -> std::result::Result<Response, Problem> {
    if !headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Error::invalid("the call needs a Content-Length").into());
    }
    let (body, held) = IncomingBody::new(&headers, body, PACE, &state.held, who)
        .await?
        .whole()
        .await?;
    // One encoder for the whole call, even if a re-index replaces it meanwhile.
    let embedder = (state.embedder)();
    let side = embedder.info().transform.side;
    // Copies megabytes, so it must not run on an async thread.
    let inputs = blocking("reading a body", move || {
        // The room is freed here, even if the caller has disconnected already.
        let _held = held;
        wire::decode_request(&body, side)
    })
    .await?;
    let embedded = embedder.embed(inputs).await?;
    let answer = blocking("writing an answer", move || wire::encode_answer(&embedded)).await?;
    let model = HeaderValue::from_str(&embedder.info().fingerprint).map_err(|error| {
        Error::internal("the model's fingerprint is not a valid header").with_source(error)
    })?;
    let style = embedder.info().style.as_deref().map(HeaderValue::from_str);
    let style = style.transpose().map_err(|error| {
        Error::internal("the style's fingerprint is not a valid header").with_source(error)
    })?;
    let headers = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static(wire::CONTENT_TYPE),
    )];
    let mut response = (headers, answer).into_response();
    response.headers_mut().insert(wire::MODEL_HEADER, model);
    if let Some(style) = style {
        response.headers_mut().insert(wire::STYLE_HEADER, style);
    }
    Ok(response)
}
