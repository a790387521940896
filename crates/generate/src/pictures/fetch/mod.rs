//! Fetches pictures from URLs that callers send. No other code does.
//!
//! Scheme and port must be on an allow-list. The host is resolved once, every address must be
//! public, and the connection is pinned to the checked addresses. The same applies after each of at
//! most three redirects. Size, time and pixels are limited. The format is determined from the
//! content, not from what the server claims.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::probe;
use futures::StreamExt;
use url::{Host, Url};

pub use clippy_http::refusal;

use crate::text::shorten;

/// Limits on what may be fetched.
#[derive(Debug, Clone)]
pub struct FetchPolicy {
    /// Allowed schemes with their ports: only `https` on 443, except in tests.
    pub allowed: Vec<(String, u16)>,
    /// The largest number of bytes in a body.
    pub bytes: usize,
    /// The largest number of pixels in a picture.
    pub pixels: u64,
    /// The time for everything: name resolution, redirects and the body.
    pub time: Duration,
    /// The largest number of redirects.
    pub redirects: usize,
    /// Addresses that are allowed although they are not public: only for loopback servers in
    /// tests.
    pub exempt: Vec<SocketAddr>,
}

impl Default for FetchPolicy {
    fn default() -> Self {
        Self {
            allowed: vec![("https".to_owned(), 443)],
            bytes: 24 << 20,
            pixels: 40_000_000,
            time: Duration::from_secs(20),
            redirects: 3,
            exempt: Vec::new(),
        }
    }
}

/// Resolves host names; a trait so that tests can supply addresses.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of a name.
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Fetches pictures, safely.
pub struct Fetcher {
    policy: FetchPolicy,
    resolver: Box<dyn Resolve>,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Fetcher")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new(FetchPolicy::default(), SystemResolver)
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

impl Fetcher {
    /// Fetches under this policy, with this resolver.
    pub fn new(policy: FetchPolicy, resolver: impl Resolve) -> Self {
        Self {
            policy,
            resolver: Box::new(resolver),
        }
    }

    /// Fetches the picture behind a URL.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] for a URL that is not allowed, [`ErrorCode::TooLarge`],
    /// [`ErrorCode::Timeout`], [`ErrorCode::InvalidPicture`] when it is not a picture,
    /// [`ErrorCode::Unavailable`] when the server fails.
    pub async fn fetch(&self, text: &str) -> Result<Bytes> {
        let work = self.follow(text);
        tokio::time::timeout(self.policy.time, work)
            .await
            .unwrap_or_else(|_| {
                let message = format!(
                    "{} took longer than {} s",
                    shorten(text),
                    self.policy.time.as_secs()
                );
                Err(Error::new(ErrorCode::Timeout, message))
            })
    }

    async fn follow(&self, text: &str) -> Result<Bytes> {
        let mut url = Url::parse(text)
            .map_err(|error| refused(format!("{} is not a URL: {error}", shorten(text))))?;
        for _ in 0..=self.policy.redirects {
            let (host, addresses) = self.resolve_public(&url).await?;
            let response = self.request(&url, &host, &addresses).await?;
            let status = response.status();
            if status.is_redirection() {
                let place = response
                    .headers()
                    .get("location")
                    .and_then(|value| value.to_str().ok());
                let place = place.ok_or_else(|| {
                    refused(format!(
                        "{} redirects without a location",
                        shorten(url.as_str())
                    ))
                })?;
                url = url
                    .join(place)
                    .map_err(|error| refused(format!("a redirect has an invalid URL: {error}")))?;
                continue;
            }
            if !status.is_success() {
                let code = if status.is_server_error() {
                    ErrorCode::Unavailable
                } else {
                    ErrorCode::InvalidInput
                };
                return Err(Error::new(
                    code,
                    format!("{} answered {status}", shorten(url.as_str())),
                ));
            }
            return self.read_picture(&url, response).await;
        }
        Err(refused(format!(
            "{} redirects more than {} times",
            shorten(text),
            self.policy.redirects
        )))
    }

