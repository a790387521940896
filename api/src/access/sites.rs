//! Which host names a server answers to, and which web pages may call it.
//!
//! A server without keys trusts everyone who can reach it. A foreign web page could abuse that
//! through the owner's browser. Such calls are recognised by `Origin` and `Sec-Fetch-Site`, which
//! pages cannot set, and by `Host`: a foreign name that resolves to this machine (DNS rebinding) is
//! not one of the server's names. With keys none of this matters, since a browser does not add a
//! key by itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use axum::extract::{ConnectInfo, Request};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use clippy_common::shorten;
use clippy_core::{Error, ErrorCode, Result};

use crate::cors::origin_text;
use crate::options::ApiOptions;
use crate::problem::Problem;

/// Checks the entries of `ALLOWED_ORIGINS` and `ALLOWED_HOSTS`.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] that names `ALLOWED_ORIGINS` or `ALLOWED_HOSTS` and the entry.
pub fn check_sites(options: &ApiOptions) -> Result<()> {
    Sites::new(options).map(drop)
}

/// Where a call comes from, judged by the headers that browsers set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From a page of this server, or not from a page.
    Own,
    /// From a page that `ALLOWED_ORIGINS` names.
    Listed,
    /// From any other page.
    Foreign,
}

/// The names and origins of a server.
#[derive(Debug)]
pub(crate) struct Sites {
    hosts: Vec<String>,
    origins: Vec<String>,
    any_origin: bool,
    bound: OnceLock<SocketAddr>,
}

impl Sites {
    /// # Errors
    /// [`ErrorCode::InvalidInput`] that names `ALLOWED_HOSTS` or `ALLOWED_ORIGINS` when an entry
    /// is not a host or an origin.
    pub(crate) fn new(options: &ApiOptions) -> Result<Self> {
        let hosts = options
            .allowed_hosts
            .iter()
            .map(|host| allowed_host(host))
            .collect::<Result<_>>()?;
        let listed = options
            .allowed_origins
            .iter()
            .filter(|origin| *origin != "*");
        let origins = listed
            .map(|origin| origin_text(origin))
            .collect::<Result<_>>()?;
        let any_origin = options.allowed_origins.iter().any(|origin| origin == "*");
        Ok(Self {
            hosts,
            origins,
            any_origin,
            bound: OnceLock::new(),
        })
    }

    /// Adds the address that the server listens at to its names.
    pub(crate) fn bound_to(&self, address: SocketAddr) {
        let _ = self.bound.set(address);
    }

    /// Whether every web page may read the collection.
    pub(crate) fn any_page_may_read(&self) -> bool {
        self.any_origin
    }

    /// Determines where a call comes from.
    pub(crate) fn origin_of(&self, headers: &HeaderMap) -> Origin {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let fetch_site = text("sec-fetch-site");
        let Some(origin) = text("origin") else {
            return match fetch_site {
                None | Some("same-origin" | "none") => Origin::Own,
                Some(_) => Origin::Foreign,
            };
        };
        let origin = origin.to_ascii_lowercase();
        if hosts_of(headers).any(|host| is_origin_of(&origin, host)) {
            Origin::Own
        } else if !self.origins.contains(&origin) {
            Origin::Foreign
        } else if fetch_site == Some("same-origin") {
            // A development server forwards calls to this one: for the browser both are one site.
            Origin::Own
        } else {
            Origin::Listed
        }
    }

    /// Whether this is one of the server's names.
    pub(crate) fn knows(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else {
            return false;
        };
        if is_loopback_name(&name) || self.hosts.contains(&name) {
            return true;
        }
        let Ok(address) = name.parse::<IpAddr>() else {
            return false;
        };
        // DNS cannot redirect a literal address. A server that listens at every address accepts
        // any of them.
        self.bound.get().is_some_and(|bound| {
            bound.ip().is_unspecified() || bound.ip().to_canonical() == address.to_canonical()
        })
    }
}

/// Returns the refusal of a call from a foreign web page.
pub(crate) fn refuse_foreign(headers: &HeaderMap) -> Problem {
    let from = headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .unwrap_or("another site");
    let shown = shorten(from, 80);
    Error::new(
        ErrorCode::Forbidden,
        format!(
            "a page of {shown} sent this call, and without keys this server accepts calls from its \
             own pages only: add the origin to ALLOWED_ORIGINS, or set API_KEYS and ADMIN_KEYS"
        ),
    )
    .into()
}

/// Whether a call comes from this machine. Behind a local proxy every call does, unless the proxy
/// adds a header about its client.
pub(crate) fn is_local(request: &Request) -> bool {
    const PASSED_ON: [&str; 6] = [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let in_address = request.uri().authority().map(Authority::as_str);
    let mut names = hosts_of(request.headers()).chain(in_address).peekable();
    peer.is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback())
        && !PASSED_ON
            .iter()
            .any(|name| request.headers().contains_key(*name))
        && names.peek().is_some()
        && names.all(|host| name_of(host).is_some_and(|name| is_loopback_name(&name)))
}

