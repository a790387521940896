//! Finds the files of a manifest's pictures.
//!
//! A relative path is looked up in the images' root, then in the manifest's folder. Clippy 0.2's
//! scripts wrote paths relative to the folder that they ran in (`./data/safebooru/ALL/1.webp`), so
//! the working folder and the folders above the roots are tried after that. A file that is found
//! there is stored relative to the root that contains it. A folder outside of all roots is recorded
//! as a new root only for the command line.

use std::path::{Path, PathBuf};

use clippy_common::paths::without_dots;
use clippy_core::ledger::{FailureKind, LineFailure};
use clippy_core::paths::Root;
use clippy_core::pictures::spellings;
use clippy_core::{Error, Result, blocking};

use crate::ingest::manifest::Manifest;

/// The remark on a picture that is stored but cannot be shown.
pub(crate) const NOT_SERVED: &str = "the picture lies outside of the folders that pictures are served from, so that searches find \
     it but cannot show it: set IMAGES_ROOT to a folder that contains it, or ingest it with \
     --images-root";

/// The folders to look in.
#[derive(Debug, Clone, Default)]
pub(crate) struct LookupFolders {
    /// The folder that relative paths begin at; `None` means the manifest's own folder.
    pub images_root: Option<PathBuf>,
    /// Further folders that contain pictures, to be recorded.
    pub more_roots: Vec<PathBuf>,
    /// Further folders that pictures are served from: the recorded roots of the collection, and
    /// `IMAGES_ROOT`.
    pub served: Vec<PathBuf>,
    /// Whether a folder outside of all these may be recorded as a new root.
    pub may_record: bool,
}

/// The opened folders that pictures are looked up in.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    /// The images' root, the further roots and the manifest's folder, in this order.
    folders: Vec<Root>,
    /// Further folders that pictures are served from.
    served: Vec<Root>,
    /// Where a relative path may begin if it is not found in the folders: the working folder, and
    /// the folders above the roots.
    bases: Vec<PathBuf>,
    may_record: bool,
}

/// The file of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundPicture {
    /// The file.
    pub file: PathBuf,
    /// The payload's `path`: relative to its root when under it, else absolute.
    pub path: String,
    /// The folder that `path` is relative to, to be recorded with the collection.
    pub root: Option<PathBuf>,
    /// Whether the picture can be served.
    pub served: bool,
}

impl Roots {
    /// Opens the folders. Folders of `lookup.served` that do not exist are ignored.
    pub(crate) async fn open(manifest: &Path, lookup: LookupFolders) -> Result<Self> {
        let manifest = manifest.to_owned();
        blocking("looking for the images' folder", move || {
            let working = std::env::current_dir().ok();
            Self::open_now(&manifest, &lookup, working.as_deref())
        })
        .await
    }

    fn open_now(manifest: &Path, lookup: &LookupFolders, working: Option<&Path>) -> Result<Self> {
        let mut folders: Vec<Root> = Vec::new();
        for root in lookup.images_root.iter().chain(&lookup.more_roots) {
            folders.push(open_root(root)?);
        }
        // The folder of a pipe says nothing about where the pictures are.
        let beside = match manifest.parent() {
            Some(folder) if folder != Path::new("") && !Manifest::is_stream(manifest) => {
                open_root(folder)?
            }
            _ => open_root(Path::new("."))?,
        };
        if folders
            .iter()
            .all(|root| root.resolved() != beside.resolved())
        {
            folders.push(beside);
        }
        let served: Vec<Root> = lookup
            .served
            .iter()
            .filter_map(|folder| open_root(folder).ok())
            .collect();
        let mut bases: Vec<PathBuf> = Vec::new();
        let above = folders
            .iter()
            .chain(&served)
            .flat_map(|root| root.resolved().ancestors().skip(1));
        for base in working.into_iter().chain(above) {
            if !bases.iter().any(|known| known == base) {
                bases.push(base.to_owned());
            }
        }
        Ok(Self {
            folders,
            served,
            bases,
            may_record: lookup.may_record,
        })
    }

