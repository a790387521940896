//! Reads and checks the files of an export.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clippy_core::boards::Board;
use clippy_core::gallery::{ID_FIELD, Payload, Point, Vectors};
use clippy_core::ids::PointId;
use clippy_core::tastes::Taste;
use clippy_core::{Error, Result};
use serde::de::DeserializeOwned;

use crate::batch::decode_vectors;
use crate::description::Description;
use crate::hashing::Checksum;
use crate::index::{
    BOARDS_FILE, INDEX_FILE, Index, LARGEST_JSON, MANIFEST_FILE, NOTES_FILE, Shard, TASTES_FILE,
    TRASH_FILE, damaged,
};
use crate::records::KeptRecord;

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 16 << 20;
/// The largest file of vectors that is read, in bytes.
const LARGEST_SHARD: u64 = 512 << 20;

/// An export.
#[derive(Debug, Clone)]
pub struct ExportFolder {
    path: PathBuf,
    pub(crate) index: Index,
    description: Description,
}

impl ExportFolder {
    /// Whether a folder is an export, complete or not.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        path.join(INDEX_FILE).exists() || crate::folder::is_unfinished(path)
    }

    /// Reads what an export has.
    ///
    /// # Errors
    /// `NotFound` when the folder is no complete export, `Conflict` for one of a newer version,
    /// `InvalidInput` when it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let index = Index::read(path)?;
        let file = path.join(NOTES_FILE);
        let wrong = |reason: String| damaged(&file, &reason);
        let mut text = Vec::new();
        File::open(&file)
            .and_then(|opened| opened.take(LARGEST_JSON).read_to_end(&mut text))
            .map_err(|error| wrong(error.to_string()))?;
        if index.files.get(NOTES_FILE) != Some(&Checksum::of(&text)) {
            return Err(wrong("its checksum does not match".to_owned()));
        }
        let notes = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let collection = index.collection.clone();
        Ok(Self {
            path: path.to_owned(),
            index,
            description: Description { collection, notes },
        })
    }

    /// The collection that it was made of.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Checks the size and checksum of every file.
    ///
    /// # Errors
    /// `InvalidInput`, which names the file that is missing or damaged.
    pub fn verify(&self) -> Result<()> {
        let shards = self.index.shards.iter();
        let shards = shards.map(|shard| (&shard.name, &shard.checksum));
        for (name, expected) in self.index.files.iter().chain(shards) {
            let path = self.path.join(name);
            let found = Checksum::of_file(&path)
                .map_err(|error| damaged(&path, &format!("it cannot be read ({error})")))?;
            if found.bytes != expected.bytes {
                let (found, expected) = (found.bytes, expected.bytes);
                let reason = format!("it has {found} bytes instead of {expected}");
                return Err(damaged(&path, &reason));
            }
            if found != *expected {
                return Err(damaged(&path, "its checksum does not match"));
            }
        }
        Ok(())
    }

    /// The pictures, in the order of the manifest.
    ///
    /// # Errors
    /// `InvalidInput` when the manifest cannot be opened.
    pub(crate) fn points(&self) -> Result<PointReader> {
        Ok(PointReader {
            lines: Lines::open(&self.path.join(MANIFEST_FILE))?,
            folder: self.path.clone(),
            shards: self.index.shards.clone().into(),
            loaded: VecDeque::new(),
        })
    }

    /// The preferences of artists.
    ///
    /// # Errors
    /// As [`ExportFolder::points`].
    pub(crate) fn tastes(&self) -> Result<Lines<Taste>> {
        Lines::open(&self.path.join(TASTES_FILE))
    }

    /// The boards; `None` in an export of an earlier version.
    ///
    /// # Errors
    /// As [`ExportFolder::points`].
    pub(crate) fn boards(&self) -> Result<Option<Lines<Board>>> {
        if !self.index.files.contains_key(BOARDS_FILE) {
            return Ok(None);
        }
        Lines::open(&self.path.join(BOARDS_FILE)).map(Some)
    }

    /// The deleted and hidden pictures.
    ///
    /// # Errors
    /// As [`ExportFolder::points`].
    pub(crate) fn trash(&self) -> Result<Lines<KeptRecord>> {
        Lines::open(&self.path.join(TRASH_FILE))
    }
}

