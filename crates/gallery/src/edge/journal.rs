//! The journal: the operations acknowledged since the engine's files were last complete.
//!
//! The engine writes its own log but never reads it back, and its files reliably hold an
//! acknowledged change only after a flush, which is too slow for every batch. So an operation is
//! appended here, and synced to disk, before the engine gets it and before it is acknowledged.
//! Opening the store replays the journal; a flush of the engine (a checkpoint) empties it. A record
//! is `length (8) | SHA-256 of length and body, cut (8) | body`. A record that was cut short by a
//! kill ends the journal: it was never acknowledged.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clippy_core::{Error, Result};
use sha2::{Digest, Sha256};

use super::operation::Operation;

const HEADER: usize = 16;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    /// Whether a record that was not acknowledged may still be in the file. Anything after it would
    /// be cut off when the journal is opened again.
    broken: bool,
}

impl Journal {
    /// Opens the journal, or makes an empty one, and passes each operation in it to `replay`,
    /// oldest first.
    ///
    /// # Errors
    /// Errors of the file system or of `replay`; the journal stays unchanged.
    pub(crate) fn open(
        path: &Path,
        mut replay: impl FnMut(Operation) -> Result<()>,
    ) -> Result<Self> {
        let failed = |error: std::io::Error| Self::failed(path, "opened", error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let on_disk = file.metadata().map_err(failed)?.len();
        let length = read(path, 0, on_disk, &mut replay)?;
        if length < on_disk {
            tracing::warn!(path = %path.display(), bytes = on_disk - length,
            "the journal ends in a record cut short");
            file.set_len(length)
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
        }
        let mut journal = Self {
            path: path.to_owned(),
            file,
            length,
            broken: false,
        };
        journal.seek_to_end()?;
        Ok(journal)
    }

    /// Returns how many bytes of records it holds.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends an operation and syncs it to disk. Returns the length from before, for
    /// [`Journal::roll_back`].
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the disk is full or broken; the journal is
    /// unchanged. If undoing the write fails too, the journal accepts nothing until it is rolled
    /// back or cleared.
    pub(crate) fn append(&mut self, operation: &Operation) -> Result<u64> {
        if self.broken {
            self.roll_back(self.length)?;
        }
        let before = self.length;
        let body = operation.encode();
        let mut record = Vec::with_capacity(HEADER + body.len());
        record.extend_from_slice(&(body.len() as u64).to_le_bytes());
        record.extend_from_slice(&checksum(&body));
        record.extend_from_slice(&body);
        let written = self
            .file
            .write_all(&record)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let failure = Self::failed(&self.path, "written", error);
            self.roll_back(before)?;
            return Err(failure);
        }
        self.length += record.len() as u64;
        Ok(before)
    }

    /// Removes the last records, which the engine refused.
    pub(crate) fn roll_back(&mut self, length: u64) -> Result<()> {
        self.broken = true;
        self.file
            .set_len(length)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| Self::failed(&self.path, "cut", error))?;
        self.length = length;
        self.seek_to_end()?;
        self.broken = false;
        Ok(())
    }

    /// Empties the journal, once the engine's files hold everything in it.
    pub(crate) fn clear(&mut self) -> Result<()> {
        if self.length == 0 && !self.broken {
            Ok(())
        } else {
            self.roll_back(0)
        }
    }

    fn seek_to_end(&mut self) -> Result<()> {
        self.file
            .seek(SeekFrom::Start(self.length))
            .map(|_| ())
            .map_err(|error| Self::failed(&self.path, "positioned", error))
    }

    fn failed(path: &Path, what: &str, error: std::io::Error) -> Error {
        Error::internal(format!(
            "the journal {} could not be {what}",
            path.display()
        ))
        .with_source(error)
    }
}

