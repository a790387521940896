//! Bytes of a picture file to upright 8-bit RGB, within limits.

use std::fmt;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use clippy_core::{Error, ErrorCode};
use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use crate::{jpeg, pixels};

/// The formats that are understood, as a person reads them in a message.
const UNDERSTOOD: &str = "PNG, JPEG, GIF, WebP, BMP and TIFF";

/// How much one picture may cost. All limits are checked before the memory is taken.
///
/// The pixel buffers of one call to [`decode`] stay below `allocation` (the picture as the file stores it) plus twice
/// `3 * pixels` bytes (the RGB picture, and its turned copy where EXIF asks for one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most bytes of the encoded file.
    pub bytes: u64,
    /// Most pixels (width times height) of the decoded picture.
    pub pixels: u64,
    /// Most bytes that the decoder may allocate for the picture as the file stores it.
    pub allocation: u64,
}

impl Default for DecodeLimits {
    /// 64 MiB of file, 8192 x 8192 pixels, 512 MiB for the decoder (which is 8192 x 8192 at 16 bits and four channels).
    fn default() -> Self {
        Self { bytes: 64 << 20, pixels: 8192 * 8192, allocation: 512 << 20 }
    }
}

/// A picture format that [`decode`] reads.
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

    fn from_image(format: ImageFormat) -> Option<Self> {
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

    fn to_image(self) -> ImageFormat {
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

/// What the header of a picture file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The format, told by the content.
    pub format: PictureFormat,
    /// Width in pixels of the upright picture, as [`decode`] gives it.
    pub width: u32,
    /// Height in pixels of the upright picture, as [`decode`] gives it.
    pub height: u32,
}

/// Why bytes did not become a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the picture has 0 bytes: send a whole {UNDERSTOOD} file")]
    Empty,
    /// The content is of no picture format.
    #[error("this is not a picture that can be read: the formats understood are {UNDERSTOOD}")]
    NotAPicture,
    /// A picture format, or a kind of picture, that is not read here.
    #[error("{what} cannot be read here: convert the picture to one of {UNDERSTOOD}")]
    Unsupported {
        /// The format or the feature.
        what: String,
    },
    /// The file is larger than [`DecodeLimits::bytes`].
    #[error("the picture has {bytes} bytes, more than the {limit} allowed: send a smaller file")]
    TooManyBytes {
        /// Bytes there are (for a file: at least so many).
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The picture has more than [`DecodeLimits::pixels`].
    #[error("the picture is {width} x {height} pixels, more than the {limit} pixels allowed: scale it down")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Pixels allowed.
        limit: u64,
    },
    /// Decoding needs more than [`DecodeLimits::allocation`].
    #[error(
        "reading the picture takes more than the {limit} bytes of memory allowed: scale it down, or save it with 8 bits a channel"
    )]
    TooMuchMemory {
        /// Bytes of memory allowed.
        limit: u64,
    },
    /// The file ends before the picture does.
    #[error("the {format} picture is cut off: its file ends too early, so send the whole file again")]
    Truncated {
        /// The format told by the first bytes.
        format: PictureFormat,
    },
    /// The file contradicts its format.
    #[error("the {format} picture is damaged ({reason}): save it again with another program")]
    Damaged {
        /// The format told by the first bytes.
        format: PictureFormat,
        /// What the decoder found.
        reason: String,
    },
    /// The file could not be read from disk.
    #[error("the picture file {path} could not be read: {source}", path = path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl From<DecodeError> for Error {
    /// `TooLarge` for the limits, `NotFound` for a file that is not there, `InvalidPicture` for the rest.
    fn from(error: DecodeError) -> Self {
        let code = match &error {
            DecodeError::TooManyBytes { .. }
            | DecodeError::TooManyPixels { .. }
            | DecodeError::TooMuchMemory { .. } => ErrorCode::TooLarge,
            DecodeError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorCode::NotFound
            }
            _ => ErrorCode::InvalidPicture,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

/// Reads the first picture of a file's bytes as upright 8-bit RGB.
///
/// The format is told by the content, never by a name. Animations give their first frame, EXIF orientation is applied,
/// and transparency is laid on white with Pillow's rounding. 16-bit channels keep their high byte, as Pillow does for
/// RGB; for 16-bit grey Pillow's `convert("RGB")` clips at 255 instead, which turns nearly all such pictures white, so
/// the high byte is kept there too. CMYK becomes RGB as `(255 - ink) * (255 - black) / 255`; no ICC profile is applied,
/// which is Pillow's `convert("RGB")` as well. A JPEG that misses its end is refused, as Pillow does; one that is whole
/// but has wrong bits inside decodes to a picture with a wrong patch, as with libjpeg.
///
/// # Errors
/// A [`DecodeError`] that says what is wrong and what to do; never a panic.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<RgbImage, DecodeError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(DecodeError::TooManyBytes { bytes: bytes.len() as u64, limit: limits.bytes });
    }
    let format = sniff(bytes)?;
    contained(format, || decode_contained(bytes, format, limits))
}

