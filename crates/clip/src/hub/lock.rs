//! The lock on a file that is downloaded. Python's `huggingface_hub` takes the same one.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use clippy_common::files;

use super::client::on_disk;
use crate::error::{ClipError, Result};

/// How often a lock that another process has is tried.
const PAUSE: Duration = Duration::from_millis(200);

/// Waits for a lock, which ends when the returned file is closed.
pub(super) async fn take(path: PathBuf) -> Result<File> {
    let mut is_announced = false;
    loop {
        let tried = path.clone();
        let taken = on_disk(&path, move || {
            let io = ClipError::writing(&tried);
            if let Some(folder) = tried.parent() {
                fs::create_dir_all(folder).map_err(&io)?;
            }
            files::open_locked(&tried).map_err(io)
        });
        if let Some(file) = taken.await? {
            return Ok(file);
        }
        if !is_announced {
            is_announced = true;
            let lock = path.display();
            tracing::info!(%lock, "another process downloads the same file: waiting for it");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
