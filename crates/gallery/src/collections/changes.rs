//! A follower's list of changed ids, in a file. An id is recorded before its point is changed.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::collections::{ChangePosition, Changes};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use uuid::Uuid;

/// The file's name in the follower's folder.
pub(super) const CHANGES_FILE: &str = "changes";

/// Bytes of one id: its kind, and sixteen more.
const RECORD: usize = 17;

/// An open list of changes.
#[derive(Debug)]
pub(super) struct ChangeList {
    path: PathBuf,
    file: File,
    /// Number of ids in the file.
    count: u64,
    /// Position of the first id in the file.
    base: ChangePosition,
    /// Position up to which the follower has caught up.
    done: ChangePosition,
}

impl ChangeList {
    /// Makes an empty list, and drops an earlier one.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        Self::open_with(folder, true)
    }

    /// Opens the list. Ids that are in it twice are written once: otherwise it would grow with
    /// every change of the same picture.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let mut list = Self::open_with(folder, false)?;
        let ids = list.read(0, list.count)?;
        let mut seen = HashSet::with_capacity(ids.len());
        let unique: Vec<PointId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        if unique.len() < ids.len() {
            let bytes: Vec<u8> = unique.iter().flat_map(|id| encode(*id)).collect();
            files::replace(&list.path, &bytes).map_err(|error| list.failed("shortened", error))?;
            list = Self::open_with(folder, false)?;
        }
        Ok(list)
    }

    fn open_with(folder: &Path, empty: bool) -> Result<Self> {
        let path = folder.join(CHANGES_FILE);
        let opened = (|| -> std::io::Result<(File, u64)> {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(empty)
                .open(&path)?;
            let length = file.metadata()?.len();
            let count = length / RECORD as u64;
            // An id that was cut short by a kill was never acknowledged.
            file.set_len(count * RECORD as u64)?;
            file.sync_all()?;
            files::sync_folder(folder)?;
            Ok((file, count))
        })();
        match opened {
            Ok((file, count)) => Ok(Self {
                path,
                file,
                count,
                base: 0,
                done: 0,
            }),
            Err(error) => Err(
                Error::internal(format!("{} could not be opened", path.display()))
                    .with_source(error),
            ),
        }
    }

    /// Adds ids, and forces them to the disk.
    pub(super) fn record(&mut self, ids: &[PointId]) -> Result<()> {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| encode(*id)).collect();
        let end = self.count * RECORD as u64;
        let written = self
            .file
            .seek(SeekFrom::Start(end))
            .and_then(|_| self.file.write_all(&bytes))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // The next write replaces what was written of it.
            let _ = self.file.set_len(end);
            return Err(self.failed("written", error));
        }
        self.count += ids.len() as u64;
        Ok(())
    }

    /// Returns the ids after a position; without one, from the position up to which the follower
    /// has caught up.
    pub(super) fn after(&mut self, after: Option<ChangePosition>, limit: usize) -> Result<Changes> {
        let from = after.unwrap_or(self.done).clamp(self.base, self.end());
        let until = self.end().min(from.saturating_add(limit as u64));
        let mut seen = HashSet::new();
        let mut ids = self.read(from - self.base, until - self.base)?;
        ids.retain(|id| seen.insert(*id));
        Ok(Changes {
            ids,
            next: until,
            more: until < self.end(),
        })
    }

    /// Records the position that the follower has caught up to. Empties the file when it is the
    /// end.
    pub(super) fn mark_caught_up(&mut self, position: ChangePosition) -> Result<()> {
        self.done = self.done.max(position.min(self.end()));
        if self.done == self.end() && self.count > 0 {
            self.file
                .set_len(0)
                .and_then(|()| self.file.sync_all())
                .map_err(|error| self.failed("emptied", error))?;
            self.base = self.done;
            self.count = 0;
        }
        Ok(())
    }

    /// Returns whether the follower has caught up with everything.
    pub(super) fn is_done(&self) -> bool {
        self.done == self.end()
    }

    fn end(&self) -> ChangePosition {
        self.base + self.count
    }

    fn read(&mut self, from: u64, until: u64) -> Result<Vec<PointId>> {
        let mut bytes = vec![0; usize::try_from(until - from).unwrap_or_default() * RECORD];
        let read = self
            .file
            .seek(SeekFrom::Start(from * RECORD as u64))
            .and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|error| self.failed("read", error))?;
        bytes
            .as_chunks::<RECORD>()
            .0
            .iter()
            .map(|record| decode(record).ok_or_else(|| self.not_ids()))
            .collect()
    }

    fn not_ids(&self) -> Error {
        Error::internal(format!(
            "{} is damaged: clippy did not write it like this",
            self.path.display()
        ))
    }

    fn failed(&self, what: &str, error: std::io::Error) -> Error {
        Error::internal(format!("{} could not be {what}", self.path.display())).with_source(error)
    }
}

