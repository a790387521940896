//! Addresses of servers, and the address to listen at.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The address of a server. It may contain a user and a password, which are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Wraps an address.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// Returns the whole address, for connecting.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&without_credentials(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Removes the secrets of an address: the user and password before an `@`, and the query. Other
/// text is returned unchanged.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let (scheme, rest) = match text.find("://") {
        Some(at) => text.split_at(at + 3),
        None => ("", text),
    };
    if scheme.is_empty() && !rest.contains('@') {
        return text.to_owned();
    }
    let rest = match rest.find(['?', '#']) {
        // A password may contain these characters, too, so everything up to the last @ is removed.
        Some(at) if !rest[at..].contains('@') => &rest[..at],
        _ => rest,
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!(
            "{scheme}[hidden]@{}",
            host.split(['?', '#']).next().unwrap_or_default()
        ),
        None => format!("{scheme}{rest}"),
    }
}

/// Where to listen: an address of this machine or a host name, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindAddress {
    host: String,
    port: u16,
}

impl BindAddress {
    /// Returns the host: a name, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port; 0 means any free one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl From<SocketAddr> for BindAddress {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

impl FromStr for BindAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let wrong = || {
            "expected an address and port, such as 127.0.0.1:8000, localhost:8000 or [::1]:8000"
                .to_owned()
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let plain =
            |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(host)) => write!(formatter, "[{host}]:{}", self.port),
            _ => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_user_password_and_query() {
        for (given, shown) in [
            ("http://localhost:6333", "http://localhost:6333"),
            (
                "http://me:hunter2@host:6333/path",
                "http://[hidden]@host:6333/path",
            ),
            ("redis://:pa/ss?w#rd@host:1/0", "redis://[hidden]@host:1/0"),
            ("ftp://hunter2@host", "ftp://[hidden]@host"),
            ("me:hunter2@host", "[hidden]@host"),
            ("https://host/v1?token=hunter2", "https://host/v1"),
            (
                "https://u:hunter2@host/?key=hunter2",
                "https://[hidden]@host/",
            ),
            ("what is this?", "what is this?"),
        ] {
            assert_eq!(without_credentials(given), shown);
            let address = Address::new(given);
            assert_eq!(
                (format!("{address}"), format!("{address:?}")),
                (shown.to_owned(), shown.to_owned())
            );
            assert_eq!(address.expose(), given);
        }
    }

    #[test]
    fn a_bind_address_is_an_ip_address_or_host_name_with_a_port() {
        for (given, host, port) in [
            ("127.0.0.1:8000", "127.0.0.1", 8000),
            ("localhost:8000", "localhost", 8000),
            ("gpu-1.example.org:0", "gpu-1.example.org", 0),
            ("[::1]:8000", "::1", 8000),
        ] {
            let bind: BindAddress = given.parse().expect(given);
            assert_eq!(
                (bind.host(), bind.port(), bind.to_string().as_str()),
                (host, port, given)
            );
        }
        for wrong in [
            "",
            "localhost",
            ":8000",
            "8000",
            "localhost:",
            "localhost:99999",
            "a b:1",
            "http://x:1",
            "::1:80:",
        ] {
            assert!(wrong.parse::<BindAddress>().is_err(), "{wrong}");
        }
    }
}
