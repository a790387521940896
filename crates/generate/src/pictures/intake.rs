//! Storage for uploaded pictures, because a job's payload contains only names.
//!
//! [`Intake::take`] checks every uploaded picture of a request, stores it under its hash, and
//! replaces it by `stored:SHA256`. [`crate::Resolver::resolve_kept`] reads them when they are
//! needed. URLs and gallery ids are left unchanged.

use std::path::PathBuf;

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
            *field = format!("{STORED}{}", self.store(&bytes)?);
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
        }
        Ok(sha256)
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
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
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
