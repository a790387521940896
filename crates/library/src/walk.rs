//! Walks a folder, and lists the files of each folder in the order of their names, with the files
//! beside each.
//!
//! Hidden files are left out, and what `.clippyignore` files exclude. Their syntax is that of
//! `.gitignore`. Links to folders are not followed, so circles of links do no harm. A link's target
//! inside the folders is found there, and a target outside is reported. A link to a file counts as
//! that file.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use clippy_core::bulk::ScanPart;
use clippy_core::known::{FileStamp, NameRange};
use clippy_core::ledger::{FailureKind, LineFailure};
use ignore::{DirEntry, WalkBuilder};

use crate::reading::stamp_of;
use crate::sidecars::{is_beside_a_picture, names_beside};

/// The name of the files that list what is left out.
pub const IGNORE_FILE: &str = ".clippyignore";
/// The number of files that are processed together.
const SLICE: usize = 256;

/// What to walk.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The folder or file, with links resolved.
    pub path: PathBuf,
    /// Folders that pictures are served from, with links resolved. The targets of links must be in
    /// one of them.
    pub served: Vec<PathBuf>,
    /// A folder that is left out, such as the data folder.
    pub leave_out: Option<PathBuf>,
    /// The parts of the path to list; empty lists everything.
    pub only: Vec<ScanPart>,
}

impl Walk {
    /// Whether the files of a folder are listed.
    fn lists(&self, folder: &Path) -> bool {
        lists(&self.only, folder)
    }

    /// Whether a folder is opened: its files are listed, or those of a folder below it. Files named
    /// `.clippyignore` apply to the folders below theirs, so a walk always begins at its path.
    fn opens(only: &[ScanPart], folder: &Path) -> bool {
        lists(only, folder) || only.iter().any(|part| part.folder.starts_with(folder))
    }
}

/// Whether the parts of a walk contain the files of a folder.
pub(crate) fn lists(only: &[ScanPart], folder: &Path) -> bool {
    only.is_empty()
        || only
            .iter()
            .any(|part| folder == part.folder || (part.deep && folder.starts_with(&part.folder)))
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its size, time and inode.
    pub stamp: FileStamp,
    /// Files that may describe it, the most detailed format first.
    pub beside: Vec<(String, FileStamp)>,
    /// Whether it may describe another file.
    pub describes: bool,
}

/// Some files of one folder, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slice {
    /// The folder, absolute.
    pub folder: String,
    /// The range of names that it covers.
    pub names: NameRange,
    /// The files.
    pub files: Vec<Listed>,
    /// Whether all files of these names are listed.
    pub is_complete: bool,
    /// Whether it is the last slice of its folder.
    pub is_last: bool,
}

/// What a walk finds.
#[derive(Debug)]
pub enum Found {
    /// Files.
    Slice(Slice),
    /// A file or folder that cannot be read, by its path.
    Failed(String, LineFailure),
    /// A folder that cannot be read. Its known files do not count as missing.
    Closed(PathBuf),
    /// Something to report.
    Remark(String),
}

/// Walks to the end, or until `emit` returns `false`. Waits for the disk.
pub fn walk(walk: &Walk, emit: &mut dyn FnMut(Found) -> bool) {
    let leave_out = walk.leave_out.clone().filter(|folder| *folder != walk.path);
    let only = walk.only.clone();
    let mut builder = WalkBuilder::new(&walk.path);
    builder
        .standard_filters(false)
        .hidden(true)
        .follow_links(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .sort_by_file_name(|left, right| left.as_encoded_bytes().cmp(right.as_encoded_bytes()))
        .filter_entry(move |entry| {
            let is_left_out = leave_out.as_deref() == Some(entry.path());
            let is_folder = || entry.file_type().is_some_and(|kind| kind.is_dir());
            !is_left_out && (only.is_empty() || !is_folder() || Walk::opens(&only, entry.path()))
        });
    let mut walker = Walker {
        walk,
        emit,
        open: Vec::new(),
        closed: HashSet::new(),
    };
    for entry in builder.build() {
        let goes_on = match entry {
            Ok(entry) => walker.entry(&entry),
            Err(error) => walker.error(&error),
        };
        if !goes_on {
            return;
        }
    }
    walker.close_to(0);
}

/// A folder whose files are being listed.
struct OpenFolder {
    path: PathBuf,
    files: Vec<(String, FileStamp)>,
}

struct Walker<'w> {
    walk: &'w Walk,
    emit: &'w mut dyn FnMut(Found) -> bool,
    /// The open folders, outermost first.
    open: Vec<OpenFolder>,
    closed: HashSet<PathBuf>,
}

