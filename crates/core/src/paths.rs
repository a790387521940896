//! Checks that paths stay inside a folder, whatever `..` and symbolic links they contain.

use std::path::{Path, PathBuf};

use clippy_common::paths::without_dots;

/// A folder that must contain a file. It may be reached through a symbolic link, so it has two
/// names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The given name, made absolute.
    named: PathBuf,
    /// With symbolic links resolved.
    resolved: PathBuf,
}

impl Root {
    /// Resolves an existing folder.
    ///
    /// # Errors
    /// When it does not exist or cannot be read.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        let resolved = folder.canonicalize()?;
        let named = std::path::absolute(folder)?;
        let named = without_dots(&named).unwrap_or_else(|| resolved.clone());
        Ok(Self { named, resolved })
    }

    /// Returns the folder with symbolic links resolved.
    #[must_use]
    pub fn resolved(&self) -> &Path {
        &self.resolved
    }

    /// Returns the path of a file relative to this folder, by either name; `None` for a file
    /// elsewhere. The file's path must not contain `..`.
    #[must_use]
    pub fn relative<'p>(&self, file: &'p Path) -> Option<&'p Path> {
        file.strip_prefix(&self.resolved)
            .or_else(|_| file.strip_prefix(&self.named))
            .ok()
    }

    /// Returns whether a path is in this folder, without resolving symbolic links, which may still
    /// lead out of it: this decides whether the disk may be accessed, [`Root::holds`] whether a
    /// file may be used.
    #[must_use]
    pub fn names(&self, path: &Path) -> bool {
        without_dots(path).is_some_and(|path| self.relative(&path).is_some())
    }

    /// Returns whether a file is in this folder; `real` is its path with symbolic links resolved.
    #[must_use]
    pub fn holds(&self, real: &Path) -> bool {
        real.starts_with(&self.resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_behind_a_link_is_known_by_both_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("there");
        std::fs::create_dir(real.join("real")).expect("made");
        std::os::unix::fs::symlink(real.join("real"), real.join("link")).expect("linked");
        let root = Root::open(&real.join("link/../link")).expect("a folder");
        for name in ["real/1.png", "link/1.png", "link/sub/../1.png"] {
            assert!(root.names(&real.join(name)), "{name}");
        }
        assert!(!root.names(&real.join("link/../other/1.png")));
        assert!(!root.names(&real.join("linked/1.png")));
        assert_eq!(
            root.relative(&real.join("link/1.png")),
            Some(Path::new("1.png"))
        );
        assert!(root.holds(&real.join("real/1.png")));
        assert!(!root.holds(&real.join("link/1.png")), "not resolved");
        assert!(Root::open(&real.join("nowhere")).is_err());
    }
}
