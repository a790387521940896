//! Bytes of a picture file to upright 8-bit RGB, within limits and within the process's budget.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clippy_core::{Error, ErrorCode};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::budget::{Budget, BudgetError};
use crate::format::{PictureFormat, UNDERSTOOD, sniff};
use crate::opened::Opened;
use crate::picture::Picture;

/// What a picture and the work on it may take, bytes a pixel: RGB, and an edge map with its grey copy and its classes.
pub(crate) const HELD: u64 = 6;

/// How much one picture may cost. All limits are checked before the memory is taken, and all pictures of the process
/// together stay within [`Budget::of_decoding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most bytes of the encoded file.
    pub bytes: u64,
    /// Most pixels (width times height) of the decoded picture.
    pub pixels: u64,
    /// Most pixels of its longer side.
    pub side: u32,
    /// How many times as long as its shorter side its longer side may be.
    pub stretch: u32,
    /// Most bytes that decoding may take, the RGB picture included.
    pub allocation: u64,
    /// How long to wait while other pictures take all of the budget.
    pub patience: Duration,
}

impl Default for DecodeLimits {
    /// 64 MiB of file, 8192 x 8192 pixels, sides of 65,535 (as long as JPEG's) and any ratio, 416 MiB for decoding (8192 x
    /// 8192 in RGB, and as much again for an edge map), 20 s of waiting.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            pixels: 8192 * 8192,
            side: 65_535,
            stretch: u32::MAX,
            allocation: 416 << 20,
            patience: Duration::from_secs(20),
        }
    }
}

impl DecodeLimits {
    /// For work that nobody waits for, such as an ingest: as the default, with ten minutes of waiting.
    #[must_use]
    pub fn bulk() -> Self {
        Self { patience: Duration::from_secs(600), ..Self::default() }
    }

    /// Whether a picture of this size may be decoded at all.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], [`DecodeError::TooManyPixels`], [`DecodeError::TooStretched`].
    pub fn check_sides(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        let (shorter, longer) = (width.min(height), width.max(height));
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(DecodeError::TooManyPixels { width, height, limit: self.pixels });
        }
        if longer > self.side {
            return Err(DecodeError::TooLong { width, height, limit: self.side });
        }
        if longer > shorter.saturating_mul(self.stretch) {
            return Err(DecodeError::TooStretched { width, height, limit: self.stretch });
        }
        Ok(())
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
    /// A side of the picture is longer than [`DecodeLimits::side`].
    #[error(
        "the picture is {width} x {height} pixels, but no side may be longer than {limit} pixels: scale it down or crop it"
    )]
    TooLong {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Pixels allowed.
        limit: u32,
    },
    /// The picture is thinner than [`DecodeLimits::stretch`] allows.
    #[error(
        "the picture is {width} x {height} pixels, but its longer side may be at most {limit} times its shorter side: crop it"
    )]
    TooStretched {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The ratio allowed.
        limit: u32,
    },
    /// Decoding needs more than [`DecodeLimits::allocation`], or than all pictures together may take.
    #[error(
        "reading the picture takes more than the {limit} bytes of memory allowed: scale it down, or save it with 8 bits a channel"
    )]
    TooMuchMemory {
        /// Bytes of memory allowed.
        limit: u64,
    },
    /// Other pictures took all of the process's budget for longer than [`DecodeLimits::patience`].
    #[error(
        "other pictures took all the memory that is set aside for pictures for {} s: try again in a moment",
        waited.as_secs()
    )]
    Busy {
        /// How long it waited.
        waited: Duration,
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

impl From<BudgetError> for DecodeError {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::TooMuch { total, .. } => Self::TooMuchMemory { limit: total },
            BudgetError::Busy { waited } => Self::Busy { waited },
        }
    }
}

