//! A request whose pictures have been fetched, decoded and checked: what providers work from.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{Budget, Permit, Picture, decode, probe, scaled_to};
use futures::{StreamExt, TryStreamExt};
use image::{GrayImage, Luma, RgbImage};
use sha2::{Digest, Sha256};

use crate::comfyui::Preset;
use crate::data_url::picture_bytes;
use crate::fetch::Fetcher;
use crate::held::{
    DRAWING_SIDE, JOB, PATIENCE, REFERENCE_SIDE, bytes_of, check_edit, edit_bytes, square_bytes,
};
use crate::intake::Intake;
use crate::request::{AspectRatio, GenerateRequest, QueryNote, Role};
use crate::style::StyleTag;

/// References that are fetched and decoded at a time.
const AT_ONCE: usize = 2;

/// The gallery, as far as references need it.
#[async_trait]
pub trait ReferencePictures: Send + Sync + 'static {
    /// The file of this picture, and where it comes from.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when the gallery has no such picture.
    async fn reference_picture(&self, id: PointId) -> Result<ReferencePicture>;
}

/// A picture of the gallery.
#[derive(Debug, Clone)]
pub struct ReferencePicture {
    /// The whole file.
    pub bytes: Bytes,
    /// The page it was found on.
    pub source_url: Option<String>,
    /// Its licence, as the manifest names it.
    pub licence: Option<String>,
}

/// Where a reference came from, for lineage.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReferenceOrigin {
    /// The gallery's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<PointId>,
    /// The URL it was fetched from, or the page that the gallery names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_url: Option<String>,
    /// Its licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// A reference with its pixels.
#[derive(Debug, Clone)]
pub struct Reference {
    /// What it is for.
    pub role: Role,
    /// How much it counts, 0 to 1.
    pub weight: f32,
    /// Upright RGB, alpha on white; scaled down to what the most demanding provider looks at.
    pub picture: RgbImage,
    /// Where it came from.
    pub origin: ReferenceOrigin,
}

/// What kind of picture is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A base is painted anew under a mask.
    Edit,
    /// A subject reference says what is shown.
    Subject,
    /// A sketch, a base or style references, and no subject reference.
    Style,
    /// Words alone.
    Generate,
}

impl Mode {
    /// The name in `meta.mode`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Subject => "subject",
            Self::Style => "style",
            Self::Generate => "generate",
        }
    }
}

/// Everything a provider works from.
#[derive(Debug, Clone, Default)]
pub struct Generation {
    /// The artist's words, trimmed; may be empty.
    pub prompt: String,
    /// What must not be there; may be empty.
    pub negative_prompt: String,
    /// How many pictures.
    pub count: u32,
    /// The sketch.
    pub sketch: Option<RgbImage>,
    /// SHA-256 of the sketch's file.
    pub sketch_sha256: Option<String>,
    /// How closely the sketch is kept, 0 to 1.
    pub sketch_weight: f32,
    /// The picture to start from.
    pub base: Option<RgbImage>,
    /// White (255) where the base is painted anew, black (0) where it stays; of the base's size.
    pub mask: Option<GrayImage>,
    /// References in the order of the request.
    pub references: Vec<Reference>,
    /// Style tags.
    pub style_tags: Vec<StyleTag>,
    /// The seed asked for.
    pub seed: Option<u64>,
    /// The ratio asked for.
    pub aspect_ratio: Option<AspectRatio>,
    /// The preset asked for.
    pub preset: Option<Preset>,
    /// The search that the references were found by.
    pub query: Option<QueryNote>,
    /// `person`, `animal`, `product` or `default`, where Clippy 0.2's client said it.
    pub subject_type: Option<String>,
    /// What its pictures hold of the process's memory for pictures.
    pub memory: Option<Arc<Permit>>,
}

impl Generation {
    /// What kind of picture is asked for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if self.base.is_some() && self.mask.is_some() {
            Mode::Edit
        } else if self.with_role(Role::Subject).next().is_some() {
            Mode::Subject
        } else if self.sketch.is_some() || self.base.is_some() || !self.references.is_empty() {
            Mode::Style
        } else {
            Mode::Generate
        }
    }

    /// The references of one role that count at all.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Reference> {
        self.references
            .iter()
            .filter(move |reference| reference.role == role && reference.weight > 0.0)
    }

    /// The ratio that the picture should have: the one asked for, else the base's, else the
    /// sketch's, else square.
    #[must_use]
    pub fn ratio(&self) -> f32 {
        let of = |picture: &RgbImage| picture.width() as f32 / picture.height() as f32;
        if let Some(base) = self.base.as_ref().filter(|_| self.mask.is_some()) {
            return of(base);
        }
        self.aspect_ratio
            .map(AspectRatio::value)
            .or_else(|| self.base.as_ref().map(of))
            .or_else(|| self.sketch.as_ref().map(of))
            .unwrap_or(1.0)
            .clamp(0.125, 8.0)
    }
}

