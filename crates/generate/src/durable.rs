//! Writes files that are complete and on disk when the call returns.

use std::path::Path;

use clippy_common::files;
use clippy_core::Error;

/// Makes the error of a file operation. The caller sees its message, so only the log has the whole
/// path.
pub fn fault(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |error| {
        tracing::error!(path = %path.display(), %error, "could not {what} a file");
        Error::internal(format!(
            "could not {what} {} in the data folder: {error}",
            shown(&path)
        ))
        .with_source(error)
    }
}

/// Returns the last two parts of a path, which reveal nothing about the machine.
pub fn shown(path: &Path) -> String {
    let mut parts = path
        .components()
        .rev()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    match (parts.next(), parts.next()) {
        (Some(name), Some(folder)) => format!("{folder}/{name}"),
        (name, _) => name.unwrap_or_default(),
    }
}

/// Writes a file atomically: under a temporary name, synced, and then renamed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path
        .parent()
        .ok_or_else(|| Error::internal(format!("{} has no folder", shown(path))))?;
    std::fs::create_dir_all(folder).map_err(fault("make", folder))?;
    files::replace(path, bytes).map_err(fault("write", path))
}

/// Creates an empty file and syncs it. `false` when it exists already.
pub fn create(path: &Path) -> Result<bool, Error> {
    create_with(path, b"")
}

/// Creates a file and syncs it. `false` when it exists already.
pub fn create_with(path: &Path, bytes: &[u8]) -> Result<bool, Error> {
    let folder = path
        .parent()
        .ok_or_else(|| Error::internal(format!("{} has no folder", shown(path))))?;
    std::fs::create_dir_all(folder).map_err(fault("make", folder))?;
    files::create(path, bytes).map_err(fault("make", path))
}
