//! Pictures on their way to a provider, and those that come back.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clippy_imaging::{DecodeLimits, Encoding, decode, encode, probe, scaled_to};
use image::RgbImage;
use img_parts::jpeg::{Jpeg, markers};
use img_parts::png::Png;

use crate::error::GenerateError;
use crate::inputs::Generation;
use crate::provider::GeneratedImage;

/// Most bytes of a picture sent within a request.
const LARGEST: usize = 7 << 20;

/// A picture as it is sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Outgoing {
    /// Scaled down to at most `side` pixels; PNG, or JPEG where PNG is too large.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when it cannot be written.
    pub fn new(picture: &RgbImage, side: u32) -> Result<Self, GenerateError> {
        let scaled = scaled_to(picture, side);
        let written = |encoding| {
            encode(&scaled, encoding).map_err(|error| GenerateError::permanent(error.to_string()))
        };
        let png = written(Encoding::Png)?;
        if png.len() <= LARGEST {
            return Ok(Self {
                media_type: "image/png",
                bytes: png,
            });
        }
        Ok(Self {
            media_type: "image/jpeg",
            bytes: written(Encoding::Jpeg(92))?,
        })
    }

    /// As PNG, of its own size.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when it cannot be written.
    pub fn png(picture: &RgbImage) -> Result<Self, GenerateError> {
        let bytes = encode(picture, Encoding::Png)
            .map_err(|error| GenerateError::permanent(error.to_string()))?;
        Ok(Self {
            media_type: "image/png",
            bytes,
        })
    }

    /// The file in base64.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }
}

/// A sketch as scribble models want it: white lines on black, whatever it was drawn with.
#[must_use]
pub fn scribble(sketch: &RgbImage) -> RgbImage {
    let ink = crate::local::ink(sketch);
    RgbImage::from_fn(sketch.width(), sketch.height(), |x, y| {
        let value = (ink[(y * sketch.width() + x) as usize] * 255.0) as u8;
        image::Rgb([value; 3])
    })
}

/// A PNG or JPEG without its texts: what a server writes about itself, its graph and the artist's
/// words. Pixels stay byte for byte; a file of another format, or one that cannot be taken apart,
/// is left as it is.
#[must_use]
pub fn without_metadata(file: Bytes) -> Bytes {
    if let Ok(mut png) = Png::from_bytes(file.clone()) {
        for kind in [*b"tEXt", *b"zTXt", *b"iTXt", *b"eXIf"] {
            png.remove_chunks_by_type(kind);
        }
        return png.encoder().bytes();
    }
    if let Ok(mut jpeg) = Jpeg::from_bytes(file.clone()) {
        for marker in [markers::APP1, markers::APP13, markers::COM] {
            jpeg.remove_segments_by_marker(marker);
        }
        return jpeg.encoder().bytes();
    }
    file
}

/// A file from a provider as the finished picture: its type told by its content, laid into the base
/// where there is a mask. On a thread that may take its time.
///
/// # Errors
/// [`crate::FailureClass::MaybeCharged`] when it is no picture.
pub async fn finished(
    generation: &Arc<Generation>,
    bytes: Bytes,
    seed: Option<u64>,
) -> Result<GeneratedImage, GenerateError> {
    let generation = generation.clone();
    let work = tokio::task::spawn_blocking(move || match (&generation.base, &generation.mask) {
        (Some(base), Some(mask)) => incoming(within_mask(&bytes, base, mask)?, seed),
        _ => incoming(bytes, seed),
    });
    work.await.map_err(|error| {
        GenerateError::permanent(format!("the picture could not be finished: {error}"))
    })?
}

/// A file from a provider, its type told by its content.
fn incoming(bytes: Bytes, seed: Option<u64>) -> Result<GeneratedImage, GenerateError> {
    let probe = probe(&bytes).map_err(|error| {
        GenerateError::maybe_charged(format!(
            "the provider sent something that is no picture ({error})"
        ))
    })?;
    let media_type = probe.format.media_type().to_owned();
    Ok(GeneratedImage {
        bytes,
        media_type,
        width: probe.width,
        height: probe.height,
        seed,
    })
}

/// A provider's picture laid into the base within the mask; outside it every pixel is the base's.
///
/// # Errors
/// As [`incoming`].
fn within_mask(
    bytes: &Bytes,
    base: &RgbImage,
    mask: &image::GrayImage,
) -> Result<Bytes, GenerateError> {
    let picture = decode(bytes, &DecodeLimits::bulk()).map_err(|error| {
        GenerateError::maybe_charged(format!("the provider sent no readable picture ({error})"))
    })?;
    let whole = crate::local::composited(base, mask, &picture);
    let png = encode(&whole, Encoding::Png)
        .map_err(|error| GenerateError::permanent(error.to_string()))?;
    Ok(png.into())
}
