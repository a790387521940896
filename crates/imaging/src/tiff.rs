//! The variants of TIFF that the `image` crate does not support: palettes, CIE L*a*b*, and grey in
//! floating point.

use std::borrow::Cow;
use std::io::Cursor;

use image::RgbImage;
use image::metadata::Orientation;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{TiffError, TiffResult};

use crate::format::PictureFormat;
use crate::lab::LabToRgb;
use crate::limits::{DecodeError, DecodeLimits};
use crate::tiff_parts;

// Values of the tag PhotometricInterpretation (TIFF 6.0, and Adobe's technical notes).
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const CIE_LAB: u16 = 8;
const ICC_LAB: u16 = 9;

/// Most bytes for the values of a tag.
const LONGEST_TAG: usize = 32 << 20;

/// A value of the tag SampleFormat.
const FLOATING: u16 = 3;

/// How samples are converted to colours.
enum Kind {
    /// Packed samples of this many bits, which are indexes into these colours.
    Palette(u8, Vec<[u8; 3]>),
    /// Lightness and two signed channels.
    Lab,
    /// The same, with an offset of half the range added to the two.
    IccLab,
    /// Grey, where 1 is white, or 255 when a value is larger than 1.
    Float,
}

/// A TIFF whose directory has been read.
pub(crate) struct Tiff {
    decoder: Decoder<Cursor<Vec<u8>>>,
    kind: Kind,
    size: (u32, u32),
    orientation: Orientation,
    /// Bytes of a pixel as the file stores it, and of the file.
    stored: (u64, u64),
    /// Bytes that one strip or tile takes while it is unpacked.
    part: u64,
}

/// The tags that distinguish the kinds.
struct Tags {
    photometric: u16,
    bits: u16,
    samples: u16,
    format: u16,
    planar: bool,
}

impl Tiff {
    /// Opens a file. `None` for the kinds that the `image` crate supports, and for files whose
    /// directory cannot be read.
    pub(crate) fn open(bytes: &[u8], limits: &DecodeLimits) -> Result<Option<Self>, DecodeError> {
        let Ok(mut decoder) = open(Cow::Borrowed(bytes), limits) else {
            return Ok(None);
        };
        let Ok(tags) = Tags::of(&mut decoder) else {
            return Ok(None);
        };
        let kind = match (tags.photometric, tags.bits, tags.samples) {
            (PALETTE, bits @ (1 | 2 | 4 | 8), 1) => {
                Kind::Palette(bits as u8, palette(&mut decoder, bits)?)
            }
            (CIE_LAB, 8 | 16, 3..) if !tags.planar => Kind::Lab,
            (ICC_LAB, 8 | 16, 3..) if !tags.planar => Kind::IccLab,
            (BLACK_IS_ZERO, 32, 1) if tags.format == FLOATING => Kind::Float,
            (0..=2 | 5, ..) if tags.format != FLOATING || (tags.bits == 32 && tags.samples > 1) => {
                return Ok(None);
            }
            _ => {
                return Err(DecodeError::Unsupported {
                    what: tags.in_words(),
                });
            }
        };
        let size = decoder
            .dimensions()
            .map_err(|error| from_tiff(error, limits))?;
        let orientation = decoder
            .find_tag_unsigned::<u8>(Tag::Orientation)
            .ok()
            .flatten();
        let part = tiff_parts::memory_of_a_part(&mut decoder, bytes)?;
        // The decoder refuses these kinds by their tag only; their samples are stored like those of
        // grey and RGB.
        let plain = match &kind {
            Kind::Palette(..) | Kind::Float => BLACK_IS_ZERO,
            Kind::Lab | Kind::IccLab => RGB,
        };
        let patched = with_photometric(bytes, plain).ok_or(DecodeError::Truncated {
            format: PictureFormat::Tiff,
        })?;
        let patched =
            Decoder::new(Cursor::new(patched)).map_err(|error| from_tiff(error, limits))?;
        Ok(Some(Self {
            decoder: patched.with_limits(memory(limits)),
            kind,
            size,
            orientation: orientation
                .and_then(Orientation::from_exif)
                .unwrap_or(Orientation::NoTransforms),
            stored: (
                u64::from(tags.bits) * u64::from(tags.samples) / 8 + 1,
                bytes.len() as u64,
            ),
            part,
        }))
    }

    pub(crate) fn dimensions(&self) -> (u32, u32) {
        self.size
    }

    pub(crate) fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Returns the most bytes that [`Tiff::read`] allocates, including its result.
    pub(crate) fn need(&self) -> u64 {
        let pixels = u64::from(self.size.0) * u64::from(self.size.1);
        let (pixel, file) = self.stored;
        (pixels * (3 + 2 * pixel) + file + (1 << 20)).saturating_add(self.part)
    }

