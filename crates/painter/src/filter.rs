//! A filter that smooths areas and keeps their edges.

use crate::plane::Plane;

/// Smooths within areas and sharpens between them: the filter of Kuwahara (1976).
#[must_use]
pub fn smooth_areas(picture: &Plane, reach: usize) -> Plane {
    let (width, height) = (picture.width, picture.height);
    // Summed-area table; the fourth value is the squared lightness, for the variance.
    let stride = width + 1;
    let mut sums = vec![[0.0f64; 4]; stride * (height + 1)];
    for y in 0..height {
        let mut row = [0.0f64; 4];
        for x in 0..width {
            let pixel = picture.pixels[y * width + x];
            for channel in 0..3 {
                row[channel] += f64::from(pixel[channel]);
            }
            row[3] += f64::from(pixel[0] * pixel[0]);
            for channel in 0..4 {
                sums[(y + 1) * stride + x + 1][channel] =
                    sums[y * stride + x + 1][channel] + row[channel];
            }
        }
    }
    picture.map(|x, y, own| {
        let mut best = (f64::MAX, own);
        for (left, top) in [
            (x.saturating_sub(reach), y.saturating_sub(reach)),
            (x, y.saturating_sub(reach)),
            (x.saturating_sub(reach), y),
            (x, y),
        ] {
            let right = if left == x {
                (x + reach).min(width - 1)
            } else {
                x
            } + 1;
            let bottom = if top == y {
                (y + reach).min(height - 1)
            } else {
                y
            } + 1;
            let size = ((right - left) * (bottom - top)) as f64;
            let total: [f64; 4] = std::array::from_fn(|channel| {
                sums[bottom * stride + right][channel]
                    - sums[top * stride + right][channel]
                    - sums[bottom * stride + left][channel]
                    + sums[top * stride + left][channel]
            });
            let variance = total[3] / size - (total[0] / size).powi(2);
            if variance < best.0 - 1e-9 {
                best = (
                    variance,
                    [
                        (total[0] / size) as f32,
                        (total[1] / size) as f32,
                        (total[2] / size) as f32,
                    ],
                );
            }
        }
        best.1
    })
}
