//! Decides which foreign web pages may call the API (CORS).

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use clippy_core::{Error, Result};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Makes the layer for `ALLOWED_ORIGINS`: none, a list, or `*`.
pub(crate) fn cors_layer(origins: &[String]) -> Result<CorsLayer> {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .map(|origin| header_of(origin))
                .collect::<Result<Vec<_>>>()?,
        )
    };
    Ok(CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("x-api-key"),
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(Duration::from_secs(600)))
}

fn header_of(origin: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(&origin_text(origin)?).map_err(|_| wrong(origin))
}

fn wrong(origin: &str) -> Error {
    Error::invalid(format!(
        "ALLOWED_ORIGINS contains \"{origin}\", which is not an origin: write scheme and host, \
         such as https://example.org, or *"
    ))
}

/// Reads an entry of `ALLOWED_ORIGINS` in the form that browsers send: `scheme://host[:port]`. Any
/// other form would never match, so it is refused.
pub(crate) fn origin_text(origin: &str) -> Result<String> {
    let trimmed = origin.trim_end_matches('/');
    let (scheme, host) = trimmed.split_once("://").ok_or_else(|| wrong(origin))?;
    if scheme.is_empty() || host.is_empty() || host.contains(['/', ' ', '*', '?', '#', '@']) {
        return Err(wrong(origin));
    }
    Ok(trimmed.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        assert_eq!(
            header_of("https://Example.org/").expect("with a slash"),
            "https://example.org"
        );
        for wrong in [
            "example.org",
            "https://",
            "https://a/b",
            "https://*.example.org",
            "",
        ] {
            assert!(header_of(wrong).is_err(), "{wrong}");
        }
    }
}