/// Reads one picture file, like [`decode`]. No more than [`DecodeLimits::bytes`] are read, whatever the file is.
///
/// # Errors
/// [`DecodeError::Unreadable`] when the file cannot be opened or read; otherwise as [`decode`].
pub fn decode_file(path: &Path, limits: &DecodeLimits) -> Result<RgbImage, DecodeError> {
    let unreadable = |source| DecodeError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limits.bytes {
        return Err(DecodeError::TooManyBytes { bytes: size, limit: limits.bytes });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // One byte more than allowed, so that a file that grows meanwhile is refused rather than cut.
    file.take(limits.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    decode(&bytes, limits)
}

/// Reads only the header: what the picture is, and how large once decoded. No pixel is decoded.
///
/// # Errors
/// As [`decode`], as far as the header tells.
pub fn probe(bytes: &[u8]) -> Result<Probe, DecodeError> {
    let format = sniff(bytes)?;
    let limits = DecodeLimits::default();
    contained(format, || {
        let mut decoder = open(bytes, format, &limits)?;
        let (width, height) = decoder.dimensions();
        let (width, height) = if swaps_sides(orientation(&mut decoder)) { (height, width) } else { (width, height) };
        Ok(Probe { format, width, height })
    })
}

/// Runs a decoder so that a panic inside it becomes an error: the decoders are other people's code, and what they read
/// comes from anywhere. Nothing is shared with the closure that a panic could leave half written.
fn contained<T>(format: PictureFormat, work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DecodeError::Damaged { format, reason: "the decoder gave up".to_owned() }))
}

fn decode_contained(bytes: &[u8], format: PictureFormat, limits: &DecodeLimits) -> Result<RgbImage, DecodeError> {
    let mut decoder = open(bytes, format, limits)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(DecodeError::Damaged { format, reason: format!("it is {width} x {height} pixels") });
    }
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(DecodeError::TooManyPixels { width, height, limit: limits.pixels });
    }
    if decoder.total_bytes() > limits.allocation {
        return Err(DecodeError::TooMuchMemory { limit: limits.allocation });
    }
    // The decoder fills what is missing with grey, so whether the file is whole is asked first.
    if format == PictureFormat::Jpeg && !jpeg::reaches_its_end(bytes) {
        return Err(DecodeError::Truncated { format });
    }
    let orientation = orientation(&mut decoder);
    let decoded = DynamicImage::from_decoder(decoder).map_err(|error| from_image_error(error, format, limits))?;
    let flat = pixels::on_white(decoded);
    if orientation == Orientation::NoTransforms {
        return Ok(flat);
    }
    let mut turned = DynamicImage::ImageRgb8(flat);
    turned.apply_orientation(orientation);
    Ok(turned.into_rgb8())
}

/// A decoder that has read the header.
fn open<'b>(
    bytes: &'b [u8],
    format: PictureFormat,
    limits: &DecodeLimits,
) -> Result<impl ImageDecoder + 'b, DecodeError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.to_image());
    let mut decoder_limits = Limits::default();
    decoder_limits.max_alloc = Some(limits.allocation);
    reader.limits(decoder_limits);
    reader.into_decoder().map_err(|error| from_image_error(error, format, limits))
}

/// An orientation that cannot be read turns nothing: the pixels are still worth having.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// Tells the format by the first bytes.
fn sniff(bytes: &[u8]) -> Result<PictureFormat, DecodeError> {
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

fn from_image_error(error: ImageError, format: PictureFormat, limits: &DecodeLimits) -> DecodeError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { format }
        }
        ImageError::Limits(error) if matches!(error.kind(), LimitErrorKind::InsufficientMemory) => {
            DecodeError::TooMuchMemory { limit: limits.allocation }
        }
        ImageError::Unsupported(error) => DecodeError::Unsupported { what: format!("this {format} file ({error})") },
        error => DecodeError::Damaged { format, reason: error.to_string() },
    }
}