/// The lines of a file, one at a time.
pub(crate) struct Lines<T> {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| damaged(path, &error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 20, file),
            number: 0,
            of: PhantomData,
        })
    }

    fn wrong(&self, reason: &str) -> Error {
        damaged(&self.path, &format!("line {}: {reason}", self.number))
    }

    fn read_one(&mut self) -> Result<Option<T>> {
        let mut line = Vec::new();
        self.number += 1;
        let read = (&mut self.file)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        let count = read.map_err(|error| self.wrong(&error.to_string()))?;
        if count == 0 {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(self.wrong("it is cut, or too long"));
        }
        let parsed = serde_json::from_slice(&line);
        parsed
            .map(Some)
            .map_err(|error| self.wrong(&error.to_string()))
    }

    /// The next lines, at most so many; empty at the end.
    ///
    /// # Errors
    /// `InvalidInput` that names the line that is damaged.
    pub(crate) fn page(&mut self, most: usize) -> Result<Vec<T>> {
        let mut page = Vec::new();
        while page.len() < most
            && let Some(one) = self.read_one()?
        {
            page.push(one);
        }
        Ok(page)
    }
}

/// The pictures of an export. The vectors of one file are in memory.
pub(crate) struct PointReader {
    lines: Lines<Payload>,
    folder: PathBuf,
    shards: VecDeque<Shard>,
    loaded: VecDeque<(PointId, Vectors)>,
}

impl PointReader {
    /// The next pictures, at most so many; empty at the end.
    ///
    /// # Errors
    /// `InvalidInput` that names the file that is damaged.
    pub(crate) fn page(&mut self, most: usize) -> Result<Vec<Point>> {
        let payloads = self.lines.page(most)?;
        let mut points = Vec::with_capacity(payloads.len());
        for payload in payloads {
            let id = payload.get(ID_FIELD).cloned();
            let id: Option<PointId> = id.and_then(|id| serde_json::from_value(id).ok());
            let (expected, vectors) = self.next_vectors()?;
            if id != Some(expected) {
                return Err(self
                    .lines
                    .wrong(&format!("its id is not {expected}, as the vectors say")));
            }
            points.push(Point {
                id: expected,
                vectors,
                payload,
            });
        }
        if points.len() < most && !(self.loaded.is_empty() && self.shards.is_empty()) {
            return Err(self.lines.wrong("pictures are missing after it"));
        }
        Ok(points)
    }

    fn next_vectors(&mut self) -> Result<(PointId, Vectors)> {
        while self.loaded.is_empty() {
            let Some(shard) = self.shards.pop_front() else {
                return Err(self.lines.wrong("it has no vectors"));
            };
            let path = self.folder.join(&shard.name);
            self.loaded = load(&path, &shard)?.into();
        }
        let next = self.loaded.pop_front();
        next.ok_or_else(|| self.lines.wrong("it has no vectors"))
    }
}

/// Reads a file of vectors. It is checked once more, since it may have changed since it was
/// verified.
fn load(path: &Path, shard: &Shard) -> Result<Vec<(PointId, Vectors)>> {
    if shard.checksum.bytes > LARGEST_SHARD {
        return Err(damaged(path, "it is too large"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_SHARD).read_to_end(&mut bytes))
        .map_err(|error| damaged(path, &error.to_string()))?;
    if Checksum::of(&bytes) != shard.checksum {
        return Err(damaged(path, "its checksum does not match"));
    }
    let points = decode_vectors(&bytes).map_err(|error| damaged(path, &error.message))?;
    if points.len() as u64 != shard.points {
        return Err(damaged(path, "it has another number of pictures"));
    }
    Ok(points)
}
