//! Outgoing HTTP: every client of the program is built here.
//!
//! reqwest is built without a TLS implementation of its own, so that only one is compiled (ring,
//! which gRPC and Redis use as well). It must be installed before the first client is built; these
//! functions do that. The rules that several clients share are here, too.

mod public;
mod retry_after;

pub use public::{PublicResolver, refusal};
pub use retry_after::retry_after;

/// Installs ring as the process's TLS implementation. Further calls have no effect.
pub fn install_tls() {
    // An error means that an implementation is already installed, which is fine.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Returns a builder of an HTTP client.
pub fn client() -> reqwest::ClientBuilder {
    install_tls();
    reqwest::Client::builder()
}

/// Returns a builder of a blocking HTTP client, for code without an async runtime: tests and small
/// tools.
pub fn blocking_client() -> reqwest::blocking::ClientBuilder {
    install_tls();
    reqwest::blocking::Client::builder()
}
