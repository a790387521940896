//! The options of a server.

use std::path::PathBuf;
use std::time::Duration;

use clippy_core::preparing::Preparing;
use clippy_core::settings::{JobSettings, Secret, ServerSettings};

/// Limits, keys and origins of one server. [`ApiOptions::default`] suits a server on loopback.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Foreign web pages that may call the API: origins such as `https://example.org`, or `*`.
    pub allowed_origins: Vec<String>,
    /// Host names that a server without keys also answers to, besides loopback names and the
    /// address that it listens at.
    pub allowed_hosts: Vec<String>,
    /// Keys for the API. When any key is set here or in `admin_keys`, every API call needs one.
    pub api_keys: Vec<Secret>,
    /// Keys for `/api/admin`. Without any keys, admin calls are accepted from this machine only.
    pub admin_keys: Vec<Secret>,
    /// `IMAGES_ROOT`: bulk work may read manifests and pictures in it.
    pub images_root: Option<PathBuf>,
    /// `DATA_DIR`: bulk work may read manifests in it, and write fail logs there.
    pub data_dir: Option<PathBuf>,
    /// `FETCH_SITES`: the sites that jobs of kind `fetch` may call, the default first.
    pub fetch_sites: Vec<String>,
    /// `OUTPUTS_KEEP_DAYS`: after how many days generated pictures are deleted; `None` for never.
    /// Callers are told; the deleting is not done here.
    pub outputs_keep_days: Option<u64>,
    /// The limit of open event streams; one more is answered 503.
    pub streams_at_once: usize,
    /// The silence after which a stream sends a comment, so that proxies keep it open.
    pub stream_comment_every: Duration,
    /// The largest body of a search, in bytes.
    pub search_body_bytes: usize,
    /// The largest body of other calls, in bytes.
    pub small_body_bytes: usize,
    /// The limit of the bytes of all bodies in memory, counted as they arrive.
    pub held_body_bytes: usize,
    /// The slowest accepted body, in bytes a second, measured over each `body_window`.
    pub least_rate: usize,
    /// The window that `least_rate` is measured over.
    pub body_window: Duration,
    /// The limit of pictures that are sent at once; one more is answered 503.
    pub files_at_once: usize,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// `BASE_PATH`: the sub-path that a proxy serves this server under, such as `/clippy`; may be
    /// empty.
    pub base_path: String,
    /// The limit of searches at once; one more is answered 503.
    pub searches_at_once: usize,
    /// The limit of other API calls at once, including those for pictures.
    pub calls_at_once: usize,
    /// The time limit of one request, including its body.
    pub request_timeout: Duration,
    /// How long `/api/generate_image` waits for its pictures.
    pub generation_timeout: Duration,
    /// How long requests in progress may continue after the server was told to stop.
    pub drain_timeout: Duration,
    /// How often readiness is checked.
    pub probe_every: Duration,
    /// The `Retry-After` of an overloaded server.
    pub retry_after: Duration,
    /// The preparation that is still in progress while the server runs.
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
            fetch_sites: vec![JobSettings::FETCH_SITES.to_owned()],
            outputs_keep_days: None,
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

/// Limits the number of connections, and how slow they may be.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// The limit of connections at once; one more is answered 503.
    pub at_once: usize,
    /// The limit of connections from one address. Loopback is exempt, since all callers of a local
    /// proxy come from there.
    pub per_address: usize,
    /// The time limit for sending the head of a request, and for an idle connection.
    pub head_timeout: Duration,
    /// The window that `answer_least` is measured over.
    pub answer_window: Duration,
    /// The bytes of a waiting answer that a caller must read in each window.
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
