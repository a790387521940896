//! Recognises URLs of this server's own pictures in the bodies of requests. They are converted to
//! the picture's id, and not fetched.

use axum::http::{HeaderMap, header};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use clippy_generate::ReferenceInput;

/// The host names by which a caller addresses this server.
pub(crate) struct OwnAddress {
    hosts: Vec<String>,
}

impl OwnAddress {
    /// Reads the `Host` headers of a call.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let hosts = headers
            .get_all(header::HOST)
            .iter()
            .filter_map(|host| host.to_str().ok());
        Self {
            hosts: hosts.map(str::to_ascii_lowercase).collect(),
        }
    }

    /// Returns the picture of a URL that ends in `/image/{id}`: with any query, under any sub-path,
    /// and with this server's host or none. `None` for every other URL.
    pub(crate) fn picture(&self, url: &str) -> Option<Result<PointId>> {
        let (authority, id) = split(url)?;
        match authority {
            Some((scheme, authority)) if !self.is_own(scheme, authority) => None,
            _ => Some(id.parse()),
        }
    }

    /// Whether a URL ends in `/image/{id}` with this id, whatever its host: behind a proxy, the
    /// host that a caller uses may be unknown.
    pub(crate) fn is_same_picture(&self, url: &str, id: PointId) -> bool {
        split(url).and_then(|(_, named)| named.parse().ok()) == Some(id)
    }

    fn is_own(&self, scheme: &str, authority: &str) -> bool {
        let port = if scheme == "https" { ":443" } else { ":80" };
        let bare = |host: &str| host.strip_suffix(port).unwrap_or(host).to_owned();
        let called = bare(&authority.to_ascii_lowercase());
        self.hosts.iter().any(|host| {
            let host = bare(host);
            host == called
                || loopback_port(&host).is_some_and(|port| loopback_port(&called) == Some(port))
        })
    }

    /// Replaces a URL of an own picture by its id.
    ///
    /// # Errors [`clippy_core::ErrorCode::InvalidInput`] if the URL and the id are of different
    /// pictures. The message names the reference.
    pub(crate) fn resolve(&self, name: &str, mut input: ReferenceInput) -> Result<ReferenceInput> {
        for field in [&mut input.url, &mut input.image_url] {
            let Some(url) = field.as_deref() else {
                continue;
            };
            let meant = match (self.picture(url), input.id) {
                (Some(meant), _) => meant.map_err(|error| {
                    Error::new(error.code, format!("{name}: {}", error.message))
                })?,
                (None, Some(id)) if self.is_same_picture(url, id) => id,
                _ => continue,
            };
            if let Some(id) = input.id.filter(|id| *id != meant) {
                return Err(Error::invalid(format!(
                    "{name} has two pictures, {id} by its id and {meant} by its URL"
                )));
            }
            (input.id, *field) = (Some(meant), None);
        }
        Ok(input)
    }
}

/// Returns the scheme and authority, if there are any, and the part after `…/image/`.
fn split(url: &str) -> Option<(Option<(&str, &str)>, &str)> {
    let (authority, path) = match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => {
            let (authority, path) = rest.split_at(rest.find('/')?);
            (Some((scheme, authority)), path)
        }
        Some(_) => return None,
        None if url.starts_with('/') && !url.starts_with("//") => (None, url),
        None => return None,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (before, id) = path.rsplit_once('/')?;
    before.ends_with("/image").then_some((authority, id))
}

/// Returns the port of a loopback host; `None` for other hosts.
fn loopback_port(host: &str) -> Option<&str> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]").then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> OwnAddress {
        OwnAddress {
            hosts: vec!["localhost:8000".to_owned()],
        }
    }

    #[test]
    fn own_urls_are_recognised_in_all_forms() {
        for url in [
            "/image/17",
            "/api/image/17",
            "/clippy/api/image/17?w=256",
            "http://localhost:8000/image/17?v=abc#top",
            "http://127.0.0.1:8000/api/image/17",
            "https://LOCALHOST:8000/sub/image/17",
        ] {
            let found = own()
                .picture(url)
                .unwrap_or_else(|| panic!("{url}"))
                .expect("an id");
            assert_eq!(found, PointId::Number(17), "{url}");
        }
        for url in [
            "https://example.org/image/17",
            "http://localhost:8001/image/17",
            "http://localhost.evil.example:8000/image/17",
            "//localhost:8000/image/17",
            "data:image/png;base64,AAAA/image/17",
            "/images/17",
            "/api/jobs/1/images/0",
            "17",
        ] {
            assert!(own().picture(url).is_none(), "{url}");
        }
        assert!(own().picture("/image/apple").is_some_and(|id| id.is_err()));
    }

    #[test]
    fn an_id_and_a_url_of_the_same_picture_may_be_sent_together() {
        let both = |id: u64, url: &str| {
            let input = ReferenceInput {
                id: Some(PointId::Number(id)),
                image_url: Some(url.to_owned()),
                ..ReferenceInput::default()
            };
            own().resolve("refs[0]", input)
        };
        for url in [
            "/image/17",
            "http://localhost:8000/api/image/17?w=9",
            "https://behind.a.proxy/clippy/image/17?v=1",
        ] {
            let settled = both(17, url).expect(url);
            assert_eq!(
                (settled.id, settled.image_url),
                (Some(PointId::Number(17)), None),
                "{url}"
            );
        }
        let two = both(3, "/image/17").expect_err("two pictures");
        assert!(two.message.contains("refs[0] has two pictures"), "{two}");
        let other =
            both(3, "https://example.org/a.png").expect("for the provider's check to refuse");
        assert!(other.image_url.is_some());
    }
}
