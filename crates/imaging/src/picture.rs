//! A decoded picture that holds its part of the process's budget.

use std::fmt;
use std::ops::Deref;

use image::RgbImage;

use crate::budget::{Budget, Permit};
use crate::limits::{DecodeError, DecodeLimits, HELD};

/// Upright 8-bit RGB, and the memory that it and the work on it may take. Keep it until the work is
/// done: with it the memory goes back to [`crate::Budget::of_decoding`].
pub struct Picture {
    pixels: RgbImage,
    memory: Permit,
}

impl Picture {
    pub(crate) fn new(pixels: RgbImage, memory: Permit) -> Self {
        Self { pixels, memory }
    }

    /// The pixels alone. Their memory counts no longer, so this is for small pictures, and for
    /// tests.
    #[must_use]
    pub fn into_pixels(self) -> RgbImage {
        self.pixels
    }

    /// A picture that was made here, holding what it and the work on it may take. Do not hold
    /// another one meanwhile.
    ///
    /// # Errors
    /// [`DecodeError::TooMuchMemory`] and [`DecodeError::Busy`], as when one is decoded.
    pub fn holding(pixels: RgbImage, limits: &DecodeLimits) -> Result<Self, DecodeError> {
        let need = u64::from(pixels.width()) * u64::from(pixels.height()) * HELD;
        let memory = Budget::of_decoding(need).acquire(need, limits.patience)?;
        Ok(Self { pixels, memory })
    }
}

impl Deref for Picture {
    type Target = RgbImage;

    fn deref(&self) -> &RgbImage {
        &self.pixels
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.pixels.dimensions();
        write!(
            formatter,
            "Picture({width} x {height}, {} bytes held)",
            self.memory.bytes()
        )
    }
}

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.pixels == other.pixels
    }
}

impl PartialEq<RgbImage> for Picture {
    fn eq(&self, other: &RgbImage) -> bool {
        self.pixels == *other
    }
}
