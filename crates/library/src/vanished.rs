//! Known files that are no longer in their place: moved, replaced by a copy, or missing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clippy_core::bulk::ScanPart;
use clippy_core::ids::PointId;
use clippy_core::known::{KnownContent, KnownFile, NameRange};
use clippy_core::{Result, blocking};

use crate::batch::{Overwritten, ToRead, Worked, context_of, is_there, path_text, read_again};
use crate::presence::{Evidence, Identity, Places};
use crate::scanner::Scanner;
use crate::target::Target;
use crate::walk::{Listed, Walk, lists, walk};

/// The results of a walk over a target.
#[derive(Default)]
pub(crate) struct WalkResult {
    /// Known files of the scanned folders that no longer exist.
    pub(crate) vanished: Vec<KnownFile>,
    /// Files that have another content now.
    pub(crate) overwritten: Vec<Overwritten>,
    /// Folders that were scanned.
    pub(crate) visited: HashSet<String>,
    /// Folders that could not be read, such as a drive that is not mounted.
    pub(crate) closed: Vec<PathBuf>,
    /// Known files that are in their places.
    pub(crate) known_there: u64,
    /// The identity of the target before the walk.
    before: Option<Identity>,
}

impl WalkResult {
    /// Begins a walk over a target.
    pub(crate) async fn begin(target: &Target) -> Result<Self> {
        let path = target.path.clone();
        let before = blocking("examining a folder", move || Ok(Identity::of(&path))).await?;
        Ok(Self {
            before,
            ..Self::default()
        })
    }

    /// Handles the files that vanished below one target. `with_line` are the points of all targets
    /// with a line in the manifest.
    pub(crate) async fn settle(
        mut self,
        scanner: &Scanner,
        target: &Target,
        places: &Places,
        with_line: &mut HashSet<PointId>,
    ) -> Result<Worked> {
        let mut sum = Worked::default();
        let gone = self.gone(scanner, target, places).await?;
        if self.is_away(scanner, target, places, gone.len()).await? {
            let path = target.path.display().to_string();
            sum.summary.remark(format!(
                "none of the known pictures in {path} is there: its drive seems to be away, so \
                 they do not count as missing"
            ));
            sum.summary.away.push(path);
            return Ok(sum);
        }
        let mut forgotten = Vec::new();
        for file in gone {
            let KnownContent::Picture(point) = file.content else {
                forgotten.push((file.folder, file.name));
                continue;
            };
            // The record of a moved file goes when the run is confirmed: if its new place is lost
            // before that, the picture must not be forgotten.
            if with_line.contains(&point) {
                sum.summary.moved += 1;
                sum.gone.push(file);
            } else if let Some(copy) = first_copy(scanner, point, &file).await? {
                sum.summary.moved += 1;
                replace_by(scanner, target, copy, &mut sum).await?;
                with_line.insert(point);
                sum.gone.push(file);
            } else {
                sum.summary.missing(path_text(&file.folder, &file.name));
                sum.gone.push(file);
            }
        }
        for Overwritten { before, is_picture } in self.overwritten {
            let KnownContent::Picture(point) = before.content else {
                continue;
            };
            if with_line.contains(&point) {
                continue;
            }
            if let Some(copy) = first_copy(scanner, point, &before).await? {
                replace_by(scanner, target, copy, &mut sum).await?;
                with_line.insert(point);
            } else if !is_picture {
                sum.summary.missing(path_text(&before.folder, &before.name));
                sum.gone.push(before);
            }
        }
        scanner.forget(&forgotten).await?;
        Ok(sum)
    }

    /// Returns the known files of the scanned folders that are not in their places.
    async fn gone(
        &mut self,
        scanner: &Scanner,
        target: &Target,
        places: &Places,
    ) -> Result<Vec<KnownFile>> {
        let mut vanished = std::mem::take(&mut self.vanished);
        let (below, path) = (places.clone(), target.path.clone());
        let away = blocking("examining folders", move || Ok(below.away_below(&path))).await?;
        self.closed.extend(away);
        let parts = scanner.parts_of(target);
        for folder in scanner.folders_below(&target.path).await? {
            if !self.visited.contains(&folder) && is_part(parts, Path::new(&folder)) {
                let range = NameRange::default();
                vanished.extend(scanner.known_in_range(&folder, &range).await?);
            }
        }
        vanished.retain(|file| {
            let is_closed = self
                .closed
                .iter()
                .any(|closed| Path::new(&file.folder).starts_with(closed));
            // A file that `.clippyignore` now excludes is not missing.
            let is_gone =
                || std::fs::symlink_metadata(path_text(&file.folder, &file.name)).is_err();
            !is_closed && is_gone()
        });
        Ok(vanished)
    }

