//! Decides who may call which route: by keys or, if none are set, by the machine that calls.
//!
//! A key is sent as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. An `<img>` and an
//! `EventSource` cannot send headers, so pictures and streams also accept a ticket, and for older
//! clients an API key as `?key=KEY`.
//!
//! If any key is set, every route needs one, except pages, documents and probes.

use std::time::SystemTime;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use clippy_common::shorten;
use clippy_core::{Error, ErrorCode};

use crate::access::sites::{Origin, hosts_of, is_local, refuse_foreign};
use crate::access::{Caller, Key, KeyRing, tickets};
use crate::problem::Problem;
use crate::state::AppState;

/// The purpose of a group of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Showing a picture, which any web page may do.
    Picture,
    /// Reading the collection. `ALLOWED_ORIGINS=*` allows it for every web page.
    Read,
    /// Everything else: changing or spending something, or reading a caller's own data.
    Act,
}

/// Admits calls with a key. On a server without keys, it refuses calls from foreign web pages.
pub(crate) async fn require_key(
    state: State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = admit(
        &state,
        &request,
        Purpose::Act,
        header_key(request.headers()).map(Credentials::Key),
    )?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Like [`require_key`], for routes that only read the collection.
pub(crate) async fn require_key_to_read(
    state: State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = admit(
        &state,
        &request,
        Purpose::Read,
        header_key(request.headers()).map(Credentials::Key),
    )?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Like [`require_key`], for streams: also takes `?ticket=` and `?key=`.
pub(crate) async fn require_key_or_ticket(
    state: State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    with_query(&state, request, next, Purpose::Act).await
}

/// Like [`require_key_or_ticket`], for pictures: without keys, foreign pages may show them.
pub(crate) async fn require_key_or_ticket_for_picture(
    state: State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    with_query(&state, request, next, Purpose::Picture).await
}

async fn with_query(
    state: &AppState,
    mut request: Request,
    next: Next,
    purpose: Purpose,
) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let (ticket, key) = (query_value(query, "ticket"), query_value(query, "key"));
    let given = header_key(request.headers())
        .map(Credentials::Key)
        .or(ticket.as_deref().map(Credentials::Ticket))
        .or(key.as_deref().map(Credentials::KeyInAddress));
    let caller = admit(state, &request, purpose, given)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Admits calls with an admin key; on a server without any keys, calls from this machine.
pub(crate) async fn require_admin(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let keys = state.keys();
    let caller = if keys.is_closed() {
        match (
            header_key(request.headers()).map(|key| keys.find(key)),
            keys.has_admin(),
        ) {
            (Some(Some(key)), _) if key.admin => caller_of(key),
            (Some(None), _) => return Err(unauthorized("this key is not one of ADMIN_KEYS")),
            (_, false) => {
                return Err(forbidden(
                    "this server has API_KEYS but no ADMIN_KEYS, so it has no admin: set \
                     ADMIN_KEYS and restart it",
                ));
            }
            // A valid API key, but not an admin key.
            (Some(Some(_)), true) => return Err(forbidden("this key is not one of ADMIN_KEYS")),
            (None, true) => return Err(missing("an admin key (ADMIN_KEYS)")),
        }
    } else {
        if state.sites().origin_of(request.headers()) != Origin::Own {
            return Err(refuse_foreign(request.headers()));
        }
        if !is_local(&request) {
            return Err(forbidden(
                "without keys, admin calls are accepted from this machine only: set ADMIN_KEYS to \
                 call from elsewhere",
            ));
        }
        Caller::local_admin()
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// On a server without keys, refuses calls whose host is not one of this server's names.
pub(crate) async fn check_host(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !state.keys().is_closed() {
        let in_address = request.uri().authority().map(Authority::as_str);
        let mut names = hosts_of(request.headers()).chain(in_address).peekable();
        if names.peek().is_none() {
            return Err(Problem::misdirected(
                "the call has no Host header, which is required by a server without keys",
            ));
        }
        if let Some(unknown) = names.find(|name| !state.sites().knows(name)) {
            let printable: String = unknown.chars().filter(|one| !one.is_control()).collect();
            let shown = shorten(&printable, 80);
            return Err(Problem::misdirected(format!(
                "\"{shown}\" is not a name of this server, which without keys answers only to \
                 localhost and its own address. Call it by one of these, add the name to \
                 ALLOWED_HOSTS, or set API_KEYS and ADMIN_KEYS"
            )));
        }
    }
    Ok(next.run(request).await)
}

/// The credentials of a call.
#[derive(Clone, Copy)]
enum Credentials<'a> {
    Key(&'a str),
    KeyInAddress(&'a str),
    Ticket(&'a str),
}

fn admit(
    state: &AppState,
    request: &Request,
    purpose: Purpose,
    given: Option<Credentials<'_>>,
) -> Result<Caller, Problem> {
    let keys = state.keys();
    if !keys.is_closed() {
        let origin = state.sites().origin_of(request.headers());
        let may = match purpose {
            Purpose::Picture => true,
            Purpose::Read => origin != Origin::Foreign || state.sites().any_page_may_read(),
            Purpose::Act => origin != Origin::Foreign,
        };
        if !may {
            return Err(refuse_foreign(request.headers()));
        }
        let owner = origin == Origin::Own && is_local(request);
        return Ok(if owner {
            Caller::local_admin()
        } else {
            Caller::Anyone
        });
    }
    let key = match given.ok_or_else(|| missing("a key (API_KEYS)"))? {
        Credentials::Key(key) => keys.find(key).ok_or_else(wrong)?,
        Credentials::Ticket(ticket) => tickets::check(keys, ticket, SystemTime::now())?,
        Credentials::KeyInAddress(key) => match keys.find(key).ok_or_else(wrong)? {
            key if key.admin => {
                return Err(unauthorized(
                    "an admin key is not accepted in a URL, which is stored in logs and histories: \
                     send it as a header, or request a ticket with POST /api/tickets",
                ));
            }
            key => key,
        },
    };
    Ok(caller_of(key))
}

fn caller_of(key: &Key) -> Caller {
    if key.admin {
        Caller::Admin(key.name.clone())
    } else {
        Caller::Key(key.name.clone())
    }
}

/// Like [`require_key`], for the embedding server, which only checks keys.
pub(crate) fn require_key_of(keys: &KeyRing, headers: &HeaderMap) -> Result<(), Problem> {
    match header_key(headers) {
        _ if !keys.is_closed() => Ok(()),
        Some(key) if keys.find(key).is_some() => Ok(()),
        None => Err(missing("a key (API_KEYS)")),
        Some(_) => Err(wrong()),
    }
}

fn header_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}

fn wrong() -> Problem {
    unauthorized("this key is not one of the server's API_KEYS")
}

fn unauthorized(detail: &str) -> Problem {
    Error::new(ErrorCode::Unauthorized, detail).into()
}

fn forbidden(detail: &str) -> Problem {
    Error::new(ErrorCode::Forbidden, detail).into()
}

fn missing(what: &str) -> Problem {
    unauthorized(&format!(
        "this call needs {what}: send it as \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\""
    ))
}

/// Returns the first value with this name in a query string, decoded.
fn query_value(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_headers_and_queries() {
        let mut headers = HeaderMap::new();
        assert_eq!(header_key(&headers), None);
        headers.insert("x-api-key", "plain".parse().expect("a header"));
        assert_eq!(header_key(&headers), Some("plain"));
        headers.insert(
            header::AUTHORIZATION,
            "bearer token".parse().expect("a header"),
        );
        assert_eq!(header_key(&headers), Some("token"));
        assert_eq!(
            query_value("w=256&key=a%2Bb", "key").as_deref(),
            Some("a+b")
        );
        assert_eq!(
            query_value("w=256&ticket=t1.a.b", "ticket").as_deref(),
            Some("t1.a.b")
        );
        assert_eq!(query_value("monkey=1", "key"), None);
        // Such a key is refused later, like any unknown key.
        assert_eq!(query_value("key=%2", "key").as_deref(), Some("%2"));
    }
}
