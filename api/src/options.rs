//! What a server is set to.

use std::path::PathBuf;
use std::time::Duration;

use clippy_core::preparing::Preparing;
use clippy_core::settings::{Secret, ServerSettings};

/// Limits, keys and origins of one server. [`ApiOptions::default`] suits a server on loopback.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Web pages from elsewhere that may call the API: origins such as `https://example.org`, or `*`.
    pub allowed_origins: Vec<String>,
    /// Further names that a server without keys answers to, beside those of loopback and the
    /// address it listens at.
    pub allowed_hosts: Vec<String>,
    /// When any key is set, of these or of `admin_keys`, every API call needs one.
    pub api_keys: Vec<Secret>,
    /// Keys for `/api/admin`. Where no key of any kind is set, admin calls are taken from this
    /// machine.
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
    /// Most bytes of bodies that are held at once, over all requests; counted as they come.
    pub held_body_bytes: usize,
    /// Bytes a second that a body must come with, measured over each `body_window`.
    pub least_rate: usize,
    /// How long a body may come more slowly than that.
    pub body_window: Duration,
    /// Most pictures that are being sent at once; one more is answered 503.
    pub files_at_once: usize,
    /// How many connections there may be, and how slow they may be.
    pub connections: ConnectionLimits,
    /// `BASE_PATH`: the sub-path that a proxy serves this at, such as `/clippy`; empty without
    /// one.
    pub base_path: String,
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
    /// What is still prepared while this already serves.
    pub preparing: Preparing,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            api_keys: Vec::new(),
            admin_keys: Vec::new(),
            images_root: None,
            data_dir: None,
            streams_at_once: 20_000,
            stream_comment_every: Duration::from_secs(15),
            search_body_bytes: 64 << 20,
            small_body_bytes: 256 << 10,
            held_body_bytes: 192 << 20,
            least_rate: 1 << 10,
            body_window: Duration::from_secs(5),
            files_at_once: 512,
            connections: ConnectionLimits::default(),
            base_path: String::new(),
            searches_at_once: 256,
            calls_at_once: 256,
            request_timeout: Duration::from_secs(60),
            generation_timeout: Duration::from_secs(600),
            drain_timeout: Duration::from_secs(10),
            probe_every: Duration::from_secs(2),
            retry_after: Duration::from_secs(1),
            preparing: Preparing::default(),
        }
    }
}

/// How many connections there are at most, and how slow they may be.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Most connections at once; one more is answered 503.
    pub at_once: usize,
    /// Most of them from one address, but for this machine's own: everybody comes from there
    /// through a proxy.
    pub per_address: usize,
    /// Longest that a caller may take to send a request's head, and that an unused connection is
    /// kept.
    pub head_timeout: Duration,
    /// While an answer waits for the caller, so much of it must be taken in each of these.
    pub answer_window: Duration,
    /// Bytes that a caller must take in each window.
    pub answer_least: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            at_once: 24_000,
            per_address: 1_000,
            head_timeout: Duration::from_secs(30),
            answer_window: Duration::from_secs(20),
            answer_least: 20 << 10,
        }
    }
}

impl From<&ServerSettings> for ApiOptions {
    fn from(settings: &ServerSettings) -> Self {
        Self {
            allowed_origins: settings.allowed_origins.clone(),
            allowed_hosts: settings.allowed_hosts.clone(),
            api_keys: settings.api_keys.clone(),
            admin_keys: settings.admin_keys.clone(),
            base_path: settings.base_path.clone(),
            ..Self::default()
        }
    }
}
