//! From a payload's path to a file inside the roots.

use std::path::{Component, Path, PathBuf};

use clippy_core::{Error, ErrorCode, Result};

/// The file behind a stored path, with links resolved, when it lies under one of the roots.
///
/// A path that is written as something outside of the roots is refused before the disk is asked, so that the answer
/// does not tell what is there.
pub(super) fn resolve(stored: &str, roots: &[PathBuf]) -> Result<PathBuf> {
    let stored = Path::new(stored);
    let real_roots: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let candidates: Vec<PathBuf> = if stored.is_absolute() {
        vec![stored.to_owned()]
    } else {
        roots.iter().map(|root| root.join(stored)).collect()
    };
    let mut outside = false;
    for candidate in candidates {
        let Some(written) = without_dots(&candidate) else {
            outside = true;
            continue;
        };
        if !roots.iter().chain(&real_roots).any(|root| written.starts_with(root)) {
            outside = true;
            continue;
        }
        let Ok(real) = candidate.canonicalize() else { continue };
        if !real_roots.iter().any(|root| real.starts_with(root)) {
            outside = true;
        } else if real.is_file() {
            return Ok(real);
        }
    }
    if outside {
        Err(Error::new(
            ErrorCode::Forbidden,
            "the picture's file lies outside of the folders that pictures are served from: set IMAGES_ROOT to a folder \
             that holds it, or ingest it with --images-root",
        ))
    } else {
        Err(Error::not_found("the picture's file is not there any more: it was moved or deleted since it was ingested"))
    }
}

/// The path with `.` and `..` carried out as they are written; `None` when it climbs above its start.
fn without_dots(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}
