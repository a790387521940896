//! What to scan: the requested folders and files, and the roots that their pictures are served
//! from.

use std::path::{Path, PathBuf};

use clippy_core::{Error, Result};

/// A folder or a file to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The path, with links resolved.
    pub path: PathBuf,
    /// The folder that its pictures are served from. It contains `path`.
    pub root: PathBuf,
}

impl Target {
    /// Returns the targets of paths that exist. The root of each is the outermost folder that
    /// pictures are already served from and that contains it. Without one, the folder itself
    /// becomes a root, or the folder of a file. A path inside another one is left out.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] if a path cannot be read, or is neither a file nor a
    /// folder.
    pub fn of(paths: &[PathBuf], served: &[PathBuf]) -> Result<Vec<Self>> {
        let real = |path: &Path| {
            path.canonicalize().map_err(|error| {
                Error::invalid(format!("{} cannot be read: {error}", path.display()))
            })
        };
        let paths: Vec<PathBuf> = paths.iter().map(|path| real(path)).collect::<Result<_>>()?;
        paths.iter().try_for_each(|path| check_ordinary(path))?;
        let served: Vec<PathBuf> = served
            .iter()
            .filter_map(|root| root.canonicalize().ok())
            .collect();
        let mut targets: Vec<Self> = Vec::new();
        for path in &paths {
            let is_inside = paths
                .iter()
                .any(|other| path != other && path.starts_with(other));
            if is_inside || targets.iter().any(|target| target.path == *path) {
                continue;
            }
            let outermost = served
                .iter()
                .filter(|root| path.starts_with(root))
                .min_by_key(|root| root.components().count());
            let root = match (outermost, path.is_dir()) {
                (Some(root), _) => root.clone(),
                (None, true) => path.clone(),
                (None, false) => path.parent().unwrap_or(path).to_owned(),
            };
            targets.push(Self {
                path: path.clone(),
                root,
            });
        }
        Ok(targets)
    }
}

/// Refuses devices, pipes and sockets, which may never end.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] for these, and if the path cannot be read.
pub fn check_ordinary(path: &Path) -> Result<()> {
    let metadata = path
        .metadata()
        .map_err(|error| Error::invalid(format!("{} cannot be read: {error}", path.display())))?;
    if metadata.is_file() || metadata.is_dir() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{} is no ordinary file (it is a device, a pipe or a socket), so no picture can be added \
         from it: name a file or a folder",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_outermost_served_root_or_becomes_a_root() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let base = folder.path().canonicalize().expect("there");
        std::fs::create_dir_all(base.join("a/b/c")).expect("made");
        std::fs::write(base.join("a/b/one.png"), "").expect("written");
        let path = |name: &str| base.join(name);
        let roots = |paths: &[&str], served: &[&str]| -> Vec<(PathBuf, PathBuf)> {
            let all = |names: &[&str]| names.iter().map(|name| path(name)).collect::<Vec<_>>();
            let targets = Target::of(&all(paths), &all(served)).expect("there");
            targets
                .into_iter()
                .map(|target| (target.path, target.root))
                .collect()
        };
        assert_eq!(roots(&["a/b"], &[]), [(path("a/b"), path("a/b"))]);
        assert_eq!(
            roots(&["a/b/one.png"], &[]),
            [(path("a/b/one.png"), path("a/b"))]
        );
        assert_eq!(
            roots(&["a/b/c", "a/b", "a/b/../b"], &["a/b/c", "a", "gone"]),
            [(path("a/b"), path("a"))],
            "a path inside another one, and a path given twice"
        );
        assert!(Target::of(&[path("gone")], &[]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_or_a_socket_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).expect("made");
        for path in [Path::new("/dev/null").to_owned(), socket] {
            let refused = Target::of(std::slice::from_ref(&path), &[]).expect_err("no file");
            assert!(refused.message.contains("no ordinary file"), "{refused}");
            check_ordinary(&path).expect_err("no file");
        }
        check_ordinary(folder.path()).expect("a folder");
    }
}
