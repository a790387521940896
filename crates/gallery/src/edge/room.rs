//! Room on the disk of a collection.
//!
//! The engine writes through memory maps of files that are larger than what they take on the disk.
//! Where the disk has no room for a page, the system ends the process with SIGBUS. So there must be
//! room before anything is changed.

use std::fs;
use std::io;
use std::path::Path;

use clippy_core::{Error, ErrorCode, Result};

/// The least room before a change: more than a page in each file of each segment, a batch of vectors
/// and the journal.
const LEAST: u64 = 128 << 20;

/// Checks that the disk has room for a change, and for so many more bytes.
///
/// # Errors
/// `Unavailable` with [`Error::is_disk_full`]. No error if the free room is unknown.
pub(super) fn check(folder: &Path, more: u64) -> Result<()> {
    let needed = LEAST.saturating_add(more);
    let free = match fs4::available_space(folder) {
        Ok(free) => free,
        Err(error) => {
            tracing::debug!(%error, "the room on the disk is unknown");
            return Ok(());
        }
    };
    if free >= needed {
        return Ok(());
    }
    let [free, needed] = [free, needed].map(|bytes| bytes >> 20);
    let message = format!(
        "the disk of the collection is nearly full: {free} MB are free, and a change needs \
         {needed} MB. Make room there, then try again"
    );
    Err(Error::new(ErrorCode::Unavailable, message)
        .with_source(io::Error::from(io::ErrorKind::StorageFull)))
}

/// Returns the bytes that the files of a folder take on the disk.
pub(super) fn taken(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() {
            taken(&entry.path())?
        } else {
            on_disk(&metadata)
        };
    }
    Ok(sum)
}

#[cfg(unix)]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn on_disk(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;

    #[test]
    fn a_change_without_room_is_refused_and_said_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        check(folder.path(), 0).expect("room for the tests");
        let error = check(folder.path(), u64::MAX).expect_err("no such disk");
        assert!(error.is_disk_full() && error.code.is_retryable());
        assert!(error.message.contains("nearly full"), "{error}");
        check(&folder.path().join("none"), 0).expect("unknown is no reason");
    }

    #[test]
    #[cfg(unix)]
    fn holes_in_files_take_no_room() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let below = folder.path().join("below");
        fs::create_dir(&below).expect("made");
        let mut file = fs::File::create(below.join("sparse")).expect("made");
        file.seek(SeekFrom::Start(1 << 30)).expect("sought");
        file.write_all(b"end").expect("written");
        file.sync_all().expect("written");
        let bytes = taken(folder.path()).expect("read");
        assert!((1..1 << 20).contains(&bytes), "{bytes}");
    }
}
