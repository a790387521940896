//! Whether an added folder is in its place, or its drive is away.
//!
//! When a drive is not mounted, its folder may be gone, or be the empty folder that the drive is
//! mounted at. Then none of its pictures may count as missing. So the device and inode of each
//! added folder are recorded. A folder is there if they are the recorded ones, or if any of its
//! known files is in its place. Devices have other numbers after a restart, which is why one known
//! file is enough.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The record in the data folder.
const FILE: &str = "added_places.json";
/// The longest record that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The device and inode of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Returns the identity of a folder; `None` if it is not there, or the system has none. Waits
    /// for the disk.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        std::fs::metadata(folder)
            .ok()
            .filter(Metadata::is_dir)
            .and_then(|metadata| Self::read(&metadata))
    }

    #[cfg(unix)]
    #[allow(clippy::unnecessary_wraps)]
    fn read(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    #[cfg(not(unix))]
    fn read(_: &Metadata) -> Option<Self> {
        None
    }
}

/// What a scan of a folder shows about its presence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    /// The recorded identity.
    pub(crate) recorded: Option<Identity>,
    /// The identity before the scan.
    pub(crate) before: Option<Identity>,
    /// The identity after the scan.
    pub(crate) now: Option<Identity>,
    /// Known files that are in their places.
    pub(crate) known_there: u64,
    /// Known files that are not.
    pub(crate) gone: u64,
}

impl Evidence {
    /// Whether the folder's drive seems to be away.
    pub(crate) fn is_away(&self) -> bool {
        let is_same = self.now.is_some() && self.now == self.recorded;
        let went_meanwhile = self.now != self.before;
        self.gone > 0 && (went_meanwhile || (self.known_there == 0 && !is_same))
    }
}

/// The recorded identities of added folders.
#[derive(Debug, Default, Clone)]
pub(crate) struct Places {
    data: PathBuf,
    known: BTreeMap<PathBuf, Identity>,
}

impl Places {
    /// Reads the record. One that cannot be read counts as empty. Waits for the disk.
    pub(crate) fn read(data: &Path) -> Self {
        let read = || {
            let mut text = String::new();
            std::fs::File::open(data.join(FILE))
                .ok()?
                .take(LONGEST)
                .read_to_string(&mut text)
                .ok()?;
            serde_json::from_str(&text).ok()
        };
        Self {
            data: data.to_owned(),
            known: read().unwrap_or_default(),
        }
    }

    /// Returns the recorded identity of a folder.
    pub(crate) fn of(&self, folder: &Path) -> Option<Identity> {
        self.known.get(folder).copied()
    }

    /// Whether the innermost added folder that contains this one is not in its place. Waits for the
    /// disk.
    pub(crate) fn is_away(&self, folder: &Path) -> bool {
        folder
            .ancestors()
            .find_map(|path| Some((path, self.known.get(path)?)))
            .is_some_and(|(path, recorded)| Identity::of(path) != Some(*recorded))
    }

    /// Returns the folders below this one that were added by their own path and are not in their
    /// places. Waits for the disk.
    pub(crate) fn away_below(&self, folder: &Path) -> Vec<PathBuf> {
        self.known
            .iter()
            .filter(|(path, recorded)| {
                path.starts_with(folder)
                    && *path != folder
                    && Identity::of(path) != Some(**recorded)
            })
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Records the identity of a folder. Waits for the disk.
    ///
    /// # Errors
    /// `InvalidInput` if the record cannot be written.
    pub(crate) fn record(&self, folder: &Path, identity: Identity) -> Result<()> {
        let unwritable = |error: std::io::Error| {
            Error::invalid(format!(
                "the record of added folders cannot be written: {error}"
            ))
        };
        // Two scans may do this at the same time.
        let lock =
            std::fs::File::create(self.data.join(format!(".{FILE}.lock"))).map_err(unwritable)?;
        lock.lock().map_err(unwritable)?;
        let mut known = Self::read(&self.data).known;
        known.insert(folder.to_owned(), identity);
        let text = serde_json::to_string(&known)
            .map_err(|error| Error::invalid(format!("a path cannot be recorded: {error}")))?;
        files::replace(&self.data.join(FILE), text.as_bytes()).map_err(unwritable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Identity = Identity {
        device: 1,
        inode: 2,
    };
    const OTHER: Identity = Identity {
        device: 3,
        inode: 2,
    };

    #[test]
    fn a_folder_is_away_if_it_is_another_one_and_has_none_of_the_known_files() {
        let evidence = |recorded, now, known_there, gone| Evidence {
            recorded,
            before: now,
            now,
            known_there,
            gone,
        };
        for (evidence, is_away) in [
            (evidence(Some(ONE), Some(OTHER), 0, 9), true),
            (evidence(Some(ONE), None, 0, 9), true),
            (evidence(None, Some(ONE), 0, 9), true),
            (evidence(None, None, 0, 9), true),
            // All files were deleted.
            (evidence(Some(ONE), Some(ONE), 0, 9), false),
            // The device has another number since a restart.
            (evidence(Some(ONE), Some(OTHER), 1, 8), false),
            (evidence(None, None, 0, 0), false),
        ] {
            assert_eq!(evidence.is_away(), is_away, "{evidence:?}");
        }
        // A drive that is unplugged during the scan.
        let mut unplugged = evidence(Some(ONE), Some(ONE), 5, 4);
        unplugged.now = Some(OTHER);
        assert!(unplugged.is_away());
    }

    #[cfg(unix)]
    #[test]
    fn places_are_recorded_and_those_below_that_were_replaced_are_found() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let (outer, inner) = (base.path().join("outer"), base.path().join("outer/inner"));
        std::fs::create_dir_all(&inner).expect("made");
        for folder in [&outer, &inner] {
            let identity = Identity::of(folder).expect("there");
            let places = Places::read(base.path());
            places.record(folder, identity).expect("recorded");
        }
        let places = Places::read(base.path());
        assert_eq!(places.of(&outer), Identity::of(&outer));
        assert!(places.away_below(&outer).is_empty());
        std::fs::rename(&inner, base.path().join("elsewhere")).expect("moved");
        assert_eq!(places.away_below(&outer), std::slice::from_ref(&inner));
        assert!(places.is_away(&inner.join("fox")));
        assert!(!places.is_away(&outer.join("fox")));
        assert!(!places.is_away(base.path()), "nothing is known of it");
        std::fs::create_dir(&inner).expect("made");
        assert_eq!(places.away_below(&outer), [inner]);
    }
}
