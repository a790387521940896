//! A request with its pictures fetched, decoded and checked: the input of a provider.

use std::sync::Arc;

use clippy_core::ids::PointId;
use clippy_imaging::Permit;
use image::{GrayImage, RgbImage};

use super::preset::Preset;
use super::ratio::AspectRatio;
use super::request::{QueryNote, Role};
use super::style::StyleTag;

/// Where a reference came from, for lineage.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReferenceOrigin {
    /// The gallery's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<PointId>,
    /// The URL that it was fetched from, or the source page that the gallery has on record.
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
    /// Upright RGB with alpha on white, scaled down to the largest size that any provider uses.
    pub picture: RgbImage,
    /// Where it came from.
    pub origin: ReferenceOrigin,
}

/// The kind of generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Part of a base is repainted under a mask.
    Edit,
    /// A subject reference determines what is shown.
    Subject,
    /// A sketch, a base or style references, and no subject reference.
    Style,
    /// Only words.
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

/// The input of a provider.
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
    pub base: Option<Arc<RgbImage>>,
    /// White (255) where the base is repainted, black (0) where it stays; of the base's size.
    pub mask: Option<Arc<GrayImage>>,
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
    /// The search that found the references.
    pub query: Option<QueryNote>,
    /// `person`, `animal`, `product` or `default`, if Clippy 0.2's client sent it.
    pub subject_type: Option<String>,
    /// The share of the process's memory for pictures that its pictures take.
    pub memory: Option<Arc<Permit>>,
}

impl Generation {
    /// The kind of generation.
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

    /// Copies the generation without the pixels that are needed only until they are sent: those of
    /// the sketch, of the references, and of a base without a mask.
    #[must_use]
    pub fn without_inputs(&self) -> Self {
        let references = self.references.iter().map(|reference| Reference {
            role: reference.role,
            weight: reference.weight,
            picture: RgbImage::default(),
            origin: reference.origin.clone(),
        });
        Self {
            prompt: self.prompt.clone(),
            negative_prompt: self.negative_prompt.clone(),
            count: self.count,
            sketch: None,
            sketch_sha256: self.sketch_sha256.clone(),
            sketch_weight: self.sketch_weight,
            base: self.base.clone().filter(|_| self.mask.is_some()),
            mask: self.mask.clone(),
            references: references.collect(),
            style_tags: self.style_tags.clone(),
            seed: self.seed,
            aspect_ratio: self.aspect_ratio,
            preset: self.preset,
            query: self.query.clone(),
            subject_type: self.subject_type.clone(),
            memory: self.memory.clone(),
        }
    }

    /// Like [`Generation::without_inputs`]. Frees the memory of the inputs if nothing else holds
    /// them.
    #[must_use]
    pub fn release_inputs(self: Arc<Self>) -> Arc<Self> {
        let rest = self.without_inputs();
        if let Some(whole) = Arc::into_inner(self) {
            let unmasked = whole.base.as_ref().filter(|_| whole.mask.is_none());
            let released: usize = whole
                .sketch
                .iter()
                .chain(unmasked.map(AsRef::as_ref))
                .chain(whole.references.iter().map(|reference| &reference.picture))
                .map(|picture| picture.as_raw().len())
                .sum();
            drop(whole);
            if let Some(memory) = &rest.memory {
                let edit = memory.bytes().saturating_sub(released as u64);
                memory.shrink_to(if rest.mask.is_some() { edit } else { 0 });
            }
        }
        Arc::new(rest)
    }

    /// The long side that the picture should have, if something names it: the base of an edit, else
    /// a requested size.
    #[must_use]
    pub fn long_side(&self) -> Option<u32> {
        if let Some(base) = self.base.as_deref().filter(|_| self.mask.is_some()) {
            return Some(base.width().max(base.height()));
        }
        self.aspect_ratio.and_then(AspectRatio::long_side)
    }

    /// The references of one role that have a weight above 0.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Reference> {
        self.references
            .iter()
            .filter(move |reference| reference.role == role && reference.weight > 0.0)
    }

    /// The aspect ratio of the picture: of the base in an edit; else the requested one, the base's,
    /// the sketch's, or a square.
    #[must_use]
    pub fn ratio(&self) -> f32 {
        let of = |picture: &RgbImage| picture.width() as f32 / picture.height() as f32;
        if let Some(base) = self.base.as_deref().filter(|_| self.mask.is_some()) {
            return of(base);
        }
        self.aspect_ratio
            .map(AspectRatio::value)
            .or_else(|| self.base.as_deref().map(of))
            .or_else(|| self.sketch.as_ref().map(of))
            .unwrap_or(1.0)
            .clamp(0.125, 8.0)
    }
}