/// Passes the operations between two offsets to `replay`; returns the offset after the last
/// complete one.
///
/// # Errors
/// Errors of the file system or of `replay`.
pub(crate) fn read(
    path: &Path,
    from: u64,
    until: u64,
    mut replay: impl FnMut(Operation) -> Result<()>,
) -> Result<u64> {
    let failed = |error: std::io::Error| Journal::failed(path, "read", error);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 20, file.take(until.saturating_sub(from)));
    let mut position = from;
    loop {
        let mut header = [0_u8; HEADER];
        match reader.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(position),
            Err(error) => return Err(failed(error)),
        }
        let (length, expected) = header.split_at(8);
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        if length > until.saturating_sub(position + HEADER as u64) {
            return Ok(position);
        }
        let mut body = vec![0_u8; usize::try_from(length).unwrap_or_default()];
        reader.read_exact(&mut body).map_err(failed)?;
        if checksum(&body) != expected {
            return Ok(position);
        }
        let Some(operation) = Operation::decode(&body) else {
            return Err(Error::internal(format!(
                "the journal {} holds an operation that this version does not know; it was \
                 written by a newer clippy",
                path.display()
            )));
        };
        replay(operation)?;
        position += HEADER as u64 + length;
    }
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update((body.len() as u64).to_le_bytes())
        .chain_update(body)
        .finalize();
    let mut cut = [0_u8; 8];
    cut.copy_from_slice(&digest[..8]);
    cut
}

#[cfg(test)]
mod tests {
    use clippy_core::ids::PointId;

    use super::*;

    fn delete(number: u64) -> Operation {
        Operation::Delete(vec![PointId::Number(number)])
    }

    fn reopen(path: &Path) -> (Journal, Vec<Operation>) {
        let mut seen = Vec::new();
        let journal = Journal::open(path, |operation| {
            seen.push(operation);
            Ok(())
        })
        .expect("a journal opens");
        (journal, seen)
    }

    #[test]
    fn records_come_back_in_order_until_they_are_cleared() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let (mut journal, seen) = reopen(&path);
        assert!(seen.is_empty());
        for number in 0..3 {
            journal.append(&delete(number)).expect("appended");
        }
        let (mut journal, seen) = reopen(&path);
        assert_eq!(seen, [delete(0), delete(1), delete(2)]);
        let before = journal.append(&delete(3)).expect("appended");
        journal.roll_back(before).expect("taken back");
        journal.append(&delete(4)).expect("appended");
        let (mut journal, seen) = reopen(&path);
        assert_eq!(seen, [delete(0), delete(1), delete(2), delete(4)]);
        journal.clear().expect("cleared");
        assert!(reopen(&path).1.is_empty());
    }

    #[test]
    fn a_journal_that_cannot_be_rolled_back_accepts_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let (mut journal, _) = reopen(&path);
        journal.append(&delete(0)).expect("appended");
        // A file that is opened for reading only can be neither written nor truncated.
        let mut writable = std::mem::replace(&mut journal.file, File::open(&path).expect("opened"));
        let torn = [
            &std::fs::read(&path).expect("read")[..],
            &b"half a record"[..],
        ]
        .concat();
        std::fs::write(&path, torn).expect("written");
        writable.seek(SeekFrom::End(0)).expect("positioned");
        journal.append(&delete(1)).expect_err("not written");
        journal.append(&delete(2)).expect_err("still broken");
        journal.file = writable;
        journal.append(&delete(3)).expect("cut back first");
        assert_eq!(reopen(&path).1, [delete(0), delete(3)]);
    }

    #[test]
    fn a_truncated_record_is_dropped_and_the_journal_continues() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("journal");
        let (mut journal, _) = reopen(&path);
        journal.append(&delete(0)).expect("appended");
        let whole = journal.length();
        journal.append(&delete(1)).expect("appended");
        let bytes = std::fs::read(&path).expect("there");
        for cut in whole..bytes.len() as u64 {
            std::fs::write(&path, &bytes[..usize::try_from(cut).expect("small")]).expect("cut");
            let (mut journal, seen) = reopen(&path);
            assert_eq!(seen, [delete(0)], "cut at {cut}");
            journal.append(&delete(2)).expect("appended");
            assert_eq!(reopen(&path).1, [delete(0), delete(2)], "cut at {cut}");
        }
        let mut flipped = bytes;
        *flipped.last_mut().expect("not empty") ^= 1;
        std::fs::write(&path, &flipped).expect("flipped");
        assert_eq!(reopen(&path).1, [delete(0)]);
    }
}
