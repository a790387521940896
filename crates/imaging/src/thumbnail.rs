//! Makes small pictures for result lists, and encodes pictures.

use std::io::Cursor;

use clippy_core::{Error, ErrorCode};
use fast_image_resize::FilterType;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use crate::resize::resize_whole;

/// The largest ratio of a thumbnail's height to its width, for very long comic strips.
const TALLEST: u32 = 4;

/// Returns a smaller copy with the same aspect ratio: at most `width` pixels wide and four times
/// that high. A picture that already fits is copied unchanged; nothing is ever enlarged. It uses
/// Lanczos with antialiasing, as Pillow's `Image.thumbnail` does with `LANCZOS`. A `width` of 0
/// counts as 1.
#[must_use]
pub fn thumbnail(picture: &RgbImage, width: u32) -> RgbImage {
    let most_wide = width.max(1);
    let most_high = most_wide.saturating_mul(TALLEST);
    let (width, height) = picture.dimensions();
    if width <= most_wide && height <= most_high {
        return picture.clone();
    }
    let factor =
        (f64::from(most_wide) / f64::from(width)).min(f64::from(most_high) / f64::from(height));
    let scaled = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
    resize_whole(
        picture,
        FilterType::Lanczos3,
        scaled(width).min(most_wide),
        scaled(height).min(most_high),
    )
}

/// The encoding of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JPEG of this quality, 1 to 100; 85 suits thumbnails ([`Encoding::THUMBNAIL`]).
    Jpeg(u8),
    /// PNG, for pictures that must stay exact (edge maps, drawings).
    Png,
    /// Lossless WebP: exact, and smaller than PNG.
    WebP,
}

impl Encoding {
    /// The encoding of thumbnails: every browser shows it, and it is fast and small.
    pub const THUMBNAIL: Self = Self::Jpeg(85);

    /// Returns the media type for a `Content-Type` header.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg(_) => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// Why a picture could not be written: it is larger than the format allows, or has no pixels.
#[derive(Debug, thiserror::Error)]
#[error("a picture of {width} x {height} pixels cannot be written as {media_type}: {source}",
media_type = encoding.media_type())]
pub struct EncodeError {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The requested encoding.
    pub encoding: Encoding,
    /// The encoder's error.
    pub source: image::ImageError,
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::new(ErrorCode::Unsupported, error.to_string()).with_source(error)
    }
}

/// Encodes a picture as the bytes of a file.
///
/// # Errors
/// [`EncodeError`] when the format cannot hold a picture of that size (JPEG: 65,535 pixels a side,
/// WebP: 16,384).
pub fn encode(picture: &RgbImage, encoding: Encoding) -> Result<Vec<u8>, EncodeError> {
    let (width, height) = picture.dimensions();
    let mut bytes = Cursor::new(Vec::new());
    let (pixels, kind) = (picture.as_raw(), ExtendedColorType::Rgb8);
    let outcome = if width == 0 || height == 0 {
        Err(image::ImageError::Parameter(
            image::error::ParameterError::from_kind(
                image::error::ParameterErrorKind::DimensionMismatch,
            ),
        ))
    } else {
        match encoding {
            Encoding::Jpeg(quality) => {
                JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
                    .write_image(pixels, width, height, kind)
            }
            Encoding::Png => PngEncoder::new(&mut bytes).write_image(pixels, width, height, kind),
            Encoding::WebP => {
                WebPEncoder::new_lossless(&mut bytes).write_image(pixels, width, height, kind)
            }
        }
    };
    match outcome {
        Ok(()) => Ok(bytes.into_inner()),
        Err(source) => Err(EncodeError {
            width,
            height,
            encoding,
            source,
        }),
    }
}