impl Walker<'_> {
    fn entry(&mut self, entry: &DirEntry) -> bool {
        if !self.close_to(entry.depth()) {
            return false;
        }
        if let Some(error) = entry.error()
            && !(self.emit)(Found::Remark(format!(
                "a {IGNORE_FILE} cannot be parsed: {error}"
            )))
        {
            return false;
        }
        let Some(kind) = entry.file_type() else {
            return true;
        };
        if kind.is_dir() {
            self.open.push(OpenFolder {
                path: entry.path().to_owned(),
                files: Vec::new(),
            });
            return true;
        }
        let is_listed = self
            .open
            .last()
            .is_none_or(|folder| self.walk.lists(&folder.path));
        if !is_listed {
            return true;
        }
        match self.stamp(entry) {
            Ok(Some(stamp)) => self.file(entry, stamp),
            Ok(None) => true,
            Err(found) => (self.emit)(*found),
        }
    }

    /// Returns the stamp of a file; `None` if it is not a file.
    fn stamp(&self, entry: &DirEntry) -> Result<Option<FileStamp>, Box<Found>> {
        let path = entry.path();
        let failed = |kind, reason: String| {
            Box::new(Found::Failed(
                path.to_string_lossy().into_owned(),
                LineFailure::new(kind, reason),
            ))
        };
        let shown = path.display();
        let unreadable =
            |error: std::io::Error| failed(FailureKind::Unreadable, not_readable(&shown, &error));
        if !entry.path_is_symlink() {
            let metadata = fs::symlink_metadata(path).map_err(unreadable)?;
            return Ok(metadata.is_file().then(|| stamp_of(&metadata)));
        }
        let (Ok(metadata), Ok(real)) = (fs::metadata(path), path.canonicalize()) else {
            return Err(failed(
                FailureKind::NoFile,
                format!("{shown} is a link to something that is not there"),
            ));
        };
        let is_inside = self.walk.served.iter().any(|root| real.starts_with(root));
        if metadata.is_file() && is_inside {
            Ok(Some(stamp_of(&metadata)))
        } else if is_inside {
            Ok(None)
        } else if metadata.is_dir() {
            Err(Box::new(Found::Remark(format!(
                "{shown} is a link to a folder elsewhere, which is not followed: add {} itself",
                real.display()
            ))))
        } else if !metadata.is_file() {
            Err(Box::new(Found::Remark(format!(
                "{shown} is a link to {}, which is no ordinary file: it is left out",
                real.display()
            ))))
        } else {
            Err(failed(
                FailureKind::Outside,
                format!(
                    "{shown} is a link to a file outside the folders that pictures are served \
                     from: add {} itself",
                    real.display()
                ),
            ))
        }
    }

    fn file(&mut self, entry: &DirEntry, stamp: FileStamp) -> bool {
        let Some(path) = entry.path().to_str() else {
            let path = entry.path().to_string_lossy().into_owned();
            let reason = format!("{path} has a name that is not UTF-8: rename it");
            return (self.emit)(Found::Failed(
                path,
                LineFailure::new(FailureKind::Unreadable, reason),
            ));
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(folder) = self.open.last_mut() {
            folder.files.push((name, stamp));
            return true;
        }
        // A file that was given alone. Files beside it may describe it.
        let folder = Path::new(path).parent().unwrap_or(Path::new("/"));
        let mut files = beside_alone(folder, &name);
        files.push((name.clone(), stamp));
        let mut listed = listed(files);
        listed.retain(|file| file.name == name);
        (self.emit)(Found::Slice(Slice {
            folder: folder.to_string_lossy().into_owned(),
            names: NameRange {
                after: None,
                upto: Some(name),
            },
            files: listed,
            is_complete: false,
            is_last: true,
        }))
    }

    fn error(&mut self, error: &ignore::Error) -> bool {
        let Some(path) = path_of(error) else {
            // The folder is unknown, so nothing counts as missing.
            return (self.emit)(Found::Closed(self.walk.path.clone()))
                && (self.emit)(Found::Remark(format!("something cannot be read: {error}")));
        };
        self.closed.insert(path.to_owned());
        let shown = path.to_string_lossy().into_owned();
        let reason = match error.io_error() {
            Some(error) => not_readable(&shown, error),
            None => format!("{shown} cannot be read: {error}"),
        };
        let failure = LineFailure::new(FailureKind::Unreadable, reason);
        (self.emit)(Found::Closed(path.to_owned())) && (self.emit)(Found::Failed(shown, failure))
    }

    /// Closes the folders that are deeper.
    fn close_to(&mut self, depth: usize) -> bool {
        while self.open.len() > depth {
            let Some(folder) = self.open.pop() else { break };
            let is_whole = !self.closed.contains(&folder.path) && self.walk.lists(&folder.path);
            if is_whole && !self.emit_folder(folder) {
                return false;
            }
        }
        true
    }

    fn emit_folder(&mut self, folder: OpenFolder) -> bool {
        // Its files were reported one by one.
        let Some(path) = folder.path.to_str().map(str::to_owned) else {
            return true;
        };
        let mut rest = listed(folder.files).into_iter();
        let mut after = None;
        loop {
            // Each slice has a memory of its own, not that of all files of the folder.
            let files: Vec<Listed> = rest.by_ref().take(SLICE).collect();
            let is_last = rest.len() == 0;
            let last = files.last().map(|file| file.name.clone());
            let slice = Slice {
                folder: path.clone(),
                names: NameRange {
                    after: after.take(),
                    upto: last.clone().filter(|_| !is_last),
                },
                files,
                is_complete: true,
                is_last,
            };
            if !(self.emit)(Found::Slice(slice)) {
                return false;
            }
            if is_last {
                return true;
            }
            after = last;
        }
    }
}