/// Fetches, decodes and checks every picture of a request.
pub struct Resolver {
    gallery: Arc<dyn ReferencePictures>,
    fetcher: Arc<Fetcher>,
}

impl Resolver {
    /// Pictures of ids come from `gallery`, those of URLs through `fetcher`.
    #[must_use]
    pub fn new(gallery: Arc<dyn ReferencePictures>, fetcher: Arc<Fetcher>) -> Self {
        Self { gallery, fetcher }
    }

    /// The request with its pictures.
    ///
    /// # Errors
    /// What [`GenerateRequest::validate`] finds; [`ErrorCode::NotFound`] for an id that the gallery
    /// does not have; [`ErrorCode::InvalidPicture`] for what is no picture;
    /// [`ErrorCode::TooLarge`] for sides, ratios and edits beyond the
    /// limits; [`ErrorCode::InvalidInput`] for a mask of another size or with nothing to edit; the
    /// fetcher's refusals; [`ErrorCode::Unavailable`] when other pictures take all memory for
    /// minutes.
    pub async fn resolve(&self, request: &GenerateRequest) -> Result<Generation> {
        self.resolved(request, None).await
    }

    /// As [`Resolver::resolve`], for a request whose uploads [`Intake::take`] has kept.
    ///
    /// # Errors
    /// As [`Resolver::resolve`], and [`ErrorCode::NotFound`] for an upload that is gone.
    pub async fn resolve_kept(
        &self,
        request: &GenerateRequest,
        intake: &Intake,
    ) -> Result<Generation> {
        self.resolved(request, Some(intake)).await
    }

    async fn resolved(
        &self,
        request: &GenerateRequest,
        intake: Option<&Intake>,
    ) -> Result<Generation> {
        request.validate()?;
        let base = self
            .optional("base", request.base.as_deref(), intake)
            .await?;
        let mask = self
            .optional("mask", request.mask.as_deref(), intake)
            .await?;
        // An edit keeps every pixel of its base; everything else is scaled down as soon as it is
        // decoded.
        let edited = match (&base, &mask) {
            (Some(base), Some(_)) => {
                let seen = probe(base).map_err(|error| named("base", error.into()))?;
                check_edit((seen.width, seen.height))?;
                Some((seen.width, seen.height))
            }
            _ => None,
        };
        let drawings =
            u64::from(request.sketch.is_some()) + u64::from(base.is_some() && edited.is_none());
        let most = square_bytes(REFERENCE_SIDE) * request.refs.len() as u64
            + square_bytes(DRAWING_SIDE) * drawings
            + edited.map_or(0, edit_bytes);
        // All of it before the first picture is decoded, so that two jobs never wait for what the
        // other holds.
        let mut memory = match most {
            0 => None,
            most => Some(Budget::of_jobs().acquire_async(most, PATIENCE).await?),
        };

        let fetched = (0..request.refs.len()).map(|index| self.reference(request, index, intake));
        let references = futures::stream::iter(fetched)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        let (sketch, sketch_sha256) = match self
            .optional("sketch", request.sketch.as_deref(), intake)
            .await?
        {
            None => (None, None),
            Some(bytes) => {
                let hash = sha256_hex(&bytes);
                (
                    Some(
                        decoded("sketch", bytes, |sketch| scaled_to(&sketch, DRAWING_SIDE)).await?,
                    ),
                    Some(hash),
                )
            }
        };
        let base = match base {
            None => None,
            Some(bytes) if edited.is_some() => {
                Some(decoded("base", bytes, Picture::into_pixels).await?)
            }
            Some(bytes) => {
                Some(decoded("base", bytes, |base| scaled_to(&base, DRAWING_SIDE)).await?)
            }
        };
        let mask = match (mask, &base) {
            (Some(bytes), Some(base)) => {
                let size = base.dimensions();
                Some(decoded("mask", bytes, move |mask| checked_mask(&mask, size)).await??)
            }
            _ => None,
        };
        if let Some(memory) = &mut memory {
            let small = references
                .iter()
                .map(|reference| bytes_of(&reference.picture))
                .sum::<u64>();
            let drawings = sketch.as_ref().map_or(0, bytes_of)
                + edited.map_or_else(|| base.as_ref().map_or(0, bytes_of), edit_bytes);
            memory.shrink_to(small + drawings);
        }
        Ok(Generation {
            prompt: request
                .prompt
                .as_deref()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            negative_prompt: request
                .negative_prompt
                .as_deref()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            count: request.count,
            sketch,
            sketch_sha256,
            sketch_weight: request.sketch_weight.unwrap_or(0.8),
            base,
            mask,
            references,
            style_tags: request.styles()?,
            seed: request.seed,
            aspect_ratio: request
                .aspect_ratio
                .as_deref()
                .map(str::parse)
                .transpose()?,
            preset: request.preset.as_deref().map(Preset::named).transpose()?,
            query: request.query.clone(),
            subject_type: request.subject_type.clone(),
            memory: memory.map(Arc::new),
        })
    }