/// Returns all `Host` headers, with an empty text for one that is not ASCII.
pub(crate) fn hosts_of(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::HOST)
        .iter()
        .map(|host| host.to_str().unwrap_or_default())
}

/// Returns the name in a `Host` header: in lower case, without port, brackets and trailing dot.
fn name_of(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let name = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

fn is_loopback_name(name: &str) -> bool {
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Whether an `Origin` belongs to the server that was called as `host`. It may be HTTP or HTTPS: a
/// proxy in front may add TLS.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    [("http://", ":80"), ("https://", ":443")]
        .iter()
        .any(|(scheme, port)| {
            let Some(authority) = origin.strip_prefix(scheme) else {
                return false;
            };
            authority.strip_suffix(port).unwrap_or(authority)
                == host.strip_suffix(port).unwrap_or(&host)
        })
}

/// Reads an entry of `ALLOWED_HOSTS`: a name or an address. A port is ignored.
fn allowed_host(entry: &str) -> Result<String> {
    let bare: Option<IpAddr> = entry.parse().ok();
    let name = bare
        .map(|address| address.to_string())
        .or_else(|| name_of(entry));
    name.filter(|name| !name.contains('*')).ok_or_else(|| {
        Error::invalid(format!(
            "ALLOWED_HOSTS contains \"{entry}\", which is not a host: write names such as \
             clippy.example.org, without a scheme"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(hosts: &[&str], origins: &[&str]) -> Sites {
        let texts = |given: &[&str]| given.iter().map(|text| (*text).to_owned()).collect();
        let options = ApiOptions {
            allowed_hosts: texts(hosts),
            allowed_origins: texts(origins),
            ..ApiOptions::default()
        };
        Sites::new(&options).expect("good")
    }

    #[test]
    fn a_server_without_keys_knows_only_its_own_names() {
        let sites = sites(&["Draw.Example:443", "10.0.0.9"], &[]);
        let good = [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:8000",
            "127.3.2.1",
            "[::1]:8000",
            "app.localhost",
        ];
        for host in good.into_iter().chain([
            "localhost.",
            "draw.example",
            "draw.example:8080",
            "10.0.0.9:8000",
        ]) {
            assert!(sites.knows(host), "{host}");
        }
        let bad = [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8000",
            "::1:",
            "a@localhost",
        ];
        for host in bad
            .into_iter()
            .chain(["192.168.0.1", "[::2]", "sub.draw.example", "10.0.0.90"])
        {
            assert!(!sites.knows(host), "{host}");
        }
        sites.bound_to("192.168.0.1:8000".parse().expect("an address"));
        assert!(sites.knows("192.168.0.1:8000") && !sites.knows("192.168.0.2"));
        let everywhere = super::tests::sites(&[], &[]);
        everywhere.bound_to("[::]:8000".parse().expect("an address"));
        assert!(everywhere.knows("192.168.0.2:8000") && !everywhere.knows("evil.example"));
        for entry in ["https://a.example", "*", "*.example", "a b", ""] {
            assert!(allowed_host(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_page_is_recognised_by_headers_that_it_cannot_set() {
        let sites = sites(&[], &["http://localhost:5173", "*"]);
        let from = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", "localhost:8000".parse().expect("a header"));
            for (name, value) in pairs {
                headers.insert(*name, value.parse().expect("a header"));
            }
            sites.origin_of(&headers)
        };
        for (pairs, expected) in [
            (&[][..], Origin::Own),
            (&[("sec-fetch-site", "same-origin")], Origin::Own),
            (&[("sec-fetch-site", "none")], Origin::Own),
            (&[("sec-fetch-site", "cross-site")], Origin::Foreign),
            (&[("sec-fetch-site", "same-site")], Origin::Foreign),
            (
                &[
                    ("origin", "http://localhost:8000"),
                    ("sec-fetch-site", "same-origin"),
                ],
                Origin::Own,
            ),
            (&[("origin", "https://LOCALHOST:8000")], Origin::Own),
            (
                &[
                    ("origin", "http://localhost:5173"),
                    ("sec-fetch-site", "same-site"),
                ],
                Origin::Listed,
            ),
            (
                &[
                    ("origin", "http://localhost:5173"),
                    ("sec-fetch-site", "same-origin"),
                ],
                Origin::Own,
            ),
            (
                &[
                    ("origin", "http://localhost:5174"),
                    ("sec-fetch-site", "same-origin"),
                ],
                Origin::Foreign,
            ),
            (&[("origin", "http://evil.example")], Origin::Foreign),
            (&[("origin", "null")], Origin::Foreign),
        ] {
            assert_eq!(from(pairs), expected, "{pairs:?}");
        }
        assert!(is_origin_of("https://draw.example", "draw.example:443"));
        assert!(is_origin_of("http://draw.example:80", "draw.example"));
        assert!(!is_origin_of("http://draw.example:8080", "draw.example"));
    }
}
