//! Storage for uploaded pictures, because a job's payload contains only names.
//!
//! [`Intake::take`] checks every uploaded picture of a request, stores it under its hash, and
//! replaces it by `stored:SHA256`. [`crate::Resolver::resolve_kept`] reads them when they are
//! needed. URLs and gallery ids are left unchanged. The history keeps the files of its entries, and
//! removes those that nothing needs any longer.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use clippy_core::{Error, Result, blocking};
use clippy_imaging::decode;

use super::data_url::{is_web_url, picture_bytes};
use super::mask::to_mask;
use super::memory::{INTAKE, check_edit};
use crate::contract::GenerateRequest;
use crate::digest::sha256_hex;
use crate::durable;

const STORED: &str = "stored:";

/// An upload that is stored, opened for reading.
#[derive(Debug)]
pub struct StoredFile {
    /// The file.
    pub file: File,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type, from its content.
    pub media_type: &'static str,
}

/// The hash of the file that a field names, if it names a stored one.
#[must_use]
pub fn stored_hash(field: &str) -> Option<&str> {
    field.strip_prefix(STORED).filter(|sha256| is_hash(sha256))
}

/// The name of a stored file in a request.
#[must_use]
pub fn stored_name(sha256: &str) -> String {
    format!("{STORED}{sha256}")
}

/// The hashes of all stored files that a request names, each once.
#[must_use]
pub fn stored_inputs(request: &GenerateRequest) -> Vec<String> {
    let references = request
        .refs
        .iter()
        .flat_map(|reference| [&reference.image_url, &reference.image_b64]);
    let others = [
        &request.sketch,
        &request.base,
        &request.mask,
        &request.drawing,
    ];
    let mut hashes = Vec::new();
    for field in references.chain(others).flatten() {
        if let Some(sha256) = stored_hash(field)
            && !hashes.iter().any(|known| known == sha256)
        {
            hashes.push(sha256.to_owned());
        }
    }
    hashes
}

/// The folder of uploaded pictures, `DATA_DIR/inputs`.
#[derive(Debug, Clone)]
pub struct Intake {
    folder: PathBuf,
}

