//! Edge maps: OpenCV's `Canny(grey, 100, 200)`, pixel for pixel.
//!
//! Source: J. Canny, "A Computational Approach to Edge Detection", PAMI 8(6), 1986, in the variant
//! of OpenCV's `modules/imgproc/src/canny.cpp`: 3 x 3 Sobel with replicated borders, L1 magnitude,
//! directions cut at 22.5 and 67.5 degrees in fixed point, ties broken towards the left and the
//! top, then hysteresis over eight neighbours.
//!
//! Everything up to the hysteresis runs on 16-bit lanes over whole rows without a branch, so that
//! the compiler vectorises it, with wider lanes where the processor has them. Magnitudes are at
//! most 2 * 4 * 255 = 2040.

use image::{GrayImage, RgbImage};
use multiversion::multiversion;

/// Magnitudes above this are edges if they touch a strong one.
const LOW: i16 = 100;
/// Magnitudes above this are edges.
const HIGH: i16 = 200;
/// tan(22.5 degrees) with 15 fractional bits, rounded; OpenCV's `TG22`.
const TANGENT_22: i32 = 13573;

const NONE: u8 = 0;
const WEAK: u8 = 1;
const STRONG: u8 = 2;

/// Draws the edges of a picture, white (255) on black (0), of the same size.
///
/// Equal to `cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 100, 200)` for every pixel.
#[must_use]
pub fn edge_map(picture: &RgbImage) -> GrayImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut edges = GrayImage::new(picture.width(), picture.height());
    if width == 0 || height == 0 {
        return edges;
    }
    let grey = grey(picture.as_raw());
    let mut classes = classify(&grey, width, height);
    spread_strong(&mut classes, width + 2);

    let rows = classes.chunks_exact(width + 2).skip(1);
    for (target, row) in edges.chunks_exact_mut(width).zip(rows) {
        for (target, &class) in target.iter_mut().zip(&row[1..=width]) {
            *target = if class == STRONG { 255 } else { 0 };
        }
    }
    edges
}

/// Does the same as OpenCV's `COLOR_RGB2GRAY` for bytes: 15 fractional bits, rounded
/// (`color_rgb.simd.hpp`).
#[multiversion(targets("x86_64+avx2"))]
fn grey(rgb: &[u8]) -> Vec<u8> {
    const RED: u32 = 9798;
    const GREEN: u32 = 19235;
    const BLUE: u32 = 3735;
    let (pixels, _) = rgb.as_chunks::<3>();
    pixels
        .iter()
        .map(|&[red, green, blue]| {
            ((u32::from(red) * RED + u32::from(green) * GREEN + u32::from(blue) * BLUE + (1 << 14))
                >> 15) as u8
        })
        .collect()
}

/// The gradient of one row. `magnitude` has a zero at both ends, for the neighbours outside the
/// picture.
struct GradientRow {
    across: Vec<i16>,
    down: Vec<i16>,
    magnitude: Vec<i16>,
}

impl GradientRow {
    fn zero(width: usize) -> Self {
        Self {
            across: vec![0; width],
            down: vec![0; width],
            magnitude: vec![0; width + 2],
        }
    }
}

/// The vertical parts of the Sobel filter over one row, one value wider at both ends for the
/// replicated border.
struct Vertical {
    smooth: Vec<i16>,
    difference: Vec<i16>,
}

/// Classifies every pixel, in a map with an extra `NONE` on every side, so that neighbours need no
/// bounds checks.
fn classify(grey: &[u8], width: usize, height: usize) -> Vec<u8> {
    let stride = width + 2;
    let mut classes = vec![NONE; stride * (height + 2)];
    let mut vertical = Vertical {
        smooth: vec![0; stride],
        difference: vec![0; stride],
    };
    let mut above = GradientRow::zero(width);
    let mut here = GradientRow::zero(width);
    let mut below = GradientRow::zero(width);

    let row = |y: usize| &grey[y * width..(y + 1) * width];
    gradient(
        row(0),
        row(0),
        row(1.min(height - 1)),
        &mut vertical,
        &mut here,
    );
    for (y, target) in classes
        .chunks_exact_mut(stride)
        .skip(1)
        .take(height)
        .enumerate()
    {
        if y + 1 < height {
            gradient(
                row(y),
                row(y + 1),
                row((y + 2).min(height - 1)),
                &mut vertical,
                &mut below,
            );
        } else {
            below.magnitude.fill(0);
        }
        suppress(
            &above.magnitude,
            &here,
            &below.magnitude,
            &mut target[1..=width],
        );
        // Three rows are reused in turn: the row above is overwritten by the next row below.
        std::mem::swap(&mut above, &mut here);
        std::mem::swap(&mut here, &mut below);
    }
    classes
}

