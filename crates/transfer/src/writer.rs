//! Writes the files of an export.

use std::io;
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::gallery::{ID_FIELD, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use serde::Serialize;
use serde_json::Value;

use crate::batch::encode_vectors;
use crate::description::Description;
use crate::folder::NewFolder;
use crate::hashing::{Checksum, HashedFile};
use crate::index::{
    BOARDS_FILE, INDEX_FILE, Index, MANIFEST_FILE, NOTES_FILE, Shard, TASTES_FILE, TRASH_FILE,
    shard_name,
};
use crate::records::Records;

/// Bytes of vectors in a file. They are in memory until the file is written.
pub(crate) const SHARD_BYTES: usize = 16 << 20;

/// An export that is being written.
pub(crate) struct ExportWriter {
    folder: NewFolder,
    index: Index,
    manifest: HashedFile,
    tastes: HashedFile,
    boards: HashedFile,
    trash: HashedFile,
    /// The vectors of the next file.
    pending: Vec<(PointId, Vectors)>,
    pending_bytes: usize,
    shard_bytes: usize,
}

impl ExportWriter {
    /// Begins an export of this collection, with about `shard_bytes` in each file of vectors.
    ///
    /// # Errors
    /// `Conflict` when the folder is not empty, `InvalidInput` when it cannot be written.
    pub(crate) fn begin(
        folder: &Path,
        description: &Description,
        shard_bytes: usize,
    ) -> Result<Self> {
        let folder = NewFolder::begin(folder)?;
        let mut index = Index::new(description.collection.clone());
        let notes = serde_json::to_vec_pretty(&description.notes)
            .map_err(|error| Error::internal("the notes cannot be written").with_source(error))?;
        let path = folder.path().join(NOTES_FILE);
        files::replace(&path, &notes).map_err(|error| failed(&path, error))?;
        index
            .files
            .insert(NOTES_FILE.to_owned(), Checksum::of(&notes));
        let create = |name: &str| {
            let path = folder.path().join(name);
            HashedFile::create(&path).map_err(|error| failed(&path, error))
        };
        Ok(Self {
            manifest: create(MANIFEST_FILE)?,
            tastes: create(TASTES_FILE)?,
            boards: create(BOARDS_FILE)?,
            trash: create(TRASH_FILE)?,
            folder,
            index,
            pending: Vec::new(),
            pending_bytes: 0,
            shard_bytes,
        })
    }

    /// Adds pictures.
    ///
    /// # Errors
    /// `Internal` when the disk is full or broken.
    pub(crate) fn add_points(&mut self, points: Vec<Point>) -> Result<()> {
        for point in points {
            let line = manifest_line(&point)?;
            self.write_line(MANIFEST_FILE, &line)?;
            for space in Space::ALL {
                if let Some(vector) = point.vectors.get(space) {
                    *self.index.vectors.get_mut(space) += 1;
                    self.pending_bytes += vector.len() * 4;
                }
            }
            self.index.points += 1;
            self.pending.push((point.id, point.vectors));
            if self.pending_bytes >= self.shard_bytes {
                self.write_shard()?;
            }
        }
        Ok(())
    }

    /// Adds preferences, boards and deleted pictures.
    ///
    /// # Errors
    /// As [`ExportWriter::add_points`].
    pub(crate) fn add_records(&mut self, records: &Records) -> Result<()> {
        for taste in &records.tastes {
            self.write_line(TASTES_FILE, taste)?;
            self.index.artists += 1;
        }
        for board in &records.boards {
            self.write_line(BOARDS_FILE, board)?;
            self.index.boards += 1;
        }
        for kept in &records.trash {
            self.write_line(TRASH_FILE, kept)?;
            self.index.deleted += 1;
        }
        Ok(())
    }

    /// Completes the export. Returns its folder, and what it has.
    ///
    /// # Errors
    /// As [`ExportWriter::add_points`].
    pub(crate) fn finish(mut self) -> Result<(PathBuf, Index)> {
        if !self.pending.is_empty() {
            self.write_shard()?;
        }
        let Self {
            folder,
            mut index,
            manifest,
            tastes,
            boards,
            trash,
            ..
        } = self;
        for (name, file) in [
            (MANIFEST_FILE, manifest),
            (TASTES_FILE, tastes),
            (BOARDS_FILE, boards),
            (TRASH_FILE, trash),
        ] {
            let written = file.finish();
            let written = written.map_err(|error| failed(&folder.path().join(name), error))?;
            index.files.insert(name.to_owned(), written);
        }
        let written = index.write(folder.path());
        written.map_err(|error| failed(&folder.path().join(INDEX_FILE), error))?;
        Ok((folder.finish()?, index))
    }

    fn write_line(&mut self, name: &str, line: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec(line).map_err(|error| {
            Error::internal(format!("a line of {name} cannot be written")).with_source(error)
        })?;
        let file = match name {
            MANIFEST_FILE => &mut self.manifest,
            TASTES_FILE => &mut self.tastes,
            BOARDS_FILE => &mut self.boards,
            _ => &mut self.trash,
        };
        file.line(&text)
            .map_err(|error| failed(&self.folder.path().join(name), error))
    }

    fn write_shard(&mut self) -> Result<()> {
        let name = shard_name(self.index.shards.len());
        let bytes = encode_vectors(&self.pending)?;
        let path = self.folder.path().join(&name);
        files::replace(&path, &bytes).map_err(|error| failed(&path, error))?;
        self.index.shards.push(Shard {
            name,
            points: self.pending.len() as u64,
            checksum: Checksum::of(&bytes),
        });
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }
}

/// The line of a picture: its payload, and its id if the payload has another one or none.
fn manifest_line(point: &Point) -> Result<Value> {
    let mut line = point.payload.clone();
    let own = line.get(ID_FIELD).cloned();
    let own = own.and_then(|id| serde_json::from_value::<PointId>(id).ok());
    if own != Some(point.id) {
        let id = serde_json::to_value(point.id)
            .map_err(|error| Error::internal("an id cannot be written").with_source(error))?;
        line.insert(ID_FIELD.to_owned(), id);
    }
    Ok(Value::Object(line))
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::invalid(format!("{} cannot be written: {error}", path.display())).with_source(error)
}