    pub(crate) fn read(mut self) -> Result<RgbImage, DecodeError> {
        let format = PictureFormat::Tiff;
        let samples = self
            .decoder
            .read_image()
            .map_err(|error| from_tiff(error, &DecodeLimits::default()))?;
        let (width, height) = self.size;
        let count = width as usize * height as usize;
        let mut rgb = Vec::with_capacity(count * 3);
        match (&self.kind, samples) {
            (Kind::Palette(bits, colours), DecodingResult::U8(rows)) => {
                let bits = usize::from(*bits);
                for row in rows
                    .chunks_exact((width as usize * bits).div_ceil(8))
                    .take(height as usize)
                {
                    for x in 0..width as usize {
                        let shift = 8 - bits - x * bits % 8;
                        let choice = usize::from(row[x * bits / 8] >> shift) & ((1 << bits) - 1);
                        rgb.extend(colours.get(choice).copied().unwrap_or_default());
                    }
                }
            }
            (Kind::Lab, DecodingResult::U8(values)) => {
                lab(&values, count, &mut rgb, |[l, a, b]| {
                    [
                        f32::from(l) / 2.55,
                        f32::from(a.cast_signed()),
                        f32::from(b.cast_signed()),
                    ]
                });
            }
            (Kind::IccLab, DecodingResult::U8(values)) => {
                lab(&values, count, &mut rgb, |[l, a, b]| {
                    [
                        f32::from(l) / 2.55,
                        f32::from(a) - 128.0,
                        f32::from(b) - 128.0,
                    ]
                });
            }
            (Kind::Lab, DecodingResult::U16(values)) => {
                lab(&values, count, &mut rgb, |[l, a, b]| {
                    [
                        f32::from(l) / 655.35,
                        f32::from(a.cast_signed()) / 256.0,
                        f32::from(b.cast_signed()) / 256.0,
                    ]
                });
            }
            (Kind::IccLab, DecodingResult::U16(values)) => {
                lab(&values, count, &mut rgb, |[l, a, b]| {
                    [
                        f32::from(l) / 652.8,
                        f32::from(a) / 256.0 - 128.0,
                        f32::from(b) / 256.0 - 128.0,
                    ]
                });
            }
            (Kind::Float, DecodingResult::F32(values)) => {
                let white = if values.iter().any(|value| *value > 1.0) {
                    255.0
                } else {
                    1.0
                };
                // NaN becomes black.
                let grey =
                    |value: &f32| [((value / white).clamp(0.0, 1.0) * 255.0).round() as u8; 3];
                rgb.extend(values.iter().take(count).flat_map(grey));
            }
            _ => {
                return Err(DecodeError::Unsupported {
                    what: "the samples of this TIFF file".to_owned(),
                });
            }
        }
        RgbImage::from_raw(width, height, rgb).ok_or_else(|| DecodeError::Damaged {
            format,
            reason: "it has too few samples".to_owned(),
        })
    }
}

impl Tags {
    fn of(decoder: &mut Decoder<Cursor<Cow<'_, [u8]>>>) -> TiffResult<Self> {
        let mut first = |tag, otherwise: u16| -> TiffResult<u16> {
            let values = decoder.find_tag_unsigned_vec::<u16>(tag)?;
            Ok(values
                .and_then(|values| values.first().copied())
                .unwrap_or(otherwise))
        };
        Ok(Self {
            photometric: first(Tag::PhotometricInterpretation, u16::MAX)?,
            bits: first(Tag::BitsPerSample, 1)?,
            samples: first(Tag::SamplesPerPixel, 1)?,
            format: first(Tag::SampleFormat, 1)?,
            planar: first(Tag::PlanarConfiguration, 1)? == 2,
        })
    }

    /// Describes an unsupported file, for the message.
    fn in_words(&self) -> String {
        let colours = match self.photometric {
            0 | BLACK_IS_ZERO => "grey",
            RGB => "RGB",
            PALETTE => "a palette",
            4 => "a transparency mask",
            5 => "CMYK",
            6 => "YCbCr",
            CIE_LAB | ICC_LAB | 10 => "L*a*b*",
            _ => "colours of an unknown kind",
        };
        let numbers = match self.format {
            1 => "whole",
            2 => "signed",
            FLOATING => "floating-point",
            _ => "unknown",
        };
        let layout = if self.planar {
            ", channel by channel"
        } else {
            ""
        };
        format!(
            "a TIFF in {colours} with {} channels of {} bits ({numbers} numbers{layout})",
            self.samples, self.bits
        )
    }
}

