//! The context of a file: everything but its content that its line is made from.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::Path;

use clippy_core::known::{FileStamp, KnownFile};
use sha2::{Digest, Sha256};

use crate::scanner::Scanner;
use crate::walk::Listed;

/// Must change whenever lines are made in another way, so that all files are described again.
const LINES_VERSION: &str = "3";
/// Ends the context of a picture whose folders are tags.
pub(crate) const WITH_FOLDERS: &str = "+folders";

/// Computes the contexts of the files below one root: fingerprints of the files beside each, of the
/// root, and of the options.
pub(crate) struct Contexts<'s> {
    root: &'s Path,
    tags_from_folders: bool,
    /// The fingerprints of files with nothing beside them, without and with tags from folders.
    alone: [OnceCell<String>; 2],
}

impl<'s> Contexts<'s> {
    pub(crate) fn new(scanner: &Scanner, root: &'s Path) -> Self {
        Self {
            root,
            tags_from_folders: scanner.request.tags_from_folders,
            alone: Default::default(),
        }
    }

    /// Returns the context of a file. A picture whose folders became tags once keeps them: a later
    /// run without the option must not remove tags.
    pub(crate) fn of(&self, listed: &Listed, before: Option<&KnownFile>) -> String {
        let had_folders =
            before.is_some_and(|before| before.context_while_there().ends_with(WITH_FOLDERS));
        let with_folders = self.tags_from_folders || had_folders;
        let mut context = self.fingerprint(with_folders, listed).into_owned();
        if with_folders {
            context.push_str(WITH_FOLDERS);
        }
        context
    }

    fn fingerprint(&self, with_folders: bool, listed: &Listed) -> Cow<'_, str> {
        let compute = || fingerprint_of(with_folders, self.root, &listed.beside);
        if listed.beside.is_empty() {
            let alone = &self.alone[usize::from(with_folders)];
            Cow::Borrowed(alone.get_or_init(compute))
        } else {
            Cow::Owned(compute())
        }
    }
}

fn fingerprint_of(with_folders: bool, root: &Path, beside: &[(String, FileStamp)]) -> String {
    let mut hash = Sha256::new();
    hash.update(LINES_VERSION);
    hash.update([u8::from(with_folders)]);
    hash.update(root.as_os_str().as_encoded_bytes());
    for (name, stamp) in beside {
        hash.update([0]);
        hash.update(name);
        for number in [stamp.size, stamp.modified_ns, stamp.inode] {
            hash.update(number.to_le_bytes());
        }
    }
    hex::encode(&hash.finalize()[..16])
}
