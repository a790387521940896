//! Pads bases that are not square for the model, and crops its answers.

use bytes::Bytes;
use clippy_common::run_blocking;
use clippy_imaging::{DecodeLimits, decode};
use image::{RgbImage, imageops};

use crate::contract::{GenerateError, Generation};
use crate::providers::google::models::Autosquare;
use crate::providers::shared::outgoing::EncodedPicture;

/// Pads a picture to a square with black around it, which in a mask means unchanged.
pub fn pad(autosquare: Autosquare, picture: &RgbImage) -> RgbImage {
    let side = picture.width().max(picture.height());
    if autosquare == Autosquare::Off || picture.width() == picture.height() {
        return picture.clone();
    }
    let mut square = RgbImage::new(side, side);
    let (x, y) = ((side - picture.width()) / 2, (side - picture.height()) / 2);
    imageops::replace(&mut square, picture, i64::from(x), i64::from(y));
    square
}

/// Crops the padding off the answer to an edit. Returns every other answer unchanged.
///
/// # Errors
/// [`crate::FailureClass::MaybeCharged`] when the answer is not a picture.
pub async fn crop(
    autosquare: Autosquare,
    generation: &Generation,
    bytes: Bytes,
) -> Result<Bytes, GenerateError> {
    let edited = generation
        .base
        .as_deref()
        .filter(|_| generation.mask.is_some());
    let Some((width, height)) = edited
        .map(RgbImage::dimensions)
        .filter(|(width, height)| autosquare == Autosquare::Expand && width != height)
    else {
        return Ok(bytes);
    };
    let crop = move || {
        let square = decode(&bytes, &DecodeLimits::bulk()).map_err(|error| {
            GenerateError::maybe_charged(format!("the provider sent no readable picture ({error})"))
        })?;
        let side = square.width().min(square.height());
        let length = |own: u32| {
            ((u64::from(side) * u64::from(own) / u64::from(width.max(height))) as u32).max(1)
        };
        let (wide, high) = (length(width), length(height));
        let (x, y) = ((square.width() - wide) / 2, (square.height() - high) / 2);
        let part = imageops::crop_imm(&*square, x, y, wide, high).to_image();
        Ok(Bytes::from(EncodedPicture::png(&part)?.bytes))
    };
    run_blocking(crop, |error| {
        GenerateError::permanent(format!("the picture could not be cropped: {error}"))
    })
    .await
}
