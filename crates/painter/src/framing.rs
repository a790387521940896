//! Places the content of a picture anew: smaller, larger or moved, on its own ground.

use crate::appearance::{Appearance, plate_of};
use crate::cutout::Cutout;
use crate::plane::{Lab, Plane, chroma, mix, smooth_step};
use crate::take::{Frame, Take};

/// A figure may fill this share of the picture's width and height before it is cut.
const ROOM: f32 = 0.88;
/// How strong the light on the background is.
const LIGHT: f32 = 0.07;

/// Frames a picture anew, and returns it with the share of each pixel that belongs to the figure,
/// from 0 to 1. A larger or moved figure takes its surroundings with it; a smaller one is set into
/// its own ground, which still fills the picture. The caller mirrors the picture before.
#[must_use]
pub fn framed(picture: &Plane, look: &Appearance, frame: Frame) -> (Plane, Vec<f32>) {
    let cut = Cutout::of(look);
    let placing = Placing::of(cut.bounds, frame, cut.is_clear);
    if placing.size < 1.0 {
        set_into_ground(picture, look, &cut, &placing)
    } else {
        moved(picture, look, &placing)
    }
}

/// Where the figure comes from and goes to.
struct Placing {
    from: (f32, f32),
    to: (f32, f32),
    size: f32,
}

impl Placing {
    fn of([left, top, right, bottom]: [f32; 4], frame: Frame, is_clear: bool) -> Self {
        let from = (0.5 * (left + right), 0.5 * (top + bottom));
        let (across, down) = ((right - left).max(0.05), (bottom - top).max(0.05));
        // A figure that fits is not cut, neither by its size nor by its place.
        let most = (ROOM / across).min(ROOM / down).max(1.0);
        let least = if is_clear { 0.0 } else { 1.0 };
        let size = frame.size.max(least).min(most);
        let place = |shift: f32, middle: f32, side: f32| {
            let room = (0.5 * (0.9 - size * side)).max(0.0);
            let wanted = (middle + shift).max(0.5 - room).min(0.5 + room);
            if size < 1.0 {
                return wanted;
            }
            // The picture still fills all of the new one.
            wanted.max(1.0 - (1.0 - middle) * size).min(middle * size)
        };
        Self {
            from,
            to: (
                place(frame.shift.0, from.0, across),
                place(frame.shift.1, from.1, down),
            ),
            size,
        }
    }

    /// The position in the original of a position in the new picture.
    fn source(&self, u: f32, v: f32) -> (f32, f32) {
        (
            self.from.0 + (u - self.to.0) / self.size,
            self.from.1 + (v - self.to.1) / self.size,
        )
    }
}

/// A value of a map of the reference's size, at a position from 0 to 1.
fn value_at(map: &[f32], look: &Appearance, u: f32, v: f32) -> f32 {
    let (width, height) = (look.plane.width, look.plane.height);
    let column = ((u * width as f32).max(0.0) as usize).min(width - 1);
    let row = ((v * height as f32).max(0.0) as usize).min(height - 1);
    map[row * width + column]
}

fn moved(picture: &Plane, look: &Appearance, placing: &Placing) -> (Plane, Vec<f32>) {
    let (width, height) = (picture.width as f32, picture.height as f32);
    let source =
        |x: usize, y: usize| placing.source((x as f32 + 0.5) / width, (y as f32 + 0.5) / height);
    let plane = picture.map(|x, y, _| {
        let (u, v) = source(x, y);
        picture.sample(u * width - 0.5, v * height - 0.5)
    });
    let figure = (0..picture.pixels.len()).map(|index| {
        let (u, v) = source(index % picture.width, index / picture.width);
        value_at(&look.figure, look, u, v)
    });
    let figure = figure.collect();
    (plane, figure)
}

fn set_into_ground(
    picture: &Plane,
    look: &Appearance,
    cut: &Cutout,
    placing: &Placing,
) -> (Plane, Vec<f32>) {
    let (width, height) = (picture.width as f32, picture.height as f32);
    let map = |values: &[f32]| Plane {
        width: look.plane.width,
        height: look.plane.height,
        pixels: values.iter().map(|value| [*value, 0.0, 0.0]).collect(),
    };
    // A seam of the figure's own surroundings comes along, and fades into the ground.
    let seam = map(&look.figure).blur(look.plane.width as f32 * 0.012);
    // Parts of the figure that were not recognised must not stay where it was.
    let known = known_outside(look, cut.bounds);
    let plate = plate_of(&look.plane, &known);
    let known = map(&known);
    let at = |plane: &Plane, u: f32, v: f32| {
        let (x, y) = (u * plane.width as f32, v * plane.height as f32);
        plane.sample(x - 0.5, y - 0.5)
    };
    let share = |x: usize, y: usize| {
        let (u, v) = placing.source((x as f32 + 0.5) / width, (y as f32 + 0.5) / height);
        if (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v) {
            smooth_step(0.06, 0.5, at(&seam, u, v)[0])
        } else {
            0.0
        }
    };
    let smooth = picture.blur(0.4 / placing.size);
    let plane = picture.map(|x, y, own| {
        let (u, v) = ((x as f32 + 0.5) / width, (y as f32 + 0.5) / height);
        let (from_u, from_v) = placing.source(u, v);
        let ground = look
            .ground
            .unwrap_or_else(|| mix(at(&plate, u, v), own, at(&known, u, v)[0]));
        mix(ground, at(&smooth, from_u, from_v), share(x, y))
    });
    let figure = (0..picture.pixels.len())
        .map(|index| share(index % picture.width, index / picture.width))
        .collect();
    (plane, figure)
}