impl Intake {
    /// Opens the folder, and creates it if needed.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when it cannot be created.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(durable::fault("make", &folder))?;
        Ok(Self { folder })
    }

    /// Checks and stores every uploaded picture, and returns the request with names in their
    /// places. The same request always gives the same names.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidPicture`] and [`clippy_core::ErrorCode::TooLarge`] that
    /// name the field; [`clippy_core::ErrorCode::InvalidInput`] for a mask of another size, or
    /// with nothing to edit; [`clippy_core::ErrorCode::Unavailable`] while other pictures occupy
    /// all memory; [`clippy_core::ErrorCode::Internal`] when the folder cannot be written.
    pub async fn take(&self, request: GenerateRequest) -> Result<GenerateRequest> {
        let intake = self.clone();
        blocking("checking uploaded pictures", move || {
            intake.store_all(request)
        })
        .await
    }

    fn store_all(&self, mut request: GenerateRequest) -> Result<GenerateRequest> {
        let mut base = None;
        // `base` comes before `mask`, whose size must match. Only one decoded picture is in memory
        // at a time.
        for (name, field) in pictures_of(&mut request) {
            if is_web_url(field) {
                continue;
            }
            let named = |error: Error| Error::new(error.code, format!("{name}: {}", error.message));
            let bytes = picture_bytes(field).map_err(named)?;
            // Decoded completely, because a truncated file would otherwise fail the job later.
            let picture = decode(&bytes, &INTAKE).map_err(|error| named(error.into()))?;
            match (name.as_str(), base) {
                ("base", _) => base = Some(picture.dimensions()),
                // A base or mask with a URL is checked after it has been fetched.
                ("mask", Some(size)) => {
                    to_mask(&picture, size)?;
                    check_edit(size)?;
                }
                _ => {}
            }
            drop(picture);
            *field = stored_name(&self.store(&bytes)?);
        }
        if let Some(drawing) = &mut request.drawing {
            serde_json::from_str::<serde::de::IgnoredAny>(drawing)
                .map_err(|error| Error::invalid(format!("drawing is not JSON: {error}")))?;
            *drawing = stored_name(&self.store(drawing.as_bytes())?);
        }
        Ok(request)
    }

    fn store(&self, bytes: &[u8]) -> Result<String> {
        let sha256 = sha256_hex(bytes);
        let file = self.file(&sha256);
        if !file
            .metadata()
            .is_ok_and(|found| found.len() == bytes.len() as u64)
        {
            durable::write(&file, bytes)?;
        } else {
            // Recently used files are not deleted: the job that will use this one may not exist yet.
            File::options()
                .write(true)
                .open(&file)
                .and_then(|there| there.set_modified(SystemTime::now()))
                .map_err(durable::fault("touch", &file))?;
        }
        Ok(sha256)
    }

    /// The size of a stored file in bytes; `None` if there is none.
    pub async fn size_of(&self, sha256: &str) -> Option<u64> {
        if !is_hash(sha256) {
            return None;
        }
        let found = tokio::fs::metadata(self.file(sha256)).await.ok()?;
        Some(found.len())
    }

    /// Opens a stored file by its hash.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::NotFound`] when there is none.
    pub async fn open_file(&self, sha256: &str) -> Result<StoredFile> {
        let missing = || Error::not_found("there is no upload with that name");
        if !is_hash(sha256) {
            return Err(missing());
        }
        let path = self.file(sha256);
        blocking("opening an upload", move || {
            let opened = || {
                let mut file = File::open(&path)?;
                let size = file.metadata()?.len();
                let mut head = [0; 16];
                let read = file.read(&mut head)?;
                let media_type = media_type_of(head.get(..read).unwrap_or_default());
                // The reader begins at the start again.
                std::io::Seek::rewind(&mut file)?;
                Ok::<_, std::io::Error>(StoredFile {
                    file,
                    size,
                    media_type,
                })
            };
            opened().map_err(|error| match error.kind() {
                ErrorKind::NotFound => missing(),
                _ => durable::fault("open", &path)(error),
            })
        })
        .await
    }

    /// Deletes a stored file, unless it was stored or used again within `recent`. Returns whether
    /// it is gone.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when it cannot be deleted.
    pub async fn remove(&self, sha256: &str, recent: Duration) -> Result<bool> {
        if !is_hash(sha256) {
            return Ok(true);
        }
        let path = self.file(sha256);
        blocking("deleting an upload", move || {
            let removed = || {
                let used = path.metadata()?.modified()?;
                if used.elapsed().unwrap_or_default() < recent {
                    return Ok(false);
                }
                std::fs::remove_file(&path).map(|()| true)
            };
            match removed() {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
                removed => removed.map_err(durable::fault("delete", &path)),
            }
        })
        .await
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.folder.join(&sha256[..2]).join(sha256)
    }

    /// Reads the uploaded picture that a field names; `None` if it names none.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::NotFound`] if the file no longer exists,
    /// [`clippy_core::ErrorCode::Internal`] if its content has changed.
    pub(crate) async fn read_stored(&self, name: &str, field: &str) -> Result<Option<Bytes>> {
        let Some(sha256) = field.strip_prefix(STORED) else {
            return Ok(None);
        };
        let (intake, name, sha256) = (self.clone(), name.to_owned(), sha256.to_owned());
        blocking("checking uploaded pictures", move || {
            intake.read(&name, &sha256).map(Some)
        })
        .await
    }

    fn read(&self, name: &str, sha256: &str) -> Result<Bytes> {
        if !is_hash(sha256) {
            return Err(Error::invalid(format!("{name} names no stored picture")));
        }
        let file = self.file(sha256);
        let bytes: Bytes = std::fs::read(&file)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Error::not_found(format!(
                    "{name}: the uploaded picture is no longer there. Workers and servers need \
                     the same DATA_DIR; send the request again"
                )),
                _ => durable::fault("read", &file)(error),
            })?
            .into();
        if sha256_hex(&bytes) != sha256 {
            return Err(Error::internal(format!(
                "the content of {} does not match its name",
                file.display()
            )));
        }
        Ok(bytes)
    }
}

