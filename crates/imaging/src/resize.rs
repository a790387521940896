//! Antialiased scaling of 8-bit pictures, as Pillow scales them.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer};
use image::{Luma, RgbImage};

/// Where to take from in the source, in its pixels; fractions are allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Region {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// A plain buffer of pixels, rows first.
#[derive(Clone, Copy)]
pub(crate) struct Source<'p> {
    pub width: u32,
    pub height: u32,
    pub pixels: &'p [u8],
    pub kind: PixelType,
}

impl<'p> Source<'p> {
    pub(crate) fn rgb(picture: &'p RgbImage) -> Self {
        Self { width: picture.width(), height: picture.height(), pixels: picture.as_raw(), kind: PixelType::U8x3 }
    }

    pub(crate) fn grey(picture: &'p image::ImageBuffer<Luma<u8>, Vec<u8>>) -> Self {
        Self { width: picture.width(), height: picture.height(), pixels: picture.as_raw(), kind: PixelType::U8 }
    }
}

thread_local! {
    // It keeps the buffer between the two passes, which would otherwise be allocated for every picture.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// What the buffer of a thread may keep between pictures, in bytes: enough for usual ones, so that one huge picture
/// does not hold memory for as long as the thread lives.
const KEPT_BUFFER: usize = 16 << 20;

/// Scales `region` of `source` to `width` x `height` pixels into `target`, which has exactly that many.
///
/// Pixels of the source outside the region still count where the filter reaches them, as with Pillow's
/// `resize(size, box=...)`; so a region gives the same pixels as scaling everything and cropping afterwards.
///
/// # Errors
/// When a buffer does not have its size, or the region leaves the source.
pub(crate) fn resize_into(
    source: Source<'_>,
    region: Region,
    filter: FilterType,
    (width, height): (u32, u32),
    target: &mut [u8],
) -> Result<(), ResizeError> {
    let mismatch = |_| ResizeError::PixelTypesAreDifferent;
    let view = ImageRef::new(source.width, source.height, source.pixels, source.kind).map_err(mismatch)?;
    let mut view_of_target = Image::from_slice_u8(width, height, target, source.kind).map_err(mismatch)?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(
        region.left,
        region.top,
        region.width.min(f64::from(source.width) - region.left),
        region.height.min(f64::from(source.height) - region.top),
    );
    RESIZER.with_borrow_mut(|resizer| {
        let outcome = resizer.resize(&view, &mut view_of_target, &options);
        if resizer.size_of_internal_buffers() > KEPT_BUFFER {
            resizer.reset_internal_buffers();
        }
        outcome
    })
}

/// Scales a whole picture. A size of zero gives an empty picture.
pub(crate) fn resize_whole(picture: &RgbImage, filter: FilterType, width: u32, height: u32) -> RgbImage {
    let mut target = RgbImage::new(width, height);
    let region = Region { left: 0.0, top: 0.0, width: picture.width().into(), height: picture.height().into() };
    match resize_into(Source::rgb(picture), region, filter, (width, height), &mut target) {
        Ok(()) => target,
        // Cannot happen: all sizes come from the pictures themselves. The slow scaler is right as well.
        Err(_) => image::imageops::resize(picture, width, height, image::imageops::FilterType::Lanczos3),
    }
}
