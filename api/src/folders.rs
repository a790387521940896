//! The folders of this server that bulk work may use.

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

    /// Runs work on the folders on a blocking thread, since it waits for the disk.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&clippy_core::folders::Folders) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folders = self.0.clone();
        blocking("looking at a folder", move || work(&folders)).await
    }
}
