//! The built-in page: a few files without a build step and without anything from elsewhere.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::state::AppState;

/// Only what this server sends may run or be shown, and nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page at `/` and its files.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(|| file("text/html; charset=utf-8", include_str!("index.html"))))
        .route("/page/style.css", get(|| file("text/css; charset=utf-8", include_str!("style.css"))))
        .route("/page/app.js", get(|| file("text/javascript; charset=utf-8", include_str!("app.js"))))
        .route("/page/api.js", get(|| file("text/javascript; charset=utf-8", include_str!("api.js"))))
        .route("/page/pad.js", get(|| file("text/javascript; charset=utf-8", include_str!("pad.js"))))
        .route("/page/results.js", get(|| file("text/javascript; charset=utf-8", include_str!("results.js"))))
}

async fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // A new version of the program brings a new page; asking again costs nothing on loopback.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    (headers, content)
}
