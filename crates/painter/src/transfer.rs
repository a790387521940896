//! Colour transfer by sliced optimal transport, applied as a smooth map of colours so that equal
//! colours stay equal; and the distance between the colours of two pictures.

use rayon::prelude::*;

use crate::plane::{Lab, Plane, Random};

/// The number of pixels that are sampled from a picture.
const SAMPLES: usize = 9_000;
/// The number of directions onto which the colours are projected.
const DIRECTIONS: usize = 20;
/// Cells per side of the colour map, which covers OKLab from 0 to 1 and from -0.4 to 0.4.
const CELLS: usize = 18;

/// A random unit vector.
fn direction(chance: &mut Random) -> Lab {
    loop {
        let vector = [
            chance.share() * 2.0 - 1.0,
            chance.share() * 2.0 - 1.0,
            chance.share() * 2.0 - 1.0,
        ];
        let length = (vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]).sqrt();
        if (0.1..1.0).contains(&length) {
            return vector.map(|value| value / length);
        }
    }
}

/// The projection of a colour onto a direction.
fn along(colour: &Lab, direction: &Lab) -> f32 {
    colour[0] * direction[0] + colour[1] * direction[1] + colour[2] * direction[2]
}

fn sample_colours(pixels: &[Lab], count: usize) -> Vec<Lab> {
    let stride = (pixels.len() as f64 / count as f64).max(1.0);
    (0..count.min(pixels.len()))
        .map(|index| pixels[(index as f64 * stride) as usize])
        .collect()
}

/// Samples pixels of several references in proportion to their weights.
#[must_use]
pub fn pool_colours(references: &[(&[Lab], f32)]) -> Vec<Lab> {
    let total: f32 = references.iter().map(|(_, weight)| weight).sum();
    references
        .iter()
        .flat_map(|(pixels, weight)| {
            sample_colours(pixels, ((weight / total) * SAMPLES as f32) as usize)
        })
        .collect()
}

/// Moves the distribution of colours `share` of the way to that of `wanted`. Equal colours stay
/// equal.
#[must_use]
pub fn transfer_colours(pixels: &[Lab], wanted: &[Lab], share: f32) -> Vec<Lab> {
    if wanted.is_empty() || pixels.is_empty() || share <= 0.0 {
        return pixels.to_vec();
    }
    let original = sample_colours(pixels, SAMPLES);
    let mut moved = original.clone();
    let mut chance = Random::new(12_345);
    for _ in 0..DIRECTIONS {
        let direction = direction(&mut chance);
        let mut order: Vec<(f32, u32)> = moved
            .iter()
            .enumerate()
            .map(|(index, colour)| (along(colour, &direction), index as u32))
            .collect();
        let mut goal: Vec<f32> = wanted
            .iter()
            .map(|colour| along(colour, &direction))
            .collect();
        order.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        goal.par_sort_unstable_by(f32::total_cmp);
        for (rank, (value, index)) in order.iter().enumerate() {
            let step = 0.7 * (goal[rank * goal.len() / order.len()] - value);
            let colour = &mut moved[*index as usize];
            for channel in 0..3 {
                colour[channel] += step * direction[channel];
            }
        }
    }
    let map = ColourMap::of(&original, &moved);
    pixels
        .par_iter()
        .map(|colour| {
            let step = map.step(*colour);
            [
                colour[0] + share * step[0],
                colour[1] + share * step[1],
                colour[2] + share * step[2],
            ]
        })
        .collect()
}

/// The mean displacement of the colours around each cell corner.
struct ColourMap {
    cells: Vec<[f32; 4]>,
}

impl ColourMap {
    fn corners(colour: Lab) -> impl Iterator<Item = (usize, f32)> {
        let last = (CELLS - 1) as f32;
        let place = [
            colour[0] * last,
            (colour[1] + 0.4) / 0.8 * last,
            (colour[2] + 0.4) / 0.8 * last,
        ]
        .map(|value| value.clamp(0.0, last - 0.001));
        (0..8usize).map(move |corner| {
            let (mut index, mut weight) = (0, 1.0);
            for (axis, value) in place.iter().enumerate() {
                let up = corner >> axis & 1;
                let part = value.fract();
                index = index * CELLS + value.floor() as usize + up;
                weight *= if up == 1 { part } else { 1.0 - part };
            }
            (index, weight)
        })
    }

    fn of(original: &[Lab], moved: &[Lab]) -> Self {
        let mut cells = vec![[0.0; 4]; CELLS * CELLS * CELLS];
        for (from, to) in original.iter().zip(moved) {
            for (index, weight) in Self::corners(*from) {
                for channel in 0..3 {
                    cells[index][channel] += weight * (to[channel] - from[channel]);
                }
                cells[index][3] += weight;
            }
        }
        Self { cells }
    }

    fn step(&self, colour: Lab) -> Lab {
        let mut sum = [0.0f32; 4];
        for (index, weight) in Self::corners(colour) {
            let cell = self.cells[index];
            if cell[3] > 1e-6 {
                for channel in 0..3 {
                    sum[channel] += weight * cell[channel] / cell[3];
                }
                sum[3] += weight;
            }
        }
        if sum[3] < 1e-6 {
            [0.0; 3]
        } else {
            [sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]]
        }
    }
}

/// The distance between the colours of two pictures: the earth mover's distance of their OKLab
/// histograms, averaged over many directions (sliced Wasserstein-1). 0 for equal colours; about 0.3
/// between white and mid grey.
#[must_use]
pub fn colour_distance(one: &Plane, two: &Plane) -> f32 {
    let (one, two) = (
        sample_colours(&one.pixels, SAMPLES),
        sample_colours(&two.pixels, SAMPLES),
    );
    let count = one.len().min(two.len());
    let mut chance = Random::new(99);
    let mut total = 0.0;
    for _ in 0..DIRECTIONS {
        let direction = direction(&mut chance);
        let sorted = |colours: &[Lab]| {
            let mut values: Vec<f32> = colours
                .iter()
                .map(|colour| along(colour, &direction))
                .collect();
            values.sort_unstable_by(f32::total_cmp);
            values
        };
        let (a, b) = (sorted(&one), sorted(&two));
        let gap: f32 = (0..count)
            .map(|rank| (a[rank * a.len() / count] - b[rank * b.len() / count]).abs())
            .sum();
        total += gap / count as f32;
    }
    total / DIRECTIONS as f32
}
