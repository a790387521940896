//! Which format a file has, told by its first bytes.

use std::fmt;

use image::ImageFormat;

use crate::decode::DecodeError;

/// The formats that are understood, as a person reads them in a message.
pub(crate) const UNDERSTOOD: &str = "PNG, JPEG, GIF, WebP, BMP and TIFF";

/// A picture format that [`crate::decode`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// Portable Network Graphics, animated ones too.
    Png,
    /// JPEG, baseline and progressive.
    Jpeg,
    /// GIF, animated ones too.
    Gif,
    /// WebP, animated ones too.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF.
    Tiff,
}

impl PictureFormat {
    /// The media type for a `Content-Type` header.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
        }
    }

    /// The usual file extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tif",
        }
    }

    pub(crate) fn from_image(format: ImageFormat) -> Option<Self> {
        match format {
            ImageFormat::Png => Some(Self::Png),
            ImageFormat::Jpeg => Some(Self::Jpeg),
            ImageFormat::Gif => Some(Self::Gif),
            ImageFormat::WebP => Some(Self::WebP),
            ImageFormat::Bmp => Some(Self::Bmp),
            ImageFormat::Tiff => Some(Self::Tiff),
            _ => None,
        }
    }

    pub(crate) fn to_image(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Gif => ImageFormat::Gif,
            Self::WebP => ImageFormat::WebP,
            Self::Bmp => ImageFormat::Bmp,
            Self::Tiff => ImageFormat::Tiff,
        }
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        })
    }
}

/// Tells the format by the first bytes; 512 of them are enough.
///
/// # Errors
/// [`DecodeError::Empty`], [`DecodeError::NotAPicture`], [`DecodeError::Unsupported`].
pub fn sniff(bytes: &[u8]) -> Result<PictureFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let known = image::guess_format(bytes).ok();
    if let Some(format) = known.and_then(PictureFormat::from_image) {
        return Ok(format);
    }
    match foreign_format(bytes).map(str::to_owned).or_else(|| known.map(|format| format!("{format:?}"))) {
        Some(name) => Err(DecodeError::Unsupported { what: format!("a {name} file") }),
        None => Err(DecodeError::NotAPicture),
    }
}

/// Names the pictures that people send and that are not read here, so that the message can say so.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    let brand = bytes.get(4..12).unwrap_or_default();
    if let Some(kind) = brand.strip_prefix(b"ftyp") {
        return match kind {
            b"avif" | b"avis" => Some("AVIF"),
            b"heic" | b"heix" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Some("HEIC"),
            _ => Some("video"),
        };
    }
    let start = &bytes[..bytes.len().min(512)];
    let text = start.trim_ascii_start();
    let signatures: [(&[u8], &str); 5] = [
        (b"%PDF-", "PDF"),
        (b"8BPS", "Photoshop"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
        (b"<svg", "SVG"),
    ];
    if let Some((_, name)) = signatures.iter().find(|(signature, _)| text.starts_with(signature)) {
        return Some(name);
    }
    (text.starts_with(b"<?xml") && text.windows(4).any(|window| window == b"<svg")).then_some("SVG")
}
