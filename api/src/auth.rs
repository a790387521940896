//! Decides who may call what: by keys, or where none are set, by the machine that calls.
//!
//! A key comes as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. An `<img>` and an `EventSource`
//! cannot send headers: pictures and streams also take a ticket, and for older clients an API key
//! as `?key=KEY`.
//!
//! As soon as any key is set, every route needs one, except pages, documents and probes.

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

/// What a group of routes is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Showing a picture. Any web page may.
    Picture,
    /// Reading the collection. `ALLOWED_ORIGINS=*` allows it to every web page.
    Look,
    /// Everything else: changing something, spending something, reading what belongs to a caller.
    Act,
}

/// Admits calls with a key; on a server without keys, calls that no foreign web page made.
pub(crate) async fn require_key(
    state: State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = admit(
        &state,
        &request,
        Purpose::Act,
        header_key(request.headers()).map(Given::Key),
    )?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Like [`require_key`], for routes that only read the collection.
pub(crate) async fn require_key_to_look(
    state: State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = admit(
        &state,
        &request,
        Purpose::Look,
        header_key(request.headers()).map(Given::Key),
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
        .map(Given::Key)
        .or(ticket.as_deref().map(Given::Ticket))
        .or(key.as_deref().map(Given::KeyInAddress));
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
                    "this server has API_KEYS and no ADMIN_KEYS, so that nobody is its admin: set \
                     ADMIN_KEYS and start it again",
                ));
            }
            // An API key is valid, but not for admin routes.
            (Some(Some(_)), true) => return Err(forbidden("this key is not one of ADMIN_KEYS")),
            (None, true) => return Err(missing("an admin key (ADMIN_KEYS)")),
        }
    } else {
        if state.sites().origin_of(request.headers()) != Origin::Own {
            return Err(refuse_foreign(request.headers()));
        }
        if !is_local(&request) {
            return Err(forbidden(
                "admin calls are taken from this machine only, because no keys are set: set \
                 ADMIN_KEYS to call from elsewhere",
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
                "the call names no host, and without keys this server must know which",
            ));
        }
        if let Some(unknown) = names.find(|name| !state.sites().knows(name)) {
            let printable: String = unknown.chars().filter(|one| !one.is_control()).collect();
            let shown = shorten(&printable, 80);
            return Err(Problem::misdirected(format!(
                "this server does not answer to \"{shown}\": without keys it answers to localhost \
                 and its own address. Call it by one of those, or add the name to ALLOWED_HOSTS, \
                 or set API_KEYS and ADMIN_KEYS"
            )));
        }
    }
    Ok(next.run(request).await)
}

/// The credentials of a call.
#[derive(Clone, Copy)]
enum Given<'a> {
    Key(&'a str),
    KeyInAddress(&'a str),
    Ticket(&'a str),
}

fn admit(
    state: &AppState,
    request: &Request,
    purpose: Purpose,
    given: Option<Given<'_>>,
) -> Result<Caller, Problem> {
    let keys = state.keys();
    if !keys.is_closed() {
        let origin = state.sites().origin_of(request.headers());
        let may = match purpose {
            Purpose::Picture => true,
            Purpose::Look => origin != Origin::Foreign || state.sites().any_may_look(),
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
        Given::Key(key) => keys.find(key).ok_or_else(wrong)?,
        Given::Ticket(ticket) => tickets::check(keys, ticket, SystemTime::now())?,
        Given::KeyInAddress(key) => match keys.find(key).ok_or_else(wrong)? {
            key if key.admin => {
                return Err(unauthorized(
                    "an admin key is not taken from an address, which logs and histories keep: \
                     send it as a header, or ask POST /api/tickets for a ticket",
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

/// Like [`require_key`], for the embedding server, which has keys and nothing else to check.
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

/// The first value of this name in a query string, decoded.
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
        // Such a key is refused like any other that is not set.
        assert_eq!(query_value("key=%2", "key").as_deref(), Some("%2"));
    }
}
