//! The folders that bulk work may use, from this server's options.

use clippy_core::{Result, blocking};

use crate::options::ApiOptions;

/// The folders of a server. The rules are in [`clippy_core::folders`], which workers use too.
pub(crate) struct Folders(clippy_core::folders::Folders);

impl Folders {
    pub(crate) fn of(options: &ApiOptions) -> Self {
        Self(clippy_core::folders::Folders::new(
            options.images_root.clone(),
            options.data_dir.clone(),
        ))
    }

    /// Asks something about the folders, on a thread that may wait for a disk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&clippy_core::folders::Folders) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folders = self.0.clone();
        blocking("looking at a folder", move || question(&folders)).await
    }
}
