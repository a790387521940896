//! Converts every kind of decoded pixel to 8-bit RGB on white.

use image::ColorType;

const PAPER: u8 = 255;

/// Pixels that are converted at a time, through a copy, when source and target share a buffer.
const AT_ONCE: usize = 4096;

/// The kind of a decoder's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    /// 8 bits.
    Byte,
    /// 16 bits, the high byte at this place.
    Short {
        /// 0 or 1.
        high: usize,
    },
    /// 32-bit floating point in this machine's order, where 1 is full.
    Float,
}

/// The layout of a pixel's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// 1 for grey, 2 for grey and alpha, 3 for RGB, 4 for RGB and alpha.
    pub channels: usize,
    /// The kind of each sample.
    pub sample: Sample,
}

impl Layout {
    /// Returns the layout of the `image` crate's pixels, in this machine's byte order. `None` for a
    /// kind that it does not decode to today.
    pub(crate) fn of(kind: ColorType) -> Option<Self> {
        let sample = match kind {
            ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => Sample::Byte,
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
                Sample::Short {
                    high: usize::from(cfg!(target_endian = "little")),
                }
            }
            ColorType::Rgb32F | ColorType::Rgba32F => Sample::Float,
            _ => return None,
        };
        Some(Self {
            channels: kind.channel_count().into(),
            sample,
        })
    }

    /// Bytes of a pixel.
    pub(crate) fn bytes(self) -> usize {
        self.channels
            * match self.sample {
                Sample::Byte => 1,
                Sample::Short { .. } => 2,
                Sample::Float => 4,
            }
    }
}

/// Converts pixels to 8-bit RGB, with transparent ones laid on white. `target` has three bytes for
/// each pixel.
///
/// Channels of 16 bits keep their high byte, as Pillow reads them (`RGB;16B`), rather than being
/// rounded.
pub(crate) fn on_white(layout: Layout, source: &[u8], target: &mut [u8]) {
    match (layout.sample, layout.channels) {
        (Sample::Byte, 1) => convert(source, target, |&[grey]| [grey; 3]),
        (Sample::Byte, 2) => convert(source, target, |&[grey, alpha]| {
            [over_white(grey, alpha); 3]
        }),
        (Sample::Byte, 3) => target.copy_from_slice(source),
        (Sample::Byte, _) => convert(source, target, |&[red, green, blue, alpha]| {
            [
                over_white(red, alpha),
                over_white(green, alpha),
                over_white(blue, alpha),
            ]
        }),
        (Sample::Short { high: 0 }, channels) => shorts::<0>(channels, source, target),
        (Sample::Short { .. }, channels) => shorts::<1>(channels, source, target),
        (Sample::Float, 3) => convert(source, target, |pixel: &[u8; 12]| {
            let value = |at: usize| float(pixel, at);
            [value(0), value(1), value(2)]
        }),
        (Sample::Float, _) => convert(source, target, |pixel: &[u8; 16]| {
            let value = |at: usize| over_white(float(pixel, at), float(pixel, 3));
            [value(0), value(1), value(2)]
        }),
    }
}

fn shorts<const HIGH: usize>(channels: usize, source: &[u8], target: &mut [u8]) {
    match channels {
        1 => convert(source, target, |pixel: &[u8; 2]| [pixel[HIGH]; 3]),
        2 => convert(source, target, |pixel: &[u8; 4]| {
            [over_white(pixel[HIGH], pixel[2 + HIGH]); 3]
        }),
        3 => convert(source, target, |pixel: &[u8; 6]| {
            [pixel[HIGH], pixel[2 + HIGH], pixel[4 + HIGH]]
        }),
        _ => convert(source, target, |pixel: &[u8; 8]| {
            let value = |at: usize| over_white(pixel[2 * at + HIGH], pixel[6 + HIGH]);
            [value(0), value(1), value(2)]
        }),
    }
}

/// Reads and rounds one floating-point sample of a pixel.
fn float(pixel: &[u8], at: usize) -> u8 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&pixel[4 * at..4 * at + 4]);
    // NaN becomes 0.
    (f32::from_ne_bytes(bytes).clamp(0.0, 1.0) * 255.0).round() as u8
}

fn convert<const N: usize>(source: &[u8], target: &mut [u8], to_rgb: impl Fn(&[u8; N]) -> [u8; 3]) {
    for (target, pixel) in target
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(source.as_chunks::<N>().0)
    {
        *target = to_rgb(pixel);
    }
}

/// Like [`on_white`], within one buffer: `count` pixels at its start become RGB at its start. The
/// buffer has room for both.
pub(crate) fn on_white_in_place(layout: Layout, buffer: &mut [u8], count: usize) {
    let wide = layout.bytes();
    if wide == 3 && layout.sample == Sample::Byte {
        return;
    }
    let mut copy = vec![0; AT_ONCE.min(count) * wide];
    let mut part = |first: usize| {
        let number = AT_ONCE.min(count - first);
        let copy = &mut copy[..number * wide];
        copy.copy_from_slice(&buffer[first * wide..][..number * wide]);
        on_white(layout, copy, &mut buffer[first * 3..][..number * 3]);
    };
    // In the direction in which writing never overtakes reading.
    if wide >= 3 {
        (0..count).step_by(AT_ONCE).for_each(&mut part);
    } else {
        (0..count.div_ceil(AT_ONCE))
            .rev()
            .for_each(|chunk| part(chunk * AT_ONCE));
    }
}

/// Lays `value` on white, as Pillow's `paste` with a mask does: `BLEND` and `DIV255` of its
/// `ImagingUtils.h` round `x / 255` to the nearest without dividing.
fn over_white(value: u8, alpha: u8) -> u8 {
    let sum =
        u32::from(value) * u32::from(alpha) + u32::from(PAPER) * (255 - u32::from(alpha)) + 128;
    (((sum >> 8) + sum) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laying_on_white_rounds_to_the_nearest() {
        for value in 0..=255_u8 {
            for alpha in 0..=255_u8 {
                let share = f64::from(alpha) / 255.0;
                let exact = f64::from(value) * share + 255.0 * (1.0 - share);
                assert!(
                    (f64::from(over_white(value, alpha)) - exact).abs() <= 0.5 + 1e-9,
                    "{value} {alpha}"
                );
            }
        }
        assert_eq!((over_white(7, 255), over_white(7, 0)), (7, 255));
    }

    #[test]
    fn converting_in_place_and_into_another_buffer_give_the_same() {
        let count = 2 * AT_ONCE + 17;
        for sample in [
            Sample::Byte,
            Sample::Short { high: 0 },
            Sample::Short { high: 1 },
            Sample::Float,
        ] {
            for channels in 1..=4 {
                if sample == Sample::Float && channels < 3 {
                    continue;
                }
                let layout = Layout { channels, sample };
                let source: Vec<u8> = (0..count * layout.bytes())
                    .map(|at| (at * 37 % 251) as u8)
                    .collect();
                let mut apart = vec![0; count * 3];
                on_white(layout, &source, &mut apart);
                let mut shared = source.clone();
                shared.resize(source.len().max(count * 3), 0);
                on_white_in_place(layout, &mut shared, count);
                assert_eq!(shared[..count * 3], apart, "{layout:?}");
            }
        }
    }
}