impl From<DecodeError> for Error {
    /// `TooLarge` for the limits, `Unavailable` while others take all memory, `NotFound` for a file that is not there,
    /// `InvalidPicture` for the rest.
    fn from(error: DecodeError) -> Self {
        let code = match &error {
            DecodeError::TooManyBytes { .. }
            | DecodeError::TooManyPixels { .. }
            | DecodeError::TooLong { .. }
            | DecodeError::TooStretched { .. }
            | DecodeError::TooMuchMemory { .. } => ErrorCode::TooLarge,
            DecodeError::Busy { .. } => ErrorCode::Unavailable,
            DecodeError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorCode::NotFound
            }
            _ => ErrorCode::InvalidPicture,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

/// Reads the first picture of a file's bytes as upright 8-bit RGB. Blocking: it waits while other pictures take all of
/// the process's budget. Do not hold one [`Picture`] while decoding another.
///
/// The format is told by the content, never by a name. Animations give their first frame, EXIF orientation is applied,
/// and transparency is laid on white with Pillow's rounding. 16-bit channels keep their high byte, as Pillow does for
/// RGB; for 16-bit grey Pillow's `convert("RGB")` clips at 255 instead, which turns nearly all such pictures white, so
/// the high byte is kept there too. CMYK becomes RGB as `(255 - ink) * (255 - black) / 255`; no ICC profile is applied,
/// which is Pillow's `convert("RGB")` as well. A JPEG that misses its end is refused, as Pillow does, and a PNG when a row
/// is missing; a JPEG that is whole but has wrong bits inside decodes to a picture with a wrong patch, as with libjpeg.
///
/// # Errors
/// A [`DecodeError`] that says what is wrong and what to do; never a panic.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture, DecodeError> {
    decode_from(bytes, limits, Budget::of_decoding)
}

/// As [`decode`], with a budget of one's own.
///
/// # Errors
/// As [`decode`].
pub fn decode_within(budget: &Budget, bytes: &[u8], limits: &DecodeLimits) -> Result<Picture, DecodeError> {
    decode_from(bytes, limits, |_| budget)
}

fn decode_from<'b>(
    bytes: &[u8],
    limits: &DecodeLimits,
    budget_for: impl FnOnce(u64) -> &'b Budget,
) -> Result<Picture, DecodeError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(DecodeError::TooManyBytes { bytes: bytes.len() as u64, limit: limits.bytes });
    }
    let format = sniff(bytes)?;
    contained(format, || decode_contained(bytes, format, limits, budget_for))
}

/// Reads one picture file, like [`decode`]. No more than [`DecodeLimits::bytes`] are read, whatever the file is.
///
/// # Errors
/// [`DecodeError::Unreadable`] when the file cannot be opened or read; otherwise as [`decode`].
pub fn decode_file(path: &Path, limits: &DecodeLimits) -> Result<Picture, DecodeError> {
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
    // What is too large is the caller's to say.
    let limits = DecodeLimits { pixels: u64::MAX, side: u32::MAX, ..DecodeLimits::default() };
    contained(format, || {
        let mut opened = Opened::new(bytes, format, &limits)?;
        let (width, height) = opened.dimensions();
        let (width, height) = if swaps_sides(opened.orientation()) { (height, width) } else { (width, height) };
        Ok(Probe { format, width, height })
    })
}

/// Runs a decoder so that a panic inside it becomes an error: the decoders are other people's code, and what they read
/// comes from anywhere. Nothing is shared with the closure that a panic could leave half written.
fn contained<T>(format: PictureFormat, work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DecodeError::Damaged { format, reason: "the decoder gave up".to_owned() }))
}

fn decode_contained<'b>(
    bytes: &[u8],
    format: PictureFormat,
    limits: &DecodeLimits,
    budget_for: impl FnOnce(u64) -> &'b Budget,
) -> Result<Picture, DecodeError> {
    let mut opened = Opened::new(bytes, format, limits)?;
    let (width, height) = opened.dimensions();
    if width == 0 || height == 0 {
        return Err(DecodeError::Damaged { format, reason: format!("it is {width} x {height} pixels") });
    }
    limits.check_sides(width, height)?;
    let orientation = opened.orientation();
    let pixels = u64::from(width) * u64::from(height);
    // A turned picture is a second one for a moment.
    let need = opened.need().max(if swaps_sides(orientation) { 2 * 3 * pixels } else { 0 });
    if need > limits.allocation {
        return Err(DecodeError::TooMuchMemory { limit: limits.allocation });
    }
    let most = need.max(HELD * pixels);
    let mut memory = budget_for(most).acquire(most, limits.patience)?;
    let flat = opened.read()?;
    let upright = upright(flat, orientation);
    memory.shrink_to(HELD * pixels);
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
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}
