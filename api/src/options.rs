//! What a server is set to.

use std::path::PathBuf;
use std::time::Duration;

use clippy_core::settings::{Secret, ServerSettings};

/// Limits, keys and origins of one server. [`ApiOptions::default`] suits a server on loopback.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Web pages from elsewhere that may call the API: origins such as `https://example.org`, or `*`.
    pub allowed_origins: Vec<String>,
    /// When any are set, every API call needs one of them (or an admin key).
    pub api_keys: Vec<Secret>,
    /// Keys for `/api/admin`. Without any, admin calls are taken from this machine only.
    pub admin_keys: Vec<Secret>,
    /// `IMAGES_ROOT`: bulk work may read manifests and pictures under it.
    pub images_root: Option<PathBuf>,
    /// `DATA_DIR`: bulk work may read manifests under it, and write its lists of failures there.
    pub data_dir: Option<PathBuf>,
    /// Most streams of events that are open at once; one more is answered 503.
    pub streams_at_once: usize,
    /// Silence after which a stream sends a comment, so that nobody on the way takes it for dead.
    pub stream_comment_every: Duration,
    /// Most bytes of a search's body.
    pub search_body_bytes: usize,
    /// Most bytes of any other body.
    pub small_body_bytes: usize,
    /// Most bytes of search bodies that are held at once, over all requests.
    pub held_body_bytes: usize,
    /// Most searches at once; one more is answered 503 right away.
    pub searches_at_once: usize,
    /// Most other API calls at once, pictures included.
    pub calls_at_once: usize,
    /// How long one request may take, its body included.
    pub request_timeout: Duration,
    /// How long `/api/generate_image` waits for its pictures.
    pub generation_timeout: Duration,
    /// How long requests in flight may go on after the server was told to stop.
    pub drain_timeout: Duration,
    /// How often readiness is checked.
    pub probe_every: Duration,
    /// What `Retry-After` says when too much is waiting.
    pub retry_after: Duration,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            api_keys: Vec::new(),
            admin_keys: Vec::new(),
            images_root: None,
            data_dir: None,
            streams_at_once: 20_000,
            stream_comment_every: Duration::from_secs(15),
            search_body_bytes: 64 << 20,
            small_body_bytes: 256 << 10,
            held_body_bytes: 512 << 20,
            searches_at_once: 256,
            calls_at_once: 256,
            request_timeout: Duration::from_secs(60),
            generation_timeout: Duration::from_secs(600),
            drain_timeout: Duration::from_secs(10),
            probe_every: Duration::from_secs(2),
            retry_after: Duration::from_secs(1),
        }
    }
}

impl From<&ServerSettings> for ApiOptions {
    fn from(settings: &ServerSettings) -> Self {
        Self {
            allowed_origins: settings.allowed_origins.clone(),
            api_keys: settings.api_keys.clone(),
            admin_keys: settings.admin_keys.clone(),
            ..Self::default()
        }
    }
}
