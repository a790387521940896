//! Pictures in OKLab (Björn Ottosson, 2020), a colour space in which distances and mixtures match
//! what people see.

use image::{Rgb, RgbImage};
use rayon::prelude::*;

/// A colour: lightness from 0 to 1, then green-red and blue-yellow from about -0.4 to 0.4.
pub type Lab = [f32; 3];

/// A picture of OKLab pixels, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `width * height` colours.
    pub pixels: Vec<Lab>,
}

/// Converts sRGB to OKLab.
#[must_use]
pub fn to_lab(pixel: Rgb<u8>) -> Lab {
    let [r, g, b] = pixel.0.map(|channel| {
        let value = f32::from(channel) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// Converts OKLab to sRGB; colours outside of sRGB are clipped.
#[must_use]
pub fn to_rgb(colour: Lab) -> Rgb<u8> {
    let l = (colour[0] + 0.396_337_78 * colour[1] + 0.215_803_76 * colour[2]).powi(3);
    let m = (colour[0] - 0.105_561_346 * colour[1] - 0.063_854_17 * colour[2]).powi(3);
    let s = (colour[0] - 0.089_484_18 * colour[1] - 1.291_485_5 * colour[2]).powi(3);
    let gamma = |value: f32| {
        let value = value.clamp(0.0, 1.0);
        let value = if value <= 0.003_130_8 {
            12.92 * value
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (value * 255.0 + 0.5) as u8
    };
    Rgb([
        gamma(4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s),
        gamma(-1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s),
        gamma(-0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s),
    ])
}

/// The squared distance of two colours.
#[inline]
#[must_use]
pub fn distance2(a: Lab, b: Lab) -> f32 {
    let (l, m, s) = (a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    l * l + m * m + s * s
}

/// Mixes two colours: `a` at a share of 0, `b` at 1.
#[inline]
#[must_use]
pub fn mix(a: Lab, b: Lab, share: f32) -> Lab {
    [
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        a[2] + (b[2] - a[2]) * share,
    ]
}

/// Colourfulness.
#[inline]
#[must_use]
pub fn chroma(colour: Lab) -> f32 {
    (colour[1] * colour[1] + colour[2] * colour[2]).sqrt()
}

/// 0 below `low`, 1 above `high`, smooth between.
#[inline]
#[must_use]
pub fn smooth_step(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

impl Plane {
    /// A picture of one colour.
    #[must_use]
    pub fn filled(width: usize, height: usize, colour: Lab) -> Self {
        Self {
            width,
            height,
            pixels: vec![colour; width * height],
        }
    }

    /// Converts an sRGB picture.
    #[must_use]
    pub fn from_rgb(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let pixels = picture
            .as_raw()
            .par_chunks(3)
            .map(|p| to_lab(Rgb([p[0], p[1], p[2]])))
            .collect();
        Self {
            width,
            height,
            pixels,
        }
    }

    /// Converts to an sRGB picture.
    #[must_use]
    pub fn to_rgb(&self) -> RgbImage {
        let bytes: Vec<u8> = self
            .pixels
            .par_iter()
            .flat_map_iter(|colour| to_rgb(*colour).0)
            .collect();
        RgbImage::from_raw(self.width as u32, self.height as u32, bytes)
            .expect("three bytes a pixel")
    }

    /// The mean colour.
    #[must_use]
    pub fn mean(&self) -> Lab {
        let mut sum = [0.0f64; 3];
        for pixel in &self.pixels {
            for channel in 0..3 {
                sum[channel] += f64::from(pixel[channel]);
            }
        }
        sum.map(|value| (value / self.pixels.len().max(1) as f64) as f32)
    }

    /// The colour at a position; outside of the picture, the nearest pixel's.
    #[inline]
    #[must_use]
    pub fn at(&self, x: isize, y: isize) -> Lab {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.pixels[y * self.width + x]
    }

    /// The bilinearly interpolated colour at a position, in pixels from the first pixel's centre.
    #[must_use]
    pub fn sample(&self, x: f32, y: f32) -> Lab {
        let (left, top) = (x.floor(), y.floor());
        let (ix, iy) = (left as isize, top as isize);
        let upper = mix(self.at(ix, iy), self.at(ix + 1, iy), x - left);
        let lower = mix(self.at(ix, iy + 1), self.at(ix + 1, iy + 1), x - left);
        mix(upper, lower, y - top)
    }

    /// Replaces every pixel by a function of its x, y and colour.
    #[must_use]
    pub fn map(&self, change: impl Fn(usize, usize, Lab) -> Lab + Sync) -> Self {
        let width = self.width;
        let pixels = self
            .pixels
            .par_iter()
            .enumerate()
            .map(|(i, colour)| change(i % width, i / width, *colour))
            .collect();
        Self {
            width,
            height: self.height,
            pixels,
        }
    }

    /// Applies a Gaussian blur; `sigma` is in pixels.
    #[must_use]
    pub fn blur(&self, sigma: f32) -> Self {
        let reach = (sigma * 2.5) as isize;
        if reach < 1 {
            return self.clone();
        }
        let kernel: Vec<f32> = (-reach..=reach)
            .map(|x| (-((x * x) as f32) / (2.0 * sigma * sigma)).exp())
            .collect();
        let sum: f32 = kernel.iter().sum();
        let pass = |from: &Self, dx: isize, dy: isize| {
            from.map(|x, y, _| {
                let mut total = [0.0; 3];
                for (index, weight) in kernel.iter().enumerate() {
                    let step = index as isize - reach;
                    let colour = from.at(x as isize + step * dx, y as isize + step * dy);
                    for channel in 0..3 {
                        total[channel] += weight * colour[channel];
                    }
                }
                total.map(|value| value / sum)
            })
        };
        pass(&pass(self, 1, 0), 0, 1)
    }

    /// Scales to half the width and height, by averaging.
    #[must_use]
    pub fn half(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let source = self;
        Self::filled(width, height, [0.0; 3]).map(|x, y, _| {
            let (x, y) = (2 * x as isize, 2 * y as isize);
            let upper = mix(source.at(x, y), source.at(x + 1, y), 0.5);
            mix(
                upper,
                mix(source.at(x, y + 1), source.at(x + 1, y + 1), 0.5),
                0.5,
            )
        })
    }

    /// Scales to a `times`th of the width and height, rounded up, by averaging.
    #[must_use]
    pub fn shrunk(&self, times: usize) -> Self {
        if times < 2 {
            return self.clone();
        }
        let (width, height) = (self.width.div_ceil(times), self.height.div_ceil(times));
        let share = 1.0 / (times * times) as f32;
        let source = self;
        Self::filled(width, height, [0.0; 3]).map(|x, y, _| {
            let mut sum = [0.0; 3];
            for part in 0..times * times {
                let (column, row) = (x * times + part % times, y * times + part / times);
                let colour = source.at(column as isize, row as isize);
                for channel in 0..3 {
                    sum[channel] += share * colour[channel];
                }
            }
            sum
        })
    }

    /// The part `(x, y, width, height)`; outside of the picture, the edge pixels are repeated.
    #[must_use]
    pub fn crop(&self, x: isize, y: isize, width: usize, height: usize) -> Self {
        let source = self;
        Self::filled(width, height, [0.0; 3])
            .map(|column, row, _| source.at(column as isize + x, row as isize + y))
    }
}

/// A small, fast random number generator with the same numbers on every machine (xorshift64*).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03);
        if chance.0 == 0 {
            chance.0 = 1;
        }
        chance.next();
        chance.next();
        chance
    }

    /// 32 random bits.
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32
    }

    /// A random number from 0, inclusive, to 1, exclusive.
    pub fn share(&mut self) -> f32 {
        (self.next() >> 8) as f32 / (1 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converting_to_oklab_and_back_keeps_the_colour() {
        for rgb in [
            [0, 0, 0],
            [255, 255, 255],
            [255, 0, 0],
            [12, 200, 99],
            [250, 128, 3],
        ] {
            assert_eq!(to_rgb(to_lab(Rgb(rgb))).0, rgb);
        }
    }
}