    async fn reference(
        &self,
        request: &GenerateRequest,
        index: usize,
        intake: Option<&Intake>,
    ) -> Result<Reference> {
        let input = &request.refs[index];
        let name = format!("refs[{index}]");
        let (bytes, source_url, licence) = if let Some(id) = input.id {
            let found =
                self.gallery
                    .reference_picture(id)
                    .await
                    .map_err(|error| match error.code {
                        ErrorCode::NotFound => {
                            Error::not_found(format!("{name}: picture {id} is not in the gallery"))
                        }
                        _ => error,
                    })?;
            (found.bytes, found.source_url, found.licence)
        } else {
            let text = input
                .url
                .as_ref()
                .or(input.image_url.as_ref())
                .or(input.image_b64.as_ref());
            let text = text.ok_or_else(|| Error::invalid(format!("{name} names no picture")))?;
            let source = (input.image_b64.is_none() && is_web(text)).then(|| text.clone());
            (self.bytes(&name, text, intake).await?, source, None)
        };
        let origin = ReferenceOrigin {
            id: input.id,
            source_url,
            licence,
            sha256: sha256_hex(&bytes),
        };
        let picture = decoded(&name, bytes, |picture| scaled_to(&picture, REFERENCE_SIDE)).await?;
        Ok(Reference {
            role: request.role(index)?,
            weight: request.weight(index),
            picture,
            origin,
        })
    }

    async fn optional(
        &self,
        name: &str,
        text: Option<&str>,
        intake: Option<&Intake>,
    ) -> Result<Option<Bytes>> {
        match text {
            None => Ok(None),
            Some(text) => self.bytes(name, text, intake).await.map(Some),
        }
    }

    async fn bytes(&self, name: &str, text: &str, intake: Option<&Intake>) -> Result<Bytes> {
        if is_web(text) {
            return self
                .fetcher
                .fetch(text)
                .await
                .map_err(|error| named(name, error));
        }
        if let Some(intake) = intake
            && let Some(kept) = intake.kept(name, text).await?
        {
            return Ok(kept);
        }
        picture_bytes(text).map_err(|error| named(name, error))
    }
}

/// Decodes on a thread of its own, as a large picture takes a good part of a second, and keeps what
/// `part` makes of it: the memory of the picture itself is given back before the next one is
/// decoded.
async fn decoded<T: Send + 'static>(
    name: &str,
    bytes: Bytes,
    part: impl FnOnce(Picture) -> T + Send + 'static,
) -> Result<T> {
    let decoded = tokio::task::spawn_blocking(move || decode(&bytes, &JOB).map(part)).await;
    let decoded =
        decoded.map_err(|error| Error::internal("the decoding thread ended").with_source(error))?;
    decoded.map_err(|error| named(name, error.into()))
}

fn named(name: &str, error: Error) -> Error {
    Error {
        message: format!("{name}: {}", error.message),
        ..error
    }
}

pub(crate) fn is_web(text: &str) -> bool {
    let beginning: String = text
        .chars()
        .take(8)
        .collect::<String>()
        .to_ascii_lowercase();
    beginning.starts_with("http://") || beginning.starts_with("https://")
}

/// The mask as grey, when it fits the base, which has this width and height, and has something to
/// edit.
pub(crate) fn checked_mask(mask: &RgbImage, (width, height): (u32, u32)) -> Result<GrayImage> {
    if mask.dimensions() != (width, height) {
        return Err(Error::invalid(format!(
            "mask is {}x{} pixels, but base is {width}x{height}: they must have the same size",
            mask.width(),
            mask.height(),
        )));
    }
    let grey = GrayImage::from_fn(mask.width(), mask.height(), |x, y| {
        let pixel = mask.get_pixel(x, y).0;
        Luma([
            if pixel.iter().map(|channel| u32::from(*channel)).sum::<u32>() >= 384 {
                255
            } else {
                0
            },
        ])
    });
    if grey.pixels().all(|pixel| pixel.0[0] == 0) {
        return Err(Error::invalid(
            "mask has nothing to edit: paint the part to change in white",
        ));
    }
    Ok(grey)
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
