//! Limits of decoding, and its errors.

use std::path::PathBuf;
use std::time::Duration;

use clippy_core::{Error, ErrorCode};

use crate::budget::BudgetError;
use crate::format::{PictureFormat, UNDERSTOOD};

/// Memory for a picture and the work on it, in bytes per pixel: RGB, and an edge map with its grey
/// copy and its classes.
pub(crate) const HELD: u64 = 6;

/// The limits of one picture. They are checked before memory is allocated, and all pictures of the
/// process together stay within
/// [`Budget::of_decoding`](crate::Budget::of_decoding).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most bytes of the encoded file.
    pub bytes: u64,
    /// Most pixels (width times height) of the decoded picture.
    pub pixels: u64,
    /// The longest allowed side, in pixels.
    pub side: u32,
    /// The largest allowed ratio of the longer to the shorter side.
    pub stretch: u32,
    /// Most bytes that decoding may allocate, including the RGB picture.
    pub allocation: u64,
    /// How long to wait while other pictures use up the budget.
    pub patience: Duration,
}

impl Default for DecodeLimits {
    /// 64 MiB of file, 8192 x 8192 pixels, sides of 65,535 (as long as JPEG's) and any ratio, 416
    /// MiB for decoding (8192 x 8192 in RGB, and as much again for an edge map), 20 s of
    /// waiting.
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
    /// Limits for background work such as an ingest: the defaults, with ten minutes of waiting.
    #[must_use]
    pub fn bulk() -> Self {
        Self {
            patience: Duration::from_secs(600),
            ..Self::default()
        }
    }

    /// Checks whether a picture of this size may be decoded at all.
    ///
    /// # Errors
    /// [`DecodeError::NoPixels`], [`DecodeError::TooLong`], [`DecodeError::TooManyPixels`],
    /// [`DecodeError::TooStretched`].
    pub fn check_sides(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        let (shorter, longer) = (width.min(height), width.max(height));
        if shorter == 0 {
            return Err(DecodeError::NoPixels { width, height });
        }
        if u64::from(width) * u64::from(height) > self.pixels {
            return Err(DecodeError::TooManyPixels {
                width,
                height,
                limit: self.pixels,
            });
        }
        if longer > self.side {
            return Err(DecodeError::TooLong {
                width,
                height,
                limit: self.side,
            });
        }
        if longer > shorter.saturating_mul(self.stretch) {
            return Err(DecodeError::TooStretched {
                width,
                height,
                limit: self.stretch,
            });
        }
        Ok(())
    }
}

/// Why a file could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file is empty.
    #[error("the picture has 0 bytes: send a whole {UNDERSTOOD} file")]
    Empty,
    /// The content is in no known picture format.
    #[error("this is not a picture that can be read: the formats understood are {UNDERSTOOD}")]
    NotAPicture,
    /// A picture format, or a variant of one, that is not supported.
    #[error("{what} cannot be read here: convert the picture to one of {UNDERSTOOD}")]
    Unsupported {
        /// The format or the feature.
        what: String,
    },
    /// The file is larger than [`DecodeLimits::bytes`].
    #[error("the picture has {bytes} bytes, more than the {limit} allowed: send a smaller file")]
    TooManyBytes {
        /// Bytes of the file (or at least that many).
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A side of the picture is 0.
    #[error(
        "the file says that it has {width} x {height} pixels: a side is 0, so it is no picture. \
         Save it again with another program, or remove it"
    )]
    NoPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The picture has more than [`DecodeLimits::pixels`].
    #[error(
        "the picture is {width} x {height} pixels, more than the {limit} pixels allowed: scale it \
         down"
    )]
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
        "the picture is {width} x {height} pixels, but no side may be longer than {limit} pixels: \
         scale it down or crop it"
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
        "the picture is {width} x {height} pixels, but its longer side may be at most {limit} \
         times its shorter side: crop it"
    )]
    TooStretched {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The ratio allowed.
        limit: u32,
    },
    /// Decoding needs more than [`DecodeLimits::allocation`], or than all pictures together may
    /// take.
    #[error(
        "reading the picture takes more than the {limit} bytes of memory allowed: scale it down, \
         or save it with 8 bits a channel"
    )]
    TooMuchMemory {
        /// Bytes of memory allowed.
        limit: u64,
    },
    /// Other pictures used up the process's budget for longer than [`DecodeLimits::patience`].
    #[error(
        "other pictures took all the memory that is set aside for pictures for {} s: try again in \
         a moment",
        waited.as_secs()
    )]
    Busy {
        /// How long it waited.
        waited: Duration,
    },
    /// The file ends before the picture does.
    #[error(
        "the {format} picture is cut off: its file ends too early, so send the whole file again"
    )]
    Truncated {
        /// The format, recognised by the first bytes.
        format: PictureFormat,
    },
    /// The file contradicts its format.
    #[error("the {format} picture is damaged ({reason}): save it again with another program")]
    Damaged {
        /// The format, recognised by the first bytes.
        format: PictureFormat,
        /// What the decoder found.
        reason: String,
    },
    /// The file could not be read from disk.
    #[error("the picture file {path} could not be read: {source}", path = path.display())]
    Unreadable {
        /// The path as it was given.
        path: PathBuf,
        /// The operating system's error.
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
    /// `TooLarge` for the limits, `Unavailable` while other pictures use up the budget, `NotFound`
    /// for a missing file, `InvalidPicture` for the rest.
    fn from(error: DecodeError) -> Self {
        let code = match &error {
            DecodeError::TooManyBytes { .. }
            | DecodeError::TooManyPixels { .. }
            | DecodeError::TooLong { .. }
            | DecodeError::TooStretched { .. }
            | DecodeError::TooMuchMemory { .. } => ErrorCode::TooLarge,
            DecodeError::Busy { .. } => ErrorCode::Unavailable,
            DecodeError::Unreadable { source, .. }
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                ErrorCode::NotFound
            }
            _ => ErrorCode::InvalidPicture,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}
