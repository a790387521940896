//! Serves the plain page: a few files without a build step or dependencies. It replaces the
//! artist's client if that was not built.

mod missing;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::AppState;

pub(crate) use missing::not_found;

/// Everything must come from this server, and no other page may frame this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' \
                      blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const PAGE: &str = include_str!("index.html");
/// The comment that the notice replaces.
const PLACE: &str = "<!-- notice -->";
const NOTICE: &str = "<p class=\"notice\">This is the plain page: the full client was not built \
                      into this program. <code>make build</code> does that, with Node 20.</p>";

/// Routes the page and its files.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/plain", get(|| file("text/html; charset=utf-8", PAGE)))
        .route(
            "/page/style.css",
            get(|| file("text/css; charset=utf-8", include_str!("style.css"))),
        )
        .route(
            "/page/app.js",
            get(|| file("text/javascript; charset=utf-8", include_str!("app.js"))),
        )
        .route(
            "/page/api.js",
            get(|| file("text/javascript; charset=utf-8", include_str!("api.js"))),
        )
        .route(
            "/page/pad.js",
            get(|| file("text/javascript; charset=utf-8", include_str!("pad.js"))),
        )
        .route(
            "/page/results.js",
            get(|| file("text/javascript; charset=utf-8", include_str!("results.js"))),
        )
}

/// Serves the page at `/` if it replaces the client, with a notice.
pub(crate) async fn without_client() -> impl IntoResponse {
    file("text/html; charset=utf-8", PAGE.replacen(PLACE, NOTICE, 1)).await
}

async fn file(content_type: &'static str, content: impl IntoResponse) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        // The page changes with the program's version. Revalidation is cheap.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (headers, content)
}
