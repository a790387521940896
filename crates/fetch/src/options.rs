//! What a run is asked to do.

use std::path::PathBuf;
use std::time::Duration;

pub const DEFAULT_BASE_URL: &str = "https://safebooru.org";
/// Some sites refuse programs that do not say who they are.
pub const USER_AGENT: &str = concat!(
    "clippy/",
    env!("CARGO_PKG_VERSION"),
    " (+https://github.com/killmlana/Clippy)"
);

#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The tag expressions, as [`crate::parse_tags`] returns them.
    pub tags: Vec<String>,
    pub out: PathBuf,
    /// One folder for all pictures, instead of one for each tag.
    pub union: bool,
    /// Downloads at the same time.
    pub workers: usize,
    /// The most pages of each tag.
    pub max_pages: Option<u64>,
    /// Goes on with the run that is in the output folder.
    pub resume: bool,
    /// Only posts whose id is smaller.
    pub older_than_id: Option<u64>,
    /// Only posts whose id is at most this.
    pub max_id: Option<u64>,
    /// The most requests a second.
    pub rate: f64,
    pub base_url: String,
    /// Calls nothing but the site itself and, by https, public addresses, without a proxy. For a
    /// server, whose network others must not reach through it.
    pub public_only: bool,
    pub user_agent: String,
    pub pauses: Pauses,
}

impl FetchOptions {
    /// The first id that is too large, from both limits.
    pub(crate) fn id_below(&self) -> Option<u64> {
        let most = self.max_id.map(|id| id.saturating_add(1));
        match (self.older_than_id, most) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

/// How long and how often a failed request is tried again.
#[derive(Debug, Clone)]
pub struct Pauses {
    pub shortest: Duration,
    /// Also the limit of a `Retry-After`.
    pub longest: Duration,
    /// Attempts in all.
    pub attempts: usize,
    /// The limit of one request.
    pub timeout: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(120),
            attempts: 7,
            timeout: Duration::from_secs(120),
        }
    }
}