fn encode(id: PointId) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    match id {
        PointId::Number(number) => record[1..9].copy_from_slice(&number.to_le_bytes()),
        PointId::Uuid(uuid) => {
            record[0] = 1;
            record[1..].copy_from_slice(uuid.as_bytes());
        }
    }
    record
}

fn decode(record: &[u8; RECORD]) -> Option<PointId> {
    match record[0] {
        0 => record[1..9]
            .try_into()
            .ok()
            .map(|bytes| PointId::Number(u64::from_le_bytes(bytes))),
        1 => record[1..]
            .try_into()
            .ok()
            .map(|bytes| PointId::Uuid(Uuid::from_bytes(bytes))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<PointId> {
        numbers.iter().copied().map(PointId::Number).collect()
    }

    #[test]
    fn ids_come_in_order_once_and_are_removed_when_all_are_caught_up() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut list = ChangeList::create(folder.path()).expect("made");
        let uuid = PointId::Uuid(Uuid::from_u128(9));
        list.record(&ids(&[1, 2, 1])).expect("recorded");
        list.record(&[uuid]).expect("recorded");
        let first = list.after(None, 3).expect("read");
        assert_eq!(
            (first.ids.as_slice(), first.more),
            (ids(&[1, 2]).as_slice(), true)
        );
        let second = list.after(Some(first.next), 3).expect("read");
        assert_eq!(
            (second.ids.as_slice(), second.more),
            ([uuid].as_slice(), false)
        );
        list.mark_caught_up(first.next).expect("recorded");
        assert_eq!(
            list.after(None, 9).expect("read").ids,
            [uuid],
            "it continues after the recorded position"
        );
        list.record(&ids(&[7])).expect("recorded");
        assert!(!list.is_done());
        list.mark_caught_up(second.next + 1).expect("recorded");
        assert!(list.is_done());
        list.record(&ids(&[8])).expect("recorded");
        assert_eq!(
            list.after(None, 9).expect("read").ids,
            ids(&[8]),
            "positions continue after the file was emptied"
        );
    }

    #[test]
    fn a_list_survives_a_kill_without_an_id_that_was_cut_short() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut list = ChangeList::create(folder.path()).expect("made");
        list.record(&ids(&[1, 2, 1, 3])).expect("recorded");
        drop(list);
        let path = folder.path().join(CHANGES_FILE);
        let mut bytes = std::fs::read(&path).expect("there");
        bytes.extend([0, 4, 0]);
        std::fs::write(&path, bytes).expect("cut short");
        let mut list = ChangeList::open(folder.path()).expect("opened");
        assert_eq!(list.after(None, 9).expect("read").ids, ids(&[1, 2, 3]));
        assert_eq!(
            std::fs::metadata(&path).expect("there").len(),
            3 * RECORD as u64,
            "each once"
        );
        assert!(ChangeList::create(folder.path()).expect("anew").is_done());
    }
}
