//! A picture file of any format whose header was read: its size, the memory that decoding needs,
//! and its pixels.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader, Limits, RgbImage};

use crate::format::PictureFormat;
use crate::frames::{check_webp_frames, holds_webp_metadata, memory_of_gif_frame};
use crate::jpeg;
use crate::limits::{DecodeError, DecodeLimits};
use crate::pixels::{Layout, on_white_in_place};
use crate::png::Png;
use crate::tiff::{Tiff, memory_of_a_part};

/// A picture file after its header.
pub(crate) enum Opened<'b> {
    Png(Box<Png<'b>>),
    /// The kinds of TIFF that the `image` crate does not support.
    Tiff(Box<Tiff>),
    Other(Other<'b>),
}

/// A file that the `image` crate reads.
pub(crate) struct Other<'b> {
    decoder: Box<dyn ImageDecoder + 'b>,
    format: PictureFormat,
    bytes: &'b [u8],
    limits: DecodeLimits,
    /// Bytes for one frame, strip or tile, which may be larger than the picture.
    part: u64,
}

impl<'b> Opened<'b> {
    pub(crate) fn new(
        bytes: &'b [u8],
        format: PictureFormat,
        limits: &DecodeLimits,
    ) -> Result<Self, DecodeError> {
        match format {
            PictureFormat::Png => Png::open(bytes, limits).map(|png| Self::Png(Box::new(png))),
            PictureFormat::Tiff => match Tiff::open(bytes, limits)? {
                Some(tiff) => Ok(Self::Tiff(Box::new(tiff))),
                None => Other::open(bytes, format, limits).map(Self::Other),
            },
            _ => Other::open(bytes, format, limits).map(Self::Other),
        }
    }

    /// Returns the stored size, before the picture is turned upright.
    pub(crate) fn dimensions(&self) -> (u32, u32) {
        match self {
            Self::Png(png) => png.dimensions(),
            Self::Tiff(tiff) => tiff.dimensions(),
            Self::Other(other) => other.decoder.dimensions(),
        }
    }

    /// Returns the orientation. An unreadable one counts as none, since the pixels are still
    /// useful.
    pub(crate) fn orientation(&mut self) -> Orientation {
        match self {
            Self::Png(png) => png.orientation(),
            Self::Tiff(tiff) => tiff.orientation(),
            Self::Other(other) => other.orientation(),
        }
    }

    /// Returns the most bytes that [`Opened::read`] allocates, including its result.
    pub(crate) fn need(&self) -> u64 {
        match self {
            Self::Png(png) => png.need(),
            Self::Tiff(tiff) => tiff.need(),
            Self::Other(other) => other.need(),
        }
    }

    pub(crate) fn read(self) -> Result<RgbImage, DecodeError> {
        match self {
            Self::Png(png) => png.read(),
            Self::Tiff(tiff) => tiff.read(),
            Self::Other(other) => other.read(),
        }
    }
}

impl<'b> Other<'b> {
    fn open(
        bytes: &'b [u8],
        format: PictureFormat,
        limits: &DecodeLimits,
    ) -> Result<Self, DecodeError> {
        let part = match format {
            PictureFormat::Gif => memory_of_gif_frame(bytes, limits)?,
            PictureFormat::WebP => {
                check_webp_frames(bytes)?;
                0
            }
            PictureFormat::Tiff => memory_of_a_part(bytes, limits)?,
            PictureFormat::Png | PictureFormat::Jpeg | PictureFormat::Bmp => 0,
        };
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format.to_image());
        let mut decoder_limits = Limits::default();
        decoder_limits.max_alloc = Some(limits.allocation);
        reader.limits(decoder_limits);
        let decoder = reader
            .into_decoder()
            .map_err(|error| from_image_error(error, format, limits))?;
        Ok(Self {
            decoder: Box::new(decoder),
            format,
            bytes,
            limits: *limits,
            part,
        })
    }

    fn orientation(&mut self) -> Orientation {
        if self.format == PictureFormat::WebP && !holds_webp_metadata(self.bytes) {
            return Orientation::NoTransforms;
        }
        self.decoder
            .orientation()
            .unwrap_or(Orientation::NoTransforms)
    }

    /// Returns the bytes of the file's own pixels, which are converted to RGB in place, and of the
    /// decoder's buffers.
    fn need(&self) -> u64 {
        let (width, height) = self.decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        let stored = self.decoder.total_bytes();
        let file = self.bytes.len() as u64;
        let beside = match self.format {
            // The decoder copies the file, and keeps the coefficients of some files.
            PictureFormat::Jpeg => file + jpeg::kept_coefficients(self.bytes),
            // The planes of a lossy picture and its alpha, or the pixels of a lossless one; and a
            // canvas for an animation.
            PictureFormat::WebP => {
                file + 5 * pixels + if self.is_animated() { 4 * pixels } else { 0 }
            }
            // Frames are counted in `part`.
            PictureFormat::Gif => 0,
            // The picture as the file stores it; CMYK has one more channel.
            PictureFormat::Tiff => 2 * stored,
            PictureFormat::Bmp | PictureFormat::Png => 0,
        };
        (stored.max(3 * pixels) + beside + (1 << 20)).saturating_add(self.part)
    }

    /// Reads the flag in the header of an extended WebP file.
    fn is_animated(&self) -> bool {
        self.bytes.get(12..16) == Some(b"VP8X")
            && self.bytes.get(20).is_some_and(|flags| flags & 2 != 0)
    }

    fn read(self) -> Result<RgbImage, DecodeError> {
        let Self {
            decoder,
            format,
            bytes,
            limits,
            part: _,
        } = self;
        // The decoder fills missing parts with grey, so check first whether the file is complete.
        if format == PictureFormat::Jpeg && !jpeg::reaches_its_end(bytes) {
            return Err(DecodeError::Truncated { format });
        }
        let kind = decoder.color_type();
        let unsupported = || DecodeError::Unsupported {
            what: format!("this {format} file ({kind:?})"),
        };
        let layout = Layout::of(kind).ok_or_else(unsupported)?;
        let (width, height) = decoder.dimensions();
        let too_much = || DecodeError::TooMuchMemory {
            limit: limits.allocation,
        };
        let stored = usize::try_from(decoder.total_bytes()).map_err(|_| too_much())?;
        let count =
            usize::try_from(u64::from(width) * u64::from(height)).map_err(|_| too_much())?;
        let mut buffer = vec![0; stored.max(3 * count)];
        decoder
            .read_image_boxed(&mut buffer[..stored])
            .map_err(|error| from_image_error(error, format, &limits))?;
        on_white_in_place(layout, &mut buffer, count);
        buffer.truncate(3 * count);
        buffer.shrink_to_fit();
        // The buffer has three bytes a pixel, so this never falls back.
        Ok(RgbImage::from_raw(width, height, buffer).unwrap_or_default())
    }
}

pub(crate) fn from_image_error(
    error: ImageError,
    format: PictureFormat,
    limits: &DecodeLimits,
) -> DecodeError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { format }
        }
        ImageError::Limits(error) if matches!(error.kind(), LimitErrorKind::InsufficientMemory) => {
            DecodeError::TooMuchMemory {
                limit: limits.allocation,
            }
        }
        ImageError::Unsupported(error) => DecodeError::Unsupported {
            what: format!("this {format} file ({error})"),
        },
        error => DecodeError::Damaged {
            format,
            reason: error.to_string(),
        },
    }
}
