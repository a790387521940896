//! The lock on a file that is downloaded. Python's `huggingface_hub` takes the same one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clippy_common::files;

use super::client::on_disk;
use crate::error::{ClipError, Result};

/// How often a lock that another process has is tried.
const PAUSE: Duration = Duration::from_millis(200);

/// Waits for the lock on a file of a repository. It ends when the returned file is closed.
pub(super) async fn take(path: PathBuf, file: &str) -> Result<File> {
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
            // Commands show warnings only, and whoever runs one must know why nothing happens.
            tracing::warn!(%lock, "another process downloads {file}: waiting for it to finish");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Does work on files under their lock, and returns the lock. The work has the lock meanwhile: if
/// the future is dropped, the work goes on, and the lock must not end before it.
pub(super) async fn hold(
    lock: File,
    path: &Path,
    work: impl FnOnce() -> Result<()> + Send + 'static,
) -> Result<File> {
    on_disk(path, move || work().map(|()| lock)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_keeps_its_lock_when_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locks/model.lock");
        let is_free = || files::open_locked(&path).unwrap().is_some();
        let lock = take(path.clone(), "model").await.unwrap();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let work = tokio::spawn(async move {
            let work = move || {
                begun.send(()).unwrap();
                ends.recv().unwrap();
                Ok(())
            };
            hold(lock, Path::new("model"), work).await
        });
        begins.await.unwrap();
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        assert!(!is_free());
        end.send(()).unwrap();
        clippy_testing::wait_until("the lock ends", async || is_free()).await;
    }

    #[tokio::test]
    async fn a_lock_ends_with_work_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.lock");
        let lock = take(path.clone(), "model").await.unwrap();
        let fails = || Err(ClipError::NoStyle);
        hold(lock, &path, fails).await.unwrap_err();
        assert!(files::open_locked(&path).unwrap().is_some());
    }
}
