//! Fetches, decodes and checks the pictures of a request.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result, blocking};
use clippy_imaging::{Budget, Picture, RgbImage, decode, probe, scaled_to};
use futures::{StreamExt, TryStreamExt};

use super::data_url::{is_web_url, picture_bytes};
use super::fetch::Fetcher;
use super::intake::Intake;
use super::mask::to_mask;
use super::memory::{
    DRAWING_SIDE, JOB, MEMORY_PATIENCE, REFERENCE_SIDE, bytes_of, check_edit, edit_bytes,
    square_bytes,
};
use crate::contract::{GenerateRequest, Generation, Preset, Reference, ReferenceOrigin};
use crate::digest::sha256_hex;

/// The number of references that are fetched and decoded at the same time.
const CONCURRENCY: usize = 2;

/// What to do if a sketch or a reference cannot be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsAnError,
    IsLeftOut,
}

/// The part of the gallery that references need.
#[async_trait]
pub trait ReferencePictures: Send + Sync + 'static {
    /// The file of a picture, with its source.
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
    /// The page that it was found on.
    pub source_url: Option<String>,
    /// Its licence, as the manifest names it.
    pub licence: Option<String>,
}

/// Turns requests into generations: fetches, decodes and checks their pictures.
pub struct Resolver {
    gallery: Arc<dyn ReferencePictures>,
    fetcher: Arc<Fetcher>,
}

impl Resolver {
    /// Takes pictures with ids from `gallery`, and those with URLs through `fetcher`.
    #[must_use]
    pub fn new(gallery: Arc<dyn ReferencePictures>, fetcher: Arc<Fetcher>) -> Self {
        Self { gallery, fetcher }
    }

    /// Fetches, decodes and checks every picture of a request.
    ///
    /// # Errors
    /// As [`GenerateRequest::validate`]; [`ErrorCode::NotFound`] for an id that the gallery does
    /// not have; [`ErrorCode::InvalidPicture`] for a file that is not a picture;
    /// [`ErrorCode::TooLarge`] for sides, ratios and edits beyond the limits;
    /// [`ErrorCode::InvalidInput`] for a mask of another size or with nothing to edit; the
    /// fetcher's refusals; [`ErrorCode::Unavailable`] when other pictures occupy all memory for
    /// minutes.
    pub async fn resolve(&self, request: &GenerateRequest) -> Result<Generation> {
        self.resolve_with(request, None, Missing::IsAnError).await
    }

    /// As [`Resolver::resolve`], for a request whose uploads [`Intake::take`] has stored.
    ///
    /// # Errors
    /// As [`Resolver::resolve`], and [`ErrorCode::NotFound`] for an upload that no longer exists.
    pub async fn resolve_kept(
        &self,
        request: &GenerateRequest,
        intake: &Intake,
    ) -> Result<Generation> {
        self.resolve_with(request, Some(intake), Missing::IsAnError)
            .await
    }

    /// As [`Resolver::resolve_kept`], for a request whose pictures were already bought. Its sketch
    /// and its references are no longer sent, so those that cannot be fetched are left out.
    ///
    /// # Errors
    /// As [`Resolver::resolve_kept`], but only for the base and the mask.
    pub async fn resolve_bought(
        &self,
        request: &GenerateRequest,
        intake: &Intake,
    ) -> Result<Generation> {
        self.resolve_with(request, Some(intake), Missing::IsLeftOut)
            .await
    }

