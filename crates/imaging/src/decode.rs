//! Decodes a picture file to upright 8-bit RGB, within limits and within the process's budget.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::budget::Budget;
use crate::format::PictureFormat;
use crate::limits::{DecodeError, DecodeLimits, HELD};
use crate::opened::Opened;
use crate::picture::Picture;
use crate::sketch;
use crate::sniff::sniff;

/// The contents of a picture file's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The format, recognised by the content.
    pub format: PictureFormat,
    /// Width in pixels of the upright picture, as [`decode`] returns it.
    pub width: u32,
    /// Height in pixels of the upright picture, as [`decode`] returns it.
    pub height: u32,
}

/// Reads the first picture of a file's bytes as upright 8-bit RGB. Blocks while other pictures use
/// up the process's budget. Do not hold one [`Picture`] while decoding another.
///
/// The format is recognised by the content, never by a name. Animations give their first frame,
/// EXIF orientation is applied, and transparency is laid on white with Pillow's rounding. 16-bit
/// channels keep their high byte, as in Pillow for RGB; for 16-bit grey, Pillow's `convert("RGB")`
/// clips at 255 instead, which turns nearly all such pictures white, so the high byte is kept there
/// too. CMYK becomes RGB as `(255 - ink) * (255 - black) / 255`, and no ICC profile is applied, as
/// in Pillow's `convert("RGB")`. A JPEG without its end is refused, as in Pillow, and so is a PNG
/// with a missing row. A complete JPEG with wrong bits inside decodes to a picture with a wrong
/// patch, as with libjpeg.
///
/// # Errors
/// A [`DecodeError`] that says what is wrong and what to do; never a panic.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture, DecodeError> {
    decode_from(bytes, limits, Budget::of_decoding, |_, _| 0)
}

/// Reads a drawing as [`decode`] does, and trims it as [`trim_sketch`](crate::trim_sketch) does.
/// `None` when nothing is drawn on it.
///
/// The trimmed square may be larger than the picture. The memory for both is taken at once, before
/// decoding: two threads that each hold one part and wait for another would wait forever.
///
/// # Errors
/// Like [`decode`].
pub fn decode_sketch(bytes: &[u8], limits: &DecodeLimits) -> Result<Option<Picture>, DecodeError> {
    let whole = decode_from(bytes, limits, Budget::of_decoding, sketch::memory)?;
    Ok(whole.replaced(sketch::trim))
}

/// Like [`decode_sketch`], with another budget.
///
/// # Errors
/// Like [`decode`].
pub fn decode_sketch_within(
    budget: &Budget,
    bytes: &[u8],
    limits: &DecodeLimits,
) -> Result<Option<Picture>, DecodeError> {
    let whole = decode_from(bytes, limits, |_| budget, sketch::memory)?;
    Ok(whole.replaced(sketch::trim))
}

/// Like [`decode`], with another budget.
///
/// # Errors
/// Like [`decode`].
pub fn decode_within(
    budget: &Budget,
    bytes: &[u8],
    limits: &DecodeLimits,
) -> Result<Picture, DecodeError> {
    decode_from(bytes, limits, |_| budget, |_, _| 0)
}

/// Decodes a file. `later` returns the memory for the later work on a picture of this size, when it
/// is more than usual.
fn decode_from<'b>(
    bytes: &[u8],
    limits: &DecodeLimits,
    budget_for: impl FnOnce(u64) -> &'b Budget,
    later: fn(u32, u32) -> u64,
) -> Result<Picture, DecodeError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(DecodeError::TooManyBytes {
            bytes: bytes.len() as u64,
            limit: limits.bytes,
        });
    }
    let format = sniff(bytes)?;
    catch_panic(format, || {
        decode_contained(bytes, format, limits, budget_for, later)
    })
}

/// Reads one picture file, like [`decode`]. No more than [`DecodeLimits::bytes`] are read, whatever
/// the file is.
///
/// # Errors
/// [`DecodeError::Unreadable`] when the file cannot be opened or read; otherwise as [`decode`].
pub fn decode_file(path: &Path, limits: &DecodeLimits) -> Result<Picture, DecodeError> {
    let unreadable = |source| DecodeError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limits.bytes {
        return Err(DecodeError::TooManyBytes {
            bytes: size,
            limit: limits.bytes,
        });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // Read one byte more than allowed, so that a file that grows meanwhile is refused rather than
    // cut.
    file.take(limits.bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    decode(&bytes, limits)
}

/// Reads only the header: the format and the decoded size.
///
/// # Errors
/// Like [`decode`], for what the header shows.
pub fn probe(bytes: &[u8]) -> Result<Probe, DecodeError> {
    let format = sniff(bytes)?;
    // The caller decides what is too large.
    let limits = DecodeLimits {
        pixels: u64::MAX,
        side: u32::MAX,
        ..DecodeLimits::default()
    };
    catch_panic(format, || {
        let mut opened = Opened::new(bytes, format, &limits)?;
        let (width, height) = opened.dimensions();
        let (width, height) = if swaps_sides(opened.orientation()) {
            (height, width)
        } else {
            (width, height)
        };
        Ok(Probe {
            format,
            width,
            height,
        })
    })
}

/// Runs a decoder, and turns a panic inside it into an error: decoders are third-party code that
/// reads untrusted files. The closure shares no state that a panic could leave inconsistent.
fn catch_panic<T>(
    format: PictureFormat,
    work: impl FnOnce() -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(DecodeError::Damaged {
            format,
            reason: "the decoder gave up".to_owned(),
        })
    })
}

fn decode_contained<'b>(
    bytes: &[u8],
    format: PictureFormat,
    limits: &DecodeLimits,
    budget_for: impl FnOnce(u64) -> &'b Budget,
    later: fn(u32, u32) -> u64,
) -> Result<Picture, DecodeError> {
    let mut opened = Opened::new(bytes, format, limits)?;
    let (width, height) = opened.dimensions();
    if width == 0 || height == 0 {
        return Err(DecodeError::Damaged {
            format,
            reason: format!("it is {width} x {height} pixels"),
        });
    }
    limits.check_sides(width, height)?;
    let orientation = opened.orientation();
    let pixels = u64::from(width) * u64::from(height);
    // Rotating needs a second picture for a moment.
    let need = opened.need().max(if swaps_sides(orientation) {
        2 * 3 * pixels
    } else {
        0
    });
    if need > limits.allocation {
        return Err(DecodeError::TooMuchMemory {
            limit: limits.allocation,
        });
    }
    let held = later(width, height).max(HELD * pixels);
    let most = need.max(held);
    let memory = budget_for(most).acquire(most, limits.patience)?;
    let flat = opened.read()?;
    let upright = upright(flat, orientation);
    memory.shrink_to(held);
    Ok(Picture::new(upright, memory))
}

fn upright(picture: RgbImage, orientation: Orientation) -> RgbImage {
    if orientation == Orientation::NoTransforms {
        return picture;
    }
    let mut turned = DynamicImage::ImageRgb8(picture);
    turned.apply_orientation(orientation);
    turned.into_rgb8()
}

fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}
