//! Palettes: a few colours for many pixels.

use crate::plane::{Lab, distance2};

/// Clusters the colours of at most 8,191 sampled pixels with k-means in OKLab. Deterministic.
#[must_use]
pub fn cluster(pixels: &[Lab], count: usize) -> Vec<Lab> {
    let stride = (pixels.len() / 4096).max(1);
    let mut samples: Vec<Lab> = pixels.iter().step_by(stride).copied().collect();
    samples.sort_by(|a, b| {
        (a[0] + a[1] * 0.7 + a[2] * 0.9).total_cmp(&(b[0] + b[1] * 0.7 + b[2] * 0.9))
    });
    // Farthest-point initialisation finds small vivid accents that evenly spaced samples miss.
    let mut centres = vec![samples[samples.len() / 2]];
    while centres.len() < count {
        let gap = |sample: &Lab| {
            centres
                .iter()
                .map(|centre| distance2(*sample, *centre))
                .fold(f32::MAX, f32::min)
        };
        let Some(far) = samples
            .iter()
            .max_by(|a, b| gap(a).total_cmp(&gap(b)))
            .copied()
        else {
            break;
        };
        if gap(&far) < 1e-5 {
            break;
        }
        centres.push(far);
    }
    for _ in 0..10 {
        let mut sums = vec![([0.0f32; 3], 0u32); centres.len()];
        for sample in &samples {
            let (sum, number) = &mut sums[nearest(&centres, *sample)];
            for channel in 0..3 {
                sum[channel] += sample[channel];
            }
            *number += 1;
        }
        for (centre, (sum, number)) in centres.iter_mut().zip(sums) {
            if number > 0 {
                *centre = sum.map(|value| value / number as f32);
            }
        }
    }
    centres
}

/// The index of the nearest colour.
#[must_use]
pub fn nearest(colours: &[Lab], wanted: Lab) -> usize {
    let mut best = (0, f32::MAX);
    for (index, colour) in colours.iter().enumerate() {
        let distance = distance2(*colour, wanted);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best.0
}