    async fn resolve_with(
        &self,
        request: &GenerateRequest,
        intake: Option<&Intake>,
        missing: Missing,
    ) -> Result<Generation> {
        request.validate()?;
        let base = self
            .read_optional("base", request.base.as_deref(), intake)
            .await?;
        let mask = self
            .read_optional("mask", request.mask.as_deref(), intake)
            .await?;
        // An edit needs every pixel of its base; all other pictures are scaled down as soon as they
        // are decoded.
        let edited = match (&base, &mask) {
            (Some(base), Some(_)) => {
                let seen = probe(base).map_err(|error| with_field("base", error.into()))?;
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
        // Acquired in one step before the first picture is decoded, so that two jobs cannot wait
        // for each other's share.
        let memory = match most {
            0 => None,
            most => Some(
                Budget::of_jobs()
                    .acquire_async(most, MEMORY_PATIENCE)
                    .await?,
            ),
        };

        let fetched = (0..request.refs.len()).map(|index| async move {
            match self.resolve_reference(request, index, intake).await {
                Err(error) if missing == Missing::IsLeftOut => {
                    tracing::info!(%error, "leaving out a reference that is no longer sent");
                    without_picture(request, index)
                }
                resolved => resolved,
            }
        });
        let references = futures::stream::iter(fetched)
            .buffered(CONCURRENCY)
            .try_collect::<Vec<_>>()
            .await?;
        let (sketch, sketch_sha256) = match self.resolve_sketch(request, intake).await {
            Err(error) if missing == Missing::IsLeftOut => {
                tracing::info!(%error, "leaving out a sketch that is no longer sent");
                None
            }
            resolved => resolved?,
        }
        .unzip();
        let base = match base {
            None => None,
            Some(bytes) if edited.is_some() => {
                Some(decode_picture("base", bytes, Picture::into_pixels).await?)
            }
            Some(bytes) => {
                Some(decode_picture("base", bytes, |base| scaled_to(&base, DRAWING_SIDE)).await?)
            }
        };
        let mask = match (mask, &base) {
            (Some(bytes), Some(base)) => {
                let size = base.dimensions();
                Some(decode_picture("mask", bytes, move |mask| to_mask(&mask, size)).await??)
            }
            _ => None,
        };
        if let Some(memory) = &memory {
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
            base: base.map(Arc::new),
            mask: mask.map(Arc::new),
            references,
            style_tags: request.styles()?,
            seed: request.seed,
            aspect_ratio: request
                .aspect_ratio
                .as_deref()
                .map(str::parse)
                .transpose()?,
            preset: request
                .preset
                .as_deref()
                .map(Preset::from_name)
                .transpose()?,
            query: request.query.clone(),
            subject_type: request.subject_type.clone(),
            memory: memory.map(Arc::new),
        })
    }

    /// Returns the sketch, scaled down, and the hash of its file.
    async fn resolve_sketch(
        &self,
        request: &GenerateRequest,
        intake: Option<&Intake>,
    ) -> Result<Option<(RgbImage, String)>> {
        let Some(bytes) = self
            .read_optional("sketch", request.sketch.as_deref(), intake)
            .await?
        else {
            return Ok(None);
        };
        let hash = sha256_hex(&bytes);
        let sketch =
            decode_picture("sketch", bytes, |sketch| scaled_to(&sketch, DRAWING_SIDE)).await?;
        Ok(Some((sketch, hash)))
    }

    async fn resolve_reference(
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
            let source = (input.image_b64.is_none() && is_web_url(text)).then(|| text.clone());
            (self.read(&name, text, intake).await?, source, None)
        };
        let origin = ReferenceOrigin {
            id: input.id,
            source_url,
            licence,
            sha256: sha256_hex(&bytes),
        };
        let picture =
            decode_picture(&name, bytes, |picture| scaled_to(&picture, REFERENCE_SIDE)).await?;
        Ok(Reference {
            role: request.role(index)?,
            weight: request.weight(index),
            picture,
            origin,
        })
    }

    async fn read_optional(
        &self,
        name: &str,
        text: Option<&str>,
        intake: Option<&Intake>,
    ) -> Result<Option<Bytes>> {
        match text {
            None => Ok(None),
            Some(text) => self.read(name, text, intake).await.map(Some),
        }
    }

    async fn read(&self, name: &str, text: &str, intake: Option<&Intake>) -> Result<Bytes> {
        if is_web_url(text) {
            return self
                .fetcher
                .fetch(text)
                .await
                .map_err(|error| with_field(name, error));
        }
        if let Some(intake) = intake
            && let Some(kept) = intake.read_stored(name, text).await?
        {
            return Ok(kept);
        }
        picture_bytes(text).map_err(|error| with_field(name, error))
    }
}

/// Makes a reference whose picture can no longer be fetched.
fn without_picture(request: &GenerateRequest, index: usize) -> Result<Reference> {
    let input = &request.refs[index];
    let text = input.url.as_ref().or(input.image_url.as_ref());
    Ok(Reference {
        role: request.role(index)?,
        weight: request.weight(index),
        picture: RgbImage::new(1, 1),
        origin: ReferenceOrigin {
            id: input.id,
            source_url: text.filter(|text| is_web_url(text)).cloned(),
            licence: None,
            sha256: String::new(),
        },
    })
}

/// Decodes a picture on a blocking thread, because a large one takes much of a second, and returns
/// what `part` makes of it. The full picture's memory is freed before the next one is decoded.
async fn decode_picture<T: Send + 'static>(
    name: &str,
    bytes: Bytes,
    part: impl FnOnce(Picture) -> T + Send + 'static,
) -> Result<T> {
    let decoding = move || Ok(decode(&bytes, &JOB).map(part));
    let decoded = blocking("decoding a picture", decoding).await?;
    decoded.map_err(|error| with_field(name, error.into()))
}

fn with_field(name: &str, error: Error) -> Error {
    Error {
        message: format!("{name}: {}", error.message),
        ..error
    }
}
