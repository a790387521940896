//! The folders that bulk work may touch, as this server's options name them.

use clippy_core::{Result, blocking};

use crate::options::ApiOptions;

/// The folders of a server. The rule itself is [`clippy_core::folders`], which workers ask as well.
pub(crate) struct Folders(clippy_core::folders::Folders);

impl Folders {
    pub(crate) fn of(options: &ApiOptions) -> Self {
        Self(clippy_core::folders::Folders::new(
            options.images_root.clone(),
            options.data_dir.clone(),
        ))
    }

    /// Does something with the folders on a thread that may wait for a disk.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&clippy_core::folders::Folders) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folders = self.0.clone();
        blocking("looking at a folder", move || question(&folders)).await
    }
}