/// How certainly each pixel is ground, 0 to 1: nothing in the figure's box is.
fn known_outside(look: &Appearance, [left, top, right, bottom]: [f32; 4]) -> Vec<f32> {
    let (width, height) = (look.plane.width as f32, look.plane.height as f32);
    let (across, down) = (
        left * width - 1.0..right * width,
        top * height - 1.0..bottom * height,
    );
    let outside = |index: usize| {
        let (x, y) = (index % look.plane.width, index / look.plane.width);
        !(across.contains(&(x as f32)) && down.contains(&(y as f32)))
    };
    let known = look.known.iter().enumerate();
    known
        .map(|(index, known)| if outside(index) { *known } else { 0.0 })
        .collect()
}

/// Lights the ground for a take. `figure` is 0 where the ground is. Grey pictures stay grey, and
/// dark grounds are not darkened further. `amount` is from 0, no change, to 1.
#[must_use]
pub fn lit(picture: &Plane, figure: &[f32], take: &Take, amount: f32) -> Plane {
    let mean_chroma = picture
        .pixels
        .iter()
        .map(|colour| chroma(*colour))
        .sum::<f32>()
        / picture.pixels.len().max(1) as f32;
    let colourful = smooth_step(0.004, 0.02, mean_chroma);
    let (width, height) = (picture.width as f32, picture.height as f32);
    picture.map(|x, y, colour| {
        let ground = 1.0 - figure[y * picture.width + x];
        if ground <= 0.0 {
            return colour;
        }
        let (u, v) = (x as f32 / width - 0.5, y as f32 / height - 0.5);
        let slope = LIGHT * 2.0 * (u * take.light.0 + v * take.light.1);
        let own = tinted(colour, take.tint, slope, colourful);
        mix(colour, own, ground * amount)
    })
}

fn tinted(colour: Lab, tint: Lab, slope: f32, colourful: f32) -> Lab {
    // A dark ground gets lighter where a light one gets darker.
    let turn = smooth_step(0.2, 0.55, colour[0]);
    let lightness = colour[0] + tint[0] * (2.0 * turn - 1.0) + slope;
    [
        lightness.clamp(0.03, 0.985),
        colour[1] + tint[1] * colourful,
        colour[2] + tint[2] * colourful,
    ]
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    /// A dark disc left of the middle of a light ground.
    fn disc() -> RgbImage {
        RgbImage::from_fn(160, 160, |x, y| {
            let (x, y) = (x as f32 - 60.0, y as f32 - 80.0);
            let inside = x * x + y * y < 900.0;
            Rgb(if inside {
                [150, 20, 20]
            } else {
                [240, 235, 220]
            })
        })
    }

    fn centre(plane: &Plane) -> (f32, f32, usize) {
        let dark: Vec<usize> = (0..plane.pixels.len())
            .filter(|index| plane.pixels[*index][0] < 0.6)
            .collect();
        let count = dark.len().max(1) as f32;
        let x: usize = dark.iter().map(|index| index % plane.width).sum();
        let y: usize = dark.iter().map(|index| index / plane.width).sum();
        (x as f32 / count, y as f32 / count, dark.len())
    }

    #[test]
    fn a_figure_is_moved_and_scaled_but_not_cut_or_repeated() {
        let picture = disc();
        let look = Appearance::of(&picture, 160, 160);
        let plane = Plane::from_rgb(&picture);
        let (x, y, area) = centre(&plane);
        let frame = |size, right| Frame {
            size,
            shift: (right, 0.0),
            mirrored: false,
        };
        let (same, _) = framed(&plane, &look, frame(1.0, 0.0));
        let (u, v, _) = centre(&same);
        assert!((u - x).abs() < 1.0 && (v - y).abs() < 1.0, "{u} {v}");
        let (small, _) = framed(&plane, &look, frame(0.5, 0.3));
        let (u, _, part) = centre(&small);
        assert!(u > x + 30.0, "{u}");
        let ratio = part as f32 / area as f32;
        assert!((0.2..0.32).contains(&ratio), "one small disc: {ratio}");
        for size in [1.5, 4.0] {
            let (large, _) = framed(&plane, &look, frame(size, 0.2));
            let at = |x: usize, y: usize| large.pixels[y * 160 + x][0];
            for step in 0..160 {
                let edges = [at(step, 0), at(0, step), at(159, step), at(step, 159)];
                assert!(
                    edges.iter().all(|edge| *edge > 0.6),
                    "cut at a size of {size}"
                );
            }
        }
    }
}
