//! Assembles all routes and their layers.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::admit::{admit_body, admit_call, admit_search};
use crate::auth::{
    check_host, require_admin, require_key, require_key_or_ticket,
    require_key_or_ticket_for_picture, require_key_to_read,
};
use crate::layers::{errors_to_problems, finish_response, limit_address, limit_time, serve_under};
use crate::openapi::{self, ApiDoc};
use crate::problem::panic_response;
use crate::routes::{
    add, admin, backup, boards, bulk, caller_events, change, collection, export, feedback, fetch,
    gallery, gallery_counts, generate, generate_image, health, history, history_files, image,
    import, job_events, job_images, jobs, lineage, map, method_not_allowed, picture, pictures,
    preparing, proposed, providers, queues, search, styles, suggest, tag, tickets, watched,
};
use crate::state::AppState;
use crate::{client, metrics, page};

/// Returns all routes of a server. Serve them with connect info, which admin calls without keys
/// need.
pub fn router(state: AppState) -> Router {
    // A request passes the last layer of a group first, so that keys are checked before a place is
    // taken.
    let searches = OpenApiRouter::new()
        .routes(routes!(search::search_hybrid))
        .routes(routes!(suggest::suggest_references))
        .route("/search/hybrid", post(search::search_hybrid))
        .route_layer(from_fn_with_state(state.clone(), admit_search))
        .route_layer(from_fn_with_state(state.clone(), require_key_to_read));
    let pictures = OpenApiRouter::new()
        .routes(routes!(image::get_image))
        .route("/image/{id}", get(image::get_image))
        .routes(routes!(job_images::get_job_image))
        .routes(routes!(history_files::get_history_picture))
        .routes(routes!(history_files::get_history_input))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(
            state.clone(),
            require_key_or_ticket_for_picture,
        ));
    let posts = OpenApiRouter::new()
        .routes(routes!(feedback::record_feedback))
        .routes(routes!(boards::create_board))
        .routes(routes!(boards::rename_board))
        .routes(routes!(boards::items::change_board_items))
        .routes(routes!(boards::shares::share_board))
        .routes(routes!(feedback::edit_profile))
        .routes(routes!(history::change_history_entry))
        .routes(routes!(pictures::upload_pictures))
        .routes(routes!(generate::generate_images))
        .route("/images/generate", post(generate::generate_images))
        .routes(routes!(generate::estimate_images))
        .route_layer(from_fn_with_state(state.clone(), admit_body))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    let calls = OpenApiRouter::new()
        .routes(routes!(feedback::get_profile, feedback::reset_profile))
        .routes(routes!(boards::list_boards))
        .routes(routes!(boards::get_board, boards::delete_board))
        .routes(routes!(boards::shares::list_shares))
        .routes(routes!(boards::shares::revoke_share))
        .routes(routes!(tickets::issue_ticket))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    let reads = OpenApiRouter::new()
        .routes(routes!(collection::list_facets))
        .routes(routes!(collection::list_tags))
        .routes(routes!(collection::list_pictures))
        .routes(routes!(gallery::list_gallery))
        .routes(routes!(gallery_counts::count_gallery))
        .routes(routes!(collection::get_model))
        .routes(routes!(preparing::get_preparing))
        .routes(routes!(proposed::list_proposed))
        .routes(routes!(styles::list_styles))
        .routes(routes!(map::get_map))
        .routes(routes!(picture::get_picture))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key_to_read));
    let generation = OpenApiRouter::new()
        .routes(routes!(lineage::list_lineage))
        .routes(routes!(history::list_history))
        .routes(routes!(
            history::get_history_entry,
            history::delete_history_entry
        ))
        .routes(routes!(providers::list_providers))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key));
    // This route waits for its job, so its handler takes a place of another kind.
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
    // Neither EventSource nor <img> nor a download can send headers.
    let streams = OpenApiRouter::new()
        .routes(routes!(job_events::stream_job_events))
        .routes(routes!(caller_events::stream_caller_events))
        .routes(routes!(boards::archive::export_board))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_key_or_ticket));
    // The token of a link is all that these need.
    let shared = OpenApiRouter::new()
        .routes(routes!(boards::shared::get_shared_board))
        .routes(routes!(boards::shared::get_shared_image))
        .route_layer(from_fn_with_state(state.clone(), admit_call));
    let admin = OpenApiRouter::new()
        .routes(routes!(admin::get_collection))
        .routes(routes!(admin::calibrate_scores))
        .routes(routes!(queues::list_queues))
        .routes(routes!(queues::pause_queue))
        .routes(routes!(queues::resume_queue))
        .routes(routes!(picture::delete_picture))
        .routes(routes!(change::list_changes))
        .routes(routes!(backup::copy_data_folder))
        .routes(routes!(export::describe_collection))
        .routes(routes!(export::export_points))
        .routes(routes!(export::export_records))
        .routes(routes!(import::finish_import))
        .routes(routes!(watched::list_watched))
        .route_layer(from_fn_with_state(state.clone(), admit_call))
        .route_layer(from_fn_with_state(state.clone(), require_admin));
    let bulk = OpenApiRouter::new()
        .routes(routes!(add::start_add))
        .routes(routes!(bulk::start_ingest))
        .routes(routes!(bulk::start_backfill))
        .routes(routes!(bulk::start_reindex))
        .routes(routes!(tag::start_tag))
        .routes(routes!(fetch::start_fetch))
        .routes(routes!(proposed::review_tags))
        .routes(routes!(styles::start_finding_styles))
        .routes(routes!(map::start_map))
        .routes(routes!(styles::rename_style))
        .routes(routes!(styles::merge_styles))
        .routes(routes!(picture::edit_picture))
        .routes(routes!(change::change_pictures))
        .routes(routes!(import::begin_import))
        .routes(routes!(import::import_points))
        .routes(routes!(import::import_records))
        .routes(routes!(watched::switch_watching))
        .route_layer(from_fn_with_state(state.clone(), admit_body))
        .route_layer(from_fn_with_state(state.clone(), require_admin));
    let operations = OpenApiRouter::new()
        .routes(routes!(health::get_livez))
        .routes(routes!(health::get_readyz))
        .routes(routes!(health::get_healthz))
        .routes(routes!(health::get_metrics));

    let (router, document) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(searches)
        .merge(pictures)
        .merge(posts)
        .merge(calls)
        .merge(reads)
        .merge(generation)
        .merge(waiting)
        .merge(jobs)
        .merge(streams)
        .merge(shared)
        .merge(admin)
        .merge(bulk)
        .merge(operations)
        .split_for_parts();
    let base = state.options().base_path.clone();
    // Relative to the page, which may be under a sub-path.
    let documented = SwaggerUi::new("/docs").config(Config::from("../api/openapi.json"));
    let document = openapi::to_json(&openapi::add_common_parts(document, &base));
    let router = router
        .route("/api/openapi.json", get(move || openapi::send(document)))
        .merge(client::routes())
        .merge(documented)
        .fallback(page::not_found)
        .method_not_allowed_fallback(method_not_allowed);
    serve_under(&base, with_layers(router, &state).with_state(state))
}

fn with_layers(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let request_id = HeaderName::from_static("x-request-id");
    // The outermost layer comes first.
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| {
                    let id = request.headers().get("x-request-id");
                    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
                    // Without the query string, which may contain a key.
                    tracing::info_span!("request", id, method = %request.method(),
                    path = request.uri().path())
                })
                .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG))
                // A problem logs its own cause, once.
                .on_failure(()),
        )
        .layer(PropagateRequestIdLayer::new(request_id))
        .layer(from_fn_with_state(state.clone(), finish_response))
        .layer(state.cors())
        .layer(from_fn_with_state(state.clone(), check_host))
        .layer(from_fn(metrics::measure))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        .layer(from_fn_with_state(state.clone(), errors_to_problems))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(from_fn(limit_address))
        .layer(from_fn_with_state(state.clone(), limit_time))
        .layer(DefaultBodyLimit::max(state.options().small_body_bytes));
    router.layer(layers)
}
