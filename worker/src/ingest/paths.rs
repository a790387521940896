//! Where a manifest's pictures are.

use std::path::{Component, Path, PathBuf};

use clippy_core::{Error, Result};

/// The folders that relative paths are looked up under, in this order.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    folders: Vec<Root>,
}

/// One of these folders.
#[derive(Debug, Clone)]
struct Root {
    /// As it was named, made absolute.
    named: PathBuf,
    /// With symlinks resolved: recorded with the collection.
    resolved: PathBuf,
}

/// A picture's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The file.
    pub file: PathBuf,
    /// What the payload says as `path`: relative to its root when under it, else absolute.
    pub path: String,
    /// The root that `path` is relative to, counted as [`Roots::folder`] does.
    pub root: Option<usize>,
}

impl Roots {
    /// The images' root (the manifest's folder when not given), and the manifest's folder.
    pub(crate) async fn open(manifest: &Path, images_root: Option<&Path>) -> Result<Self> {
        let (manifest, images_root) = (manifest.to_owned(), images_root.map(Path::to_owned));
        let opened = tokio::task::spawn_blocking(move || Self::open_now(&manifest, images_root.as_deref()));
        opened.await.map_err(|error| Error::internal("looking for the images' folder failed").with_source(error))?
    }

    fn open_now(manifest: &Path, images_root: Option<&Path>) -> Result<Self> {
        let mut folders = Vec::new();
        if let Some(root) = images_root {
            folders.push(open_root(root)?);
        }
        let beside = match manifest.parent() {
            Some(folder) if folder != Path::new("") => open_root(folder)?,
            _ => open_root(Path::new("."))?,
        };
        if folders.first().is_none_or(|root: &Root| root.resolved != beside.resolved) {
            folders.push(beside);
        }
        Ok(Self { folders })
    }

    /// How many folders there are: one or two.
    pub(crate) fn len(&self) -> usize {
        self.folders.len()
    }

    /// One of the folders, with symlinks resolved.
    pub(crate) fn folder(&self, index: usize) -> &Path {
        &self.folders[index].resolved
    }

    /// Finds the file of a manifest's `local_path`. Asks the file system, so it belongs on a blocking thread.
    ///
    /// # Errors
    /// Why there is none, for a person to read.
    pub(crate) fn find(&self, local_path: &str) -> Result<Found, String> {
        let path = Path::new(local_path);
        if local_path.contains('\0') {
            return Err("the path holds a zero byte".to_owned());
        }
        if path.is_absolute() {
            let file = without_dots(path).ok_or_else(|| format!("{local_path} is above the file system's root"))?;
            is_file(&file, local_path)?;
            return Ok(self.named(file));
        }
        let mut inside = false;
        let mut unreadable = None;
        for (index, root) in self.folders.iter().enumerate() {
            let Some(file) = without_dots(&root.resolved.join(path)) else { continue };
            let Ok(relative) = file.strip_prefix(&root.resolved) else { continue };
            inside = true;
            match is_file(&file, local_path) {
                Ok(()) => {
                    return Ok(Found { path: relative.to_string_lossy().into_owned(), root: Some(index), file });
                }
                Err(reason) => {
                    unreadable.get_or_insert(reason);
                }
            }
        }
        if !inside {
            return Err(format!(
                "{local_path} leaves the images' folder: name the folder that holds all pictures as the images' root"
            ));
        }
        Err(unreadable.unwrap_or_else(|| format!("there is no file {local_path}")))
    }

    /// An absolute file, named relative to the first root that holds it.
    fn named(&self, file: PathBuf) -> Found {
        for (index, root) in self.folders.iter().enumerate() {
            let relative = file.strip_prefix(&root.resolved).or_else(|_| file.strip_prefix(&root.named));
            if let Ok(relative) = relative {
                return Found { path: relative.to_string_lossy().into_owned(), root: Some(index), file };
            }
        }
        Found { path: file.to_string_lossy().into_owned(), root: None, file }
    }
}

fn open_root(folder: &Path) -> Result<Root> {
    let wrong = |error: std::io::Error| {
        Error::invalid(format!("the images' folder {} cannot be read: {error}", folder.display()))
    };
    let resolved = folder.canonicalize().map_err(wrong)?;
    if !resolved.is_dir() {
        return Err(Error::invalid(format!("the images' folder {} is not a folder", folder.display())));
    }
    let named = std::path::absolute(folder).map_err(wrong)?;
    Ok(Root { named: without_dots(&named).unwrap_or_else(|| resolved.clone()), resolved })
}

/// The path without `.` and `..`, by its text alone; `None` when it climbs above the root of the file system.
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

fn is_file(file: &Path, local_path: &str) -> Result<(), String> {
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(format!("{local_path} is not a file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!("there is no file {local_path}")),
        Err(error) => Err(format!("the file {local_path} cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(file: &Path) {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, b"x").expect("written");
    }

    #[test]
    fn paths_are_relative_to_the_root_that_holds_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (images, beside) = (folder.path().join("images"), folder.path().join("lists"));
        for file in ["images/a.png", "lists/a.png", "lists/sub/b.png", "other/c.png"] {
            write(&folder.path().join(file));
        }
        let roots = Roots::open_now(&beside.join("m.jsonl"), Some(&images)).expect("both are there");
        let path = |local: &str| roots.find(local).map(|found| (found.path, found.root));
        assert_eq!(path("a.png"), Ok(("a.png".to_owned(), Some(0))), "the images' root comes first");
        assert_eq!(path("./sub/../sub/b.png"), Ok(("sub/b.png".to_owned(), Some(1))));
        let absolute = images.canonicalize().expect("there").join("a.png").display().to_string();
        assert_eq!(path(&absolute), Ok(("a.png".to_owned(), Some(0))));
        let outside = folder.path().join("other/c.png").display().to_string();
        assert_eq!(path(&outside), Ok((outside.clone(), None)));
    }

    #[test]
    fn what_leaves_the_roots_or_is_no_file_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let images = folder.path().join("images");
        write(&images.join("sub/a.png"));
        write(&folder.path().join("secret.png"));
        let roots = Roots::open_now(&images.join("m.jsonl"), None).expect("there");
        assert_eq!(roots.len(), 1);
        for (local, word) in [
            ("../secret.png", "leaves"),
            ("sub/../../secret.png", "leaves"),
            (&"../".repeat(60), "leaves"),
            ("sub", "not a file"),
            ("none.png", "no file"),
            ("a\0b", "zero byte"),
        ] {
            let reason = roots.find(local).expect_err(local);
            assert!(reason.contains(word), "{local}: {reason}");
        }
    }
}
