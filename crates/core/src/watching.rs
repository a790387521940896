//! The folders that a server watches.

use std::path::Path;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result};

/// How a folder is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchedState {
    /// Watching has not begun yet.
    Starting,
    /// By the operating system's events.
    Events,
    /// By looking at it now and then.
    Polling,
    /// Its drive seems to be away. Its pictures stay as they are.
    Away,
    /// It is switched off.
    Off,
}

/// A watched folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedFolder {
    /// Its absolute path.
    pub path: String,
    /// How it is watched.
    pub state: WatchedState,
    /// Why it is in this state, where that is not obvious.
    pub reason: Option<String>,
    /// When changes were found last, in seconds since 1970.
    pub last_change: Option<u64>,
    /// Why its last job failed; `None` after one that succeeded.
    pub last_error: Option<String>,
    /// The job that adds its changes, while one does.
    pub job: Option<String>,
}

/// How to watch a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSwitch {
    /// Whether to watch it.
    pub on: bool,
    /// Whether the names of its sub-folders become tags and styles; `None` leaves this as it is.
    pub tags_from_folders: Option<bool>,
}

/// Watches folders, and remembers them for the next start.
#[async_trait]
pub trait Watching: Send + Sync + 'static {
    /// Returns the folders, in the order of their paths.
    async fn list(&self) -> Result<Vec<WatchedFolder>>;

    /// Switches the watching of a folder on or off. The path is absolute, with links resolved. The
    /// caller checks that this server may read it.
    ///
    /// # Errors
    /// `InvalidInput` for a path that cannot be watched, or one folder too many; `Unsupported` if
    /// this process does not watch.
    async fn switch(&self, path: &Path, switch: WatchSwitch) -> Result<WatchedFolder>;
}

/// Of a process that watches no folders.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotWatching;

#[async_trait]
impl Watching for NotWatching {
    async fn list(&self) -> Result<Vec<WatchedFolder>> {
        Ok(Vec::new())
    }

    async fn switch(&self, _: &Path, _: WatchSwitch) -> Result<WatchedFolder> {
        Err(Error::new(
            ErrorCode::Unsupported,
            "this process does not watch folders: use `clippy serve`",
        ))
    }
}
