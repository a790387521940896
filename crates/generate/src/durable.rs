//! Files that are on disk, whole, when a call returns.

use std::io::Write;
use std::path::Path;

use clippy_core::Error;

/// The error of a file operation.
pub fn fault(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let message = format!("could not {what} {}", path.display());
    move |error| Error::internal(format!("{message}: {error}")).with_source(error)
}

/// Writes a file under a name of its own, syncs it, and gives it its name: there whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().ok_or_else(|| Error::internal(format!("{} has no folder", path.display())))?;
    std::fs::create_dir_all(folder).map_err(fault("make", folder))?;
    let fresh = path.with_extension(format!("{}.new", uuid::Uuid::new_v4()));
    let written = std::fs::File::create(&fresh)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, path))
        .and_then(|()| sync_folder(folder));
    written.map_err(|error| {
        // Best effort: why it failed is what the caller needs.
        let _ = std::fs::remove_file(&fresh);
        fault("write", path)(error)
    })
}

/// Makes a file that must not be there yet, and syncs it. False when it was there.
pub fn create(path: &Path) -> Result<bool, Error> {
    let folder = path.parent().ok_or_else(|| Error::internal(format!("{} has no folder", path.display())))?;
    std::fs::create_dir_all(folder).map_err(fault("make", folder))?;
    match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => {
            file.sync_all().and_then(|()| sync_folder(folder)).map_err(fault("sync", path))?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(fault("make", path)(error)),
    }
}

/// A name in a folder is on disk only after the folder was synced.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
