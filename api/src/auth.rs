//! Keys: who may call what.
//!
//! A key comes as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. Pictures also take it as `?key=KEY`, because an
//! `<img>` cannot send headers.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use clippy_core::settings::Secret;
use clippy_core::{Error, ErrorCode};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::state::AppState;

type Fingerprint = [u8; 32];

/// Who calls, as far as keys tell. Every caller has a name, by which jobs know who asked for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Runs the server: sees everything.
    Admin(String),
    /// Has a key of `API_KEYS`, and sees what was asked for with it.
    Key(String),
    /// Has none, on a server that needs none, and sees what others without one asked for.
    Anyone,
}

impl Caller {
    /// The name: made of the key, and telling nothing of it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Admin(name) | Self::Key(name) => name,
            Self::Anyone => "anyone",
        }
    }

    /// The owner whose jobs this caller sees; `None` means everybody's.
    pub(crate) fn sees(&self) -> Option<&str> {
        match self {
            Self::Admin(_) => None,
            Self::Key(_) | Self::Anyone => Some(self.name()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Error::internal("a route that needs a caller has no layer that finds one").into())
    }
}

/// The keys of a server, as fingerprints only.
pub(crate) struct KeyRing {
    api: Vec<Fingerprint>,
    admin: Vec<Fingerprint>,
}

impl KeyRing {
    pub(crate) fn new(api: &[Secret], admin: &[Secret]) -> Self {
        let fingerprints = |keys: &[Secret]| keys.iter().map(|key| fingerprint(key.expose())).collect();
        Self { api: fingerprints(api), admin: fingerprints(admin) }
    }

    /// Whether calls need a key.
    pub(crate) fn is_closed(&self) -> bool {
        !self.api.is_empty()
    }

    /// An admin key opens everything an API key does.
    fn opens_api(&self, key: &str) -> bool {
        let key = fingerprint(key);
        matches_any(&self.api, &key) | matches_any(&self.admin, &key)
    }

    fn opens_admin(&self, key: &str) -> bool {
        matches_any(&self.admin, &fingerprint(key))
    }
}

/// Who runs the server, on its own machine and without a key.
const LOCAL: &str = "local";

/// The name of who has a key: the same for the same key, on every server, and of no use to get the key back.
fn name_of(key: &str) -> String {
    let digest = Sha256::new().chain_update(b"clippy owner ").chain_update(key.as_bytes()).finalize();
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("key-{hex}")
}

fn fingerprint(key: &str) -> Fingerprint {
    Sha256::digest(key.as_bytes()).into()
}

/// Looks at every byte of every key, whatever it finds, so that time tells nothing.
fn matches_any(keys: &[Fingerprint], given: &Fingerprint) -> bool {
    keys.iter().fold(false, |found, key| {
        let difference = key.iter().zip(given).fold(0_u8, |difference, (left, right)| difference | (left ^ right));
        found | (std::hint::black_box(difference) == 0)
    })
}

fn header_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}