    /// The host of a URL with its addresses, all of which are public.
    async fn resolve_public(&self, url: &Url) -> Result<(String, Vec<SocketAddr>)> {
        let shown = shorten(url.as_str());
        let port = url.port_or_known_default().unwrap_or(0);
        if !self
            .policy
            .allowed
            .iter()
            .any(|(scheme, allowed)| scheme == url.scheme() && *allowed == port)
        {
            let message = format!(
                "{shown}: only https on port 443 is fetched, not {} on {port}",
                url.scheme()
            );
            return Err(refused(message));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(format!(
                "{shown}: a URL with a user name or a password is not fetched"
            )));
        }
        let (host, found) = match url.host() {
            None => return Err(refused(format!("{shown} names no host"))),
            Some(Host::Ipv4(address)) => (
                address.to_string(),
                vec![SocketAddr::new(IpAddr::V4(address), port)],
            ),
            Some(Host::Ipv6(address)) => (
                address.to_string(),
                vec![SocketAddr::new(IpAddr::V6(address), port)],
            ),
            Some(Host::Domain(name)) => {
                let found = self.resolver.resolve(name, port).await.map_err(|error| {
                    Error::new(
                        ErrorCode::Unavailable,
                        format!("{shown}: the host's name was not found"),
                    )
                    .with_source(error)
                })?;
                (name.to_owned(), found)
            }
        };
        if found.is_empty() {
            return Err(Error::new(
                ErrorCode::Unavailable,
                format!("{shown}: the host's name was not found"),
            ));
        }
        for address in &found {
            if self.policy.exempt.contains(address) {
                continue;
            }
            // A single address that is not public refuses the URL, since any of them could be used.
            if let Some(reason) = refusal(address.ip()) {
                return Err(refused(format!(
                    "{shown} leads to {}, {reason}: only public addresses are fetched",
                    address.ip()
                )));
            }
        }
        Ok((host, found))
    }

    /// Sends one request to exactly the checked addresses, without a proxy and without following
    /// redirects. [`Fetcher::fetch`] limits the time of all requests together.
    async fn request(
        &self,
        url: &Url,
        host: &str,
        addresses: &[SocketAddr],
    ) -> Result<reqwest::Response> {
        let client = clippy_http::client()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .resolve_to_addrs(host, addresses)
            .user_agent(concat!("clippy/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::internal("an HTTP client could not be made").with_source(error)
            })?;
        client
            .get(url.clone())
            .header("accept", "image/*")
            .send()
            .await
            .map_err(|error| {
                let message = format!("{} could not be reached", shorten(url.as_str()));
                Error::new(ErrorCode::Unavailable, message).with_source(error)
            })
    }

    async fn read_picture(&self, url: &Url, response: reqwest::Response) -> Result<Bytes> {
        let shown = shorten(url.as_str());
        let limit = self.policy.bytes;
        let too_large = || {
            Error::new(
                ErrorCode::TooLarge,
                format!("{shown} is larger than {} MiB", limit >> 20),
            )
        };
        if response
            .content_length()
            .is_some_and(|length| length > limit as u64)
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        let mut stream = response.bytes_stream();
        while let Some(part) = stream.next().await {
            let part = part.map_err(|error| {
                Error::new(ErrorCode::Unavailable, format!("{shown} broke off")).with_source(error)
            })?;
            if body.len() + part.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        let probe = probe(&body).map_err(|error| {
            Error::new(
                ErrorCode::InvalidPicture,
                format!("{shown} is not a picture that can be read"),
            )
            .with_source(error)
        })?;
        if u64::from(probe.width) * u64::from(probe.height) > self.policy.pixels {
            let message = format!(
                "{shown} has {} x {} pixels, which is too many",
                probe.width, probe.height
            );
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        Ok(body.freeze())
    }
}
