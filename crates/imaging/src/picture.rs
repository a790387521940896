//! A decoded picture that holds its part of the process's budget.

use std::fmt;
use std::ops::Deref;

use image::RgbImage;

use crate::budget::Permit;
use crate::limits::HELD;

/// Upright 8-bit RGB, with its part of [`crate::Budget::of_decoding`], which also covers the memory
/// for processing it. Keep it until the work is done; dropping it frees the part.
pub struct Picture {
    pixels: RgbImage,
    memory: Permit,
}

impl Picture {
    pub(crate) fn new(pixels: RgbImage, memory: Permit) -> Self {
        Self { pixels, memory }
    }

    /// Returns only the pixels. They no longer count against the budget, so use this only for small
    /// pictures and tests.
    #[must_use]
    pub fn into_pixels(self) -> RgbImage {
        self.pixels
    }

    /// Makes another picture from it, within the memory that it holds, and frees what the other one
    /// does not need.
    pub(crate) fn replaced(self, make: impl FnOnce(RgbImage) -> Option<RgbImage>) -> Option<Self> {
        let Self { pixels, memory } = self;
        let pixels = make(pixels)?;
        memory.shrink_to(u64::from(pixels.width()) * u64::from(pixels.height()) * HELD);
        Some(Self { pixels, memory })
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
