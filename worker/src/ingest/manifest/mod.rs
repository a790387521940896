//! Reads manifests: one picture a line, as JSON, or one picture a row of a table.

mod entry;
mod form;
mod image_folder;
mod table;
mod text;
mod values;

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use clippy_core::bulk::ManifestRequest;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

pub use self::entry::Entry;
pub use self::text::Manifest;
use self::text::Reader;

/// The longest line that is read, in bytes. A longer one is a failed line, and its rest is skipped.
pub const LONGEST_LINE: u64 = 1 << 20;

/// The byte order mark that some editors write at the beginning of UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Which lines of a manifest a run reads, as in Clippy 0.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// First line, counted from 0.
    pub start_line: u64,
    /// How many lines at most.
    pub max_lines: Option<u64>,
    /// Only lines with `line % count == index`.
    pub shard: Option<Shard>,
}

impl From<&ManifestRequest> for Slice {
    fn from(request: &ManifestRequest) -> Self {
        let shard = request.shard_index.zip(request.shard_count);
        Self {
            start_line: request.start_line,
            max_lines: request.max_lines,
            shard: shard.map(|(index, count)| Shard { index, count }),
        }
    }
}

/// One of several runs that share a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// The index of this run, counted from 0.
    pub index: u64,
    /// The number of runs.
    pub count: u64,
}

/// A line as it was read, not parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// Counted from 0.
    pub number: u64,
    /// The text, or why it could not be read.
    pub text: Result<String, String>,
}

/// The position at which a line begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In bytes from the beginning of the manifest's text.
    pub offset: u64,
    /// The line's number, counted from 0.
    pub line: u64,
}

/// Iterates over the lines of a slice, with one line in memory at a time.
pub struct Lines {
    reader: BufReader<Reader>,
    slice: Slice,
    next: Place,
    given: u64,
}

impl Manifest {
    /// Returns the lines of a slice.
    #[must_use]
    pub fn lines(&self, slice: Slice) -> Lines {
        let reader = BufReader::with_capacity(1 << 16, self.reader());
        Lines {
            reader,
            slice,
            next: Place::default(),
            given: 0,
        }
    }

    /// Returns the lines of a slice from a place on that [`Lines::place`] returned, without reading
    /// what is before it.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the file cannot be read there.
    pub fn lines_from(&self, slice: Slice, place: Place) -> Result<Lines> {
        let mut lines = self.lines(slice);
        lines
            .reader
            .seek(SeekFrom::Start(place.offset))
            .map_err(|error| self.unreadable(&error))?;
        Ok(Lines {
            next: place,
            ..lines
        })
    }

    /// Counts the lines of a slice, in one pass over the manifest's bytes.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when reading fails.
    pub fn count_lines(&self, slice: Slice) -> Result<u64> {
        let mut reader = BufReader::with_capacity(1 << 16, self.reader());
        let mut total = 0_u64;
        let mut ends_open = false;
        loop {
            let buffer = reader.fill_buf().map_err(|error| self.unreadable(&error))?;
            if buffer.is_empty() {
                break;
            }
            total += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
            ends_open = buffer.last() != Some(&b'\n');
            let length = buffer.len();
            reader.consume(length);
        }
        total += u64::from(ends_open);
        let in_shard = |below: u64| match slice.shard {
            None => below,
            Some(Shard { index, count }) => below.saturating_sub(index).div_ceil(count),
        };
        let counted = in_shard(total).saturating_sub(in_shard(slice.start_line.min(total)));
        Ok(slice.max_lines.map_or(counted, |most| most.min(counted)))
    }
}

impl Lines {
    /// Returns where the next line begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.next
    }

    fn wanted(&self, number: u64) -> bool {
        number >= self.slice.start_line
            && self
                .slice
                .shard
                .is_none_or(|shard| number % shard.count == shard.index)
    }

    fn read(&mut self) -> std::io::Result<Option<RawLine>> {
        loop {
            let mut bytes = Vec::new();
            let read = self
                .reader
                .by_ref()
                .take(LONGEST_LINE + 1)
                .read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            let number = self.next.line;
            let too_long = bytes.last() != Some(&b'\n') && bytes.len() as u64 > LONGEST_LINE;
            let skipped = if too_long {
                self.reader.skip_until(b'\n')?
            } else {
                0
            };
            self.next = Place {
                offset: self.next.offset + (read + skipped) as u64,
                line: number + 1,
            };
            if !self.wanted(number) {
                continue;
            }
            if number == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
                bytes.drain(..BYTE_ORDER_MARK.len());
            }
            let text = if too_long {
                Err(format!("the line is longer than {LONGEST_LINE} bytes"))
            } else {
                String::from_utf8(bytes).map_err(|_| "the line is not UTF-8 text".to_owned())
            };
            return Ok(Some(RawLine { number, text }));
        }
    }
}

impl Iterator for Lines {
    type Item = Result<RawLine>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.slice.max_lines.is_some_and(|most| self.given >= most) {
            return None;
        }
        self.given += 1;
        self.read()
            .map_err(|error| {
                Error::invalid(format!(
                    "the manifest cannot be read beyond line {}: {error}",
                    self.next.line
                ))
            })
            .transpose()
    }
}