    /// Finds the file of a manifest's `local_path`. It reads the file system, so call it on a
    /// blocking thread.
    ///
    /// # Errors
    /// The reason why there is no usable file, for a person to read.
    pub(crate) fn find(&self, local_path: &str) -> Result<FoundPicture, LineFailure> {
        if local_path.contains('\0') {
            return Err(LineFailure::new(
                FailureKind::NoFile,
                "the path holds a zero byte",
            ));
        }
        let mut failure: Option<LineFailure> = None;
        for spelling in spellings(local_path) {
            let found = if Path::new(&spelling).is_absolute() {
                self.absolute(&spelling)
            } else {
                self.relative(&spelling)
            };
            match found {
                Ok(found) => return Ok(found),
                // A file that cannot be used is a better reason than a file that is missing.
                Err(other)
                    if failure
                        .as_ref()
                        .is_none_or(|known| known.kind == FailureKind::NoFile) =>
                {
                    failure.get_or_insert_with(|| other.clone());
                    if other.kind != FailureKind::NoFile {
                        failure = Some(other);
                    }
                }
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| no_file(local_path)))
    }

    fn absolute(&self, local_path: &str) -> Result<FoundPicture, LineFailure> {
        let above = || {
            LineFailure::new(
                FailureKind::NoFile,
                format!("{local_path} is above the file system's root"),
            )
        };
        let file = without_dots(Path::new(local_path)).ok_or_else(above)?;
        is_file(&file, local_path)?;
        let real = file
            .canonicalize()
            .map_err(|error| unreadable(local_path, &error))?;
        if let Some((root, relative)) = self.holder(&file) {
            self.check_link(local_path, &real)?;
            return Ok(self.found_by_path(root, relative, &file));
        }
        // Reached through a link, such as a folder with two names.
        if let Some((root, relative)) = self.holder(&real) {
            return Ok(self.found_by_path(root, relative, &real));
        }
        let by_a_root = |file: &Path| self.served.iter().any(|root| root.relative(file).is_some());
        let served = by_a_root(&file) && self.is_served(&real);
        Ok(FoundPicture {
            path: file.to_string_lossy().into_owned(),
            root: None,
            served,
            file,
        })
    }

    fn relative(&self, local_path: &str) -> Result<FoundPicture, LineFailure> {
        let path = Path::new(local_path);
        let mut inside = false;
        let mut unusable = None;
        for root in &self.folders {
            let Some(file) = without_dots(&root.resolved().join(path)) else {
                continue;
            };
            let Some(relative) = root.relative(&file) else {
                continue;
            };
            inside = true;
            let looked =
                is_file(&file, local_path).and_then(|()| self.check_link_of(local_path, &file));
            match looked {
                Ok(()) => return Ok(found_in(root, relative, file.clone())),
                Err(failure) => {
                    unusable.get_or_insert(failure);
                }
            }
        }
        if unusable
            .as_ref()
            .is_none_or(|failure| failure.kind == FailureKind::NoFile)
            && let Some(found) = self.above_the_roots(local_path)
        {
            return found;
        }
        if !inside {
            return Err(LineFailure::new(
                FailureKind::Outside,
                format!(
                    "{local_path} leaves the images' folder: pass the folder that contains all \
                     pictures as the images' root"
                ),
            ));
        }
        Err(unusable.unwrap_or_else(|| no_file(local_path)))
    }

    /// Looks up a path as Clippy 0.2's scripts wrote it: relative to the working folder, or to a
    /// folder above the roots. `None` if there is no such file.
    fn above_the_roots(&self, local_path: &str) -> Option<Result<FoundPicture, LineFailure>> {
        let (mut refused, mut elsewhere) = (None, None);
        for base in &self.bases {
            let Some(file) = without_dots(&base.join(local_path)) else {
                continue;
            };
            if !file.is_file() {
                continue;
            }
            if let Some((root, relative)) = self.holder(&file) {
                match self.check_link_of(local_path, &file) {
                    Ok(()) => return Some(Ok(found_in(root, relative, file.clone()))),
                    Err(failure) => {
                        refused.get_or_insert(failure);
                    }
                }
            } else if base.parent().is_some() && file.starts_with(base) {
                elsewhere.get_or_insert(file);
            }
        }
        if let Some(failure) = refused {
            return Some(Err(failure));
        }
        let file = elsewhere?;
        if !self.may_record {
            return Some(Err(LineFailure::new(
                FailureKind::Outside,
                format!(
                    "{local_path} was found, but outside of the folders that pictures are served \
                     from: pass the folder that contains it as images_root, or set IMAGES_ROOT to \
                     it"
                ),
            )));
        }
        // The innermost folder, since all pictures in it may be served from then on.
        let folder = file.parent()?.canonicalize().ok()?;
        let name = file.file_name()?;
        let real = file.canonicalize().ok()?;
        if !real.starts_with(&folder)
            && let Err(failure) = self.check_link(local_path, &real)
        {
            return Some(Err(failure));
        }
        let path = name.to_string_lossy().into_owned();
        Some(Ok(FoundPicture {
            file: folder.join(name),
            path,
            root: Some(folder),
            served: true,
        }))
    }

