//! Every kind of decoded pixel to 8-bit RGB on white paper.

use image::{DynamicImage, RgbImage};

const PAPER: u8 = 255;

/// Turns a decoded picture into 8-bit RGB, with what is transparent laid on white.
///
/// Channels of 16 bits keep their high byte, as Pillow reads them (`RGB;16B`), rather than being rounded.
pub(crate) fn on_white(picture: DynamicImage) -> RgbImage {
    let (width, height) = (picture.width(), picture.height());
    let rgb = match picture {
        DynamicImage::ImageRgb8(picture) => return picture,
        DynamicImage::ImageLuma8(picture) => convert(picture.as_raw(), |&[grey]| [grey; 3]),
        DynamicImage::ImageLumaA8(picture) => convert(picture.as_raw(), |&[grey, alpha]| [over_white(grey, alpha); 3]),
        DynamicImage::ImageRgba8(picture) => convert(picture.as_raw(), |&[red, green, blue, alpha]| {
            [over_white(red, alpha), over_white(green, alpha), over_white(blue, alpha)]
        }),
        DynamicImage::ImageLuma16(picture) => convert(picture.as_raw(), |&[grey]| [high_byte(grey); 3]),
        DynamicImage::ImageLumaA16(picture) => {
            convert(picture.as_raw(), |&[grey, alpha]| [over_white(high_byte(grey), high_byte(alpha)); 3])
        }
        DynamicImage::ImageRgb16(picture) => {
            convert(picture.as_raw(), |&[red, green, blue]| [high_byte(red), high_byte(green), high_byte(blue)])
        }
        DynamicImage::ImageRgba16(picture) => convert(picture.as_raw(), |&[red, green, blue, alpha]| {
            let alpha = high_byte(alpha);
            [over_white(high_byte(red), alpha), over_white(high_byte(green), alpha), over_white(high_byte(blue), alpha)]
        }),
        // Floating point (TIFF only), where 1 is full: the picture library's own rounding, then as any other.
        other => {
            let picture = other.into_rgba8();
            convert(picture.as_raw(), |&[red, green, blue, alpha]| {
                [over_white(red, alpha), over_white(green, alpha), over_white(blue, alpha)]
            })
        }
    };
    // The buffer always has three bytes a pixel, so this never falls back.
    RgbImage::from_raw(width, height, rgb).unwrap_or_default()
}

fn convert<T, const N: usize>(samples: &[T], to_rgb: impl Fn(&[T; N]) -> [u8; 3]) -> Vec<u8> {
    let (pixels, _) = samples.as_chunks::<N>();
    let mut rgb = vec![0; pixels.len() * 3];
    for (target, pixel) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
        *target = to_rgb(pixel);
    }
    rgb
}

fn high_byte(value: u16) -> u8 {
    value.to_be_bytes()[0]
}

/// `value` over white by Pillow's `paste` with a mask: `BLEND` and `DIV255` of its `ImagingUtils.h`, which round
/// `x / 255` to the nearest without dividing.
fn over_white(value: u8, alpha: u8) -> u8 {
    let sum = u32::from(value) * u32::from(alpha) + u32::from(PAPER) * (255 - u32::from(alpha)) + 128;
    (((sum >> 8) + sum) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::over_white;

    #[test]
    fn laying_on_white_rounds_to_the_nearest() {
        for value in 0..=255_u8 {
            for alpha in 0..=255_u8 {
                let share = f64::from(alpha) / 255.0;
                let exact = f64::from(value) * share + 255.0 * (1.0 - share);
                assert!((f64::from(over_white(value, alpha)) - exact).abs() <= 0.5 + 1e-9, "{value} {alpha}");
            }
        }
        assert_eq!((over_white(7, 255), over_white(7, 0)), (7, 255));
    }
}
