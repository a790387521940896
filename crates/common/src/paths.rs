//! Operations on paths as text, without access to the file system.

use std::path::{Component, Path, PathBuf};

/// Removes `.` and `..` from a path. Returns `None` if the path leads above its start. Symbolic
/// links are not resolved: use `canonicalize` where they matter.
#[must_use]
pub fn without_dots(path: &Path) -> Option<PathBuf> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_removed_and_never_lead_above_the_start() {
        for (given, wanted) in [
            ("a/./b/../c", Some("a/c")),
            ("/a/../b", Some("/b")),
            ("a/..", Some("")),
            ("../a", None),
            ("a/../../b", None),
            ("/..", None),
        ] {
            let found = without_dots(Path::new(given));
            assert_eq!(found.as_deref(), wanted.map(Path::new), "{given}");
        }
    }

    #[test]
    fn names_that_begin_with_dots_are_kept() {
        let path = Path::new("a/..b/...");
        assert_eq!(without_dots(path).as_deref(), Some(path));
    }
}
