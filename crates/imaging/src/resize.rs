//! Antialiased scaling of 8-bit pictures, as Pillow scales them.

use std::cell::RefCell;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{
    FilterType, PixelTrait, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer,
};
use image::{Luma, RgbImage};

/// The part of the source to take, in its pixels; fractions are allowed.
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
        Self {
            width: picture.width(),
            height: picture.height(),
            pixels: picture.as_raw(),
            kind: PixelType::U8x3,
        }
    }

    pub(crate) fn grey(picture: &'p image::ImageBuffer<Luma<u8>, Vec<u8>>) -> Self {
        Self {
            width: picture.width(),
            height: picture.height(),
            pixels: picture.as_raw(),
            kind: PixelType::U8,
        }
    }
}

impl Source<'_> {
    /// Bytes of a pixel.
    pub(crate) fn channels(self) -> usize {
        if self.kind == PixelType::U8 { 1 } else { 3 }
    }
}

thread_local! {
    // Keeps the buffer between the two passes, which would otherwise be allocated for every
    // picture.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// Most bytes that a thread's buffer may keep between pictures: enough for usual ones, so that one
/// huge picture does not hold memory for as long as the thread exists.
const KEPT_BUFFER: usize = 16 << 20;

/// Scales `region` of `source` to `width` x `height` pixels into `target`, which has exactly that
/// many.
///
/// Columns first, then rows, each rounded to bytes, as in Pillow: where a filter overshoots next to
/// a hard edge, the value is clamped to 0..255 between the two, so the order matters. Pixels of the
/// source outside the region still count where the filter reaches them, as with Pillow's
/// `resize(size, box=...)`. So a region gives the same pixels as scaling everything and cropping
/// afterwards.
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
    // By the pixel's type, so that the scaler is compiled for these two only.
    match source.kind {
        PixelType::U8x3 => in_two_steps::<U8x3>(source, region, filter, (width, height), target),
        PixelType::U8 => in_two_steps::<U8>(source, region, filter, (width, height), target),
        _ => Err(ResizeError::PixelTypesAreDifferent),
    }
}

fn in_two_steps<P: PixelTrait>(
    source: Source<'_>,
    region: Region,
    filter: FilterType,
    (width, height): (u32, u32),
    target: &mut [u8],
) -> Result<(), ResizeError> {
    let region_width = region.width.min(f64::from(source.width) - region.left);
    let region_height = region.height.min(f64::from(source.height) - region.top);
    // Only the rows that the second step reads.
    let reach = reach(filter) * (region_height / f64::from(height.max(1))).max(1.0);
    let first = (region.top - reach).floor().max(0.0) as u32;
    let last = ((region.top + region_height + reach).ceil() as u32).min(source.height);
    let rows = last.saturating_sub(first);

    let row_bytes = source.width as usize * size_of::<P>();
    let bytes = source
        .pixels
        .get(first as usize * row_bytes..last as usize * row_bytes)
        .unwrap_or_default();
    let view = TypedImageRef::<P>::from_buffer(source.width, rows, bytes).map_err(mismatch)?;
    let mut narrow = TypedImage::<P>::new(width, rows);
    run(
        &view,
        &mut narrow,
        filter,
        [region.left, 0.0, region_width, rows.into()],
    )?;
    let narrow = TypedImageRef::new(width, rows, narrow.pixels()).map_err(mismatch)?;
    let mut target = TypedImage::<P>::from_buffer(width, height, target).map_err(mismatch)?;
    run(
        &narrow,
        &mut target,
        filter,
        [
            0.0,
            region.top - f64::from(first),
            width.into(),
            region_height,
        ],
    )
}

/// Returns how many pixels a filter reads to each side, when nothing is scaled down.
fn reach(filter: FilterType) -> f64 {
    match filter {
        FilterType::CatmullRom => 2.0,
        FilterType::Bilinear => 1.0,
        // The widest filter that is used.
        _ => 3.0,
    }
}

fn mismatch<E>(_: E) -> ResizeError {
    ResizeError::PixelTypesAreDifferent
}

fn run<P: PixelTrait>(
    source: &TypedImageRef<'_, P>,
    target: &mut TypedImage<'_, P>,
    filter: FilterType,
    [left, top, width, height]: [f64; 4],
) -> Result<(), ResizeError> {
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(left, top, width, height);
    RESIZER.with_borrow_mut(|resizer| {
        let outcome = resizer.resize_typed(source, target, &options);
        if resizer.size_of_internal_buffers() > KEPT_BUFFER {
            resizer.reset_internal_buffers();
        }
        outcome
    })
}

