//! The folder of made pictures: each file under its own hash, with its lineage in it, and one list
//! of all lineages.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};

use crate::durable;
use crate::inputs::sha256_hex;
use crate::lineage::Lineage;
use crate::lineage_index::LineageIndex;
use crate::output::Output;
use crate::provider::GeneratedImage;

/// The list's name in the folder.
const LIST: &str = "lineage.jsonl";

/// `DATA_DIR/outputs`.
#[derive(Debug, Clone)]
pub struct Outputs {
    folder: PathBuf,
    /// Which lines of the list are about which picture of the gallery.
    uses: Arc<Mutex<LineageIndex>>,
}

impl Outputs {
    /// Opens the folder, and makes it where it is not there.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when it cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(durable::fault("make", &folder))?;
        let uses = Arc::new(Mutex::new(LineageIndex::new(folder.join(LIST))));
        Ok(Self { folder, uses })
    }

    /// Keeps a picture with its lineage. The file is there whole or not at all, and on disk when
    /// this returns; the same picture with the same lineage is kept once.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the folder cannot be written; as
    /// [`Lineage::embedded_in`].
    pub async fn keep(&self, image: &GeneratedImage, lineage: &Lineage) -> Result<Output> {
        let (outputs, image, lineage) = (self.clone(), image.clone(), lineage.clone());
        blocking(move || outputs.keep_now(&image, lineage)).await
    }

    fn keep_now(&self, image: &GeneratedImage, lineage: Lineage) -> Result<Output> {
        let (bytes, media_type) = lineage.embedded_in(&image.bytes, &image.media_type)?;
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
        // The list first: a line without a file is skipped when it is read, a file without a line
        // would be lost.
        self.append(&output)?;
        durable::write(&file, &bytes)?;
        Ok(output)
    }

    /// One write at the end of the list: whole lines, also from several processes.
    fn append(&self, output: &Output) -> Result<()> {
        let list = self.list();
        let mut line = serde_json::to_vec(output)
            .map_err(|error| Error::internal("an output's line").with_source(error))?;
        line.push(b'\n');
        let opened = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&list);
        let mut file = opened.map_err(durable::fault("open", &list))?;
        file.write_all(&line)
            .and_then(|()| file.sync_data())
            .map_err(durable::fault("write", &list))
    }

    fn list(&self) -> PathBuf {
        self.folder.join(LIST)
    }

    /// Where the file of a kept picture is.
    #[must_use]
    pub fn path_of(&self, output: &Output) -> PathBuf {
        self.folder.join(&output.path)
    }

    /// A kept picture's file by its hash.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::NotFound`] when there is none of that name.
    pub async fn read(&self, sha256: &str) -> Result<Bytes> {
        let missing = || Error::not_found("there is no made picture of that name");
        if !is_name(sha256) {
            return Err(missing());
        }
        let (folder, sha256) = (self.folder.join(&sha256[..2]), sha256.to_owned());
        blocking(move || {
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

    /// As [`Outputs::read`], but opened: the file, its length in bytes and its media type.
    ///
    /// # Errors
    /// As [`Outputs::read`].
    pub async fn open_file(&self, sha256: &str) -> Result<(std::fs::File, u64, &'static str)> {
        let missing = || Error::not_found("there is no made picture of that name");
        if !is_name(sha256) {
            return Err(missing());
        }
        let (folder, sha256) = (self.folder.join(&sha256[..2]), sha256.to_owned());
        blocking(move || {
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

    /// The kept pictures that were made from this picture of the gallery, the latest first; the
    /// latest 2,000 of them.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the list cannot be read.
    pub async fn made_from(&self, reference: PointId) -> Result<Vec<Output>> {
        let outputs = self.clone();
        blocking(move || {
            let mut found = outputs
                .uses
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .made_from(reference)?;
            found.retain(|output| outputs.path_of(output).is_file());
            found.reverse();
            let mut seen = std::collections::HashSet::new();
            found.retain(|output| seen.insert(output.sha256.clone()));
            Ok(found)
        })
        .await
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Whether this can be the name of an output: it becomes part of a path.
fn is_name(sha256: &str) -> bool {
    sha256.len() == 64
        && sha256
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal("a thread that works on files ended").with_source(error))?
}