    /// Whether the drive of a target seems to be away. If it is there, its identity is recorded.
    async fn is_away(
        &self,
        scanner: &Scanner,
        target: &Target,
        places: &Places,
        gone: usize,
    ) -> Result<bool> {
        let path = target.path.clone();
        let (is_folder, now) = blocking("examining a folder", move || {
            Ok((!path.is_file(), Identity::of(&path)))
        })
        .await?;
        if !is_folder {
            return Ok(false);
        }
        let recorded = places.of(&target.path);
        let evidence = Evidence {
            recorded,
            before: self.before,
            now,
            known_there: self.known_there,
            gone: gone as u64,
        };
        if evidence.is_away() {
            return Ok(true);
        }
        if let Some(identity) = now.filter(|_| now != recorded && !scanner.request.dry_run) {
            let (places, path) = (places.clone(), target.path.clone());
            blocking("writing a file", move || places.record(&path, identity)).await?;
        }
        Ok(false)
    }
}

/// Whether the known files of a folder that was not visited belong to the parts of a scan. A folder
/// that is gone belongs to the part that it was in.
fn is_part(parts: &[ScanPart], folder: &Path) -> bool {
    lists(parts, folder)
        || (parts.iter().any(|part| folder.starts_with(&part.folder)) && !folder.exists())
}

/// Returns another file that still has the content of a vanished one.
async fn first_copy(
    scanner: &Scanner,
    point: PointId,
    vanished: &KnownFile,
) -> Result<Option<KnownFile>> {
    for holder in scanner.holders(&[point]).await? {
        let is_itself = holder.folder == vanished.folder && holder.name == vanished.name;
        if !is_itself && is_there(&holder).await? {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// Adds the line of a copy that replaces a picture's first file.
async fn replace_by(
    scanner: &Scanner,
    target: &Target,
    copy: KnownFile,
    sum: &mut Worked,
) -> Result<()> {
    let worked = from_copy(scanner, target, copy).await?;
    sum.lines.extend(worked.lines);
    sum.proposed.extend(worked.proposed);
    sum.summary.merge(crate::summary::Summary {
        // It was already counted as unchanged.
        new: 0,
        described_anew: 0,
        ..worked.summary
    });
    Ok(())
}

/// Makes the line of a copy that replaces a file that is gone.
async fn from_copy(scanner: &Scanner, target: &Target, copy: KnownFile) -> Result<Worked> {
    let root = scanner
        .request
        .targets
        .iter()
        .map(|target| &target.root)
        .find(|root| Path::new(&copy.folder).starts_with(root))
        .unwrap_or(&target.root)
        .clone();
    let listed = clippy_core::blocking("examining a file", {
        let copy = copy.clone();
        move || Ok(listed_alone(&copy))
    })
    .await?;
    let file = ToRead {
        context: context_of(scanner, &root, &listed, Some(&copy)),
        listed,
        before: Some(copy.clone()),
    };
    read_again(scanner, &root, &copy.folder, file).await
}

/// Returns a file with the files beside it.
fn listed_alone(file: &KnownFile) -> Listed {
    let path = PathBuf::from(path_text(&file.folder, &file.name));
    let mut found = None;
    let alone = Walk {
        served: vec![PathBuf::from(&file.folder)],
        path,
        leave_out: None,
        only: Vec::new(),
    };
    walk(&alone, &mut |one| {
        if let crate::walk::Found::Slice(slice) = one {
            found = slice.files.into_iter().next();
        }
        true
    });
    found.unwrap_or_else(|| Listed {
        name: file.name.clone(),
        stamp: file.stamp,
        beside: Vec::new(),
        describes: false,
    })
}
