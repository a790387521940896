//! The size of the pictures that the painter makes for a generation.

use clippy_painter::size_for;

use crate::contract::Generation;

/// Pictures of more pixels than this are painted one at a time.
const LARGE: usize = 640 * 640;

/// The long side that is asked for. An edit is painted at the size of its base, but not below the
/// usual size.
pub(super) fn long_side(generation: &Generation) -> Option<usize> {
    let long = generation.long_side()? as usize;
    if generation.mask.is_none() {
        return Some(long);
    }
    let (width, height) = size_for(generation.ratio(), None);
    Some(long).filter(|long| *long > width.max(height))
}

/// The number of pixels of one picture.
pub(super) fn pixels(generation: &Generation) -> usize {
    let (width, height) = size_for(generation.ratio(), long_side(generation));
    width * height
}

/// Whether a picture of so many pixels is painted alone.
pub(super) fn is_large(pixels: usize) -> bool {
    pixels > LARGE
}
