//! The picture files that the collection's payloads name, and thumbnails of them.

mod eviction;
mod of_gallery;
mod resolve;
mod thumbnails;

use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clippy_core::pictures::{PictureContent, ServedPicture};
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_imaging::DecodeLimits;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

pub use self::of_gallery::GalleryPictures;
pub use self::thumbnails::thumbnail_width;

/// How many bytes of a file identify its format.
const BEGINNING: u64 = 512;

/// Where pictures are served from, and what thumbnails may cost.
#[derive(Debug, Clone)]
pub struct PictureOptions {
    /// `IMAGES_ROOT`: besides the recorded roots, files are served from here.
    pub images_root: Option<PathBuf>,
    /// Where thumbnails are kept, such as `DATA_DIR/thumbnails`; made when it is missing.
    pub thumbnail_folder: PathBuf,
    /// Most bytes of thumbnails held in memory.
    pub memory_bytes: u64,
    /// Most bytes of thumbnails kept on disk; the oldest are removed first.
    pub disk_bytes: u64,
    /// Most thumbnails made at once.
    pub concurrency: usize,
    /// Limits of decoding one picture.
    pub limits: DecodeLimits,
}

impl PictureOptions {
    /// Makes options: 64 MiB of thumbnails in memory, 2 GiB on disk, and as many made at once as
    /// there are cores.
    #[must_use]
    pub fn new(thumbnail_folder: PathBuf) -> Self {
        Self {
            images_root: None,
            thumbnail_folder,
            memory_bytes: 64 << 20,
            disk_bytes: 2 << 30,
            concurrency: std::thread::available_parallelism().map_or(2, usize::from),
            limits: DecodeLimits::default(),
        }
    }
}

/// A picture file that may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureFile {
    /// The file, with symbolic links resolved.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Changes whenever the file's path, size or modification time does; the picture's ETag.
    pub identity: String,
}

/// Finds picture files, reads them and makes thumbnails.
#[derive(Debug)]
pub struct PictureFiles {
    images_root: Option<PathBuf>,
    /// The folder that this process was started in: the paths of a collection of Clippy 0.2 may
    /// begin there.
    working: Option<PathBuf>,
    thumbnail_folder: PathBuf,
    disk_bytes: u64,
    limits: DecodeLimits,
    turns: Arc<Semaphore>,
    memory: moka::future::Cache<String, Bytes>,
    made: Arc<AtomicU64>,
}

impl PictureFiles {
    /// Makes the thumbnail folder.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] when it cannot be made.
    pub fn new(options: PictureOptions) -> Result<Self> {
        let folder = &options.thumbnail_folder;
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::internal(format!(
                "the folder for thumbnails {} could not be made",
                folder.display()
            ))
            .with_source(error)
        })?;
        // A relative root is in the folder that this process was started in, even if the working
        // folder changes later.
        let working = std::env::current_dir().ok();
        let images_root = options.images_root.map(|root| match &working {
            Some(working) => working.join(root),
            None => root,
        });
        if let Some(root) = images_root.as_ref().filter(|root| !root.is_dir()) {
            tracing::warn!(
                "IMAGES_ROOT is {}, which is not a folder: no picture is served from there until \
                 it is",
                root.display()
            );
        }
        Ok(Self {
            images_root,
            working,
            thumbnail_folder: options.thumbnail_folder,
            disk_bytes: options.disk_bytes,
            limits: options.limits,
            turns: Arc::new(Semaphore::new(options.concurrency.max(1))),
            memory: moka::future::Cache::builder()
                .max_capacity(options.memory_bytes)
                .weigher(|key: &String, content: &Bytes| {
                    u32::try_from(key.len() + content.len()).unwrap_or(u32::MAX)
                })
                .build(),
            made: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Finds the file behind a payload's `path`: relative to `IMAGES_ROOT` or to one of the
    /// recorded roots, or absolute.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`] when it lies outside of all roots, also through `..` or a symbolic
    /// link; [`ErrorCode::NotFound`] when no root has it.
    pub async fn find(&self, stored: &str, roots: &[String]) -> Result<PictureFile> {
        let allowed: Vec<PathBuf> = self
            .images_root
            .iter()
            .cloned()
            .chain(roots.iter().map(PathBuf::from))
            .collect();
        let (stored, working) = (stored.to_owned(), self.working.clone());
        blocking("finding a picture", move || {
            let path = resolve::resolve(&stored, &allowed, working.as_deref())?;
            let metadata = std::fs::metadata(&path).map_err(|error| unreadable(&path, error))?;
            let identity = identity(&path, &metadata);
            Ok(PictureFile {
                path,
                bytes: metadata.len(),
                identity,
            })
        })
        .await
    }

    /// Opens the whole file. Only its beginning is read, to identify the format.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`] above the limit, [`ErrorCode::InvalidPicture`] when it is no
    /// picture.
    pub async fn read(&self, file: &PictureFile) -> Result<ServedPicture> {
        let most = self.limits.bytes;
        if file.bytes > most {
            return Err(Error::new(
                ErrorCode::TooLarge,
                format!(
                    "the picture has {} bytes, and at most {most} are served",
                    file.bytes
                ),
            ));
        }
        let PictureFile { path, identity, .. } = file.clone();
        blocking("reading a picture", move || {
            let mut opened =
                std::fs::File::open(&path).map_err(|error| unreadable(&path, error))?;
            let length = opened
                .metadata()
                .map_err(|error| unreadable(&path, error))?
                .len();
            let mut beginning = Vec::with_capacity(BEGINNING as usize);
            opened
                .by_ref()
                .take(BEGINNING)
                .read_to_end(&mut beginning)
                .and_then(|_| opened.rewind())
                .map_err(|error| unreadable(&path, error))?;
            let media_type = clippy_imaging::sniff(&beginning)?.media_type();
            let content = PictureContent::File(opened, length);
            Ok(ServedPicture {
                content,
                content_type: media_type.to_owned(),
                etag: identity,
            })
        })
        .await
    }

    /// Returns how many thumbnails were made since the start, rather than taken from memory or
    /// disk.
    #[must_use]
    pub fn thumbnails_made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let code = if error.kind() == std::io::ErrorKind::NotFound {
        ErrorCode::NotFound
    } else {
        ErrorCode::Internal
    };
    tracing::debug!(path = %path.display(), %error, "a picture cannot be read");
    Error::new(
        code,
        "the picture's file cannot be read: it was moved, or is not readable for this program",
    )
    .with_source(error)
}

/// Returns an identity of the content, made from size and modification time: reading the whole file
/// at every request would cost too much.
fn identity(path: &Path, metadata: &std::fs::Metadata) -> String {
    let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let changed = changed
        .duration_since(UNIX_EPOCH)
        .map_or(0, |passed| passed.as_nanos());
    let digest = Sha256::new()
        .chain_update(path.as_os_str().as_encoded_bytes())
        .chain_update(metadata.len().to_le_bytes())
        .chain_update(changed.to_le_bytes())
        .finalize();
    hex::encode(&digest[..16])
}
