//! Brush strokes over a painted picture, in one direction.

use crate::plane::{Plane, distance2, mix, smooth_step};
use crate::take::Strokes;

/// The lightness that a bristle adds or removes.
const BRISTLE: f32 = 0.035;

/// Draws strokes: colours are drawn out along the direction up to the next edge, and bristles vary
/// the lightness. `unit` is the picture's side in 512ths.
#[must_use]
pub fn draw_strokes(picture: &Plane, strokes: Strokes, amount: f32, unit: f32) -> Plane {
    let strength = strokes.strength * amount;
    if strength < 0.02 {
        return picture.clone();
    }
    let reach = (strokes.length * unit).round().max(1.0) as isize;
    let wave = 1.0 / (70.0 * unit);
    picture.map(|x, y, own| {
        // The hand is not quite steady.
        let swing = 0.35 * ((x as f32 * 0.7 + y as f32) * wave).sin();
        let (across, down) = ((strokes.angle + swing).cos(), (strokes.angle + swing).sin());
        let (mut sum, mut total) = (own, 1.0);
        let (mut bristle, mut count) = (noise(x as isize, y as isize, unit), 1.0);
        for way in [-1.0f32, 1.0] {
            for step in 1..=reach {
                let (u, v) = (
                    x as f32 + way * step as f32 * across,
                    y as f32 + way * step as f32 * down,
                );
                let (column, row) = (u.round() as isize, v.round() as isize);
                let colour = picture.at(column, row);
                // A stroke ends at an edge.
                let alike = 1.0 - smooth_step(0.002, 0.012, distance2(own, colour));
                if alike <= 0.0 {
                    break;
                }
                for channel in 0..3 {
                    sum[channel] += alike * colour[channel];
                }
                total += alike;
                bristle += noise(column, row, unit);
                count += 1.0;
            }
        }
        let drawn = sum.map(|value| value / total);
        let colour = mix(own, drawn, strength.min(1.0));
        // The mean of many is small, so it is scaled by the root of their number.
        let relief = BRISTLE * strength * bristle / f32::sqrt(count);
        [(colour[0] + relief).clamp(0.02, 0.99), colour[1], colour[2]]
    })
}

/// White noise, -1 to 1, in cells of the size of a bristle.
fn noise(x: isize, y: isize, unit: f32) -> f32 {
    let cell = unit.round().max(1.0) as isize;
    let (x, y) = (x.div_euclid(cell) as u32, y.div_euclid(cell) as u32);
    let mut hash = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x2C1B_3C6D);
    hash ^= hash >> 12;
    hash = hash.wrapping_mul(0x297A_2D39);
    hash ^= hash >> 15;
    (hash >> 8) as f32 / (1 << 23) as f32 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much neighbours differ across and along a direction.
    fn differences(picture: &Plane) -> (f32, f32) {
        let (mut right, mut below) = (0.0, 0.0);
        for y in 0..picture.height as isize - 1 {
            for x in 0..picture.width as isize - 1 {
                let own = picture.at(x, y)[0];
                right += (picture.at(x + 1, y)[0] - own).abs();
                below += (picture.at(x, y + 1)[0] - own).abs();
            }
        }
        (right, below)
    }

    #[test]
    fn strokes_run_in_their_direction_and_stop_at_edges() {
        let plain = Plane::filled(120, 120, [0.5, 0.0, 0.0])
            .map(|x, _, colour| if x < 60 { [0.2, 0.1, 0.0] } else { colour });
        let along = |angle| Strokes {
            angle,
            length: 8.0,
            strength: 1.0,
        };
        let (right, below) = differences(&draw_strokes(&plain, along(0.0), 1.0, 1.0));
        assert!(below > 1.3 * right, "across {right}, along {below}");
        let upright = std::f32::consts::FRAC_PI_2;
        let drawn = draw_strokes(&plain, along(upright), 1.0, 1.0);
        let (right, below) = differences(&drawn);
        assert!(right > 1.3 * below, "across {right}, along {below}");
        for y in 0..120 {
            assert!(drawn.at(59, y)[1] > 0.09 && drawn.at(60, y)[1] < 0.01);
        }
        assert_eq!(draw_strokes(&plain, along(0.0), 0.0, 1.0), plain);
    }
}
