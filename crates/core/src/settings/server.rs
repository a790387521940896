//! `BIND`, `ALLOWED_ORIGINS`, `API_KEYS`, `ADMIN_KEYS`, `LOG_LEVEL`.

use std::net::SocketAddr;

use super::reader::{Reader, Secret};
use crate::Result;

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `BIND`: the address to listen on.
    pub bind: SocketAddr,
    /// `ALLOWED_ORIGINS`: web pages from elsewhere that may call the API.
    pub allowed_origins: Vec<String>,
    /// `API_KEYS`: when any are set, every API call needs one.
    pub api_keys: Vec<Secret>,
    /// `ADMIN_KEYS`: the keys for `/api/admin`.
    pub admin_keys: Vec<Secret>,
    /// `LOG_LEVEL`: error, warn, info, debug, trace, or a tracing filter.
    pub log_level: String,
}

pub(super) fn read(reader: &Reader) -> Result<ServerSettings> {
    let secrets = |name| reader.list(name).into_iter().map(Secret::new).collect();
    let origins = match reader.text(&["ALLOWED_ORIGINS"]) {
        Some(_) => reader.list("ALLOWED_ORIGINS"),
        // Where Clippy 0.2's web client runs while it is being developed.
        None => vec!["http://localhost:5173".to_owned()],
    };
    Ok(ServerSettings {
        bind: reader.parsed(
            "BIND",
            SocketAddr::from(([127, 0, 0, 1], 8000)),
            "an address and port such as 127.0.0.1:8000",
        )?,
        allowed_origins: origins,
        api_keys: secrets("API_KEYS"),
        admin_keys: secrets("ADMIN_KEYS"),
        log_level: reader.text(&["LOG_LEVEL"]).unwrap_or_else(|| "info".to_owned()).to_lowercase(),
    })
}