/// Computes the 3 x 3 Sobel gradient of the middle row and its L1 magnitude.
#[multiversion(targets("x86_64+avx2"))]
fn gradient(
    above: &[u8],
    middle: &[u8],
    below: &[u8],
    vertical: &mut Vertical,
    row: &mut GradientRow,
) {
    let width = middle.len();
    let (above, below) = (&above[..width], &below[..width]);
    let smooth = &mut vertical.smooth[1..=width];
    let difference = &mut vertical.difference[1..=width];
    for x in 0..width {
        let (top, centre, bottom) = (
            i16::from(above[x]),
            i16::from(middle[x]),
            i16::from(below[x]),
        );
        smooth[x] = top + 2 * centre + bottom;
        difference[x] = bottom - top;
    }
    for padded in [&mut vertical.smooth, &mut vertical.difference] {
        padded[0] = padded[1];
        padded[width + 1] = padded[width];
    }

    let (smooth_left, smooth_right) = (&vertical.smooth[..width], &vertical.smooth[2..][..width]);
    let difference = &vertical.difference;
    let (left, centre, right) = (
        &difference[..width],
        &difference[1..][..width],
        &difference[2..][..width],
    );
    let (across, down) = (&mut row.across[..width], &mut row.down[..width]);
    let magnitude = &mut row.magnitude[1..][..width];
    for x in 0..width {
        let dx = smooth_right[x] - smooth_left[x];
        let dy = left[x] + 2 * centre[x] + right[x];
        across[x] = dx;
        down[x] = dy;
        magnitude[x] = dx.abs() + dy.abs();
    }
}

/// Keeps the pixels of one row that are maxima across their edge, and separates weak from strong
/// ones.
#[multiversion(targets("x86_64+avx2"))]
fn suppress(above: &[i16], row: &GradientRow, below: &[i16], target: &mut [u8]) {
    let width = target.len();
    let (above_left, above_centre, above_right) =
        (&above[..width], &above[1..][..width], &above[2..][..width]);
    let (below_left, below_centre, below_right) =
        (&below[..width], &below[1..][..width], &below[2..][..width]);
    let middle = &row.magnitude;
    let (left, here, right) = (
        &middle[..width],
        &middle[1..][..width],
        &middle[2..][..width],
    );
    let (across, down) = (&row.across[..width], &row.down[..width]);
    for x in 0..width {
        let (dx, dy, magnitude) = (across[x], down[x], here[x]);
        let (size_x, size_y) = (dx.abs(), dy.abs());
        // OpenCV compares |dy| * 2^15 with |dx| * TG22 in 32 bits. TG22 is odd and |dx| is small,
        // so their quotient is never whole (except for |dx| = 0, where the outcome is the same),
        // and its floor can be used for both comparisons.
        let threshold = ((i32::from(2 * size_x) * TANGENT_22) >> 16) as i16;
        let is_level = size_y <= threshold;
        let is_upright = size_y > threshold + 2 * size_x;
        let falls = (dx ^ dy) >= 0;

        // In a tie, the pixel before wins and the one after loses; along a diagonal, both win.
        let diagonal_before = if falls { above_left[x] } else { above_right[x] };
        let diagonal_after = if falls { below_right[x] } else { below_left[x] };
        let before = if is_upright {
            above_centre[x]
        } else {
            diagonal_before
        };
        let after = if is_upright {
            below_centre[x] - 1
        } else {
            diagonal_after
        };
        let before = if is_level { left[x] } else { before };
        let after = if is_level { right[x] - 1 } else { after };

        let is_maximum = (magnitude > before) & (magnitude > after);
        let class = i16::from(magnitude > LOW) + i16::from(magnitude > HIGH);
        target[x] = if is_maximum { class as u8 } else { NONE };
    }
}

/// Applies hysteresis: weak pixels become strong when a path of weak ones leads to a strong one.
fn spread_strong(classes: &mut [u8], stride: usize) {
    // Positions in four bytes, since a large part of a picture may be pending at a time.
    let mut pending: Vec<u32> = Vec::new();
    for start in 0..classes.len() {
        if classes[start] != STRONG {
            continue;
        }
        // Strong pixels are only ever inside the border of the map, so all eight neighbours exist.
        pending.push(start as u32);
        while let Some(at) = pending.pop() {
            let at = at as usize;
            for row in [at - stride, at, at + stride] {
                for (neighbour, class) in (row - 1..).zip(&mut classes[row - 1..=row + 1]) {
                    if *class == WEAK {
                        *class = STRONG;
                        pending.push(neighbour as u32);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_picture_has_an_empty_map() {
        assert_eq!(edge_map(&RgbImage::new(0, 5)).dimensions(), (0, 5));
    }

    #[test]
    fn the_sixteen_bit_direction_agrees_with_opencv_for_every_gradient() {
        for x in 0..=1020_i16 {
            for y in 0..=1020_i16 {
                if x == 0 && y == 0 {
                    continue;
                }
                let (scaled, tangent) = (i32::from(y) << 15, i32::from(x) * TANGENT_22);
                let threshold = ((i32::from(2 * x) * TANGENT_22) >> 16) as i16;
                assert_eq!(y <= threshold, scaled < tangent, "{x} {y}");
                assert_eq!(
                    y > threshold + 2 * x,
                    scaled > tangent + (i32::from(x) << 16),
                    "{x} {y}"
                );
            }
        }
    }
}
