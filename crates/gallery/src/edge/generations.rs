//! The folders of a collection's generations, `shard-<n>`.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of a generation's files.
pub(super) fn shard_folder(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("shard-{generation}"))
}

/// The generations that have a folder, each with it.
pub(super) fn shard_folders(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    Ok(std::fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| {
            let number = entry
                .file_name()
                .to_str()?
                .strip_prefix("shard-")?
                .parse()
                .ok()?;
            Some((number, entry.path()))
        })
        .collect())
}
