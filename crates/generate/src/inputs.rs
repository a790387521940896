//! A request whose pictures have been fetched, decoded and checked: what providers work from.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use clippy_imaging::{DecodeLimits, decode};
use futures::{StreamExt, TryStreamExt};
use image::{GrayImage, Luma, RgbImage};
use sha2::{Digest, Sha256};

use crate::comfyui::Preset;
use crate::data_url::picture_bytes;
use crate::fetch::Fetcher;
use crate::request::{AspectRatio, GenerateRequest, QueryNote, Role};
use crate::style::StyleTag;

/// References that are fetched at a time.
const AT_ONCE: usize = 4;

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
    /// Upright RGB, alpha on white.
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
        self.references.iter().filter(move |reference| reference.role == role && reference.weight > 0.0)
    }

    /// The seed asked for, else one that follows from what is asked for, so that a picture without one is repeatable too.
    #[must_use]
    pub fn chosen_seed(&self) -> u64 {
        if let Some(seed) = self.seed {
            return seed;
        }
        let mut text = format!("{}\n{:?}\n{:?}", self.prompt, self.style_tags, self.sketch_sha256);
        for reference in &self.references {
            text.push_str(&format!("\n{} {} {}", reference.role.as_str(), reference.weight, reference.origin.sha256));
        }
        u64::from_str_radix(&sha256_hex(text.as_bytes())[..8], 16).unwrap_or(0)
    }

    /// The ratio that the picture should have: the one asked for, else the base's, else the sketch's, else square.
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
    limits: DecodeLimits,
}

impl Resolver {
    /// Pictures of ids come from `gallery`, those of URLs through `fetcher`.
    #[must_use]
    pub fn new(gallery: Arc<dyn ReferencePictures>, fetcher: Arc<Fetcher>) -> Self {
        let limits = DecodeLimits { bytes: 24 << 20, pixels: 40_000_000, allocation: 320 << 20 };
        Self { gallery, fetcher, limits }
    }

    /// The request with its pictures.
    ///
    /// # Errors
    /// What [`GenerateRequest::validate`] finds; [`ErrorCode::NotFound`] for an id that the gallery does not have;
    /// [`ErrorCode::InvalidPicture`] for what is no picture; [`ErrorCode::InvalidInput`] for a mask of another size
    /// or with nothing to edit; the fetcher's refusals.
    pub async fn resolve(&self, request: &GenerateRequest) -> Result<Generation> {
        request.validate()?;
        let fetched = (0..request.refs.len()).map(|index| self.reference(request, index));
        let references = futures::stream::iter(fetched).buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
        let (sketch, sketch_sha256) = match &request.sketch {
            None => (None, None),
            Some(text) => {
                let bytes = self.bytes("sketch", text).await?;
                let hash = sha256_hex(&bytes);
                (Some(self.decoded("sketch", bytes).await?), Some(hash))
            }
        };
        let base = self.optional("base", request.base.as_deref()).await?;
        let mask = match self.optional("mask", request.mask.as_deref()).await? {
            Some(mask) => Some(checked_mask(&mask, base.as_ref())?),
            None => None,
        };
        Ok(Generation {
            prompt: request.prompt.as_deref().unwrap_or_default().trim().to_owned(),
            negative_prompt: request.negative_prompt.as_deref().unwrap_or_default().trim().to_owned(),
            count: request.count,
            sketch,
            sketch_sha256,
            sketch_weight: request.sketch_weight.unwrap_or(0.8),
            base,
            mask,
            references,
            style_tags: request.styles()?,
            seed: request.seed,
            aspect_ratio: request.aspect_ratio.as_deref().map(str::parse).transpose()?,
            preset: request.preset.as_deref().map(Preset::named).transpose()?,
            query: request.query.clone(),
            subject_type: request.subject_type.clone(),
        })
    }

    async fn reference(&self, request: &GenerateRequest, index: usize) -> Result<Reference> {
        let input = &request.refs[index];
        let name = format!("refs[{index}]");
        let (bytes, source_url, licence) = if let Some(id) = input.id {
            let found = self.gallery.reference_picture(id).await.map_err(|error| match error.code {
                ErrorCode::NotFound => Error::not_found(format!("{name}: picture {id} is not in the gallery")),
                _ => error,
            })?;
            (found.bytes, found.source_url, found.licence)
        } else {
            let text = input.url.as_ref().or(input.image_url.as_ref()).or(input.image_b64.as_ref());
            let text = text.ok_or_else(|| Error::invalid(format!("{name} names no picture")))?;
            let source = (input.image_b64.is_none() && is_web(text)).then(|| text.clone());
            (self.bytes(&name, text).await?, source, None)
        };
        let origin = ReferenceOrigin { id: input.id, source_url, licence, sha256: sha256_hex(&bytes) };
        let picture = self.decoded(&name, bytes).await?;
        Ok(Reference { role: request.role(index)?, weight: request.weight(index), picture, origin })
    }

    async fn optional(&self, name: &str, text: Option<&str>) -> Result<Option<RgbImage>> {
        match text {
            None => Ok(None),
            Some(text) => {
                let bytes = self.bytes(name, text).await?;
                self.decoded(name, bytes).await.map(Some)
            }
        }
    }

    async fn bytes(&self, name: &str, text: &str) -> Result<Bytes> {
        if is_web(text) {
            let fetched = self.fetcher.fetch(text).await;
            return fetched.map_err(|error| Error::new(error.code, format!("{name}: {}", error.message)));
        }
        picture_bytes(text).map_err(|error| Error::new(error.code, format!("{name}: {}", error.message)))
    }

    /// Decodes on a thread of its own: a large picture takes a good part of a second.
    async fn decoded(&self, name: &str, bytes: Bytes) -> Result<RgbImage> {
        let limits = self.limits;
        let decoded = tokio::task::spawn_blocking(move || decode(&bytes, &limits)).await;
        let decoded = decoded.map_err(|error| Error::internal("the decoding thread ended").with_source(error))?;
        decoded.map_err(|error| {
            let error = Error::from(error);
            Error::new(error.code, format!("{name}: {}", error.message))
        })
    }
}

pub(crate) fn is_web(text: &str) -> bool {
    let beginning: String = text.chars().take(8).collect::<String>().to_ascii_lowercase();
    beginning.starts_with("http://") || beginning.starts_with("https://")
}

/// The mask as grey, when it fits the base and has something to edit.
pub(crate) fn checked_mask(mask: &RgbImage, base: Option<&RgbImage>) -> Result<GrayImage> {
    let Some(base) = base else {
        return Err(Error::invalid("mask was sent without base: send the picture to edit as base as well"));
    };
    if mask.dimensions() != base.dimensions() {
        return Err(Error::invalid(format!(
            "mask is {}x{} pixels, but base is {}x{}: they must have the same size",
            mask.width(),
            mask.height(),
            base.width(),
            base.height()
        )));
    }
    let grey = GrayImage::from_fn(mask.width(), mask.height(), |x, y| {
        let pixel = mask.get_pixel(x, y).0;
        Luma([if pixel.iter().map(|channel| u32::from(*channel)).sum::<u32>() >= 384 { 255 } else { 0 }])
    });
    if grey.pixels().all(|pixel| pixel.0[0] == 0) {
        return Err(Error::invalid("mask has nothing to edit: paint the part to change in white"));
    }
    Ok(grey)
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
