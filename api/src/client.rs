//! Serves the artist's client at `/`: the files that Vite built from `web/`, embedded in the
//! program.
//!
//! A program that was compiled without them serves the plain page (`page`) instead, with a notice.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::page;
use crate::routes::image::matches;
use crate::routes::no_route;
use crate::state::AppState;

/// Everything must come from this server, and no other page may frame this one. Inline styles are
/// allowed, since the client's components position themselves with them; inline scripts are not.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; base-uri \
                      'none'; form-action 'none'; frame-ancestors 'none'";
/// The cache rule for files whose names contain a hash of their content.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// The cache rule for files that change with the program's version. Revalidation is cheap.
const ASK_AGAIN: &str = "no-cache";

/// Vite's output, with a gzipped copy of each text file. Empty when the client was not built.
#[derive(RustEmbed)]
#[folder = "../web/dist/client"]
#[allow_missing = true]
struct ClientFiles;

/// Routes the client to `/`, or the plain page if there is no client. The plain page is always at
/// `/plain`. All URLs in them are relative, since the server may be under a sub-path.
pub(crate) fn routes() -> Router<AppState> {
    let router = page::routes();
    if ClientFiles::get("index.html").is_none() {
        return router.route("/", get(page::without_client));
    }
    router
        .route(
            "/",
            get(|headers: HeaderMap| async move { answer("index.html", &headers) }),
        )
        .route(
            "/clippy.svg",
            get(|headers: HeaderMap| async move { answer("clippy.svg", &headers) }),
        )
        .route(
            "/assets/{file}",
            get(|Path(file): Path<String>, headers: HeaderMap| async move {
                answer(&format!("assets/{file}"), &headers)
            }),
        )
}

fn answer(name: &str, asked: &HeaderMap) -> Response {
    let Some(media_type) = media_type(name) else {
        return missing(name);
    };
    let Some(plain) = ClientFiles::get(name) else {
        return missing(name);
    };
    let gzipped = if takes_gzip(asked) {
        ClientFiles::get(&format!("{name}.gz"))
    } else {
        None
    };
    let cache = if name.starts_with("assets/") {
        FOREVER
    } else {
        ASK_AGAIN
    };
    let always = [
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    ];
    let etag = etag(&plain, gzipped.is_some());
    if let Some(etag) = &etag
        && asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|given| matches(given, etag))
    {
        return (
            StatusCode::NOT_MODIFIED,
            always,
            [(header::ETAG, etag.clone())],
        )
            .into_response();
    }
    let encoding = gzipped
        .is_some()
        .then(|| [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
    let content = gzipped.unwrap_or(plain).data;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
    let mut response = (always, kind, content).into_response();
    response
        .headers_mut()
        .extend(encoding.into_iter().flatten());
    response
        .headers_mut()
        .extend(etag.map(|etag| (header::ETAG, etag)));
    response
}

/// Returns the tag of a file. Its plain and gzipped forms differ in bytes, so their tags differ.
fn etag(file: &EmbeddedFile, gzipped: bool) -> Option<HeaderValue> {
    let hash = hex::encode(&file.metadata.sha256_hash()[..16]);
    let form = if gzipped { "-gzip" } else { "" };
    HeaderValue::from_str(&format!("\"{hash}{form}\"")).ok()
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|given| given.to_str().ok())
        .any(|given| {
            given.split(',').any(|coding| {
                let mut parts = coding.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default();
                let refused = parts.any(|part| {
                    matches!(
                        part.replace(' ', "").as_str(),
                        "q=0" | "q=0.0" | "q=0.00" | "q=0.000"
                    )
                });
                name.eq_ignore_ascii_case("gzip") && !refused
            })
        })
}

/// Returns the media type for a file's name; `None` for files that are not part of a client.
fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "webp" => "image/webp",
        _ => return None,
    })
}

fn missing(name: &str) -> Response {
    no_route(&Method::GET, &format!("/{name}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_callers_that_accept_it() {
        let asked = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            headers
        };
        for value in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.8"] {
            assert!(takes_gzip(&asked(value)), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip; q=0.0, br", "identity"] {
            assert!(!takes_gzip(&asked(value)), "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
