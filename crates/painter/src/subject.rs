//! Applies the colours of subject references to the drawing, part by part.

use crate::appearance::Appearance;
use crate::label::BACKGROUND;
use crate::plane::{Lab, Plane, mix, smooth_step};
use crate::structure::Structure;

/// The bounding box of a reference's figure, as fractions of the picture.
fn figure_box(look: &Appearance) -> [f32; 4] {
    let (width, height) = (look.plane.width, look.plane.height);
    let (mut columns, mut rows) = (vec![0.0f32; width], vec![0.0f32; height]);
    for (index, value) in look.figure.iter().enumerate() {
        columns[index % width] += value;
        rows[index / width] += value;
    }
    let span = |sums: &[f32]| {
        let floor = sums.iter().copied().fold(0.0, f32::max) * 0.06;
        let first = sums.iter().position(|sum| *sum > floor).unwrap_or(0);
        let last = sums
            .iter()
            .rposition(|sum| *sum > floor)
            .unwrap_or(sums.len() - 1);
        (
            first as f32 / sums.len() as f32,
            (last + 1) as f32 / sums.len() as f32,
        )
    };
    let ((left, right), (top, bottom)) = (span(&columns), span(&rows));
    [left, top, right, bottom]
}

/// Paints the colours of subjects into the drawing. Each region gets the mean colour of the
/// corresponding part of the figure, mixed with the subject's own detail by its weight.
#[must_use]
pub fn apply_subjects(
    structure: &Structure,
    mock: &Plane,
    subjects: &[(&Appearance, f32)],
) -> Plane {
    let mut result = mock.clone();
    let from = structure.figure_box();
    let heaviest = subjects
        .iter()
        .map(|(_, weight)| *weight)
        .fold(0.0, f32::max);
    let total: f32 = subjects.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return result;
    }
    let soft: Vec<(Plane, [f32; 4], f32)> = subjects
        .iter()
        .map(|(look, weight)| {
            (
                look.plane.blur(look.plane.width as f32 * 0.006),
                figure_box(look),
                *weight,
            )
        })
        .collect();
    let seen = |x: usize, y: usize| -> (Lab, f32) {
        let u =
            ((x as f32 / structure.width as f32 - from[0]) / (from[2] - from[0])).clamp(0.0, 1.0);
        let v =
            ((y as f32 / structure.height as f32 - from[1]) / (from[3] - from[1])).clamp(0.0, 1.0);
        let (mut sum, mut weights) = ([0.0f32; 3], 1e-4f32);
        for ((plane, to, weight), (look, _)) in soft.iter().zip(subjects) {
            let at_x = (to[0] + u * (to[2] - to[0])) * plane.width as f32;
            let at_y = (to[1] + v * (to[3] - to[1])) * plane.height as f32;
            let (column, row) = (
                (at_x as usize).min(plane.width - 1),
                (at_y as usize).min(plane.height - 1),
            );
            let weight = weight * (look.figure[row * plane.width + column] + 0.002);
            let colour = plane.sample(at_x - 0.5, at_y - 0.5);
            for channel in 0..3 {
                sum[channel] += weight * colour[channel];
            }
            weights += weight;
        }
        (sum.map(|value| value / (weights - 1e-4).max(1e-6)), weights)
    };
    // A region's colour is the mean of the subject's colours there, or the mock-up's colour if the
    // subject's figure does not reach it.
    let mut sums = vec![([0.0f32; 3], 0.0f32); structure.regions.len()];
    let mut pixels = vec![([0.0f32; 3], 0.0f32); structure.labels.len()];
    for (index, label) in structure.labels.iter().enumerate() {
        if *label == BACKGROUND {
            continue;
        }
        let (colour, weight) = seen(index % structure.width, index / structure.width);
        pixels[index] = (colour, weight);
        let (sum, all) = &mut sums[usize::from(*label)];
        for channel in 0..3 {
            sum[channel] += weight * colour[channel];
        }
        *all += weight;
    }
    let keep = smooth_step(0.0, 0.75, heaviest);
    for (index, label) in structure.labels.iter().enumerate() {
        let (sum, all) = sums[usize::from(*label)];
        if *label == BACKGROUND
            || all < structure.regions[usize::from(*label)].area as f32 * 0.02 * total
        {
            continue;
        }
        let mean = sum.map(|value| value / all);
        let (detail, weight) = pixels[index];
        let present = smooth_step(0.2, 0.7, weight / total) * (0.35 + 0.45 * heaviest);
        let colour = mix(mean, detail, present);
        // Apply the mock-up's shading to the subject's colours too.
        let light = (mock.pixels[index][0] - mean[0]).clamp(-0.06, 0.06) * 0.4;
        result.pixels[index] = mix(
            mock.pixels[index],
            [colour[0] + light, colour[1], colour[2]],
            keep,
        );
    }
    result
}

/// Detects lines in a picture with a difference of Gaussians of the lightness. `unit` is the size
/// of a pixel of the usual size.
#[must_use]
pub fn detect_lines(plane: &Plane, unit: f32) -> Vec<f32> {
    let (fine, coarse) = (plane.blur(unit), plane.blur(2.2 * unit));
    let mut lines = Vec::with_capacity(plane.pixels.len());
    for (one, two) in fine.pixels.iter().zip(&coarse.pixels) {
        lines.push(smooth_step(0.018, 0.07, two[0] - one[0]));
    }
    lines
}
