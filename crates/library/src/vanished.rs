//! Known files that are no longer in their place: moved, replaced by a copy, or missing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clippy_core::Result;
use clippy_core::ids::PointId;
use clippy_core::known::{KnownContent, KnownFile, NameRange};

use crate::batch::{ToRead, Worked, context_of, is_there, path_text, read_again};
use crate::scanner::Scanner;
use crate::target::Target;
use crate::walk::{Listed, Walk, walk};

/// The results of a walk over a target.
#[derive(Default)]
pub(crate) struct WalkResult {
    /// Known files of the scanned folders that no longer exist.
    pub(crate) vanished: Vec<KnownFile>,
    /// Folders that were scanned.
    pub(crate) visited: HashSet<String>,
    /// Folders that could not be read, such as a drive that is not mounted.
    pub(crate) closed: Vec<PathBuf>,
    /// Points with a line in the manifest.
    pub(crate) with_line: HashSet<PointId>,
}

impl WalkResult {
    /// Handles the files that vanished below one target.
    pub(crate) async fn settle(&mut self, scanner: &Scanner, target: &Target) -> Result<Worked> {
        let mut sum = Worked::default();
        let mut gone = std::mem::take(&mut self.vanished);
        for folder in scanner.folders_below(&target.path).await? {
            let is_closed = self
                .closed
                .iter()
                .any(|closed| Path::new(&folder).starts_with(closed));
            if !is_closed && !self.visited.contains(&folder) {
                gone.extend(
                    scanner
                        .known_in_range(&folder, &NameRange::default())
                        .await?,
                );
            }
        }
        let mut forgotten = Vec::new();
        for file in gone {
            let path = path_text(&file.folder, &file.name);
            // A file that `.clippyignore` now excludes is not missing.
            if std::fs::symlink_metadata(&path).is_ok() {
                continue;
            }
            let KnownContent::Picture(point) = file.content else {
                forgotten.push((file.folder, file.name));
                continue;
            };
            if self.with_line.contains(&point) {
                sum.summary.moved += 1;
                forgotten.push((file.folder, file.name));
            } else if let Some(copy) = first_copy(scanner, point, &file).await? {
                sum.summary.moved += 1;
                forgotten.push((file.folder, file.name));
                let worked = from_copy(scanner, target, copy).await?;
                self.with_line.insert(point);
                sum.lines.extend(worked.lines);
                sum.proposed.extend(worked.proposed);
                sum.summary.merge(crate::summary::Summary {
                    // It was already counted as unchanged.
                    new: 0,
                    described_anew: 0,
                    ..worked.summary
                });
            } else {
                sum.summary.missing(path);
            }
        }
        scanner.forget(&forgotten).await?;
        Ok(sum)
    }
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
