//! Masks of edits.

use clippy_core::{Error, Result};
use image::{GrayImage, Luma, RgbImage};

/// Converts a mask to black and white.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] if its size is not the base's, or if it is all black.
pub(super) fn to_mask(mask: &RgbImage, (width, height): (u32, u32)) -> Result<GrayImage> {
    if mask.dimensions() != (width, height) {
        return Err(Error::invalid(format!(
            "mask is {}x{} pixels, but base is {width}x{height}: they must have the same size",
            mask.width(),
            mask.height(),
        )));
    }
    let grey = GrayImage::from_fn(mask.width(), mask.height(), |x, y| {
        let pixel = mask.get_pixel(x, y).0;
        Luma([
            if pixel.iter().map(|channel| u32::from(*channel)).sum::<u32>() >= 384 {
                255
            } else {
                0
            },
        ])
    });
    if grey.pixels().all(|pixel| pixel.0[0] == 0) {
        return Err(Error::invalid(
            "mask has nothing to edit: paint the part to change in white",
        ));
    }
    Ok(grey)
}