/// Says why a file or folder cannot be read, and what to do.
fn not_readable(shown: &dyn Display, error: &std::io::Error) -> String {
    // The walk's error names the path, and the one below it does not.
    let cause: &dyn std::error::Error = std::error::Error::source(error).unwrap_or(error);
    let advice = if error.kind() == std::io::ErrorKind::PermissionDenied {
        format!(". Let this user read it, or leave it out with a {IGNORE_FILE} file")
    } else {
        String::new()
    };
    format!("{shown} cannot be read: {cause}{advice}")
}

/// Returns the files of a folder, each with the files beside it.
fn listed(files: Vec<(String, FileStamp)>) -> Vec<Listed> {
    let by_name: HashMap<String, &(String, FileStamp)> = files
        .iter()
        .filter(|(name, _)| is_beside_a_picture(Path::new(name)))
        .map(|file| (file.0.to_lowercase(), file))
        .collect();
    let mut describing = HashSet::new();
    let beside: Vec<Vec<(String, FileStamp)>> = files
        .iter()
        .map(|(name, _)| {
            if by_name.is_empty() {
                return Vec::new();
            }
            let found: Vec<(String, FileStamp)> = names_beside(name)
                .iter()
                .filter_map(|name| by_name.get(name))
                .filter(|(other, _)| other != name)
                .map(|file| (*file).clone())
                .collect();
            describing.extend(found.iter().map(|(name, _)| name.clone()));
            found
        })
        .collect();
    let mut listed: Vec<Listed> = files
        .into_iter()
        .zip(beside)
        .map(|((name, stamp), beside)| Listed {
            describes: describing.contains(&name),
            name,
            stamp,
            beside,
        })
        .collect();
    listed.sort_by(|left, right| left.name.cmp(&right.name));
    listed
}

/// Returns the files that may describe a file whose folder is not walked.
fn beside_alone(folder: &Path, name: &str) -> Vec<(String, FileStamp)> {
    let wanted = names_beside(name);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.to_owned();
            if !wanted.contains(&name.to_lowercase()) {
                return None;
            }
            let metadata = fs::metadata(entry.path()).ok()?;
            metadata.is_file().then(|| (name, stamp_of(&metadata)))
        })
        .collect()
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    /// An error that names the path, as that of a walk.
    #[derive(Debug)]
    struct OfWalk(Error);

    impl Display for OfWalk {
        fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(text, "IO error for operation on /a/closed: {}", self.0)
        }
    }

    impl std::error::Error for OfWalk {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_names_the_path_once_and_says_what_to_do() {
        let denied = Error::new(
            ErrorKind::PermissionDenied,
            OfWalk(Error::from_raw_os_error(13)),
        );
        let said = not_readable(&"/a/closed", &denied);
        assert_eq!(said.matches("/a/closed").count(), 1, "{said}");
        assert!(said.contains(".clippyignore"), "{said}");
        let other = not_readable(&"/a/one.png", &Error::from(ErrorKind::TimedOut));
        assert_eq!(other, "/a/one.png cannot be read: timed out");
    }
}
