//! Thumbnails: made once and kept on disk; recent ones are also kept in memory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use clippy_core::pictures::{PictureContent, ServedPicture};
use clippy_core::{Error, Result, blocking};
use clippy_imaging::{DecodeError, DecodeLimits, Encoding, decode_file, encode, thumbnail};

use super::{PictureFile, PictureFiles, eviction, unreadable};
use clippy_common::files;

/// The widths that thumbnails are made in. A request gets the largest of them that does not exceed
/// its own, so that a page which asks for many different widths does not fill the disk.
const WIDTHS: [u32; 13] = [
    16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048,
];

/// The first thumbnail of a process, and every 1,000th one, starts a removal of old thumbnails.
const SWEPT_EVERY: u64 = 1_000;

/// A part of each file name. Change it when thumbnails are made in another way.
const VERSION: &str = "1";

/// Returns the width of the thumbnail that is made for `width`.
#[must_use]
pub fn thumbnail_width(width: u32) -> u32 {
    WIDTHS
        .into_iter()
        .rev()
        .find(|made| *made <= width)
        .unwrap_or(width.max(1))
}

impl PictureFiles {
    /// Returns a JPEG of the picture that is no wider than `width`; smaller pictures keep their
    /// size. Concurrent requests for the same thumbnail make it once.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] for a width of 0; what decoding says about the
    /// picture.
    pub async fn thumbnail(&self, file: &PictureFile, width: u32) -> Result<ServedPicture> {
        if width == 0 {
            return Err(Error::invalid(
                "a thumbnail is at least 1 pixel wide: w=0 asks for nothing",
            ));
        }
        let width = thumbnail_width(width);
        let key = format!("{}-{width}-{VERSION}", file.identity);
        let bytes = self
            .memory
            .try_get_with_by_ref(&key, self.load_or_make(file, width, &key))
            .await
            .map_err(|error: Arc<Error>| {
                // Several callers may wait for one outcome; each gets the code and the message.
                Error::new(error.code, error.message.clone()).with_source(error.to_string())
            })?;
        let content = PictureContent::Memory(bytes);
        Ok(ServedPicture {
            content,
            content_type: Encoding::THUMBNAIL.media_type().to_owned(),
            etag: key,
        })
    }

    async fn load_or_make(&self, file: &PictureFile, width: u32, key: &str) -> Result<Bytes> {
        let cached = self.cached_path(key);
        match tokio::fs::read(&cached).await {
            Ok(content) => return Ok(content.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(path = %cached.display(), %error,
                "a thumbnail cannot be read and is made again")
            }
        }
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|error| {
                Error::internal("the semaphore of thumbnails is closed").with_source(error)
            })?;
        let (path, limits, made) = (file.path.clone(), self.limits, Arc::clone(&self.made));
        let (folder, most) = (self.thumbnail_folder.clone(), self.disk_bytes);
        blocking("making a thumbnail", move || {
            let content = make(&path, width, &limits)?;
            let number = made.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = store(&cached, &content) {
                // It is made again next time.
                tracing::warn!(path = %cached.display(), %error, "a thumbnail cannot be kept");
            }
            if number.is_multiple_of(SWEPT_EVERY)
                && let Err(error) = eviction::sweep(&folder, most)
            {
                tracing::warn!(folder = %folder.display(), %error,
                "old thumbnails cannot be removed");
            }
            // Held until the work ends, even if the caller no longer waits for it.
            drop(turn);
            Ok(content.into())
        })
        .await
    }

    /// Returns the path of a cached file, in one of 256 folders, since some file systems are slow
    /// with very many files in one.
    fn cached_path(&self, key: &str) -> PathBuf {
        self.thumbnail_folder
            .join(&key[..2])
            .join(format!("{key}.jpg"))
    }
}

fn make(path: &Path, width: u32, limits: &DecodeLimits) -> Result<Vec<u8>> {
    let picture = decode_file(path, limits).map_err(|error| match error {
        // Its message names the path, which callers must not see.
        DecodeError::Unreadable { path, source } => unreadable(&path, source),
        error => error.into(),
    })?;
    Ok(encode(&thumbnail(&picture, width), Encoding::THUMBNAIL)?)
}

fn store(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    files::replace(path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_file_is_reported_without_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = folder.path().join("gone.png");
        // A folder can be opened, but not read.
        for path in [gone.as_path(), folder.path()] {
            let error = make(path, 64, &DecodeLimits::default()).expect_err("no file");
            assert!(
                !error.message.contains(&folder.path().display().to_string()),
                "{error}"
            );
        }
    }

    #[test]
    fn a_thumbnail_is_never_wider_than_asked_for() {
        for width in 1..5_000 {
            let made = thumbnail_width(width);
            assert!(made <= width && made >= 1, "{width}: {made}");
        }
        assert_eq!(
            (
                thumbnail_width(256),
                thumbnail_width(300),
                thumbnail_width(9)
            ),
            (256, 256, 9)
        );
    }
}
