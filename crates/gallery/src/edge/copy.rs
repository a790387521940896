//! Copies a collection's files while it is open.

use std::path::Path;

use clippy_common::trees;
use clippy_core::{Error, Result};

use super::generations::shard_folder;
use super::store::Store;

impl Store {
    /// Copies the collection into a folder that is missing or empty. Returns how many points the
    /// copy has, and what `pause` returned: after it, nobody may write until that is dropped. It is
    /// called when no graphs are being built, so that writes need not wait for that.
    ///
    /// The engine's files change only when points are written, so searches go on.
    pub(super) fn copy_to<P>(
        &self,
        into: &Path,
        pause: impl FnOnce() -> Result<P>,
    ) -> Result<(u64, P)> {
        let _no_other_generation = self.building.lock();
        let pause = pause()?;
        let metadata = {
            let mut writer = self.writer();
            self.checkpoint(&mut writer)?;
            writer.metadata.clone()
        };
        let from = self.generation_folder(metadata.generation);
        let to = shard_folder(into, metadata.generation);
        trees::copy(&from, &to, &|_| false).map_err(|error| {
            Error::internal(format!("the collection could not be copied: {error}"))
                .with_source(error)
        })?;
        metadata.write(into)?;
        Ok((metadata.points, pause))
    }
}
