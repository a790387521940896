//! Perceptual hashes: 64 bits that hardly change when a picture is scaled or saved again.
//!
//! Source: the DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash
//! Functions", 2010, in the variant of Python's `imagehash.phash`: grey, 32 x 32, two-dimensional
//! DCT-II, the 8 x 8 lowest frequencies (the mean included), one bit each for "above their median".

use std::f64::consts::PI;
use std::sync::LazyLock;

use fast_image_resize::FilterType;
use image::{GrayImage, RgbImage};

use crate::resize::{Region, Source, resize_into, resize_whole};

const SIDE: usize = 32;
const KEPT: usize = 8;

/// `cos(pi * k * (2 n + 1) / (2 * 32))` for the frequency `k` and the place `n`.
static COSINES: LazyLock<[[f64; SIDE]; KEPT]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        std::array::from_fn(|n| (PI * (k * (2 * n + 1)) as f64 / (2 * SIDE) as f64).cos())
    })
});

/// Returns the DCT hash of a picture. The first row of frequencies is in the highest byte, the mean
/// in the highest bit.
///
/// Two hashes of the same picture, scaled or saved again, differ in few bits (see [`hamming`]); up
/// to 8 is usually taken as "the same picture". A picture without pixels gives 0.
#[must_use]
pub fn perceptual_hash(picture: &RgbImage) -> u64 {
    if picture.width() == 0 || picture.height() == 0 {
        return 0;
    }
    let frequencies = low_frequencies(&small_grey(picture));
    let mut sorted = frequencies;
    sorted.sort_by(f64::total_cmp);
    let median = f64::midpoint(sorted[sorted.len() / 2 - 1], sorted[sorted.len() / 2]);
    frequencies
        .iter()
        .fold(0, |hash, &value| (hash << 1) | u64::from(value > median))
}

/// Returns the number of bits in which two hashes differ: 0 for the same, about 32 for unrelated
/// pictures.
#[must_use]
pub fn hamming(one: u64, other: u64) -> u32 {
    (one ^ other).count_ones()
}

/// Cells a side of [`appearance`].
const CELLS: u32 = 8;

/// Returns the mean colours of 8 x 8 cells, RGB, rows first: 192 bytes. A scaled or saved copy has
/// the same within a few steps; another picture, or the same drawing in other colours, does not.
/// Empty for a picture without pixels.
#[must_use]
pub fn appearance(picture: &RgbImage) -> Vec<u8> {
    if picture.width() == 0 || picture.height() == 0 {
        return Vec::new();
    }
    resize_whole(picture, FilterType::Box, CELLS, CELLS).into_raw()
}

fn small_grey(picture: &RgbImage) -> [u8; SIDE * SIDE] {
    // Pillow's `convert("L")`: ITU-R 601 with 16 fractional bits, rounded.
    let values = picture
        .as_raw()
        .as_chunks::<3>()
        .0
        .iter()
        .map(|&[red, green, blue]| {
            ((u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000)
                >> 16) as u8
        });
    let grey = GrayImage::from_raw(picture.width(), picture.height(), values.collect())
        .unwrap_or_default();
    let region = Region {
        left: 0.0,
        top: 0.0,
        width: grey.width().into(),
        height: grey.height().into(),
    };
    let mut small = [0; SIDE * SIDE];
    let outcome = resize_into(
        Source::grey(&grey),
        region,
        FilterType::Lanczos3,
        (SIDE as u32, SIDE as u32),
        &mut small,
    );
    debug_assert!(outcome.is_ok(), "{outcome:?}");
    small
}

/// Returns the 8 x 8 lowest frequencies, vertical ones along the rows of the result.
fn low_frequencies(grey: &[u8; SIDE * SIDE]) -> [f64; KEPT * KEPT] {
    let cosines = &*COSINES;
    let mut across = [[0.0; KEPT]; SIDE];
    for (target, row) in across.iter_mut().zip(grey.as_chunks::<SIDE>().0) {
        for (target, wave) in target.iter_mut().zip(cosines) {
            *target = row
                .iter()
                .zip(wave)
                .map(|(&value, &cosine)| f64::from(value) * cosine)
                .sum();
        }
    }
    std::array::from_fn(|at| {
        let (vertical, horizontal) = (at / KEPT, at % KEPT);
        across
            .iter()
            .zip(&cosines[vertical])
            .map(|(row, &cosine)| row[horizontal] * cosine)
            .sum()
    })
}