    /// Returns a file in a root that was given by its absolute path. It keeps that path if an
    /// earlier root has a file with the same relative path, which would be shown instead.
    fn found_by_path(&self, root: &Root, relative: &Path, file: &Path) -> FoundPicture {
        let is_other = |other: &&Root| other.resolved() != root.resolved();
        let earlier = self.served.iter().take_while(is_other);
        let is_ambiguous = earlier
            .chain(self.folders.iter().take_while(is_other))
            .any(|other| other.resolved().join(relative).is_file());
        let found = found_in(root, relative, file.to_owned());
        if is_ambiguous {
            FoundPicture {
                path: file.to_string_lossy().into_owned(),
                ..found
            }
        } else {
            found
        }
    }

    /// Returns the first root that contains a file, and the file's path in it.
    fn holder<'r, 'p>(&'r self, file: &'p Path) -> Option<(&'r Root, &'p Path)> {
        self.folders
            .iter()
            .find_map(|root| Some((root, root.relative(file)?)))
    }

    fn is_served(&self, real: &Path) -> bool {
        self.folders
            .iter()
            .chain(&self.served)
            .any(|root| root.holds(real))
    }

    fn check_link_of(&self, local_path: &str, file: &Path) -> Result<(), LineFailure> {
        let real = file
            .canonicalize()
            .map_err(|error| unreadable(local_path, &error))?;
        self.check_link(local_path, &real)
    }

    /// Refuses a link that leads outside of the served folders: links are resolved before a picture
    /// is served, so its picture would be stored but never shown.
    fn check_link(&self, local_path: &str, real: &Path) -> Result<(), LineFailure> {
        if self.is_served(real) {
            return Ok(());
        }
        Err(LineFailure::new(
            FailureKind::Outside,
            format!(
                "{local_path} is a link to a file outside of the folders that pictures are served \
                 from, so that it would never be shown"
            ),
        ))
    }
}

fn found_in(root: &Root, relative: &Path, file: PathBuf) -> FoundPicture {
    let path = relative.to_string_lossy().into_owned();
    FoundPicture {
        path,
        root: Some(root.resolved().to_owned()),
        served: true,
        file,
    }
}

fn open_root(folder: &Path) -> Result<Root> {
    let wrong = |error: std::io::Error| {
        Error::invalid(format!(
            "the images' folder {} cannot be read: {error}. It is --images-root, else \
             IMAGES_ROOT, else the manifest's own folder",
            folder.display()
        ))
    };
    let root = Root::open(folder).map_err(wrong)?;
    if root.resolved().is_dir() {
        return Ok(root);
    }
    Err(Error::invalid(format!(
        "the images' folder {} is not a folder",
        folder.display()
    )))
}

fn is_file(file: &Path, local_path: &str) -> Result<(), LineFailure> {
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(LineFailure::new(
            FailureKind::NotAPicture,
            format!("{local_path} is not a file"),
        )),
        Err(error) if is_missing(&error) && file.is_symlink() => Err(LineFailure::new(
            FailureKind::NoFile,
            format!("there is no file {local_path}: it is a link to a missing file"),
        )),
        Err(error) if is_missing(&error) => Err(no_file(local_path)),
        Err(error) => Err(unreadable(local_path, &error)),
    }
}

/// Whether the file does not exist. This includes paths that use a file as a folder.
fn is_missing(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

fn no_file(local_path: &str) -> LineFailure {
    LineFailure::new(
        FailureKind::NoFile,
        format!("there is no file {local_path}"),
    )
}

fn unreadable(local_path: &str, error: &std::io::Error) -> LineFailure {
    LineFailure::new(
        FailureKind::Unreadable,
        format!("the file {local_path} cannot be read: {error}"),
    )
}

#[cfg(test)]
mod tests;
