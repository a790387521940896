//! Writes the failed lines of all parts in the order of the manifest, without holding them in
//! memory.
//!
//! Parts are listed by their ids, which do not tell their order. So their failed lines are first
//! written to an unnamed file, and then copied into the fail log in the order of the parts. Only
//! the place of each part with failed lines is held in memory.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::{Error, Result, blocking};

use crate::ingest::failures::format_entry;

/// The failed lines of one part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FailedLines {
    /// The position of the part, by which the parts are ordered.
    pub(super) place: u64,
    /// The ids of the lines, or `line N` for those without one, and the reasons.
    pub(super) lines: Vec<(String, String)>,
}

/// A list of failed lines that is being written.
pub(super) struct FailLog {
    target: PathBuf,
    unordered: BufWriter<File>,
    length: u64,
    parts: Vec<WrittenPart>,
}

/// Where the lines of a part are in the unordered file.
struct WrittenPart {
    place: u64,
    start: u64,
    length: u64,
}

impl FailLog {
    /// Begins a list. A file at `target` is kept until [`FailLog::finish`] replaces it.
    pub(super) async fn begin(target: &Path) -> Result<Self> {
        let target = target.to_owned();
        blocking("beginning a list", move || {
            let unordered =
                files::unnamed_beside(&target).map_err(|error| unwritable(&target, &error))?;
            Ok(Self {
                target,
                unordered: BufWriter::new(unordered),
                length: 0,
                parts: Vec::new(),
            })
        })
        .await
    }

    /// Adds the lines of some parts.
    pub(super) async fn add(mut self, some: Vec<FailedLines>) -> Result<Self> {
        blocking("writing a list", move || {
            for part in some {
                self.add_part(&part)
                    .map_err(|error| unwritable(&self.target, &error))?;
            }
            Ok(self)
        })
        .await
    }

    fn add_part(&mut self, part: &FailedLines) -> io::Result<()> {
        let start = self.length;
        for (name, reason) in &part.lines {
            let text = format_entry(name, reason);
            self.unordered.write_all(text.as_bytes())?;
            self.length += text.len() as u64;
        }
        self.parts.push(WrittenPart {
            place: part.place,
            start,
            length: self.length - start,
        });
        Ok(())
    }

    /// Writes the list in the order of the parts.
    pub(super) async fn finish(mut self) -> Result<()> {
        blocking("writing a list", move || {
            self.write()
                .map_err(|error| unwritable(&self.target, &error))
        })
        .await
    }

    fn write(&mut self) -> io::Result<()> {
        self.unordered.flush()?;
        self.parts.sort_by_key(|part| part.place);
        let (unordered, parts) = (self.unordered.get_mut(), &self.parts);
        files::replace_with(&self.target, |list| {
            for part in parts {
                unordered.seek(SeekFrom::Start(part.start))?;
                io::copy(&mut Read::by_ref(unordered).take(part.length), list)?;
            }
            Ok(())
        })
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::invalid(format!(
        "the list of failed ids {} cannot be written: {error}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_failures_are_listed_in_order_and_not_held_in_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("failed.txt");
        std::fs::write(&target, "the list of an earlier run").expect("written");
        let mut log = FailLog::begin(&target).await.expect("begun");
        // The last part comes first, in pages as from a store.
        let (parts, lines) = (2_000, 128);
        let places: Vec<u64> = (0..parts).rev().collect();
        for page in places.chunks(50) {
            let some = page.iter().map(|place| FailedLines {
                place: *place,
                lines: (0..lines)
                    .map(|line| {
                        (
                            (place * lines + line).to_string(),
                            "there\nis no file".into(),
                        )
                    })
                    .collect(),
            });
            log = log.add(some.collect()).await.expect("written");
            let held = log.parts.len() + log.unordered.buffer().len() / 16;
            assert!(held <= 2_000 + 8_192 / 16, "{held}");
        }
        assert!(std::fs::read_to_string(&target).is_ok_and(|text| text.starts_with("the list")));
        log.finish().await.expect("written");
        let text = std::fs::read_to_string(&target).expect("a list");
        let mut expected = (0..parts * lines).map(|id| id.to_string());
        for pair in text.lines().collect::<Vec<_>>().chunks(2) {
            assert_eq!(pair[0], "# there is no file");
            assert_eq!(pair.get(1).copied(), expected.next().as_deref());
        }
        assert_eq!(expected.next(), None);
        let files = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[tokio::test]
    async fn a_list_that_cannot_be_written_is_refused_before_the_parts_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let nowhere = folder.path().join("missing/failed.txt");
        let error = FailLog::begin(&nowhere).await.err().expect("refused");
        assert!(error.message.contains("missing/failed.txt"), "{error:?}");
    }
}
