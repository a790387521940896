//! Trims sketches: cuts away the empty paper around a drawing.
//!
//! A drawing on a pad of 900 x 600 pixels often fills a small part of it. Scaled to a model's side
//! as it is, its lines become thinner than a pixel and fade, and the centre crop cuts off both
//! sides. Trimmed to a square first, nothing is cropped and the lines stay as dark as possible.

use fast_image_resize::FilterType;
use image::{Rgb, RgbImage, imageops};

use crate::limits::HELD;
use crate::resize::resize_whole;

/// Empty paper on each side of the trimmed square, as a share of its side.
const MARGIN: f64 = 0.08;

/// How far each channel may differ from the paper's colour and still be paper: JPEG noise on white
/// is below this, and the lightest pencil line is above it.
const TOLERANCE: u8 = 24;

/// How much of the border must be paper. With less, the picture is not a drawing on paper, and it
/// is not trimmed.
const LEAST_PAPER: f64 = 0.5;

/// A larger drawing is scaled down to this before it is made square: otherwise a line of 1 x 60,000
/// pixels would need a square of 60,000 pixels.
const LARGEST_DRAWING: u32 = 2048;

/// Cuts a drawing out of its paper and centres it on a square of the paper's colour, with a margin
/// of 8 % of the square's side on each side. `None` when there is only paper.
///
/// The paper's colour is the most frequent colour of the border, so white drawings on dark paper
/// work as well. A picture whose border has no dominant colour is not a drawing on paper, and is
/// returned unchanged.
#[must_use]
pub fn trim_sketch(picture: &RgbImage) -> Option<RgbImage> {
    trimmed(picture).map(|outcome| match outcome {
        Trimmed::Unchanged => picture.clone(),
        Trimmed::Square(square) => square,
    })
}

/// Like [`trim_sketch`], without copying a picture that is returned unchanged.
pub(crate) fn trim(picture: RgbImage) -> Option<RgbImage> {
    match trimmed(&picture)? {
        Trimmed::Unchanged => Some(picture),
        Trimmed::Square(square) => Some(square),
    }
}

/// Returns the most bytes that trimming a picture of this size uses, with the work on the result.
pub(crate) fn memory(width: u32, height: u32) -> u64 {
    let longest = width.max(height);
    let side = u64::from(side_of_square(longest.min(LARGEST_DRAWING)));
    let picture = 3 * u64::from(width) * u64::from(height);
    // A larger drawing is cut out, and scaled down so that it is no larger than its square.
    let cut = if longest > LARGEST_DRAWING {
        picture + 3 * side * side
    } else {
        0
    };
    (picture + cut + 3 * side * side).max(HELD * side * side)
}

/// The result of trimming.
enum Trimmed {
    /// It is not a drawing on paper.
    Unchanged,
    Square(RgbImage),
}

fn trimmed(picture: &RgbImage) -> Option<Trimmed> {
    if picture.width() == 0 || picture.height() == 0 {
        return None;
    }
    let Some(paper) = paper_colour(picture) else {
        return Some(Trimmed::Unchanged);
    };
    let drawing = bounds_of_drawing(picture, paper)?;
    if drawing.width.max(drawing.height) <= LARGEST_DRAWING {
        return Some(Trimmed::Square(on_square(picture, &drawing, paper)));
    }
    let cut = imageops::crop_imm(
        picture,
        drawing.left,
        drawing.top,
        drawing.width,
        drawing.height,
    )
    .to_image();
    let reduced = reduced(&cut);
    drop(cut);
    let (width, height) = reduced.dimensions();
    let whole = Bounds {
        left: 0,
        top: 0,
        width,
        height,
    };
    Some(Trimmed::Square(on_square(&reduced, &whole, paper)))
}

/// Returns the side of the square for a drawing whose longer side is this long.
fn side_of_square(longest: u32) -> u32 {
    (f64::from(longest) / (1.0 - 2.0 * MARGIN)).round() as u32
}

