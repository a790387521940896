//! A decoded picture that holds its part of the process's budget.

use std::fmt;
use std::ops::Deref;

use image::RgbImage;

use crate::budget::{Budget, Permit};
use crate::limits::{DecodeError, DecodeLimits, HELD};

/// Upright 8-bit RGB, with its part of [`crate::Budget::of_decoding`], which also covers the memory
/// for processing it. Keep it until that is done; dropping it gives the part back.
pub struct Picture {
    pixels: RgbImage,
    memory: Permit,
}

impl Picture {
    pub(crate) fn new(pixels: RgbImage, memory: Permit) -> Self {
        Self { pixels, memory }
    }

    /// The pixels alone. They no longer count against the budget, so use this for small pictures and
    /// tests only.
    #[must_use]
    pub fn into_pixels(self) -> RgbImage {
        self.pixels
    }

    /// Wraps generated pixels, and takes their part of the budget. Do not hold another picture while
    /// waiting for it.
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
