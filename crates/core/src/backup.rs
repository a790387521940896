//! Copying a data folder while a server uses it.
//!
//! `clippy backup` writes the folder that the copy goes to into a file of `DATA_DIR`, and then asks
//! the server of that folder. So a caller of the server cannot choose a folder; whoever can write to
//! `DATA_DIR` can, as for the folders of pictures ([`crate::folders`]).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The file in `DATA_DIR` that names the folder that the copy goes to, as JSON text.
pub const TARGET_FILE: &str = "backup_target.json";

/// What a server copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// How many pictures the copy has.
    pub points: u64,
}

/// Copies what changes while a server runs: the live collection and the databases.
#[async_trait]
pub trait Backup: Send + Sync + 'static {
    /// Copies into the folder that [`TARGET_FILE`] names, which is there and empty. All copies show
    /// the same moment: writes to the collection wait meanwhile, searches do not.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Conflict`] when the file names no such folder, or while a re-index runs;
    /// [`crate::ErrorCode::Internal`] when the disk is full or broken.
    async fn copy(&self) -> Result<Copied>;
}