/// Whether this is a valid hash. It becomes part of a path, so nothing else may pass.
fn is_hash(sha256: &str) -> bool {
    sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The media type of an upload, from its first bytes.
fn media_type_of(head: &[u8]) -> &'static str {
    match head {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "image/webp",
        [b'B', b'M', ..] => "image/bmp",
        [b'{' | b'[', ..] => "application/json",
        _ => "application/octet-stream",
    }
}

/// Every field that may hold an uploaded picture, with its name.
fn pictures_of(request: &mut GenerateRequest) -> Vec<(String, &mut String)> {
    let mut all = Vec::new();
    for (index, reference) in request.refs.iter_mut().enumerate() {
        let name = format!("refs[{index}]");
        // `url` is not listed: it must be a URL, which the fetcher checks.
        for field in [&mut reference.image_url, &mut reference.image_b64]
            .into_iter()
            .flatten()
        {
            all.push((name.clone(), field));
        }
    }
    let fields = [
        ("sketch", &mut request.sketch),
        ("base", &mut request.base),
        ("mask", &mut request.mask),
    ];
    all.extend(
        fields
            .into_iter()
            .filter_map(|(name, field)| Some((name.to_owned(), field.as_mut()?))),
    );
    all
}

#[cfg(test)]
mod tests {
    use clippy_core::ErrorCode;
    use clippy_imaging::{Encoding, RgbImage, encode};

    use super::*;
    use crate::contract::ReferenceInput;
    use crate::pictures::data_url::data_url;

    fn png(width: u32, shade: u8) -> String {
        let picture = RgbImage::from_pixel(width, 8, image::Rgb([shade; 3]));
        data_url(
            "image/png",
            &encode(&picture, Encoding::Png).expect("a picture"),
        )
    }

    fn intake() -> (tempfile::TempDir, Intake) {
        let folder = tempfile::tempdir().expect("a folder");
        let intake = Intake::open(folder.path().join("inputs")).expect("opened");
        (folder, intake)
    }

    #[tokio::test]
    async fn uploads_are_stored_under_names_and_urls_are_unchanged() {
        let (_folder, intake) = intake();
        let url = "https://example.org/a.png".to_owned();
        let request = GenerateRequest {
            sketch: Some(png(8, 3)),
            base: Some(url.clone()),
            refs: vec![
                ReferenceInput {
                    image_url: Some(png(8, 200)),
                    ..ReferenceInput::default()
                },
                ReferenceInput {
                    image_b64: Some(png(8, 3)[22..].to_owned()),
                    ..ReferenceInput::default()
                },
            ],
            ..GenerateRequest::default()
        };
        let taken = intake.take(request.clone()).await.expect("good pictures");
        assert_eq!(taken.base.as_ref(), Some(&url));
        assert!(
            taken.sketch.as_ref().is_some_and(|name| name.len() == 71),
            "{taken:?}"
        );
        assert_eq!(
            taken.sketch, taken.refs[1].image_b64,
            "the same picture is stored once"
        );
        assert_eq!(intake.take(request.clone()).await.expect("again"), taken);
        for (kept, sent) in [
            (&taken.sketch, &request.sketch),
            (&taken.refs[0].image_url, &request.refs[0].image_url),
        ] {
            let kept = intake
                .read_stored("x", kept.as_deref().expect("a name"))
                .await
                .expect("there");
            assert_eq!(
                kept,
                picture_bytes(sent.as_deref().expect("a picture")).ok()
            );
        }
        assert_eq!(intake.read_stored("base", &url).await.expect("a URL"), None);
    }

