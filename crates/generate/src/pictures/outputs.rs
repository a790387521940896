//! The folder of generated pictures. Each file is stored under its hash and contains its lineage;
//! one list contains the lineage of all files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use clippy_common::files;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result, blocking};
use parking_lot::Mutex;

use super::lineage::Lineage;
use super::lineage_index::{LineageIndex, MadeFrom};
use super::list::{self, ListedOutputs, OutputFile};
use super::output::Output;
use crate::contract::GeneratedImage;
use crate::digest::sha256_hex;
use crate::durable;

/// The name of the list's file.
const LIST: &str = "lineage.jsonl";

/// The folder of generated pictures, `DATA_DIR/outputs`.
#[derive(Debug, Clone)]
pub struct Outputs {
    folder: PathBuf,
    /// Finds the lines of the list that mention a picture of the gallery.
    uses: Arc<Mutex<LineageIndex>>,
}

impl Outputs {
    /// Opens the folder, and creates it if needed.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when it cannot be created.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(durable::fault("make", &folder))?;
        let uses = Arc::new(Mutex::new(LineageIndex::new(folder.join(LIST))));
        Ok(Self { folder, uses })
    }

    /// Stores a picture with its lineage. The file is written atomically and is on disk when this
    /// returns. The same picture with the same lineage is stored once.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the folder cannot be written; as
    /// [`Lineage::embed`].
    pub async fn keep(&self, image: &GeneratedImage, lineage: &Lineage) -> Result<Output> {
        let (outputs, image, lineage) = (self.clone(), image.clone(), lineage.clone());
        blocking("reading or writing generated pictures", move || {
            outputs.store(&image, lineage)
        })
        .await
    }

    fn store(&self, image: &GeneratedImage, lineage: Lineage) -> Result<Output> {
        let (bytes, media_type) = lineage.embed(&image.bytes, &image.media_type)?;
        let sha256 = sha256_hex(&bytes);
        let extension = if media_type == "image/jpeg" {
            "jpg"
        } else {
            "png"
        };
        let path = format!("{}/{sha256}.{extension}", &sha256[..2]);
        let output = Output {
            sha256,
            path,
            media_type: media_type.to_owned(),
            width: image.width,
            height: image.height,
            lineage,
        };
        let file = self.folder.join(&output.path);
        if file
            .metadata()
            .is_ok_and(|found| found.len() == bytes.len() as u64)
        {
            return Ok(output);
        }
        // The list is written first: readers skip a line without a file, but would never find a
        // file without a line.
        self.append(&output)?;
        durable::write(&file, &bytes)?;
        Ok(output)
    }

    /// Appends a line to the list.
    fn append(&self, output: &Output) -> Result<()> {
        let list = self.list();
        let line = serde_json::to_vec(output)
            .map_err(|error| Error::internal("an output's line").with_source(error))?;
        files::append_line(&list, &line).map_err(durable::fault("write", &list))
    }

    fn list(&self) -> PathBuf {
        self.folder.join(LIST)
    }

    /// The path of a stored picture's file.
    #[must_use]
    pub fn path_of(&self, output: &Output) -> PathBuf {
        self.folder.join(&output.path)
    }

    /// Reads a stored picture's file by its hash.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::NotFound`] when there is none with this hash.
    pub async fn read(&self, sha256: &str) -> Result<Bytes> {
        let missing = || Error::not_found("there is no generated picture with that name");
        if !is_name(sha256) {
            return Err(missing());
        }
        let (folder, sha256) = (self.folder.join(&sha256[..2]), sha256.to_owned());
        blocking("reading or writing generated pictures", move || {
            ["png", "jpg"]
                .iter()
                .find_map(|extension| {
                    std::fs::read(folder.join(format!("{sha256}.{extension}"))).ok()
                })
                .map(Bytes::from)
                .ok_or_else(missing)
        })
        .await
    }

    /// Opens a stored picture's file by its hash: the file, its length in bytes and its media type.
    ///
    /// # Errors
    /// As [`Outputs::read`].
    pub async fn open_file(&self, sha256: &str) -> Result<(std::fs::File, u64, &'static str)> {
        let missing = || Error::not_found("there is no generated picture with that name");
        if !is_name(sha256) {
            return Err(missing());
        }
        let (folder, sha256) = (self.folder.join(&sha256[..2]), sha256.to_owned());
        blocking("reading or writing generated pictures", move || {
            let mut kinds = [("png", "image/png"), ("jpg", "image/jpeg")].into_iter();
            kinds
                .find_map(|(extension, media_type)| {
                    let file =
                        std::fs::File::open(folder.join(format!("{sha256}.{extension}"))).ok()?;
                    let length = file.metadata().ok()?.len();
                    Some((file, length, media_type))
                })
                .ok_or_else(missing)
        })
        .await
    }

    /// The stored pictures that were made from this picture of the gallery, newest first. Reads
    /// `records` records after skipping the newest `passed`. A picture may be recorded more than
    /// once.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the list cannot be read.
    pub async fn made_from(
        &self,
        reference: PointId,
        passed: usize,
        records: usize,
    ) -> Result<MadeFrom> {
        let outputs = self.clone();
        blocking("reading or writing generated pictures", move || {
            let mut found = outputs.uses.lock().made_from(reference, passed, records)?;
            found
                .outputs
                .retain(|output| outputs.path_of(output).is_file());
            Ok(found)
        })
        .await
    }

    /// Reads the list from this byte on, at most about `most` lines. Lines without a file are left
    /// out, and so are those that cannot be parsed.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the list cannot be read.
    pub async fn list_from(&self, start: u64, most: usize) -> Result<ListedOutputs> {
        let outputs = self.clone();
        blocking("reading the list of generated pictures", move || {
            let list = outputs.list();
            list::read_from(&list, start, most, |output| {
                let found = outputs.path_of(output).metadata().ok()?;
                let written = found.modified().ok()?.duration_since(UNIX_EPOCH);
                let written = written.unwrap_or_default().as_millis();
                found.is_file().then_some(OutputFile {
                    size: found.len(),
                    written_at: i64::try_from(written).unwrap_or_default(),
                })
            })
            .map_err(durable::fault("read", &list))
        })
        .await
    }

    /// Overwrites the lines of pictures in the list, which contain the artist's words.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the list cannot be written.
    pub async fn blank(&self, sha256: Vec<String>) -> Result<()> {
        let list = self.list();
        blocking("writing the list of generated pictures", move || {
            list::blank(&list, &sha256).map_err(durable::fault("write", &list))
        })
        .await
    }

    /// Deletes a stored picture's file.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when it cannot be deleted.
    pub async fn remove(&self, sha256: &str) -> Result<()> {
        if !is_name(sha256) {
            return Ok(());
        }
        let (folder, sha256) = (self.folder.join(&sha256[..2]), sha256.to_owned());
        blocking("deleting a generated picture", move || {
            for extension in ["png", "jpg"] {
                let file = folder.join(format!("{sha256}.{extension}"));
                match std::fs::remove_file(&file) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    removed => removed.map_err(durable::fault("delete", &file))?,
                }
            }
            Ok(())
        })
        .await
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Whether this is a valid hash. It becomes part of a path, so nothing else may pass.
fn is_name(sha256: &str) -> bool {
    sha256.len() == 64
        && sha256
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
