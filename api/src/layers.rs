//! The layers that every request and answer passes through.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header, uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::any;
use clippy_core::{Error, ErrorCode};
use tower::ServiceBuilder;

use crate::problem::Problem;
use crate::routes::no_route;
use crate::state::AppState;

/// The longest path and query of a request, in bytes.
const LONGEST_ADDRESS: usize = 16 << 10;
/// How many bytes of an error's plain text are kept in the problem.
const LONGEST_WORDS: usize = 1 << 10;
/// The longest error in JSON, in bytes.
const LONGEST_REFUSAL: usize = 1 << 20;
/// The policy of pages that set none, such as the API's documentation: everything must come from
/// this server, and no other page may frame them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri \
                      'none'; form-action 'none'; frame-ancestors 'none'";

/// Ends requests that take too long, including the time for their body.
pub(crate) async fn limit_time(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let limit = match request.uri().path() {
        // This route has its own time limit for the job; the limit here adds time for the rest.
        "/api/generate_image" => {
            state.options().generation_timeout + state.options().request_timeout
        }
        _ => state.options().request_timeout,
    };
    tokio::time::timeout(limit, next.run(request))
        .await
        .map_err(|_| {
            Error::new(
                ErrorCode::Timeout,
                format!("the request took longer than {} s", limit.as_secs()),
            )
            .into()
        })
}

/// Refuses URLs that are longer than any of the API.
pub(crate) async fn limit_address(request: Request, next: Next) -> Result<Response, Problem> {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |address| address.as_str().len());
    if length > LONGEST_ADDRESS {
        let detail = "the URL of the request is too long: send long values in a body";
        return Err(Problem::unreadable_head(StatusCode::URI_TOO_LONG, detail));
    }
    Ok(next.run(request).await)
}

/// Converts every error to a problem. Extractors and handlers of libraries answer in plain text.
pub(crate) async fn errors_to_problems(
    State(state): State<AppState>,
    method: Method,
    uri: Uri,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let typed = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    // The only error in HTML is the page for a path without a route.
    if !(status.is_client_error() || status.is_server_error()) || typed.starts_with("text/html") {
        return response;
    }
    if typed.contains("json") {
        return without_folders(&state, response).await;
    }
    let plain = typed.starts_with("text/plain");
    let (parts, body) = response.into_parts();
    let words = to_bytes(body, LONGEST_WORDS).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let problem = match status {
        StatusCode::NOT_FOUND => no_route(&method, uri.path()),
        _ if plain && !words.trim().is_empty() => {
            Problem::from_rejection(status, words.trim().to_owned())
        }
        _ => Problem::from_rejection(
            status,
            status
                .canonical_reason()
                .unwrap_or("refused")
                .to_lowercase(),
        ),
    };
    let mut answer = problem.into_response();
    let headers = answer.headers_mut();
    for (name, value) in parts.headers {
        if let Some(name) =
            name.filter(|name| *name != header::CONTENT_LENGTH && !headers.contains_key(name))
        {
            headers.insert(name, value);
        }
    }
    answer
}

/// Hides this server's folders in a refusal. Other text, such as values of the caller, is kept.
async fn without_folders(state: &AppState, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // Refusals are much shorter than this limit.
    let Ok(bytes) = to_bytes(body, LONGEST_REFUSAL).await else {
        return Problem::from(Error::internal("a refusal is too long to be sent")).into_response();
    };
    let shown = match std::str::from_utf8(&bytes) {
        Ok(text) => state.hidden().name_folders(text),
        Err(_) => return Response::from_parts(parts, bytes.into()),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, shown.into())
}

/// Adds a policy to every page, and the sub-path to redirects.
pub(crate) async fn finish_response(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let page = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if page {
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(POLICY));
        headers
            .entry(header::X_FRAME_OPTIONS)
            .or_insert(HeaderValue::from_static("DENY"));
    }
    let base = &state.options().base_path;
    if !base.is_empty()
        && let Some(location) = headers
            .get(header::LOCATION)
            .and_then(|location| location.to_str().ok())
        && location.starts_with('/')
        && let Ok(inside) = HeaderValue::from_str(&format!("{base}{location}"))
    {
        headers.insert(header::LOCATION, inside);
    }
    response
}

/// Also serves all routes under the sub-path: some proxies forward it, others strip it.
pub(crate) fn serve_under(base: &str, router: Router) -> Router {
    if base.is_empty() {
        return router;
    }
    let (folder, prefix) = (format!("{base}/"), base.to_owned());
    let inner = ServiceBuilder::new()
        .map_request(move |request| without_base(request, &prefix))
        .service(router);
    // The page's relative URLs need the trailing slash.
    Router::new()
        .route(
            base,
            any(move || async move { Redirect::permanent(&folder) }),
        )
        .fallback_service(inner)
}

fn without_base(mut request: Request, base: &str) -> Request {
    let inside = request.uri().path_and_query().and_then(|address| {
        let rest = address.as_str().strip_prefix(base)?;
        rest.starts_with('/')
            .then(|| rest.parse::<uri::PathAndQuery>().ok())?
    });
    if let Some(inside) = inside {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(inside);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn only_the_whole_sub_path_is_removed() {
        for (address, expected) in [
            ("/clippy/api/jobs?a=1", "/api/jobs?a=1"),
            ("/clippy/", "/"),
            ("/clippy//x", "//x"),
            ("/api/jobs", "/api/jobs"),
            ("/clippyx/api", "/clippyx/api"),
        ] {
            let request = Request::builder()
                .uri(address)
                .body(Body::empty())
                .expect("an address");
            assert_eq!(without_base(request, "/clippy").uri().to_string(), expected);
        }
    }
}