/// Lets calls with a key through, and all calls when the server has no keys.
pub(crate) async fn require_key(state: State<AppState>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let caller = admit(&state, &request, header_key(request.headers()))?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// As [`require_key`], with `?key=` besides the headers.
pub(crate) async fn require_key_or_query(
    state: State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let in_query = request.uri().query().and_then(query_key);
    let caller = admit(&state, &request, header_key(request.headers()).or(in_query.as_deref()))?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Lets calls with an admin key through; without any admin keys, calls from this machine.
pub(crate) async fn require_admin(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let keys = state.keys();
    let name = match header_key(request.headers()) {
        Some(key) if keys.opens_api(key) => name_of(key),
        _ => LOCAL.to_owned(),
    };
    if keys.admin.is_empty() {
        if !is_local(&request) {
            return Err(Error::new(
                ErrorCode::Forbidden,
                "admin calls are taken from this machine only, because no ADMIN_KEYS are set",
            )
            .into());
        }
    } else {
        let key = header_key(request.headers()).ok_or_else(|| missing("an admin key (ADMIN_KEYS)"))?;
        if !keys.opens_admin(key) {
            // A good API key is known here, but not for this.
            let code = if keys.opens_api(key) { ErrorCode::Forbidden } else { ErrorCode::Unauthorized };
            return Err(Error::new(code, "this key is not one of ADMIN_KEYS").into());
        }
    }
    request.extensions_mut().insert(Caller::Admin(name));
    Ok(next.run(request).await)
}

fn admit(state: &AppState, request: &Request, key: Option<&str>) -> Result<Caller, Problem> {
    let keys = state.keys();
    let local_admin = keys.admin.is_empty() && is_local(request);
    match key {
        Some(key) if keys.opens_admin(key) || (local_admin && keys.opens_api(key)) => {
            return Ok(Caller::Admin(name_of(key)));
        }
        Some(key) if keys.opens_api(key) => return Ok(Caller::Key(name_of(key))),
        _ if !keys.is_closed() && local_admin => return Ok(Caller::Admin(LOCAL.to_owned())),
        _ if !keys.is_closed() => return Ok(Caller::Anyone),
        None => return Err(missing("a key (API_KEYS)")),
        Some(_) => {}
    }
    Err(wrong())
}

/// As [`require_key`], for servers that have no more than keys.
pub(crate) fn require_key_of(keys: &KeyRing, headers: &HeaderMap) -> Result<(), Problem> {
    match header_key(headers) {
        _ if !keys.is_closed() => Ok(()),
        Some(key) if keys.opens_api(key) => Ok(()),
        None => Err(missing("a key (API_KEYS)")),
        Some(_) => Err(wrong()),
    }
}

fn wrong() -> Problem {
    Error::new(ErrorCode::Unauthorized, "this key is not one of the server's API_KEYS").into()
}

fn missing(what: &str) -> Problem {
    Error::new(
        ErrorCode::Unauthorized,
        format!("this call needs {what}: send it as \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\""),
    )
    .into()
}

/// A proxy on this machine makes every caller look local, unless it says for whom it calls; and so does a page from
/// elsewhere whose name was pointed at this machine (DNS rebinding), but for the name that it calls.
fn is_local(request: &Request) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"];
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let host = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    peer.is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback())
        && !forwarded.iter().any(|name| request.headers().contains_key(*name))
        && host.or_else(|| request.uri().host()).is_some_and(names_this_machine)
}

/// Whether a `Host` header, with or without a port, is a name of loopback.
fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The value of `key` in a query string, percent-decoded.
fn query_key(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("key="))?;
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_keys_open() {
        let secret = |key: &str| Secret::new(key.to_owned());
        let keys = KeyRing::new(&[secret("one"), secret("two")], &[secret("root")]);
        for key in ["one", "two", "root"] {
            assert!(keys.opens_api(key), "{key}");
        }
        for key in ["", "on", "one ", "One", "three"] {
            assert!(!keys.opens_api(key), "{key}");
        }
        assert!(keys.opens_admin("root") && !keys.opens_admin("one"));
    }

    #[test]
    fn only_names_of_loopback_are_this_machine() {
        for host in
            ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.3.2.1", "[::1]:8000", "app.localhost", "localhost."]
        {
            assert!(names_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8000",
            "192.168.0.1",
            "[::2]",
            "::1:",
        ] {
            assert!(!names_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_key_is_read_from_headers_and_queries() {
        let mut headers = HeaderMap::new();
        assert_eq!(header_key(&headers), None);
        headers.insert("x-api-key", "plain".parse().expect("a header"));
        assert_eq!(header_key(&headers), Some("plain"));
        headers.insert(header::AUTHORIZATION, "bearer token".parse().expect("a header"));
        assert_eq!(header_key(&headers), Some("token"));
        assert_eq!(query_key("w=256&key=a%2Bb").as_deref(), Some("a+b"));
        assert_eq!(query_key("monkey=1"), None);
        assert_eq!(query_key("key=%2"), None);
    }
}
