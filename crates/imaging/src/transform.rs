//! open_clip's image transform: resize, crop, normalise.
//!
//! Source: `open_clip/transform.py` (`image_transform`, evaluation branch) of open_clip_torch 3.3,
//! with torchvision's `Resize` and `CenterCrop` on Pillow pictures.

use clippy_core::embedding::{ImageTransform, Interpolation, ModelPixels, ResizeMode};
use clippy_core::{Error, Result};
use fast_image_resize::FilterType;
use image::{GrayImage, RgbImage};

use crate::resize::{Region, Source, resize_into};

/// The value that open_clip pads with in the mode `longest` (`fill_color`, 0 unless a configuration
/// changes it).
const FILL: u8 = 0;

/// Scales and crops a picture to a model's square input.
///
/// Only what remains after the crop is computed, so a picture of 1 x 60,000 pixels costs no more
/// than another. A picture without pixels gives a square of the fill colour.
#[must_use]
pub fn transform(transform: &ImageTransform, picture: &RgbImage) -> ModelPixels {
    ModelPixels {
        side: transform.side,
        rgb: squared(transform, Source::rgb(picture)),
    }
}

/// Like [`transform`], for a picture whose three channels are equal: they are scaled once.
#[must_use]
pub fn transform_grey(transform: &ImageTransform, picture: &GrayImage) -> ModelPixels {
    let grey = squared(transform, Source::grey(picture));
    ModelPixels {
        side: transform.side,
        rgb: grey.into_iter().flat_map(|value| [value; 3]).collect(),
    }
}

/// Returns the square's pixels, with as many channels as the source has.
fn squared(transform: &ImageTransform, source: Source<'_>) -> Vec<u8> {
    let side = transform.side;
    let mut square = vec![FILL; side as usize * side as usize * source.channels()];
    if side > 0 && source.width > 0 && source.height > 0 {
        let filter = match transform.interpolation {
            Interpolation::Bicubic => FilterType::CatmullRom,
            Interpolation::Bilinear => FilterType::Bilinear,
        };
        match transform.resize_mode {
            ResizeMode::Shortest => shortest(source, side, filter, &mut square),
            ResizeMode::Longest => longest(source, side, filter, &mut square),
            ResizeMode::Squash => scale(source, whole(source), filter, (side, side), &mut square),
        }
    }
    square
}

/// Computes `(value / 255 - mean) / std` for every value. The result is `pixels.len()` pictures of
/// three planes (red, green, blue) of `side * side` floats: the layout NCHW, in single precision,
/// as torchvision's `ToTensor` and `Normalize` compute it.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when some pixels are not of the transform's side.
pub fn normalise(transform: &ImageTransform, pixels: &[ModelPixels]) -> Result<Vec<f32>> {
    let side = transform.side as usize;
    let plane = side * side;
    let tables: [[f32; 256]; 3] = std::array::from_fn(|channel| {
        std::array::from_fn(|value| {
            (value as f32 / 255.0 - transform.mean[channel]) / transform.std[channel]
        })
    });
    let mut planes = vec![0.0; pixels.len() * plane * 3];
    if plane == 0 {
        return Ok(planes);
    }
    for (picture, target) in pixels.iter().zip(planes.chunks_exact_mut(plane * 3)) {
        if picture.side != transform.side || picture.rgb.len() != plane * 3 {
            return Err(Error::invalid(format!(
                "the pixels are {} x {} with {} values, but the model takes {side} x {side} in RGB",
                picture.side,
                picture.side,
                picture.rgb.len()
            )));
        }
        let (red, rest) = target.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        let targets = red.iter_mut().zip(green).zip(blue);
        for (((red, green), blue), values) in targets.zip(picture.rgb.as_chunks::<3>().0) {
            *red = tables[0][usize::from(values[0])];
            *green = tables[1][usize::from(values[1])];
            *blue = tables[2][usize::from(values[2])];
        }
    }
    Ok(planes)
}

/// Does the same as torchvision's `Resize(side)` and then `CenterCrop(side)`.
fn shortest(source: Source<'_>, side: u32, filter: FilterType, target: &mut [u8]) {
    let Source { width, height, .. } = source;
    let long =
        |long: u32, short: u32| (u64::from(side) * u64::from(long)) as f64 / f64::from(short);
    // `int(...)`, which drops the fraction.
    let (scaled_width, scaled_height) = if width <= height {
        (f64::from(side), long(height, width).trunc())
    } else {
        (long(width, height).trunc(), f64::from(side))
    };
    let (per_column, per_row) = (
        f64::from(width) / scaled_width,
        f64::from(height) / scaled_height,
    );
    let side = f64::from(side);
    // `int(round((size - side) / 2.0))`: Python rounds halves to the even neighbour.
    let left = ((scaled_width - side) / 2.0).round_ties_even();
    let top = ((scaled_height - side) / 2.0).round_ties_even();
    let region = Region {
        left: left * per_column,
        top: top * per_row,
        width: side * per_column,
        height: side * per_row,
    };
    scale(source, region, filter, (side as u32, side as u32), target);
}

/// Does the same as open_clip's `ResizeKeepRatio(side, longest=1)` and then
/// `CenterCropOrPad(side)`.
fn longest(source: Source<'_>, side: u32, filter: FilterType, target: &mut [u8]) {
    let Source { width, height, .. } = source;
    let channels = source.channels();
    let ratio = f64::from(width.max(height)) / f64::from(side);
    // A very thin picture would round to no pixels, at which open_clip fails; here it keeps one
    // row.
    let scaled =
        |length: u32| ((f64::from(length) / ratio).round_ties_even() as u32).clamp(1, side);
    let (scaled_width, scaled_height) = (scaled(width), scaled(height));

    let mut small = vec![0; scaled_width as usize * scaled_height as usize * channels];
    scale(
        source,
        whole(source),
        filter,
        (scaled_width, scaled_height),
        &mut small,
    );
    let (left, top) = (
        ((side - scaled_width) / 2) as usize * channels,
        ((side - scaled_height) / 2) as usize,
    );
    let (row, target_row) = (scaled_width as usize * channels, side as usize * channels);
    for (source, target) in small
        .chunks_exact(row)
        .zip(target.chunks_exact_mut(target_row).skip(top))
    {
        target[left..left + row].copy_from_slice(source);
    }
}

fn whole(source: Source<'_>) -> Region {
    Region {
        left: 0.0,
        top: 0.0,
        width: source.width.into(),
        height: source.height.into(),
    }
}

fn scale(
    source: Source<'_>,
    region: Region,
    filter: FilterType,
    size: (u32, u32),
    target: &mut [u8],
) {
    let outcome = resize_into(source, region, filter, size, target);
    // Every region above lies in the picture and every buffer has the right size, so the scaler
    // cannot fail.
    debug_assert!(outcome.is_ok(), "{outcome:?}");
}
