//! Pixel operations that vector drawing cannot do: glow, halftone, grain.

use image::RgbImage;

use crate::seed::noise;

/// Red, green and blue as light, 0 to 1, in rows.
pub(crate) type Light = Vec<[f32; 3]>;

/// Converts a picture to light.
pub(crate) fn light(picture: &RgbImage) -> Light {
    picture
        .pixels()
        .map(|pixel| pixel.0.map(|part| f32::from(part) / 255.0))
        .collect()
}

/// Converts light to a picture, clamped to white.
pub(crate) fn picture_of(light: &[[f32; 3]], width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(
            light[(y * width + x) as usize]
                .map(|part| (part * 255.0).round().clamp(0.0, 255.0) as u8),
        )
    })
}

/// Blurs so that a point becomes a soft spot with a radius of about this many pixels (three box
/// blurs).
pub(crate) fn blurred(light: &[[f32; 3]], width: usize, height: usize, radius: usize) -> Light {
    let mut here = light.to_vec();
    let mut next = here.clone();
    for _ in 0..3 {
        for row in 0..height {
            box_blur(&here, &mut next, row * width, 1, width, radius);
        }
        for column in 0..width {
            box_blur(&next, &mut here, column, width, height, radius);
        }
    }
    here
}

/// Blurs one line with a box; beyond its ends, the last value continues.
fn box_blur(
    from: &[[f32; 3]],
    to: &mut [[f32; 3]],
    start: usize,
    step: usize,
    count: usize,
    radius: usize,
) {
    let at = |index: isize| from[start + step * index.clamp(0, count as isize - 1) as usize];
    let reach = radius as isize;
    let share = 1.0 / (2 * radius + 1) as f32;
    let mut sum = [0.0; 3];
    for index in -reach..=reach {
        let value = at(index);
        for part in 0..3 {
            sum[part] += value[part];
        }
    }
    for index in 0..count {
        to[start + step * index] = sum.map(|part| part * share);
        let (gone, come) = (at(index as isize - reach), at(index as isize + reach + 1));
        for part in 0..3 {
            sum[part] += come[part] - gone[part];
        }
    }
}

/// Returns how much ink a halftone screen prints at a pixel for this tone (0 bare paper to 1 full
/// ink). `cell` is the distance of the dots in pixels, `angle` the rotation of the screen in
/// radians.
pub(crate) fn screen(x: f32, y: f32, cell: f32, angle: f32, tone: f32) -> f32 {
    if tone <= 0.01 {
        return 0.0;
    }
    let (sine, cosine) = angle.sin_cos();
    let turn = std::f32::consts::TAU / cell;
    let (across, down) = (
        (x * cosine + y * sine) * turn,
        (y * cosine - x * sine) * turn,
    );
    let height = 0.5 - (across.cos() + down.cos()) / 4.0;
    // The slope of the dots is about pi/2 per cell: one pixel of soft edge.
    let edge = 0.8 / cell;
    ((tone - height) / (2.0 * edge) + 0.5).clamp(0.0, 1.0)
}

/// Adds the grain of paper to the picture, with `strength` as a share of full light.
pub(crate) fn grain(picture: &mut RgbImage, seed: u64, strength: f32) {
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (x, y) = (x as f32, y as f32);
        let rough = noise(seed, x * 0.9, y * 0.9) * 0.7 + noise(seed ^ 7, x / 3.0, y / 3.0) * 0.3;
        let change = rough * strength * 255.0;
        pixel.0 = pixel
            .0
            .map(|part| (f32::from(part) + change).round().clamp(0.0, 255.0) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_the_light() {
        let mut spot = vec![[0.0; 3]; 31 * 31];
        spot[15 * 31 + 15] = [1.0, 0.5, 0.25];
        let soft = blurred(&spot, 31, 31, 2);
        let sum: f32 = soft.iter().map(|pixel| pixel[0]).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        assert!(soft[15 * 31 + 15][0] < 0.2);
        assert!(soft[15 * 31 + 18][1] > 0.0);
    }

    #[test]
    fn a_screen_lays_more_ink_for_a_darker_tone() {
        let ink = |tone: f32| -> f32 {
            let places = (0..900).map(|place| (place % 30, place / 30));
            places
                .map(|(x, y)| screen(x as f32, y as f32, 6.0, 0.785, tone))
                .sum::<f32>()
                / 900.0
        };
        let laid: Vec<f32> = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(ink).to_vec();
        assert!(laid.is_sorted(), "{laid:?}");
        assert!(laid[0] == 0.0 && laid[5] > 0.97, "{laid:?}");
    }
}