/// Returns the mean of the colour that dominates the border; `None` when less than half of the
/// border has it.
fn paper_colour(picture: &RgbImage) -> Option<Rgb<u8>> {
    let border = border_pixels(picture);
    // Colours are counted in bins of 16 values per channel. A bin may split the paper's noise, so
    // its mean is only a first guess, and the paper is everything near it.
    let box_of = |pixel: Rgb<u8>| {
        pixel
            .0
            .iter()
            .fold(0, |key, &value| key << 4 | usize::from(value >> 4))
    };
    let mut counts = vec![0_u32; 1 << 12];
    for &pixel in &border {
        counts[box_of(pixel)] += 1;
    }
    let fullest = counts
        .iter()
        .enumerate()
        .max_by_key(|&(_, &count)| count)
        .map(|(key, _)| key)?;
    let guess = mean(
        border
            .iter()
            .copied()
            .filter(|&pixel| box_of(pixel) == fullest),
    )?;
    let near: Vec<Rgb<u8>> = border
        .iter()
        .copied()
        .filter(|&pixel| is_paper(pixel, guess))
        .collect();
    if (near.len() as f64) < LEAST_PAPER * border.len() as f64 {
        return None;
    }
    mean(near.into_iter())
}

/// Returns the outermost rows and columns. If the picture has only one row or column, corners count
/// twice, which changes nothing.
fn border_pixels(picture: &RgbImage) -> Vec<Rgb<u8>> {
    let (right, bottom) = (picture.width() - 1, picture.height() - 1);
    let rows = (0..=right).flat_map(|x| [(x, 0), (x, bottom)]);
    let columns = (0..=bottom).flat_map(|y| [(0, y), (right, y)]);
    rows.chain(columns)
        .map(|(x, y)| *picture.get_pixel(x, y))
        .collect()
}

fn mean(pixels: impl Iterator<Item = Rgb<u8>>) -> Option<Rgb<u8>> {
    let mut sums = [0_u64; 3];
    let mut count = 0;
    for pixel in pixels {
        for (sum, &value) in sums.iter_mut().zip(&pixel.0) {
            *sum += u64::from(value);
        }
        count += 1;
    }
    (count > 0).then(|| Rgb(sums.map(|sum| ((sum + count / 2) / count) as u8)))
}

fn is_paper(pixel: Rgb<u8>, paper: Rgb<u8>) -> bool {
    pixel
        .0
        .iter()
        .zip(&paper.0)
        .all(|(&value, &paper)| value.abs_diff(paper) <= TOLERANCE)
}

