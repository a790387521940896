//! The address of a Qdrant server, as people write it and as the client needs it.

use clippy_core::settings::without_credentials;
use clippy_core::{Error, Result};
use url::Url;

/// The port of Qdrant's REST interface, which people usually name.
const REST_PORT: u16 = 6333;
/// The port of its gRPC interface, which Clippy uses.
const GRPC_PORT: u16 = 6334;

/// Returns the address of the gRPC interface. REST's port, or none, stands for gRPC's.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] that names the setting.
pub(super) fn grpc_address(given: &str) -> Result<String> {
    let wrong = |why: &str| {
        Error::invalid(format!(
            "QDRANT_URL is \"{}\", {why}: it must be an address such as http://localhost:6334 \
             (6333 means the same)",
            without_credentials(given)
        ))
    };
    let with_scheme = if given.contains("://") {
        given.to_owned()
    } else {
        format!("http://{given}")
    };
    let url = Url::parse(&with_scheme)
        .map_err(|error| wrong(&format!("which is no address ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("which is neither http nor https"));
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| wrong("which names no host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid(
            "QDRANT_URL holds a user or password: set QDRANT_API_KEY instead",
        ));
    }
    if url.path() != "/" {
        return Err(wrong("which has a path"));
    }
    // The parser drops a port that is the scheme's default, even if it was given.
    let own_port = if url.scheme() == "https" { 443 } else { 80 };
    let port = match url.port() {
        Some(REST_PORT) => GRPC_PORT,
        Some(port) => port,
        None if with_scheme
            .trim_end_matches('/')
            .ends_with(&format!(":{own_port}")) =>
        {
            own_port
        }
        None => GRPC_PORT,
    };
    Ok(format!("{}://{host}:{port}", url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_port_means_the_grpc_port() {
        for (given, expected) in [
            ("http://localhost:6333", "http://localhost:6334"),
            ("http://localhost:6333/", "http://localhost:6334"),
            ("http://localhost", "http://localhost:6334"),
            ("localhost", "http://localhost:6334"),
            ("localhost:6333", "http://localhost:6334"),
            ("http://127.0.0.1:7000", "http://127.0.0.1:7000"),
            (
                "https://x.cloud.qdrant.io",
                "https://x.cloud.qdrant.io:6334",
            ),
            (
                "https://x.cloud.qdrant.io:6333",
                "https://x.cloud.qdrant.io:6334",
            ),
            ("https://behind.a.proxy:443", "https://behind.a.proxy:443"),
            ("http://[::1]:6333", "http://[::1]:6334"),
        ] {
            assert_eq!(grpc_address(given).expect(given), expected);
        }
    }

    #[test]
    fn an_invalid_address_is_refused_without_its_password() {
        for given in [
            "ftp://host",
            "http://",
            "http://host:6333/collections",
            "::",
        ] {
            let error = grpc_address(given).expect_err(given);
            assert!(error.message.contains("QDRANT_URL"), "{}", error.message);
        }
        for given in [
            "ftp://me:hunter2@host",
            "http://me:hunter2@",
            "http://me:hunter2@host:port",
        ] {
            let error = grpc_address(given).expect_err(given);
            assert!(!error.message.contains("hunter2"), "{}", error.message);
        }
        let error = grpc_address("http://me:hunter2@host").expect_err("a password");
        assert!(
            error.message.contains("QDRANT_API_KEY") && !error.message.contains("hunter2"),
            "{}",
            error.message
        );
    }
}
