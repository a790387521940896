//! All routes, and what every request passes through on its way to them.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use clippy_core::{Error, ErrorCode};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::admission::{admit_call, admit_search};
use crate::auth::{require_admin, require_key, require_key_or_query};
use crate::openapi::ApiDoc;
use crate::problem::{Problem, panicked};
use crate::routes::{
    admin, bulk, collection, feedback, generate, generate_image, health, image, job_events, job_images, jobs, lineage,
    method_not_allowed, not_found, queues, search, suggest,
};
use crate::state::AppState;
use crate::{client, metrics};

/// All routes of a server. Serve it with connect info, or admin calls without keys are refused.
pub fn router(state: AppState) -> Router {
    // The last layer of each group is the first that a request meets: keys before places.
    let searches = OpenApiRouter::new()
        .routes(routes!(search::search_hybrid))
        .routes(routes!(suggest::suggest_references))
        .route("/search/hybrid", post(search::search_hybrid))
        .route_layer(from_fn_with_state(state.clone(), admit_search))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    let pictures = OpenApiRouter::new()
        .routes(routes!(image::get_image))
        .route("/image/{id}", get(image::get_image))
        .routes(routes!(job_images::get_job_image))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key_or_query));
    let calls = OpenApiRouter::new()
        .routes(routes!(feedback::record_feedback))
        .routes(routes!(feedback::get_profile))
        .routes(routes!(collection::list_facets))
        .routes(routes!(collection::list_tags))
        .routes(routes!(collection::list_pictures))
        .routes(routes!(collection::get_model))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    let generation = OpenApiRouter::new()
        .routes(routes!(generate::generate_images))
        .route("/images/generate", post(generate::generate_images))
        .routes(routes!(generate::estimate_images))
        .routes(routes!(lineage::list_lineage))
        .routes(routes!(lineage::list_providers))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    let waiting = OpenApiRouter::new()
        .routes(routes!(generate_image::generate_image))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    let jobs = OpenApiRouter::new()
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job, jobs::delete_job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::retry_job))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    // An EventSource cannot send headers, as little as an <img> can.
    let streams = OpenApiRouter::new()
        .routes(routes!(job_events::stream_job_events))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key_or_query));
    let admin = OpenApiRouter::new()
        .routes(routes!(admin::get_collection))
        .routes(routes!(admin::calibrate_scores))
        .routes(routes!(bulk::start_ingest))
        .routes(routes!(bulk::start_backfill))
        .routes(routes!(bulk::start_reindex))
        .routes(routes!(queues::list_queues))
        .routes(routes!(queues::pause_queue))
        .routes(routes!(queues::resume_queue))
        .route_layer(from_fn_with_state(state.clone(), require_admin));
    let operations = OpenApiRouter::new()
        .routes(routes!(health::get_livez))
        .routes(routes!(health::get_readyz))
        .routes(routes!(health::get_healthz))
        .routes(routes!(health::get_metrics));

    let (router, document) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(searches)
        .merge(pictures)
        .merge(calls)
        .merge(generation)
        .merge(waiting)
        .merge(jobs)
        .merge(streams)
        .merge(admin)
        .merge(operations)
        .split_for_parts();
    let router = router
        .merge(client::routes())
        .merge(SwaggerUi::new("/docs").url("/api/openapi.json", document))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    with_layers(router, &state).with_state(state)
}

fn with_layers(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let request_id = HeaderName::from_static("x-request-id");
    // From the outside in.
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
                    // The path alone: a query string may hold a key.
                    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
                })
                .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG))
                // A problem logs itself, once, with its cause.
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::new(request_id))
        .layer(state.cors())
        .layer(from_fn(metrics::measure))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), limit_time))
        .layer(DefaultBodyLimit::max(state.options().small_body_bytes));
    router.layer(layers)
}

/// Ends requests that take too long, a body that trickles in included.
async fn limit_time(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, Problem> {
    let limit = match request.uri().path() {
        // It waits for its job, and says itself when that takes too long; this is for what comes before and after.
        "/api/generate_image" => state.options().generation_timeout + state.options().request_timeout,
        _ => state.options().request_timeout,
    };
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| {
        Error::new(ErrorCode::Timeout, format!("the request took longer than {} s", limit.as_secs())).into()
    })
}