    #[tokio::test]
    async fn a_drawing_is_stored_and_files_are_removed_only_when_they_are_old() {
        let (_folder, intake) = intake();
        let request = GenerateRequest {
            sketch: Some(png(8, 3)),
            drawing: Some("{\"strokes\": []}".to_owned()),
            ..GenerateRequest::default()
        };
        let taken = intake.take(request.clone()).await.expect("good");
        let hashes = stored_inputs(&taken);
        assert_eq!(hashes.len(), 2, "{taken:?}");
        let types = ["image/png", "application/json"];
        for (sha256, media_type) in hashes.iter().zip(types) {
            let mut stored = intake.open_file(sha256).await.expect("there");
            let mut bytes = Vec::new();
            stored.file.read_to_end(&mut bytes).expect("read");
            assert_eq!(sha256_hex(&bytes), *sha256, "from its first byte");
            assert_eq!(
                (stored.size, stored.media_type),
                (bytes.len() as u64, media_type)
            );
            assert_eq!(intake.size_of(sha256).await, Some(stored.size));
            let hour = Duration::from_secs(3_600);
            assert!(!intake.remove(sha256, hour).await.expect("too young"));
            let old = SystemTime::now() - 2 * hour;
            let file = File::options().write(true).open(intake.file(sha256));
            let aged = || file.expect("opened").set_modified(old).expect("aged");
            aged();
            intake.take(request.clone()).await.expect("used again");
            assert!(!intake.remove(sha256, hour).await.expect("used just now"));
            assert!(
                intake
                    .remove(sha256, Duration::ZERO)
                    .await
                    .expect("deleted")
            );
            assert!(intake.remove(sha256, hour).await.expect("gone already"));
            assert_eq!(intake.size_of(sha256).await, None);
            assert_eq!(
                intake.open_file(sha256).await.expect_err("gone").code,
                ErrorCode::NotFound
            );
        }
        let wrong = GenerateRequest {
            drawing: Some("{".to_owned()),
            ..GenerateRequest::default()
        };
        let error = intake.take(wrong).await.expect_err("not JSON");
        assert!(error.message.contains("drawing"), "{}", error.message);
        assert_eq!(intake.size_of("../../etc/passwd").await, None);
    }

    #[tokio::test]
    async fn invalid_pictures_and_masks_are_refused_with_the_field() {
        let (_folder, intake) = intake();
        let whole = png(8, 9);
        let cut = whole[..whole.len() - 40].to_owned();
        for (sketch, base, mask, code, named) in [
            (
                Some("data:image/png;base64,aGVsbG8=".to_owned()),
                None,
                None,
                ErrorCode::InvalidPicture,
                "sketch",
            ),
            (
                Some("stored:../../etc/passwd".to_owned()),
                None,
                None,
                ErrorCode::InvalidPicture,
                "sketch",
            ),
            (Some(cut), None, None, ErrorCode::InvalidPicture, "sketch"),
            (
                None,
                Some(png(8, 9)),
                Some(png(9, 255)),
                ErrorCode::InvalidInput,
                "9x8",
            ),
            (
                None,
                Some(png(8, 9)),
                Some(png(8, 0)),
                ErrorCode::InvalidInput,
                "nothing to edit",
            ),
        ] {
            let request = GenerateRequest {
                sketch,
                base,
                mask,
                ..GenerateRequest::default()
            };
            let error = intake.take(request).await.expect_err(named);
            assert_eq!(error.code, code, "{}", error.message);
            assert!(error.message.contains(named), "{}", error.message);
        }
        let gone = format!("stored:{}", "a".repeat(64));
        assert_eq!(
            intake
                .read_stored("sketch", &gone)
                .await
                .expect_err("never stored")
                .code,
            ErrorCode::NotFound
        );
    }
}
