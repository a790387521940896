//! Encodes pictures for providers, and checks the files that they return.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clippy_common::run_blocking;
use clippy_imaging::{DecodeLimits, Encoding, decode, encode, probe, scaled_to};
use image::RgbImage;
use img_parts::jpeg::{Jpeg, markers};
use img_parts::png::Png;

use crate::contract::{GenerateError, GeneratedImage, Generation};

/// The largest number of bytes of a picture in a call.
const LARGEST: usize = 7 << 20;

/// A picture's file as it is sent.
#[derive(Debug, Clone)]
pub struct EncodedPicture {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl EncodedPicture {
    /// Scales a picture down to at most `side` pixels and encodes it as PNG, or as JPEG if the PNG
    /// is too large.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when it cannot be encoded.
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

    /// Encodes a picture as PNG at its own size.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when it cannot be encoded.
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

/// Converts a sketch to white lines on black, the input of scribble models.
#[must_use]
pub fn scribble(sketch: &RgbImage) -> RgbImage {
    let ink = clippy_painter::ink(sketch);
    RgbImage::from_fn(sketch.width(), sketch.height(), |x, y| {
        let value = (ink[(y * sketch.width() + x) as usize] * 255.0) as u8;
        image::Rgb([value; 3])
    })
}

/// Removes the metadata of a PNG or JPEG: servers write their graph and the artist's words into it.
/// The pixel data is unchanged. A file of another format, or one that cannot be parsed, is returned
/// unchanged.
#[must_use]
pub fn strip_metadata(file: Bytes) -> Bytes {
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

/// Turns a provider's file into the finished picture: determines its type, and in an edit
/// composites it into the base. Runs on a blocking thread.
///
/// # Errors
/// [`crate::FailureClass::MaybeCharged`] when the file is not a picture.
pub async fn finish_picture(
    generation: &Arc<Generation>,
    bytes: Bytes,
    seed: Option<u64>,
) -> Result<GeneratedImage, GenerateError> {
    let generation = generation.clone();
    let work = move || match (&generation.base, &generation.mask) {
        (Some(base), Some(mask)) => read_picture(composite_in_mask(&bytes, base, mask)?, seed),
        _ => read_picture(bytes, seed),
    };
    run_blocking(work, |error| {
        GenerateError::permanent(format!("the picture could not be finished: {error}"))
    })
    .await
}

/// Determines type and size of a provider's file from its content.
fn read_picture(bytes: Bytes, seed: Option<u64>) -> Result<GeneratedImage, GenerateError> {
    let probe = probe(&bytes).map_err(|error| {
        GenerateError::maybe_charged(format!(
            "the provider sent a file that is not a picture ({error})"
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

/// Composites a provider's picture into the base within the mask; outside of it every pixel is the
/// base's.
///
/// # Errors
/// As [`read_picture`].
fn composite_in_mask(
    bytes: &Bytes,
    base: &RgbImage,
    mask: &image::GrayImage,
) -> Result<Bytes, GenerateError> {
    let picture = decode(bytes, &DecodeLimits::bulk()).map_err(|error| {
        GenerateError::maybe_charged(format!("the provider sent no readable picture ({error})"))
    })?;
    let whole = clippy_painter::composite(base, mask, &picture);
    let png = encode(&whole, Encoding::Png)
        .map_err(|error| GenerateError::permanent(error.to_string()))?;
    Ok(png.into())
}
