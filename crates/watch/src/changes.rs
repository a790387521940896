//! What changed in a watched folder.

use std::path::{Path, PathBuf};

/// The longest list of parts. With more, the whole folder counts as changed.
pub(crate) const MOST_PARTS: usize = 64;

/// A folder with changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The folder.
    pub folder: PathBuf,
    /// Whether everything below it may have changed, too. Otherwise only its own files have, and
    /// folders directly in it may be gone.
    pub deep: bool,
}

impl Part {
    /// Whether changes at `path` belong to this part.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        if self.deep {
            path.starts_with(&self.folder)
        } else {
            path.parent() == Some(&self.folder)
        }
    }
}

/// The complete changes of a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// Everything may have changed.
    Everything,
    /// These parts have changed. None contains another one.
    Parts(Vec<Part>),
}

impl Changes {
    /// Returns the changes of some parts of a folder.
    pub(crate) fn of(root: &Path, parts: impl IntoIterator<Item = Part>) -> Self {
        let mut kept: Vec<Part> = Vec::new();
        for part in parts {
            if part.deep && part.folder == root {
                return Self::Everything;
            }
            add(&mut kept, part);
        }
        if kept.len() > MOST_PARTS {
            return Self::Everything;
        }
        kept.sort();
        Self::Parts(kept)
    }

    /// Adds further changes.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Parts(mut parts), Self::Parts(more)) => {
                more.into_iter().for_each(|part| add(&mut parts, part));
                if parts.len() > MOST_PARTS {
                    return Self::Everything;
                }
                parts.sort();
                Self::Parts(parts)
            }
            _ => Self::Everything,
        }
    }
}

fn add(parts: &mut Vec<Part>, part: Part) {
    let contains = |one: &Part, other: &Part| {
        one == other || (one.deep && other.folder.starts_with(&one.folder))
    };
    if parts.iter().any(|known| contains(known, &part)) {
        return;
    }
    parts.retain(|known| !contains(&part, known));
    parts.push(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(folder: &str, deep: bool) -> Part {
        Part {
            folder: folder.into(),
            deep,
        }
    }

    #[test]
    fn parts_inside_of_others_are_left_out_and_many_parts_are_everything() {
        let root = Path::new("/a");
        let few = Changes::of(
            root,
            [
                part("/a/b/c", false),
                part("/a/b", true),
                part("/a/b", false),
                part("/a", false),
                part("/a", false),
            ],
        );
        let expected = Changes::Parts(vec![part("/a", false), part("/a/b", true)]);
        assert_eq!(few, expected);
        assert_eq!(
            few.clone().with(Changes::Parts(vec![part("/a/b/d", true)])),
            expected
        );
        assert_eq!(few.with(Changes::Everything), Changes::Everything);
        assert_eq!(Changes::of(root, [part("/a", true)]), Changes::Everything);
        let many = (0..=MOST_PARTS).map(|number| part(&format!("/a/{number}"), false));
        assert_eq!(Changes::of(root, many), Changes::Everything);
    }
}
