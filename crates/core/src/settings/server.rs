//! `BIND`, `ALLOWED_ORIGINS`, `ALLOWED_HOSTS`, `API_KEYS`, `ADMIN_KEYS`, `BASE_PATH`.

use super::address::BindAddress;
use super::reader::{Reader, Secret, members, wrong};
use crate::Result;

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `BIND`: the address to listen on.
    pub bind: BindAddress,
    /// `ALLOWED_ORIGINS`: foreign web pages that may call the API.
    pub allowed_origins: Vec<String>,
    /// `ALLOWED_HOSTS`: further host names that a server without keys answers to.
    pub allowed_hosts: Vec<String>,
    /// `API_KEYS`: keys for the API. When any key is set here or in `ADMIN_KEYS`, every call needs
    /// one.
    pub api_keys: Vec<Secret>,
    /// `ADMIN_KEYS`: the keys for `/api/admin`.
    pub admin_keys: Vec<Secret>,
    /// `BASE_PATH`: the sub-path that a proxy serves this server under, such as `/clippy`; may be
    /// empty.
    pub base_path: String,
}

pub(super) fn read(reader: &Reader) -> Result<ServerSettings> {
    let bind = reader.text_or(&["BIND"], "127.0.0.1:8000");
    Ok(ServerSettings {
        bind: bind.parse().map_err(|_| {
            wrong(
                "BIND",
                &bind,
                "an address and port such as 127.0.0.1:8000 or localhost:8000",
            )
        })?,
        // The default is where Clippy 0.2's web client runs during development.
        allowed_origins: members(&reader.text_or(&["ALLOWED_ORIGINS"], "http://localhost:5173")),
        allowed_hosts: reader.list("ALLOWED_HOSTS"),
        api_keys: keys(reader, "API_KEYS")?,
        admin_keys: keys(reader, "ADMIN_KEYS")?,
        base_path: base_path(reader)?,
    })
}

/// Normalises the sub-path: a leading slash and no trailing one; `/` is the same as none.
fn base_path(reader: &Reader) -> Result<String> {
    let Some(given) = reader.text(&["BASE_PATH"]) else {
        return Ok(String::new());
    };
    let parts: Vec<&str> = given.split('/').filter(|part| !part.is_empty()).collect();
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '~');
    if parts
        .iter()
        .any(|part| matches!(*part, "." | "..") || !part.chars().all(plain))
    {
        return Err(wrong(
            "BASE_PATH",
            &given,
            "a path such as /clippy, of letters, digits, '-', '_', '.' and '~'",
        ));
    }
    Ok(parts.iter().map(|part| format!("/{part}")).collect())
}

/// Reads a list of keys. A variable that is set but contains no key is an error: it would leave the
/// server open.
fn keys(reader: &Reader, name: &str) -> Result<Vec<Secret>> {
    let keys: Vec<Secret> = reader.list(name).into_iter().map(Secret::new).collect();
    if keys.is_empty() && reader.text(&[name]).is_some() {
        return Err(wrong(
            name,
            "",
            "one key, or several with commas between them",
        ));
    }
    Ok(keys)
}
