//! A manifest: one picture a line, as JSON.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use clippy_core::gallery::Payload;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest line that is read. A longer one is a failed line, and its rest is skipped without being kept.
pub const LONGEST_LINE: u64 = 1 << 20;

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

/// One of several runs that share a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one, counted from 0.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

/// A line as it was read: its number, and its text or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// Counted from 0.
    pub number: u64,
    /// The text, or why it could not be read.
    pub text: Result<String, String>,
}

/// Where a line begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In bytes from the manifest's beginning.
    pub offset: u64,
    /// Its number, counted from 0.
    pub line: u64,
}

/// Reads the lines of a slice, one after the other, in flat memory.
pub struct Lines {
    reader: BufReader<File>,
    slice: Slice,
    next: Place,
    given: u64,
}

impl Lines {
    /// Opens a manifest.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the file cannot be opened.
    pub fn open(path: &Path, slice: Slice) -> Result<Self> {
        let file = File::open(path)
            .and_then(
                |file| if file.metadata()?.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(file) },
            )
            .map_err(|error| Error::invalid(format!("manifest {} cannot be read: {error}", path.display())))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, file), slice, next: Place::default(), given: 0 })
    }

    /// Opens a manifest at a place that [`Lines::place`] told, without reading what lies before.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub fn open_at(path: &Path, slice: Slice, place: Place) -> Result<Self> {
        let mut lines = Self::open(path, slice)?;
        lines
            .reader
            .seek(SeekFrom::Start(place.offset))
            .map_err(|error| Error::invalid(format!("manifest {} cannot be read: {error}", path.display())))?;
        Ok(Self { next: place, ..lines })
    }

    /// Where the next line begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.next
    }

    fn wanted(&self, number: u64) -> bool {
        number >= self.slice.start_line && self.slice.shard.is_none_or(|shard| number % shard.count == shard.index)
    }

    fn read(&mut self) -> std::io::Result<Option<RawLine>> {
        loop {
            let mut bytes = Vec::new();
            let read = self.reader.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            let number = self.next.line;
            let too_long = bytes.last() != Some(&b'\n') && bytes.len() as u64 > LONGEST_LINE;
            let skipped = if too_long { self.reader.skip_until(b'\n')? } else { 0 };
            self.next = Place { offset: self.next.offset + (read + skipped) as u64, line: number + 1 };
            if !self.wanted(number) {
                continue;
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
                Error::invalid(format!("the manifest cannot be read further than line {}: {error}", self.next.line))
            })
            .transpose()
    }
}

/// How many lines of the manifest a slice holds, in one pass over its bytes.
///
/// # Errors
/// As [`Lines::open`], or when reading fails.
pub fn count_lines(path: &Path, slice: Slice) -> Result<u64> {
    let mut lines = Lines::open(path, slice)?;
    let mut total = 0_u64;
    let mut ends_open = false;
    loop {
        let buffer =
            lines.reader.fill_buf().map_err(|error| Error::invalid(format!("the manifest cannot be read: {error}")))?;
        if buffer.is_empty() {
            break;
        }
        total += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        ends_open = buffer.last() != Some(&b'\n');
        let length = buffer.len();
        lines.reader.consume(length);
    }
    total += u64::from(ends_open);
    let in_shard = |below: u64| match slice.shard {
        None => below,
        Some(Shard { index, count }) => below.saturating_sub(index).div_ceil(count),
    };
    let counted = in_shard(total).saturating_sub(in_shard(slice.start_line.min(total)));
    Ok(slice.max_lines.map_or(counted, |most| most.min(counted)))
}

/// A line that names a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The point's id.
    pub id: PointId,
    /// Where its file is, as the manifest says.
    pub local_path: String,
    /// Its tags, for the text vector.
    pub tags: Vec<String>,
    /// The payload, all but `path`.
    pub payload: Payload,
}

impl Entry {
    /// Understands a line.
    ///
    /// # Errors
    /// Why it names no picture, for a person to read; with the id when there is a good one.
    pub fn parse(text: &str) -> Result<Self, (Option<PointId>, String)> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| (None, format!("the line is not JSON: {error}")))?;
        let Value::Object(mut fields) = value else {
            return Err((None, "the line is JSON, but not an object".to_owned()));
        };
        let id = match fields.get("id") {
            None | Some(Value::Null) => return Err((None, "the line has no id".to_owned())),
            Some(id) => serde_json::from_value::<PointId>(id.clone()).map_err(|_| {
                (None, format!("id is {}, but must be a whole number of 0 or more, or a UUID", shortened(id)))
            })?,
        };
        let local_path = match fields.remove("local_path") {
            Some(Value::String(path)) if !path.is_empty() => path,
            Some(other) if !other.is_null() => {
                return Err((Some(id), format!("local_path is {}, but must be a path", shortened(&other))));
            }
            _ => return Err((Some(id), "the line has no local_path".to_owned())),
        };
        // Clippy 0.2's retrieval wrote matched_queries first and matched_tags later.
        if let Some(queries) = fields.remove("matched_queries")
            && fields.get("matched_tags").is_none_or(Value::is_null)
        {
            fields.insert("matched_tags".to_owned(), queries);
        }
        for name in ["tags_all", "matched_tags"] {
            let tags = strings(fields.get(name)).map_err(|what| (Some(id), format!("{name} {what}")))?;
            fields.insert(name.to_owned(), tags.into());
        }
        let tags = strings(fields.get("tags_all")).unwrap_or_default();
        Ok(Self { id, local_path, tags, payload: fields })
    }

    /// The sentence that the text vector is made of, or `None` when there are no tags to say anything about.
    #[must_use]
    pub fn text(&self, template: &str) -> Option<String> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        sentence(&tags, template)
    }
}

/// The sentence that tags are embedded as: the template, with the tags as a person would write them. `None` without any.
pub(crate) fn sentence(tags: &[&str], template: &str) -> Option<String> {
    (!tags.is_empty()).then(|| template.replace("{tags}", &tags.join(", ").replace('_', " ")))
}

fn strings(value: Option<&Value>) -> Result<Vec<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(members)) => members
            .iter()
            .map(|member| match member {
                Value::String(text) => Ok(text.clone()),
                other => Err(format!("holds {}, but must be a list of texts", shortened(other))),
            })
            .collect(),
        Some(other) => Err(format!("is {}, but must be a list of texts", shortened(other))),
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { format!("{}…", text.chars().take(60).collect::<String>()) } else { text }
}
