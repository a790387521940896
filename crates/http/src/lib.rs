//! Outgoing HTTP: every client of the program starts here.
//!
//! reqwest is built without a TLS implementation of its own, so that only one is compiled (ring,
//! which gRPC and Redis use as well). Somebody has to name it before the first client is made;
//! these functions do.

/// Makes ring the process's TLS implementation. Calling it again changes nothing.
pub fn install_tls() {
    // An error means that one is installed already, which is what we want.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A client to configure further.
pub fn client() -> reqwest::ClientBuilder {
    install_tls();
    reqwest::Client::builder()
}

/// The same for code without a runtime: tests and small tools.
pub fn blocking_client() -> reqwest::blocking::ClientBuilder {
    install_tls();
    reqwest::blocking::Client::builder()
}
