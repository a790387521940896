//! The sizes of pictures, and what they take.

/// The number of pixels of a picture of the usual size, whatever its ratio.
const AREA: f32 = 512.0 * 512.0;
/// The longest side of a picture in pixels.
pub const LONGEST_SIDE: usize = 1536;
/// The shortest side of a picture in pixels.
const SHORTEST_SIDE: usize = 128;
/// Up to this many times the usual side, patches are placed at the picture's own size.
const PATCHED: f32 = 1.25;

/// A side of about this length that is a multiple of 8.
fn side(length: f32) -> usize {
    ((length / 8.0).round() as usize * 8).clamp(SHORTEST_SIDE, LONGEST_SIDE)
}

/// Returns the width and height of a picture of this ratio, multiples of 8. Without a long side, it
/// has the usual number of pixels.
#[must_use]
pub fn size_for(ratio: f32, long_side: Option<usize>) -> (usize, usize) {
    let (width, height) = ((AREA * ratio).sqrt(), (AREA / ratio).sqrt());
    let scale = long_side.map_or(1.0, |wanted| {
        let scale = wanted.min(LONGEST_SIDE) as f32 / width.max(height);
        // A small picture is enlarged rather than that it loses its ratio.
        scale.max(SHORTEST_SIDE as f32 / width.min(height))
    });
    (side(width * scale), side(height * scale))
}

/// The length of a pixel of the usual size in pixels of this size, 1 or more. Lengths in pixels are
/// multiplied by it, so that a large picture looks like a small one with more detail.
pub fn unit_of(width: usize, height: usize) -> f32 {
    let unit = ((width * height) as f32 / AREA).sqrt();
    if unit < 1.05 { 1.0 } else { unit }
}

/// How many times larger than the plane on which patches are placed a picture of this unit is.
pub fn magnification(unit: f32) -> usize {
    ((unit / PATCHED).ceil() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_ratio_and_the_long_side() {
        assert_eq!(size_for(1.0, None), (512, 512));
        assert_eq!(size_for(1.5, Some(1536)), (1536, 1024));
        assert_eq!(size_for(0.75, Some(1024)), (768, 1024));
        assert_eq!(size_for(1.0, Some(90_000)), (1536, 1536));
        assert_eq!(size_for(8.0, Some(128)), (1024, 128), "never smaller");
        assert_eq!(size_for(160.0 / 90.0, Some(160)), (224, 128));
        assert_eq!((unit_of(512, 512), magnification(1.0)), (1.0, 1));
        assert_eq!((unit_of(1536, 1536), magnification(3.0)), (3.0, 3));
    }
}
