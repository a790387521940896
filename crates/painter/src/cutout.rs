//! Tells whether the figure of a picture can be placed anew, and where it is.

use crate::appearance::Appearance;
use crate::plane::Plane;

/// A figure that lacks a larger share of the lines in the middle is not clear.
const MOST_LEFT_OUT: f32 = 0.4;
/// A difference in lightness that a line or an edge has.
const STEP: f32 = 0.12;

/// Where the figure of a picture is.
pub struct Cutout {
    /// The smallest rectangle around the figure: left, top, right, bottom, 0 to 1.
    pub bounds: [f32; 4],
    /// Whether the figure is known well enough to be set into its ground: it lies apart from the
    /// edges, is neither a speck nor most of the picture, and has most of the lines in the middle.
    pub is_clear: bool,
}

impl Cutout {
    /// Finds the figure.
    #[must_use]
    pub fn of(look: &Appearance) -> Self {
        let figure = &look.figure;
        let bounds = bounds_of(figure, look.plane.width, look.plane.height);
        let [left, top, right, bottom] = bounds;
        let share = figure.iter().sum::<f32>() / figure.len().max(1) as f32;
        let edge = left.min(top).min(1.0 - right).min(1.0 - bottom);
        let is_clear = (0.03..0.7).contains(&share)
            && edge > 0.015
            && left_out(&look.plane, figure) < MOST_LEFT_OUT;
        Self { bounds, is_clear }
    }
}

/// The share of the steps in lightness in the middle of the picture that the figure lacks. A figure of
/// which only parts were recognised lacks many.
fn left_out(plane: &Plane, figure: &[f32]) -> f32 {
    let (width, height) = (plane.width, plane.height);
    let (mut all, mut lacking) = (0.0_f32, 0.0_f32);
    for y in height / 5..height * 4 / 5 {
        for x in width / 4..width * 3 / 4 {
            let here = plane.at(x as isize, y as isize)[0];
            let right = plane.at(x as isize + 1, y as isize)[0];
            let below = plane.at(x as isize, y as isize + 1)[0];
            if (here - right).abs().max((here - below).abs()) > STEP {
                all += 1.0;
                lacking += 1.0 - figure[y * width + x];
            }
        }
    }
    lacking / all.max(1.0)
}

/// The smallest rectangle around a figure; the whole picture without one.
fn bounds_of(figure: &[f32], width: usize, height: usize) -> [f32; 4] {
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (index, _) in figure.iter().enumerate().filter(|(_, own)| **own > 0.5) {
        let (x, y) = (index % width, index / width);
        (left, right) = (left.min(x), right.max(x + 1));
        (top, bottom) = (top.min(y), bottom.max(y + 1));
    }
    if left >= right {
        return [0.0, 0.0, 1.0, 1.0];
    }
    let (width, height) = (width as f32, height as f32);
    [
        left as f32 / width,
        top as f32 / height,
        right as f32 / width,
        bottom as f32 / height,
    ]
}
