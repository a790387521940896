//! Gives the subject of a picture the colour that the prompt names. Only the subject's main colour
//! changes, with its lit and shaded parts: an apple gets red, and its leaf stays green.

use crate::colour_words::subject_colour;
use crate::palette::{cluster, nearest};
use crate::plane::{Lab, Plane, chroma, mix, smooth_step};
use crate::recolouring::{Change, paint_share, paper_share};

/// The number of colours that the subject is sorted into to find its main colour.
const COLOURS: usize = 6;
/// Colours of less chroma are greys.
const GREY: f32 = 0.045;
/// Angles between hues in radians: up to the first, two colours are tones of one; from the second
/// on, they are different colours.
const SAME_HUE: (f32, f32) = (0.5, 0.9);
/// A subject whose main colour is as close as this to the named one already has it: the angle
/// between the hues, the difference in lightness, and the share of its chroma.
const HAS_COLOUR: (f32, f32, f32) = (0.3, 0.22, 0.75);
/// A subject of which at least this share is paper is an uncoloured drawing.
const UNCOLOURED: f32 = 0.3;
/// The smallest share of a picture that is taken for its subject.
const LEAST: f32 = 0.01;

/// The colour of a picture's subject.
pub struct Accent {
    colour: Lab,
    /// For every pixel, how much of it has the subject's main colour, 0 to 1.
    weights: Vec<f32>,
    /// Whether the subject is an uncoloured drawing, whose areas are filled.
    fills: bool,
}

impl Accent {
    /// Finds what is to have the colour that the prompt names for its subject. `figure` is the share
    /// of each pixel that belongs to the subject. `None` if the prompt names no colour for it, or if
    /// the subject cannot be told from its ground.
    #[must_use]
    pub fn of(picture: &Plane, figure: &[f32], prompt: &str) -> Option<Self> {
        let named = subject_colour(prompt)?.colour;
        let weights = |weight: &dyn Fn(Lab) -> f32| -> Vec<f32> {
            let pixels = picture.pixels.iter().zip(figure);
            pixels
                .map(|(pixel, share)| share * weight(*pixel))
                .collect()
        };
        let paper = weights(&paper_share);
        let (area, all) = (paper.iter().sum::<f32>(), figure.iter().sum::<f32>());
        if all < LEAST * figure.len() as f32 {
            return None;
        }
        if area >= UNCOLOURED * all {
            return Some(Self {
                colour: named,
                weights: paper,
                fills: true,
            });
        }
        let main = main_colour(picture, figure)?;
        Some(Self {
            colour: if is_like(main, named) { main } else { named },
            weights: weights(&|pixel| likeness(pixel, main)),
            fills: false,
        })
    }

    /// The picture with the subject in this colour.
    #[must_use]
    pub fn applied(&self, picture: &Plane) -> Plane {
        let weighted = picture.pixels.iter().zip(&self.weights);
        let change = Change::new(
            weighted.map(|(pixel, weight)| (*pixel, *weight)),
            self.colour,
        );
        picture.map(|x, y, pixel| {
            let weight = self.weights[y * picture.width + x];
            if weight <= 0.0 {
                pixel
            } else if self.fills {
                mix(pixel, self.colour.map(|value| value * pixel[0]), weight)
            } else {
                mix(pixel, change.apply(pixel), weight)
            }
        })
    }
}

/// The colour of most of the subject; vivid colours count more than greys.
fn main_colour(picture: &Plane, figure: &[f32]) -> Option<Lab> {
    let inside: Vec<Lab> = picture
        .pixels
        .iter()
        .zip(figure)
        .filter(|(pixel, share)| **share > 0.6 && paint_share(pixel[0]) > 0.4)
        .map(|(pixel, _)| *pixel)
        .collect();
    if inside.is_empty() {
        return None;
    }
    let centres = cluster(&inside, COLOURS);
    let mut counts = vec![0_u32; centres.len()];
    for pixel in &inside {
        counts[nearest(&centres, *pixel)] += 1;
    }
    // Tones of one colour count together.
    let score = |own: &Lab| {
        let alike = centres.iter().zip(&counts);
        let area: f32 = alike
            .map(|(centre, count)| *count as f32 * likeness(*centre, *own))
            .sum();
        area * (0.3 + chroma(*own).min(0.15) / 0.15)
    };
    centres
        .iter()
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .copied()
}

/// How much a colour is a tone of the main colour, 0 to 1.
fn likeness(colour: Lab, main: Lab) -> f32 {
    if chroma(main) < GREY {
        let apart = 1.0 - smooth_step(0.25, 0.45, (colour[0] - main[0]).abs());
        return apart * (1.0 - smooth_step(GREY, 2.0 * GREY, chroma(colour)));
    }
    let same = 1.0 - smooth_step(SAME_HUE.0, SAME_HUE.1, angle(colour, main));
    same * smooth_step(0.015, GREY, chroma(colour))
}

