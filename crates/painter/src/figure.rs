//! Separates the figure of a picture from its ground.

use rayon::prelude::*;

use crate::distance::distance_to;
use crate::plane::{Lab, Plane, distance2, smooth_step};
use crate::structure::around;

/// Returns for every pixel how much it belongs to the figure, 0 to 1, and whether it must be
/// removed from the ground: the figure and small objects around it.
///
/// A pixel belongs to the figure if the border has no similar colour at about the same height.
/// The colours of areas are compared rather than of pixels, because single lines and brush strokes
/// are misleading. The figure includes the holes that it encloses, and the areas inside its hull
/// that cannot be reached from the border without a step in colour, such as a white face on white
/// paper.
pub fn figure_map(areas: &Plane) -> (Vec<f32>, Vec<bool>) {
    let (width, height) = (areas.width, areas.height);
    let ground = border_samples(areas);
    let columns = width.div_ceil(2);
    let coarse: Vec<f32> = (0..columns * height.div_ceil(2))
        .into_par_iter()
        .map(|index| {
            let (x, y) = (
                (2 * (index % columns)).min(width - 1),
                (2 * (index / columns)).min(height - 1),
            );
            let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
            let colour = areas.pixels[y * width + x];
            let gap = ground
                .iter()
                .fold(f32::MAX, |least, (sample, across, down)| {
                    let away = 0.05 * (down - v) * (down - v) + 0.008 * (across - u) * (across - u);
                    least.min(distance2(colour, *sample) + away)
                });
            gap.sqrt()
        })
        .collect();
    let unlike = |index: usize| coarse[(index / width / 2) * columns + index % width / 2];
    // The difference in colour that separates figure and ground best (Otsu's method).
    let step = otsu_threshold(&coarse, 0.055, 0.14);
    let all: Vec<bool> = (0..width * height)
        .map(|index| unlike(index) > step)
        .collect();
    let mut inside = all.clone();
    keep_large(&mut inside, width, height);
    // On a textured ground no area can be reached, so wider gaps are closed instead.
    let gap = if add_unreached(&mut inside, areas) {
        0.018
    } else {
        0.05
    };
    close_and_fill(&mut inside, width, height, gap * width as f32);
    let near = distance_to(|index| inside[index], width, height);
    let cleared = (0..all.len())
        .map(|index| {
            inside[index]
                || (all[index]
                    && near[index] < 0.16 * width as f32
                    && away_from_middle(width, height, index) < 0.44)
        })
        .collect();
    let raw = Plane {
        width,
        height,
        pixels: inside
            .iter()
            .map(|v| [f32::from(u8::from(*v)), 0.0, 0.0])
            .collect(),
    };
    let soft = raw.blur(width as f32 * 0.006);
    (
        soft.pixels
            .iter()
            .map(|value| smooth_step(0.3, 0.6, value[0]))
            .collect(),
        cleared,
    )
}

/// Adds the pixels inside the hull of the figure that cannot be reached from the border without a
/// step in colour. Returns false on a textured ground, where this test does not work.
fn add_unreached(inside: &mut [bool], areas: &Plane) -> bool {
    let (width, height) = (areas.width, areas.height);
    let mut reached = vec![false; inside.len()];
    let edge = (0..width)
        .flat_map(|x| [x, (height - 1) * width + x])
        .chain((0..height).flat_map(|y| [y * width, y * width + width - 1]));
    let mut waiting: Vec<usize> = edge.filter(|index| !inside[*index]).collect();
    for index in &waiting {
        reached[*index] = true;
    }
    while let Some(index) = waiting.pop() {
        for other in around(index, width, height) {
            if !reached[other]
                && !inside[other]
                && distance2(areas.pixels[index], areas.pixels[other]) < 0.02 * 0.02
            {
                reached[other] = true;
                waiting.push(other);
            }
        }
    }
    let rim: Vec<usize> = (0..inside.len())
        .filter(|index| away_from_middle(width, height, *index) > 0.4 && !inside[*index])
        .collect();
    if rim.iter().filter(|index| !reached[**index]).count() * 12 > rim.len() {
        return false;
    }
    let spans = hull_spans(inside, width, height);
    for (y, span) in spans.iter().enumerate() {
        if let Some((left, right)) = span {
            for index in y * width + left..=y * width + right {
                inside[index] |= !reached[index];
            }
        }
    }
    true
}