/// Scales a whole picture. A size of zero gives an empty picture.
pub(crate) fn resize_whole(
    picture: &RgbImage,
    filter: FilterType,
    width: u32,
    height: u32,
) -> RgbImage {
    let mut target = RgbImage::new(width, height);
    let region = Region {
        left: 0.0,
        top: 0.0,
        width: picture.width().into(),
        height: picture.height().into(),
    };
    match resize_into(
        Source::rgb(picture),
        region,
        filter,
        (width, height),
        &mut target,
    ) {
        Ok(()) => target,
        // Cannot happen, since all sizes come from the pictures themselves. The slow scaler is
        // correct, too.
        Err(_) => image::imageops::resize(
            picture,
            width,
            height,
            image::imageops::FilterType::Lanczos3,
        ),
    }
}

/// Crops a picture to the ratio of `width` to `height`, around its middle, and scales it to that
/// size. Only what remains is computed, so memory and time depend only on the target, whatever the
/// picture's own ratio. A picture without pixels gives black.
#[must_use]
pub fn cover(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let mut target = RgbImage::new(width, height);
    if width == 0 || height == 0 || picture.width() == 0 || picture.height() == 0 {
        return target;
    }
    let (own_width, own_height) = (f64::from(picture.width()), f64::from(picture.height()));
    let per_pixel = (own_width / f64::from(width)).min(own_height / f64::from(height));
    let (wide, high) = (f64::from(width) * per_pixel, f64::from(height) * per_pixel);
    let (wide, high) = (wide.min(own_width), high.min(own_height));
    let region = Region {
        left: (own_width - wide) / 2.0,
        top: (own_height - high) / 2.0,
        width: wide,
        height: high,
    };
    let filter = if per_pixel > 1.0 {
        FilterType::Bilinear
    } else {
        FilterType::CatmullRom
    };
    let outcome = resize_into(
        Source::rgb(picture),
        region,
        filter,
        (width, height),
        &mut target,
    );
    // The region lies in the picture and the buffer has the right size, so the scaler cannot fail.
    debug_assert!(outcome.is_ok(), "{outcome:?}");
    target
}

/// Scales a whole picture to another size, with Lanczos' filter. A size of zero gives an empty
/// picture.
#[must_use]
pub fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    resize_whole(picture, FilterType::Lanczos3, width, height)
}

/// Makes a copy that is at most `side` pixels wide and high, with the same ratio; nothing is
/// enlarged.
#[must_use]
pub fn scaled_to(picture: &RgbImage, side: u32) -> RgbImage {
    let longest = picture.width().max(picture.height());
    if longest <= side {
        return picture.clone();
    }
    let length = |own: u32| ((u64::from(own) * u64::from(side)) / u64::from(longest)).max(1) as u32;
    resized(picture, length(picture.width()), length(picture.height()))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_middle_is_kept_at_any_ratio() {
        // A red line through the middle third, blue around it.
        let striped = RgbImage::from_fn(30, 90, |_, y| {
            if (30..60).contains(&y) {
                Rgb([250, 0, 0])
            } else {
                Rgb([0, 0, 250])
            }
        });
        let square = cover(&striped, 15, 15);
        assert_eq!(*square.get_pixel(7, 7), Rgb([250, 0, 0]));
        assert_eq!(*square.get_pixel(0, 3), Rgb([250, 0, 0]));
        assert_eq!(cover(&striped, 30, 90), striped);
        for (width, height) in [(1, 60_000), (60_000, 1), (1, 1), (3, 40_000)] {
            let thin = RgbImage::from_pixel(width, height, Rgb([9, 200, 90]));
            for (wide, high) in [(512, 512), (1448, 184), (184, 1448), (1, 7)] {
                let covered = cover(&thin, wide, high);
                assert_eq!(covered.dimensions(), (wide, high));
                assert!(
                    covered.pixels().all(|pixel| *pixel == Rgb([9, 200, 90])),
                    "{width} x {height}"
                );
            }
            assert!(
                scaled_to(&thin, 256)
                    .width()
                    .max(scaled_to(&thin, 256).height())
                    <= 256
            );
        }
        assert_eq!(cover(&RgbImage::new(0, 3), 2, 2).dimensions(), (2, 2));
    }
}
