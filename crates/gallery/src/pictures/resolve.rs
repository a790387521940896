//! Finds the file inside the roots that a payload's path names.

use std::path::{Path, PathBuf};

use clippy_common::paths::without_dots;
use clippy_core::pictures::spellings;
use clippy_core::{Error, ErrorCode, Result};

/// Finds the file of a stored path, with links resolved, when it is under one of the roots.
///
/// A relative path begins at one of the roots. If no root has the file, the path is tried as Clippy
/// 0.2 wrote it: from the working folder (`working`), or from a folder above a root. In any case
/// the file must be under a root.
///
/// A path that, as written, is outside of the roots is refused before the disk is asked, so that
/// the answer does not reveal what exists there.
pub(super) fn resolve(stored: &str, roots: &[PathBuf], working: Option<&Path>) -> Result<PathBuf> {
    let real_roots: Vec<PathBuf> = roots
        .iter()
        .filter_map(|root| root.canonicalize().ok())
        .collect();
    let (mut candidates, mut from_above) = (Vec::new(), Vec::new());
    for spelling in spellings(stored) {
        if Path::new(&spelling).is_absolute() {
            candidates.push(PathBuf::from(spelling));
            continue;
        }
        candidates.extend(roots.iter().map(|root| root.join(&spelling)));
        let above = real_roots.iter().flat_map(|root| root.ancestors().skip(1));
        from_above.extend(
            working
                .into_iter()
                .chain(above)
                .map(|base| base.join(&spelling)),
        );
    }
    let is_under_a_root = |written: &Path| {
        roots
            .iter()
            .chain(&real_roots)
            .any(|root| written.starts_with(root))
    };
    // Most of these are no folders of pictures at all, so they do not count as outside.
    from_above.retain(|candidate| {
        without_dots(candidate).is_some_and(|written| is_under_a_root(&written))
    });
    let mut outside = false;
    for candidate in candidates.into_iter().chain(from_above) {
        let Some(written) = without_dots(&candidate) else {
            outside = true;
            continue;
        };
        if !is_under_a_root(&written) {
            outside = true;
            continue;
        }
        let Ok(real) = candidate.canonicalize() else {
            continue;
        };
        if !real_roots.iter().any(|root| real.starts_with(root)) {
            outside = true;
        } else if real.is_file() {
            return Ok(real);
        }
    }
    if outside {
        Err(Error::new(
            ErrorCode::Forbidden,
            "the picture's file lies outside of the folders that pictures are served from: set \
             IMAGES_ROOT to a folder that holds it, or ingest it with --images-root",
        ))
    } else if roots.is_empty() {
        Err(Error::not_found(
            "no folder is known that pictures are served from: set IMAGES_ROOT to the folder that \
             holds them",
        ))
    } else {
        Err(Error::not_found(
            "the picture's file is not there any more: it was moved or deleted since it was \
             ingested",
        ))
    }
}