/// Returns the memory for one strip or tile while it is unpacked; 0 for a file whose directory
/// cannot be read.
pub(crate) fn memory_of_a_part(bytes: &[u8], limits: &DecodeLimits) -> Result<u64, DecodeError> {
    match open(Cow::Borrowed(bytes), limits) {
        Ok(mut decoder) => tiff_parts::memory_of_a_part(&mut decoder, bytes),
        Err(_) => Ok(0),
    }
}

fn open<'b>(
    bytes: Cow<'b, [u8]>,
    limits: &DecodeLimits,
) -> TiffResult<Decoder<Cursor<Cow<'b, [u8]>>>> {
    let mut memory = memory(limits);
    // This decoder reads tags only.
    memory.decoding_buffer_size = memory.decoding_buffer_size.min(LONGEST_TAG);
    Ok(Decoder::new(Cursor::new(bytes))?.with_limits(memory))
}

fn memory(limits: &DecodeLimits) -> Limits {
    let most = usize::try_from(limits.allocation).unwrap_or(usize::MAX);
    let mut memory = Limits::default();
    memory.decoding_buffer_size = most;
    memory.intermediate_buffer_size = most;
    memory
}

/// Reads the colours of a palette: all reds, all greens, all blues, of 16 bits, or of 8 when no
/// value is larger (as in libtiff).
fn palette(
    decoder: &mut Decoder<Cursor<Cow<'_, [u8]>>>,
    bits: u16,
) -> Result<Vec<[u8; 3]>, DecodeError> {
    let values = decoder
        .find_tag_unsigned_vec::<u16>(Tag::ColorMap)
        .ok()
        .flatten()
        .unwrap_or_default();
    let colours = 1 << bits;
    if values.len() < 3 * colours {
        let reason = format!(
            "its palette has {} values, not {}",
            values.len(),
            3 * colours
        );
        return Err(DecodeError::Damaged {
            format: PictureFormat::Tiff,
            reason,
        });
    }
    let shift = if values.iter().all(|value| *value < 256) {
        0
    } else {
        8
    };
    Ok((0..colours)
        .map(|at| [0, 1, 2].map(|channel| (values[channel * colours + at] >> shift) as u8))
        .collect())
}

/// Converts the first three channels of every pixel from L*, a*, b* to RGB.
fn lab<T: Copy>(values: &[T], count: usize, rgb: &mut Vec<u8>, read: impl Fn([T; 3]) -> [f32; 3]) {
    let channels = (values.len() / count.max(1)).max(3);
    let mut convert = LabToRgb::default();
    for pixel in values.chunks_exact(channels).take(count) {
        rgb.extend(convert.of(read([pixel[0], pixel[1], pixel[2]])));
    }
}

/// Returns a copy of a file with another photometric interpretation in its first directory.
fn with_photometric(bytes: &[u8], value: u16) -> Option<Vec<u8>> {
    const PHOTOMETRIC: u16 = 262;
    let little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize| -> Option<usize> {
        let digits = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: usize, digit: &u8| sum.checked_mul(256)?.checked_add(usize::from(*digit));
        if little {
            digits.iter().rev().try_fold(0, add)
        } else {
            digits.iter().try_fold(0, add)
        }
    };
    // BigTIFF has wider numbers everywhere.
    let (directory, wide) = if number(2, 2)? == 43 {
        (number(8, 8)?, true)
    } else {
        (number(4, 4)?, false)
    };
    let (count_length, entry_length, value_at) = if wide { (8, 20, 12) } else { (2, 12, 8) };
    for entry in 0..number(directory, count_length)? {
        let at = directory
            .checked_add(count_length)?
            .checked_add(entry.checked_mul(entry_length)?)?;
        if number(at, 2)? == usize::from(PHOTOMETRIC) {
            let mut patched = bytes.to_vec();
            let digits = if little {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            };
            patched
                .get_mut(at + value_at..at + value_at + 2)?
                .copy_from_slice(&digits);
            return Some(patched);
        }
    }
    None
}

fn from_tiff(error: TiffError, limits: &DecodeLimits) -> DecodeError {
    let format = PictureFormat::Tiff;
    match error {
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Truncated { format }
        }
        TiffError::LimitsExceeded => DecodeError::TooMuchMemory {
            limit: limits.allocation,
        },
        TiffError::UnsupportedError(error) => DecodeError::Unsupported {
            what: format!("this TIFF file ({error})"),
        },
        error => DecodeError::Damaged {
            format,
            reason: error.to_string(),
        },
    }
}
