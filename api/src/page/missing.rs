//! The answer to a path without a route: a page for people, a problem for programs.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use clippy_common::shorten;

use crate::routes::no_route;
use crate::state::AppState;

const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors \
                      'none'";

/// Answers a request without a route.
pub(crate) async fn not_found(
    State(state): State<AppState>,
    method: Method,
    uri: Uri,
    asked: HeaderMap,
) -> Response {
    if !is_page(&method, uri.path(), &asked) {
        return no_route(&method, uri.path()).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let page = page(uri.path(), &state.options().base_path);
    (StatusCode::NOT_FOUND, headers, page).into_response()
}

/// Whether a browser asked for a page: it names HTML among the types that it accepts.
fn is_page(method: &Method, path: &str, asked: &HeaderMap) -> bool {
    let mut types = asked
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|accepted| accepted.to_str().ok());
    matches!(*method, Method::GET | Method::HEAD)
        && path != "/api"
        && !path.starts_with("/api/")
        && types.any(|accepted| accepted.contains("text/html"))
}

fn page(path: &str, base: &str) -> String {
    let path = escaped(&shorten(path, 120));
    let base = escaped(base);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>Not found · Clippy</title>\n<h1>There is no page \
         here</h1>\n<p>Clippy has nothing at <code>{path}</code>.</p>\n<p><a \
         href=\"{base}/\">Go to \
         the studio</a>, or see <a href=\"{base}/docs/\">all routes of the API</a>.</p>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_browsers_that_ask_for_a_page_get_one() {
        let html = HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8");
        let browser = HeaderMap::from_iter([(header::ACCEPT, html)]);
        let program = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("*/*"))]);
        assert!(is_page(&Method::GET, "/gallery", &browser));
        for (method, path, asked) in [
            (Method::GET, "/gallery", &program),
            (Method::GET, "/gallery", &HeaderMap::new()),
            (Method::POST, "/gallery", &browser),
            (Method::GET, "/api/gallery", &browser),
        ] {
            assert!(!is_page(&method, path, asked), "{method} {path}");
        }
    }

    #[test]
    fn the_page_shows_the_path_as_text_and_leads_to_the_studio() {
        let page = page("/<script>\"&", "/clippy");
        assert!(page.contains("&lt;script&gt;&quot;&amp;"), "{page}");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("href=\"/clippy/\""), "{page}");
    }
}
