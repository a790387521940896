//! Finds changes by looking at a folder again and again, for drives that report none.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::changes::Part;
use crate::events::{IGNORE_FILE, is_left_out};

/// The largest number of folders that are compared one by one. Those beyond are compared together.
const MOST_FOLDERS: usize = 50_000;

/// What a folder and those below it looked like: one number for each folder, and one for each file
/// that lists what is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    folders: BTreeMap<PathBuf, u64>,
    /// Of the folders beyond the largest number.
    rest: u64,
}

impl Snapshot {
    /// Looks at all files, without opening them. Waits for the disk.
    pub(crate) fn take(root: &Path, leave_out: &[PathBuf]) -> Self {
        let mut snapshot = Self::default();
        let mut waiting = vec![root.to_owned()];
        while let Some(folder) = waiting.pop() {
            let Looked {
                number,
                ignores,
                below,
            } = look_at(&folder, leave_out);
            waiting.extend(below);
            if let Some(ignores) = ignores {
                snapshot.folders.insert(folder.join(IGNORE_FILE), ignores);
            }
            if snapshot.folders.len() < MOST_FOLDERS {
                snapshot.folders.insert(folder, number);
            } else {
                // A sum does not depend on the order.
                let mut hash = DefaultHasher::new();
                (folder, number).hash(&mut hash);
                snapshot.rest = snapshot.rest.wrapping_add(hash.finish());
            }
        }
        snapshot
    }

    /// Returns the parts that changed since an earlier snapshot of the same folder.
    pub(crate) fn changes_since(&self, earlier: &Self, root: &Path) -> Vec<Part> {
        if self.rest != earlier.rest {
            return vec![Part {
                folder: root.to_owned(),
                deep: true,
            }];
        }
        let changed = self
            .folders
            .iter()
            .filter(|(path, number)| earlier.folders.get(*path) != Some(*number));
        let gone = earlier
            .folders
            .iter()
            .filter(|(path, _)| !self.folders.contains_key(*path));
        changed
            .chain(gone)
            .filter_map(|(path, _)| {
                let is_known = earlier.folders.contains_key(path);
                if path.ends_with(IGNORE_FILE) {
                    // Other files count now, in all folders below.
                    let folder = path.parent()?.to_owned();
                    return Some(Part { folder, deep: true });
                }
                // The folder above lists a folder that is gone.
                self.folders.contains_key(path).then(|| Part {
                    folder: path.clone(),
                    deep: !is_known,
                })
            })
            .collect()
    }
}

/// What one folder looks like.
#[derive(Default)]
struct Looked {
    /// Made of the names, sizes and times of its entries.
    number: u64,
    /// The same of its file that lists what is left out.
    ignores: Option<u64>,
    /// The folders in it.
    below: Vec<PathBuf>,
}

fn look_at(folder: &Path, leave_out: &[PathBuf]) -> Looked {
    let mut looked = Looked::default();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let mut hash = DefaultHasher::new();
            error.raw_os_error().hash(&mut hash);
            looked.number = hash.finish();
            return looked;
        }
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if is_left_out(folder, &path, leave_out) {
            continue;
        }
        let mut hash = DefaultHasher::new();
        entry.file_name().hash(&mut hash);
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => looked.below.push(path),
            // The file that a link leads to counts.
            Ok(kind) if kind.is_symlink() => stamp(std::fs::metadata(path)).hash(&mut hash),
            _ => stamp(entry.metadata()).hash(&mut hash),
        }
        if entry.file_name() == IGNORE_FILE {
            looked.ignores = Some(hash.finish());
        }
        looked.number = looked.number.wrapping_add(hash.finish());
    }
    looked
}

type Stamp = (u64, Option<std::time::SystemTime>, u64);

fn stamp(metadata: std::io::Result<Metadata>) -> Option<Stamp> {
    let metadata = metadata.ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some((metadata.len(), metadata.modified().ok(), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_differ_in_the_folders_that_changed() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let root = base.path();
        std::fs::create_dir_all(root.join("a/b")).expect("made");
        std::fs::create_dir_all(root.join("data")).expect("made");
        std::fs::write(root.join("a/b/one"), "1").expect("written");
        let leave_out = [root.join("data")];
        let take = || Snapshot::take(root, &leave_out);
        let shallow = |name: &str| Part {
            folder: root.join(name),
            deep: false,
        };
        let before = take();
        assert_eq!(take(), before);
        std::fs::write(root.join(".hidden"), "").expect("written");
        std::fs::write(root.join("data/journal"), "").expect("written");
        assert_eq!(take(), before, "what is hidden or left out does not count");

        std::fs::write(root.join("a/b/one"), "longer").expect("written");
        let changed = take();
        assert_eq!(changed.changes_since(&before, root), [shallow("a/b")]);

        std::fs::create_dir_all(root.join("new")).expect("made");
        std::fs::write(root.join("new/two"), "").expect("written");
        let grown = take();
        let new = Part {
            folder: root.join("new"),
            deep: true,
        };
        assert_eq!(grown.changes_since(&changed, root), [shallow(""), new]);
        std::fs::remove_dir_all(root.join("a/b")).expect("removed");
        let less = take();
        assert_eq!(less.changes_since(&grown, root), [shallow("a")]);
        std::fs::write(root.join("a/.clippyignore"), "*.tif").expect("written");
        let everything = Part {
            folder: root.join("a"),
            deep: true,
        };
        assert!(take().changes_since(&less, root).contains(&everything));
        assert!(less.changes_since(&take(), root).contains(&everything));
    }
}
