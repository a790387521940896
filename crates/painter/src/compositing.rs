//! Composites a picture into another one under a mask.

use clippy_imaging::{cover, resized};
use image::{GrayImage, RgbImage};

/// The width of a pixel, in units of the distances used here.
const UNIT: u16 = 64;
/// The distance to a diagonal neighbour.
const DIAGONAL: u16 = 91;
/// The widest seam in pixels.
const WIDEST_SEAM: f32 = 8.0;

/// Composites a picture into the base within the mask. Outside of the mask every pixel of the base
/// is unchanged; a seam of a few pixels inside of it blends the two. The picture is fitted to the
/// base's size first ([`fit_to`]). Needs five bytes of memory for each pixel of the base.
#[must_use]
pub fn composite(base: &RgbImage, mask: &GrayImage, picture: &RgbImage) -> RgbImage {
    let (width, height) = base.dimensions();
    let mut whole = fit_to(picture, width, height);
    let seam = (width.min(height) as f32 / 85.0).clamp(1.0, WIDEST_SEAM);
    let depth = depth_in(mask);
    let pixels = whole
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(base.as_raw().as_chunks::<3>().0);
    for ((new, old), depth) in pixels.zip(&depth) {
        if *depth == 0 {
            *new = *old;
            continue;
        }
        let share = (f32::from(*depth) / f32::from(UNIT) / seam).min(1.0);
        *new = std::array::from_fn(|channel| {
            let (from, to) = (f32::from(old[channel]), f32::from(new[channel]));
            (from + (to - from) * share + 0.5) as u8
        });
    }
    whole
}

/// A picture in another size. If the ratio is nearly the same, as between a base and its picture
/// whose sides are multiples of 8, the whole of it stays, so that nothing is moved; else it is
/// cropped.
pub(crate) fn fit_to(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let across = u64::from(picture.width()) * u64::from(height);
    let down = u64::from(picture.height()) * u64::from(width);
    let is_same_size = picture.dimensions() == (width, height);
    if !is_same_size && across.abs_diff(down) * 25 <= across.max(down) && across > 0 {
        resized(picture, width, height)
    } else {
        cover(picture, width, height)
    }
}

/// The depth of each pixel within the mask, up to the widest seam: the chamfer distance to the
/// outside.
fn depth_in(mask: &GrayImage) -> Vec<u16> {
    let width = mask.width() as usize;
    let most = (WIDEST_SEAM as u16 + 1) * UNIT;
    let mut depth: Vec<u16> = mask
        .as_raw()
        .iter()
        .map(|value| if *value == 0 { 0 } else { most })
        .collect();
    let last = width.saturating_sub(1);
    // The minimum over the neighbour beside it and the three in the row before or after.
    let nearest =
        |depth: &[u16], at: usize, x: usize, beside: Option<usize>, row: Option<usize>| {
            let mut best = depth[at];
            if let Some(beside) = beside {
                best = best.min(depth[beside] + UNIT);
            }
            if let Some(row) = row {
                best = best.min(depth[row + x] + UNIT);
                if x > 0 {
                    best = best.min(depth[row + x - 1] + DIAGONAL);
                }
                if x < last {
                    best = best.min(depth[row + x + 1] + DIAGONAL);
                }
            }
            best
        };
    for at in 0..depth.len() {
        let x = at % width;
        depth[at] = nearest(
            &depth,
            at,
            x,
            (x > 0).then(|| at - 1),
            (at - x).checked_sub(width),
        );
    }
    for at in (0..depth.len()).rev() {
        let x = at % width;
        let below = Some(at - x + width).filter(|row| *row < depth.len());
        depth[at] = nearest(&depth, at, x, (x < last).then(|| at + 1), below);
    }
    depth
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgb};

    use super::*;

    #[test]
    fn what_is_painted_over_a_base_stays_in_its_place() {
        let base = RgbImage::from_fn(600, 420, |x, y| {
            Rgb([(x * 255 / 600) as u8, (y * 255 / 420) as u8, 90])
        });
        // The sides of a painted picture are multiples of 8.
        let painted = fit_to(&base, 608, 432);
        let back = fit_to(&painted, 600, 420);
        for (x, y) in [(0, 0), (3, 210), (300, 3), (596, 416), (599, 10)] {
            let (before, after) = (base.get_pixel(x, y).0, back.get_pixel(x, y).0);
            let apart = before.iter().zip(after).map(|(a, b)| a.abs_diff(b)).max();
            assert!(apart <= Some(1), "{x} {y}: {before:?} {after:?}");
        }
        // Another shape is cropped: its middle stays.
        let cropped = fit_to(&base, 420, 420);
        assert!(cropped.get_pixel(0, 0).0[0] > 30);
    }

    #[test]
    fn the_base_is_unchanged_outside_of_the_mask_and_replaced_deep_inside_it() {
        let base = RgbImage::from_fn(200, 120, |x, y| Rgb([x as u8, y as u8, 7]));
        let mask = GrayImage::from_fn(200, 120, |x, y| {
            Luma([if (40..120).contains(&x) && (30..90).contains(&y) {
                255
            } else {
                0
            }])
        });
        let picture = RgbImage::from_pixel(100, 60, Rgb([250, 250, 250]));
        let made = composite(&base, &mask, &picture);
        for (x, y, pixel) in made.enumerate_pixels() {
            if mask.get_pixel(x, y).0[0] == 0 {
                assert_eq!(pixel, base.get_pixel(x, y), "{x} {y}");
            }
        }
        assert_eq!(*made.get_pixel(80, 60), Rgb([250; 3]));
        let seam = made.get_pixel(40, 60).0[0];
        assert!(seam > 40 && seam < 250, "{seam}");
        let thin = composite(
            &RgbImage::new(1, 30_000),
            &GrayImage::from_pixel(1, 30_000, Luma([255])),
            &picture,
        );
        assert_eq!(*thin.get_pixel(0, 9), Rgb([250; 3]));
    }
}
