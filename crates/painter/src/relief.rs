//! The height map of a drawing's regions.

use crate::label::BACKGROUND;
use crate::plane::Plane;

/// Computes the height map of each region: the square root of the solution of Poisson's equation,
/// at a quarter of the size.
pub fn inflate(labels: &[u16], ink: &[f32], width: usize, height: usize) -> Vec<f32> {
    let (columns, rows) = ((width / 4).max(2), (height / 4).max(2));
    let free: Vec<bool> = (0..columns * rows)
        .map(|index| {
            let (x, y) = (4 * (index % columns), 4 * (index / columns));
            let first = labels[y * width + x];
            first != BACKGROUND
                && (0..16).all(|k| {
                    let at = (y + k / 4).min(height - 1) * width + (x + k % 4).min(width - 1);
                    labels[at] == first && ink[at] < 0.5
                })
        })
        .collect();
    let mut pressure = vec![0.0f32; free.len()];
    for _ in 0..160 {
        for y in 1..rows - 1 {
            for x in 1..columns - 1 {
                let index = y * columns + x;
                if free[index] {
                    let sum = pressure[index - 1]
                        + pressure[index + 1]
                        + pressure[index - columns]
                        + pressure[index + columns];
                    pressure[index] += 1.85 * (0.25 * (sum + 0.02) - pressure[index]);
                }
            }
        }
    }
    let roots = Plane {
        width: columns,
        height: rows,
        pixels: pressure
            .iter()
            .map(|p| [p.max(0.0).sqrt(), 0.0, 0.0])
            .collect(),
    };
    let roots = roots.blur(0.8);
    let top = roots
        .pixels
        .iter()
        .map(|value| value[0])
        .fold(1e-3, f32::max);
    (0..width * height)
        .map(|index| {
            roots.sample(
                (index % width) as f32 / 4.0 - 0.375,
                (index / width) as f32 / 4.0 - 0.375,
            )[0] / top
        })
        .collect()
}