/// Whether a subject of this main colour is already of the named colour.
fn is_like(main: Lab, named: Lab) -> bool {
    let light = (main[0] - named[0]).abs() < HAS_COLOUR.1;
    match (chroma(main) < GREY, chroma(named) < 0.03) {
        (true, true) => light,
        (false, false) => {
            let strong = chroma(main) >= HAS_COLOUR.2 * chroma(named);
            light && strong && angle(main, named) < HAS_COLOUR.0
        }
        _ => false,
    }
}

/// The angle between two hues in radians, 0 to π.
fn angle(one: Lab, other: Lab) -> f32 {
    let off = (one[2].atan2(one[1]) - other[2].atan2(other[1])).abs();
    off.min(std::f32::consts::TAU - off)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::plane::to_rgb;

    const GROUND: Rgb<u8> = Rgb([250, 248, 240]);
    const LEAF: Rgb<u8> = Rgb([60, 150, 50]);

    /// A shaded disc with a leaf, on paper, and its figure.
    fn fruit(paint: impl Fn(u8) -> Rgb<u8>) -> (Plane, Vec<f32>) {
        let inside = |x: u32, y: u32| (x as f32 - 50.0).hypot(y as f32 - 55.0) < 32.0;
        let is_leaf = |x: u32, y: u32| (50..64).contains(&x) && (12..24).contains(&y);
        let picture = RgbImage::from_fn(100, 100, |x, y| {
            if is_leaf(x, y) {
                LEAF
            } else if inside(x, y) {
                paint(y as u8 - 20)
            } else {
                GROUND
            }
        });
        let figure = (0..100 * 100)
            .map(|index| (index % 100, index / 100))
            .map(|(x, y)| f32::from(u8::from(inside(x, y) || is_leaf(x, y))))
            .collect();
        (Plane::from_rgb(&picture), figure)
    }

    fn painted(paint: impl Fn(u8) -> Rgb<u8>, prompt: &str) -> Option<RgbImage> {
        let (plane, figure) = fruit(paint);
        let accent = Accent::of(&plane, &figure, prompt)?;
        Some(accent.applied(&plane).to_rgb())
    }

    fn purple(shade: u8) -> Rgb<u8> {
        Rgb([150 - shade, 60 - shade / 2, 180 - shade])
    }

    fn grey(shade: u8) -> Rgb<u8> {
        Rgb([170 - shade; 3])
    }

    #[test]
    fn the_main_colour_becomes_the_named_one_and_the_rest_stays() {
        for paint in [purple, grey] {
            let made = painted(paint, "a red apple").expect("a red apple");
            let [red, green, blue] = made.get_pixel(50, 50).0;
            assert!(red > green + 60 && red > blue + 40, "{red} {green} {blue}");
            let light = |y| made.get_pixel(50, y).0[0];
            assert!(light(30) > light(80), "the shade is lost");
            let [red, green, _] = made.get_pixel(56, 18).0;
            assert!(green > red + 40, "the leaf is no longer green");
            assert_eq!(*made.get_pixel(5, 5), GROUND);
        }
    }

    #[test]
    fn a_subject_that_has_the_colour_keeps_its_own_tone() {
        let own = |shade: u8| Rgb([200 - shade, 40, 50]);
        let (plane, _) = fruit(own);
        let made = painted(own, "a red apple").expect("a red apple");
        let before = to_rgb(plane.pixels[50 * 100 + 50]).0;
        let after = made.get_pixel(50, 50).0;
        let apart = before.iter().zip(after).map(|(a, b)| a.abs_diff(b)).max();
        assert!(apart < Some(20), "{before:?} {after:?}");
    }

    #[test]
    fn an_uncoloured_drawing_is_filled() {
        let ink = |shade: u8| {
            if shade < 14 {
                Rgb([20; 3])
            } else {
                Rgb([252; 3])
            }
        };
        let (plane, figure) = fruit(ink);
        // Its leaf is no part of it here.
        let figure: Vec<f32> = (0..figure.len())
            .map(|index| if index / 100 < 24 { 0.0 } else { figure[index] })
            .collect();
        let accent = Accent::of(&plane, &figure, "a yellow lemon").expect("filled");
        let made = accent.applied(&plane).to_rgb();
        let [red, green, blue] = made.get_pixel(50, 60).0;
        assert!(
            red > 180 && green > 180 && blue < 140,
            "{red} {green} {blue}"
        );
        assert!(made.get_pixel(50, 30).0[0] < 60, "the line");
        assert_eq!(*made.get_pixel(5, 5), GROUND);
    }

    #[test]
    fn without_a_colour_or_a_subject_nothing_changes() {
        assert!(painted(purple, "an apple under a red sky").is_none());
        let (plane, figure) = fruit(purple);
        let nothing = vec![0.0; figure.len()];
        assert!(Accent::of(&plane, &nothing, "a red apple").is_none());
    }
}
