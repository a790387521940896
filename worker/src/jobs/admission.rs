//! Checks the files of a job again before it runs. The contents of the queue are untrusted input:
//! someone who can write to the queue must not reach more files than a caller of the API.

use std::path::{Path, PathBuf};

use clippy_core::bulk::ManifestRequest;
use clippy_core::folders::Folders;
use clippy_core::{Error, Result, blocking};

use crate::ingest::Tools;

/// Checks a request, and resolves its files. With `merging`, only the fail log is resolved, since a
/// merge reads no file.
///
/// # Errors
/// `Forbidden` for a file outside of this worker's folders; `InvalidInput` for a missing file or a
/// value out of range.
pub(super) async fn admit(
    tools: &Tools,
    folders: &Folders,
    lines: &ManifestRequest,
    ids_file: Option<&Path>,
    merging: bool,
) -> Result<(ManifestRequest, Option<PathBuf>)> {
    lines.check()?;
    let names_folders = lines.images_root.is_some() || !lines.more_roots.is_empty();
    let recorded = match names_folders {
        true if !merging => tools.gallery.info().await?.roots,
        _ => Vec::new(),
    };
    let (folders, lines, ids_file) = (folders.clone(), lines.clone(), ids_file.map(Path::to_owned));
    blocking("looking at a folder", move || {
        let fail_log = lines
            .fail_log
            .as_deref()
            .map(|file| folders.list("fail_log", text(file)?))
            .transpose()?;
        if merging {
            return Ok((ManifestRequest { fail_log, ..lines }, None));
        }
        let manifest = folders.file("manifest", text(&lines.manifest)?)?;
        let root = lines.images_root.as_deref();
        let images_root = root
            .map(|root| folders.folder("images_root", text(root)?, &recorded))
            .transpose()?;
        let more_roots = lines
            .more_roots
            .iter()
            .map(|root| folders.folder("more_roots", text(root)?, &recorded))
            .collect::<Result<Vec<_>>>()?;
        let ids_file = ids_file
            .map(|file| folders.file("ids_file", text(&file)?))
            .transpose()?;
        Ok((
            ManifestRequest {
                manifest,
                images_root,
                more_roots,
                fail_log,
                ..lines
            },
            ids_file,
        ))
    })
    .await
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::invalid(format!("the path {} is not UTF-8", path.display())))
}