/// The convex hull of a set of pixels, as the first and the last column of every row.
fn hull_spans(inside: &[bool], width: usize, height: usize) -> Vec<Option<(usize, usize)>> {
    let rows: Vec<(f32, f32, f32)> = (0..height)
        .filter_map(|y| {
            let row = &inside[y * width..(y + 1) * width];
            Some((
                y as f32,
                row.iter().position(|v| *v)? as f32,
                row.iter().rposition(|v| *v)? as f32,
            ))
        })
        .collect();
    // The lower hull of one point a row (Andrew's monotone chain).
    let chain = |points: Vec<(f32, f32)>| {
        let mut kept: Vec<(f32, f32)> = Vec::new();
        for (y, x) in points {
            while let [.., a, b] = kept.as_slice() {
                if (b.0 - a.0) * (x - a.1) - (b.1 - a.1) * (y - a.0) > 0.0 {
                    break;
                }
                kept.pop();
            }
            kept.push((y, x));
        }
        kept
    };
    let left = chain(rows.iter().map(|(y, first, _)| (*y, *first)).collect());
    let right = chain(rows.iter().map(|(y, _, last)| (*y, -last)).collect());
    let at = |chain: &[(f32, f32)], y: f32| {
        let after = chain.iter().position(|point| point.0 >= y)?;
        let (b, a) = (chain[after], chain[after.saturating_sub(1)]);
        Some(if b.0 > a.0 {
            a.1 + (b.1 - a.1) * (y - a.0) / (b.0 - a.0)
        } else {
            b.1
        })
    };
    let first = rows.first().map_or(f32::MAX, |row| row.0);
    (0..height)
        .map(|y| {
            let y = y as f32;
            if y < first {
                return None;
            }
            let (left, right) = (at(&left, y)?, -at(&right, y)?);
            (left <= right).then_some((left.max(0.0) as usize, (right as usize).min(width - 1)))
        })
        .collect()
}

/// The colours along the border, with their positions.
fn border_samples(areas: &Plane) -> Vec<(Lab, f32, f32)> {
    let (width, height) = (areas.width, areas.height);
    let mut places = Vec::new();
    for inset in [width / 80, width / 24] {
        places.extend(
            (0..width)
                .step_by(8)
                .flat_map(|x| [(x, inset), (x, height - 1 - inset)]),
        );
        places.extend(
            (0..height)
                .step_by(8)
                .flat_map(|y| [(inset, y), (width - 1 - inset, y)]),
        );
    }
    places
        .into_iter()
        .map(|(x, y)| {
            (
                areas.pixels[y * width + x],
                x as f32 / width as f32,
                y as f32 / height as f32,
            )
        })
        .collect()
}

/// Otsu's threshold between `low` and `high`.
fn otsu_threshold(values: &[f32], low: f32, high: f32) -> f32 {
    let mut best = (0.0, low);
    for cut in 0..18 {
        let cut = low + (high - low) * cut as f32 / 17.0;
        let (mut below, mut above) = ((0.0f64, 0.0f64), (0.0f64, 0.0f64));
        for value in values {
            let side = if *value > cut { &mut above } else { &mut below };
            side.0 += 1.0;
            side.1 += f64::from(value.min(0.3));
        }
        if below.0 < 1.0 || above.0 < 1.0 {
            continue;
        }
        let spread = below.0 * above.0 * (below.1 / below.0 - above.1 / above.0).powi(2);
        if spread > best.0 {
            best = (spread, cut);
        }
    }
    best.1
}

/// Removes connected components that are much smaller than the largest, or that are along the
/// border.
fn keep_large(inside: &mut [bool], width: usize, height: usize) {
    let mut seen = vec![false; inside.len()];
    let mut parts: Vec<(f32, Vec<usize>)> = Vec::new();
    for start in 0..inside.len() {
        if seen[start] || !inside[start] {
            continue;
        }
        seen[start] = true;
        let (mut waiting, mut members, mut central) = (vec![start], Vec::new(), 0.0f32);
        while let Some(index) = waiting.pop() {
            members.push(index);
            central += 1.0 - 1.6 * away_from_middle(width, height, index);
            for other in around(index, width, height) {
                if inside[other] && !seen[other] {
                    seen[other] = true;
                    waiting.push(other);
                }
            }
        }
        parts.push((central, members));
    }
    let largest = parts
        .iter()
        .map(|(central, _)| *central)
        .fold(0.0, f32::max);
    for (_, members) in parts
        .iter()
        .filter(|(central, _)| *central < 0.06 * largest)
    {
        for index in members {
            inside[*index] = false;
        }
    }
}

/// Closes narrow gaps, then fills every area from which the border cannot be reached.
fn close_and_fill(inside: &mut Vec<bool>, width: usize, height: usize, reach: f32) {
    let near = distance_to(|index| inside[index], width, height);
    let inner = distance_to(|index| near[index] > reach, width, height);
    let closed: Vec<bool> = inner.iter().map(|depth| *depth > reach).collect();
    let mut open = vec![false; closed.len()];
    let edge = (0..width)
        .flat_map(|x| [x, (height - 1) * width + x])
        .chain((0..height).flat_map(|y| [y * width, y * width + width - 1]));
    let mut waiting: Vec<usize> = edge.filter(|index| !closed[*index]).collect();
    for index in &waiting {
        open[*index] = true;
    }
    while let Some(index) = waiting.pop() {
        for other in around(index, width, height) {
            if !open[other] && !closed[other] {
                open[other] = true;
                waiting.push(other);
            }
        }
    }
    *inside = open.into_iter().map(|open| !open).collect();
}

/// The distance from the middle of the picture: 0 in the middle, 0.5 at the border.
fn away_from_middle(width: usize, height: usize, index: usize) -> f32 {
    let x = (index % width) as f32 / width as f32 - 0.5;
    let y = (index / width) as f32 / height as f32 - 0.5;
    x.abs().max(y.abs())
}
