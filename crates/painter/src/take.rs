//! What sets the pictures of one run apart: their composition, light, palette and strokes. The
//! seed alone decides it, and consecutive seeds never decide the same.

use crate::input::Reference;
use crate::plane::Lab;

/// The number of takes; seeds further apart may share a composition.
const TAKES: u64 = 8;
/// A reference of at least this share of the heaviest one's weight may lead.
const LEADS: f32 = 0.75;
/// The share of its weight that a reference keeps while another one of about its weight leads.
const FOLLOWS: f32 = 0.3;

/// The choices that a seed makes for one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Take {
    /// The number of this take, for choices from a list.
    pub number: usize,
    /// Where the subject is, and how large.
    pub frame: Frame,
    /// The change of the background's colour: lightness, green-red, blue-yellow.
    pub tint: Lab,
    /// From where the background is lit: its lightness changes along this direction.
    pub light: (f32, f32),
    /// The size of the references while patches are cut from them: large ones give coarse texture.
    pub grain: f32,
    /// The strokes.
    pub strokes: Strokes,
}

/// The place of a picture's content in the new picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Its size, relative to the original.
    pub size: f32,
    /// How far it is moved to the right and down, in widths and heights of the picture.
    pub shift: (f32, f32),
    /// Whether left and right are swapped.
    pub mirrored: bool,
}

/// Brush strokes over a painted picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strokes {
    /// Their direction in radians.
    pub angle: f32,
    /// Their half length, in 512ths of the picture's side.
    pub length: f32,
    /// How visible they are, 0 to 1.
    pub strength: f32,
}

/// Size, shift to the right, shift down, mirrored.
const FRAMES: [(f32, f32, f32, bool); TAKES as usize] = [
    (1.0, 0.0, 0.0, false),
    (0.76, -0.15, 0.09, true),
    (1.3, 0.04, 0.02, false),
    (0.7, 0.17, 0.12, false),
    (1.1, -0.07, -0.03, true),
    (0.84, 0.1, -0.03, true),
    (1.45, -0.04, 0.05, true),
    (0.64, -0.02, 0.16, false),
];
/// Noon, evening, morning, shade, sun, dusk, mist and warm light.
const TINTS: [Lab; TAKES as usize] = [
    [0.0, 0.0, 0.0],
    [-0.156, 0.042, 0.054],
    [-0.072, -0.03, -0.054],
    [-0.24, -0.006, -0.036],
    [-0.048, -0.006, 0.072],
    [-0.312, 0.036, -0.054],
    [-0.096, -0.06, 0.018],
    [-0.108, 0.06, 0.0],
];
const LIGHTS: [(f32, f32); TAKES as usize] = [
    (0.0, 0.0),
    (0.7, -0.7),
    (-0.9, -0.3),
    (0.0, -1.0),
    (-0.7, 0.7),
    (0.0, 1.0),
    (1.0, 0.0),
    (-0.5, -0.8),
];
const GRAINS: [f32; 3] = [1.0, 0.8, 1.15];
/// Angle, half length, strength.
const STROKES: [(f32, f32, f32); TAKES as usize] = [
    (0.6, 5.0, 0.35),
    (-0.8, 9.0, 0.8),
    (0.1, 7.0, 0.55),
    (1.5, 11.0, 0.9),
    (0.9, 4.0, 0.25),
    (-0.3, 12.0, 1.0),
    (-1.2, 6.0, 0.5),
    (0.4, 8.0, 0.7),
];

impl Take {
    /// The choices of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let number = (seed % TAKES) as usize;
        let (size, right, down, mirrored) = FRAMES[number];
        let (angle, length, strength) = STROKES[number];
        // Runs with seeds far apart differ, too.
        let turn = (seed / TAKES % 5) as f32;
        Self {
            number,
            frame: Frame {
                size,
                shift: (right, down),
                mirrored,
            },
            tint: TINTS[number],
            light: LIGHTS[number],
            grain: GRAINS[(seed % GRAINS.len() as u64) as usize],
            strokes: Strokes {
                angle: angle + 0.23 * turn,
                length,
                strength,
            },
        }
    }

    /// This take without its composition, for pictures whose content has its place.
    #[must_use]
    pub fn in_place(self) -> Self {
        Self {
            frame: Frame {
                size: 1.0,
                shift: (0.0, 0.0),
                mirrored: false,
            },
            ..self
        }
    }
}

/// Whether a reference of this weight leads in some pictures of a run. `heaviest` is the weight of
/// the heaviest reference of the same role.
#[must_use]
pub fn may_lead(weight: f32, heaviest: f32) -> bool {
    weight >= LEADS * heaviest
}

/// The references with their weights for one picture. Those of about the same weight take turns at
/// leading; a clearly heavier one always leads.
pub fn with_lead<'a>(references: &[Reference<'a>], seed: u64) -> Vec<Reference<'a>> {
    let heaviest = references
        .iter()
        .map(|reference| reference.weight)
        .fold(0.0, f32::max);
    let is_candidate = |reference: &Reference<'_>| may_lead(reference.weight, heaviest);
    let candidates = references.iter().filter(|r| is_candidate(r)).count();
    if candidates < 2 {
        return references.to_vec();
    }
    let lead = (seed % candidates as u64) as usize;
    let mut seen = 0;
    references
        .iter()
        .map(|reference| {
            if !is_candidate(reference) {
                return *reference;
            }
            seen += 1;
            let share = if seen - 1 == lead { 1.0 } else { FOLLOWS };
            // The lead is as heavy as the heaviest, so that a turn does not weaken the style.
            let weight = if share < 1.0 {
                reference.weight * share
            } else {
                heaviest
            };
            Reference {
                weight,
                ..*reference
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn consecutive_seeds_make_other_choices_and_a_seed_always_the_same() {
        for seed in [0, 7, 4_242, u64::MAX - 9] {
            let takes: Vec<Take> = (seed..seed + 8).map(Take::of).collect();
            for (index, one) in takes.iter().enumerate() {
                assert_eq!(*one, Take::of(seed + index as u64));
                for other in &takes[..index] {
                    assert!(one.frame != other.frame && one.tint != other.tint);
                    assert_ne!(one.strokes, other.strokes);
                }
            }
        }
    }

    #[test]
    fn references_of_one_weight_take_turns_and_a_heavier_one_always_leads() {
        let picture = RgbImage::new(1, 1);
        let reference = |weight| Reference {
            picture: &picture,
            weight,
        };
        let lead = |references: &[Reference<'_>], seed| {
            let weights: Vec<f32> = with_lead(references, seed)
                .iter()
                .map(|reference| reference.weight)
                .collect();
            (0..weights.len())
                .max_by(|a, b| weights[*a].total_cmp(&weights[*b]))
                .expect("a lead")
        };
        let equal = [reference(0.6), reference(0.6), reference(0.5)];
        assert_eq!([3, 4, 5].map(|seed| lead(&equal, seed)), [0, 1, 2]);
        let unequal = [reference(0.2), reference(0.8)];
        assert_eq!([3, 4, 5].map(|seed| lead(&unequal, seed)), [1, 1, 1]);
    }
}