struct Bounds {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

/// Returns the smallest box around everything that is not paper.
fn bounds_of_drawing(picture: &RgbImage, paper: Rgb<u8>) -> Option<Bounds> {
    let width = picture.width() as usize;
    let empty = paper.0.repeat(width);
    // From the first drawn column to the last; while `left > right`, nothing is drawn yet.
    let (mut left, mut right) = (width, 0);
    let (mut top, mut bottom) = (None, 0);
    for (y, row) in picture.as_raw().chunks_exact(width * 3).enumerate() {
        // One pass over the bytes without a branch shows whether the row has any drawing.
        let farthest = row
            .iter()
            .zip(&empty)
            .map(|(value, paper)| value.abs_diff(*paper))
            .fold(0, u8::max);
        if farthest <= TOLERANCE {
            continue;
        }
        top = top.or(Some(y));
        bottom = y;
        // Search only outside of the known box.
        let (pixels, _) = row.as_chunks::<3>();
        let is_drawn = |pixel: &[u8; 3]| !is_paper(Rgb(*pixel), paper);
        left = pixels[..left].iter().position(is_drawn).unwrap_or(left);
        right += pixels[right..].iter().rposition(is_drawn).unwrap_or(0);
    }
    let top = top?;
    Some(Bounds {
        left: left as u32,
        top: top as u32,
        width: (right - left + 1) as u32,
        height: (bottom - top + 1) as u32,
    })
}

/// Scales a drawing larger than [`LARGEST_DRAWING`] down to it.
fn reduced(drawing: &RgbImage) -> RgbImage {
    let longest = drawing.width().max(drawing.height());
    let scaled = |length: u32| {
        ((f64::from(length) * f64::from(LARGEST_DRAWING) / f64::from(longest)).round() as u32)
            .max(1)
    };
    resize_whole(
        drawing,
        FilterType::CatmullRom,
        scaled(drawing.width()),
        scaled(drawing.height()),
    )
}

/// Copies the drawing to the middle of a square of paper.
fn on_square(picture: &RgbImage, drawing: &Bounds, paper: Rgb<u8>) -> RgbImage {
    let side = side_of_square(drawing.width.max(drawing.height));
    let mut square = RgbImage::from_pixel(side, side, paper);
    let bytes = |pixels: u32| pixels as usize * 3;
    let (left, top) = ((side - drawing.width) / 2, (side - drawing.height) / 2);
    let rows = picture
        .as_raw()
        .chunks_exact(bytes(picture.width()))
        .skip(drawing.top as usize);
    let targets = square.chunks_exact_mut(bytes(side)).skip(top as usize);
    for (target, row) in targets.zip(rows).take(drawing.height as usize) {
        target[bytes(left)..][..bytes(drawing.width)]
            .copy_from_slice(&row[bytes(drawing.left)..][..bytes(drawing.width)]);
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Rgb<u8> = Rgb([20, 20, 20]);

    fn pad(paper: Rgb<u8>, ink: Rgb<u8>) -> RgbImage {
        let mut pad = RgbImage::from_pixel(900, 600, paper);
        for x in 100..310 {
            for y in [50, 51, 148, 149] {
                pad.put_pixel(x, y, ink);
            }
        }
        pad
    }

    #[test]
    fn the_drawing_is_centred_with_a_margin() {
        for (paper, ink) in [(Rgb([255; 3]), INK), (Rgb([30, 30, 40]), Rgb([230; 3]))] {
            let trimmed = trim_sketch(&pad(paper, ink)).expect("there is a drawing");
            assert_eq!(trimmed.dimensions(), (250, 250));
            assert_eq!(*trimmed.get_pixel(19, 75), paper);
            assert_eq!(*trimmed.get_pixel(20, 75), ink);
            assert_eq!(*trimmed.get_pixel(229, 75), ink);
            assert_eq!(*trimmed.get_pixel(230, 75), paper);
            assert_eq!(*trimmed.get_pixel(20, 74), paper);
            assert_eq!(*trimmed.get_pixel(20, 174), ink);
            assert_eq!(*trimmed.get_pixel(20, 175), paper);
        }
    }

    #[test]
    fn noise_on_the_paper_is_paper_and_faint_pencil_is_not() {
        let noisy = |x: u32, y: u32| Rgb([244 + ((x * 7 + y * 13) % 12) as u8; 3]);
        let mut paper = RgbImage::from_fn(300, 200, noisy);
        assert!(trim_sketch(&paper).is_none());
        for x in 150..192 {
            paper.put_pixel(x, 90, Rgb([215; 3]));
        }
        let trimmed = trim_sketch(&paper).expect("a pencil line");
        assert_eq!(trimmed.dimensions(), (50, 50));
    }

    #[test]
    fn an_empty_pad_gives_none() {
        assert!(trim_sketch(&RgbImage::from_pixel(900, 600, Rgb([255; 3]))).is_none());
        assert!(trim_sketch(&RgbImage::from_pixel(1, 1, Rgb([9, 9, 9]))).is_none());
        assert!(trim_sketch(&RgbImage::new(0, 0)).is_none());
    }

    #[test]
    fn a_line_that_touches_the_border_is_not_paper() {
        let mut pad = RgbImage::from_pixel(400, 400, Rgb([255; 3]));
        for y in 0..400 {
            pad.put_pixel(0, y, INK);
        }
        assert_eq!(trim_sketch(&pad).expect("a line").dimensions(), (476, 476));
    }

    #[test]
    fn a_photograph_is_not_trimmed() {
        let photo = RgbImage::from_fn(120, 80, |x, y| {
            Rgb([(x * 2) as u8, (y * 3) as u8, ((x + y) % 256) as u8])
        });
        assert_eq!(trim_sketch(&photo), Some(photo));
    }

    #[test]
    fn a_very_long_line_gives_a_small_square() {
        let mut long = RgbImage::from_pixel(60_000, 3, Rgb([255; 3]));
        for x in 1..59_999 {
            long.put_pixel(x, 1, INK);
        }
        let trimmed = trim_sketch(&long).expect("a line");
        assert!(trimmed.width() <= 2500 && trimmed.width() == trimmed.height());
    }
}
