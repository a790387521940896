//! Where to look: the folders and files that were named, and the roots that their pictures are served
//! from.

use std::path::{Path, PathBuf};

use clippy_core::{Error, Result};

/// A folder or a file to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// With links resolved.
    pub path: PathBuf,
    /// The folder that its pictures are served from, which holds it.
    pub root: PathBuf,
}

impl Target {
    /// The targets of paths that exist. Each has the outermost root that holds it, of those that
    /// pictures are served from already; without one, the folder itself becomes a root, or the
    /// folder of a file. A path inside of another one is left out.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for a path that cannot be read.
    pub fn of(paths: &[PathBuf], served: &[PathBuf]) -> Result<Vec<Self>> {
        let real = |path: &Path| {
            path.canonicalize().map_err(|error| {
                Error::invalid(format!("{} cannot be read: {error}", path.display()))
            })
        };
        let paths: Vec<PathBuf> = paths.iter().map(|path| real(path)).collect::<Result<_>>()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_outermost_root_that_is_served_else_it_becomes_one() {
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
            "one inside of another one, and one named twice"
        );
        assert!(Target::of(&[path("gone")], &[]).is_err());
    }
}
