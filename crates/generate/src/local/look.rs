//! What a reference looks like: its palette, where its figure is, its background without the figure, its lines, and
//! how it shades.

use image::RgbImage;

use super::plane::{Lab, Plane, chroma, cover, distance2, mix, smooth_step};
use super::structure::distance_to;

/// Colours of one palette.
const CLUSTERS: usize = 10;

/// A colour of a palette.
#[derive(Debug, Clone, Copy)]
pub struct Swatch {
    /// The colour.
    pub colour: Lab,
    /// Its share of the picture.
    pub share: f32,
    /// Its share of the figure.
    pub figure: f32,
}

/// How a picture draws its lines.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// Their colour.
    pub colour: Lab,
    /// 0: there are none. 1: everything is outlined.
    pub strength: f32,
    /// They are lighter than what they lie on, as neon tubes are.
    pub glowing: bool,
}

/// What a reference looks like.
#[derive(Debug, Clone)]
pub struct Look {
    /// The picture itself.
    pub plane: Plane,
    /// 0 background to 1 figure, for every pixel.
    pub figure: Vec<f32>,
    /// The picture with its figure painted over by what surrounds it.
    pub plate: Plane,
    /// Its palette, the largest first.
    pub palette: Vec<Swatch>,
    /// Its lines.
    pub lines: Lines,
    /// 0: flat fills. 1: soft modelling.
    pub modelling: f32,
}

impl Look {
    /// Looks at a picture, cut to `width` x `height`.
    #[must_use]
    pub fn of(picture: &RgbImage, width: usize, height: usize) -> Self {
        let plane = Plane::from_rgb(&cover(picture, width as u32, height as u32));
        let centres = cluster(&plane.pixels, CLUSTERS);
        let nearest: Vec<u8> = plane.pixels.iter().map(|pixel| nearest(&centres, *pixel) as u8).collect();
        let figure = figure_map(&plane, &nearest, centres.len());
        let plate = plate_of(&plane, &figure);
        let mut palette: Vec<Swatch> =
            centres.iter().map(|colour| Swatch { colour: *colour, share: 0.0, figure: 0.0 }).collect();
        let figure_total: f32 = figure.iter().sum::<f32>().max(1.0);
        for (index, cluster) in nearest.iter().enumerate() {
            palette[usize::from(*cluster)].share += 1.0 / nearest.len() as f32;
            palette[usize::from(*cluster)].figure += figure[index] / figure_total;
        }
        palette.retain(|swatch| swatch.share > 0.0);
        palette.sort_by(|a, b| b.share.total_cmp(&a.share));
        let lines = lines_of(&plane, &figure);
        let modelling = modelling_of(&plane, &figure);
        Self { plane, figure, plate, palette, lines, modelling }
    }
}

/// k-means in OKLab from at most 4,096 pixels, begun evenly over the lightness. Deterministic.
#[must_use]
pub fn cluster(pixels: &[Lab], count: usize) -> Vec<Lab> {
    let stride = (pixels.len() / 4096).max(1);
    let mut samples: Vec<Lab> = pixels.iter().step_by(stride).copied().collect();
    samples.sort_by(|a, b| (a[0] + a[1] * 0.7 + a[2] * 0.9).total_cmp(&(b[0] + b[1] * 0.7 + b[2] * 0.9)));
    // Farthest-point beginnings find small vivid accents that an even start would miss.
    let mut centres = vec![samples[samples.len() / 2]];
    while centres.len() < count {
        let gap = |sample: &Lab| centres.iter().map(|centre| distance2(*sample, *centre)).fold(f32::MAX, f32::min);
        let Some(far) = samples.iter().max_by(|a, b| gap(a).total_cmp(&gap(b))).copied() else { break };
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

/// What the border does not run into is the figure. On a busy ground that says little by itself, so there a figure's
/// pixel must also have a colour that the ground has less of.
fn figure_map(plane: &Plane, nearest: &[u8], clusters: usize) -> Vec<f32> {
    let ground = {
        let careful = reached_from_border(plane, 0.011);
        let share = careful.iter().filter(|reached| **reached).count() as f32 / careful.len() as f32;
        if share > 0.3 { careful } else { reached_from_border(plane, 0.022) }
    };
    let count = ground.len() as f32;
    let reached = ground.iter().filter(|reached| **reached).count() as f32 / count;
    let stray = (0..ground.len()).filter(|index| !ground[*index] && away_from_middle(plane, *index) > 0.41).count() as f32;
    let clean = reached > 0.3 && stray < 0.2 * (1.0 - reached) * count;
    let likely: Vec<f32> = if clean {
        // Closed, so that a soft wall between a roof and its windows belongs to the house.
        let reach = plane.width as f32 * 0.05;
        let near = distance_to(|index| !ground[index], plane.width, plane.height);
        let inner = distance_to(|index| near[index] > reach, plane.width, plane.height);
        inner.iter().map(|depth| if *depth > reach { 1.0 } else { 0.0 }).collect()
    } else {
        likely_figure(plane, nearest, clusters, (reached > 0.2).then_some(&ground))
    };
    let raw = Plane { width: plane.width, height: plane.height, pixels: likely.iter().map(|v| [*v, 0.0, 0.0]).collect() };
    let soft = raw.blur(plane.width as f32 * 0.010);
    soft.pixels.iter().map(|value| smooth_step(0.35, 0.6, value[0])).collect()
}

/// 0 in the middle, 0.5 at the border.
fn away_from_middle(plane: &Plane, index: usize) -> f32 {
    let x = (index % plane.width) as f32 / plane.width as f32 - 0.5;
    let y = (index / plane.width) as f32 / plane.height as f32 - 0.5;
    x.abs().max(y.abs())
}

/// Pixels that can be reached from the border without a step in colour.
fn reached_from_border(plane: &Plane, step: f32) -> Vec<bool> {
    let (width, height) = (plane.width, plane.height);
    let mut reached = vec![false; width * height];
    let mut waiting: Vec<usize> = (0..width).flat_map(|x| [x, (height - 1) * width + x]).collect();
    waiting.extend((0..height).flat_map(|y| [y * width, y * width + width - 1]));
    for start in &waiting {
        reached[*start] = true;
    }
    while let Some(index) = waiting.pop() {
        let (x, y) = (index % width, index / width);
        let around = [(x > 0, index.wrapping_sub(1)), (x + 1 < width, index + 1), (y > 0, index.wrapping_sub(width)), (y + 1 < height, index + width)];
        for (inside, other) in around {
            if inside && !reached[other] && distance2(plane.pixels[index], plane.pixels[other]) < step * step {
                reached[other] = true;
                waiting.push(other);
            }
        }
    }
    reached
}

fn likely_figure(plane: &Plane, nearest: &[u8], clusters: usize, ground: Option<&Vec<bool>>) -> Vec<f32> {
    let (mut outside, mut inside) = (vec![0.0f32; clusters], vec![0.0f32; clusters]);
    let away = |index: usize| away_from_middle(plane, index);
    for (index, cluster) in nearest.iter().enumerate() {
        let cluster = usize::from(*cluster);
        match ground {
            Some(ground) if ground[index] => outside[cluster] += 1.0,
            Some(_) => inside[cluster] += 1.0,
            None if away(index) > 0.41 => outside[cluster] += 1.0,
            None if away(index) < 0.28 => inside[cluster] += 1.0,
            None => {}
        }
    }
    let (inside_all, outside_all) = (inside.iter().sum::<f32>().max(1.0), outside.iter().sum::<f32>().max(1.0));
    nearest
        .iter()
        .enumerate()
        .map(|(index, cluster)| {
            let cluster = usize::from(*cluster);
            let (one, two) = (inside[cluster] / inside_all, outside[cluster] / outside_all);
            let share = (one + 0.002) / (one + two + 0.004);
            let prior = 1.15 - smooth_step(0.30, 0.52, away(index));
            match ground {
                Some(ground) if ground[index] => 0.0,
                Some(_) => smooth_step(0.55, 0.8, share) * prior.min(1.0),
                None => share * prior,
            }
        })
        .collect()
}

/// Fills the figure from its surroundings, coarse to fine (pull-push).
fn plate_of(plane: &Plane, figure: &[f32]) -> Plane {
    let unit = plane.width as f32;
    let away = distance_to(|index| figure[index] > 0.5, plane.width, plane.height);
    let kept: Vec<f32> = away.iter().map(|distance| smooth_step(0.02 * unit, 0.035 * unit, *distance)).collect();
    if kept.iter().sum::<f32>() < kept.len() as f32 * 0.03 {
        return plane.blur(plane.width as f32 * 0.05);
    }
    let mut levels = vec![(plane.clone(), kept)];
    while levels.last().is_some_and(|(level, _)| level.width > 2 && level.height > 2) {
        let (level, weight) = levels.last().expect("just looked");
        let (width, height) = (level.width / 2, level.height / 2);
        let (mut pixels, mut weights) = (vec![[0.0; 3]; width * height], vec![0.0; width * height]);
        for y in 0..height {
            for x in 0..width {
                let (mut sum, mut total) = ([0.0; 3], 0.0);
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let from = (2 * y + dy) * level.width + 2 * x + dx;
                    for channel in 0..3 {
                        sum[channel] += level.pixels[from][channel] * weight[from];
                    }
                    total += weight[from];
                }
                pixels[y * width + x] = if total > 0.0 { sum.map(|value: f32| value / total) } else { [0.5, 0.0, 0.0] };
                weights[y * width + x] = (total / 2.0).min(1.0);
            }
        }
        levels.push((Plane { width, height, pixels }, weights));
    }
    let (mut filled, _) = levels.pop().expect("at least one level");
    while let Some((level, weight)) = levels.pop() {
        let coarse = filled;
        filled = level.map(|x, y, own| {
            let below = coarse.sample(x as f32 / 2.0 - 0.25, y as f32 / 2.0 - 0.25);
            mix(below, own, weight[y * level.width + x])
        });
    }
    filled
}

/// Thin structures: what a closing (dark lines) or an opening (light lines) of the lightness would remove.
fn lines_of(plane: &Plane, figure: &[f32]) -> Lines {
    let reach = (plane.width / 90).max(2);
    let lightness: Vec<f32> = plane.pixels.iter().map(|pixel| pixel[0]).collect();
    let closed = extreme(&extreme(&lightness, plane.width, reach, f32::max), plane.width, reach, f32::min);
    let opened = extreme(&extreme(&lightness, plane.width, reach, f32::min), plane.width, reach, f32::max);
    let (mut dark, mut light) = (([0.0f32; 3], 0.0f32), ([0.0f32; 3], 0.0f32));
    for (index, pixel) in plane.pixels.iter().enumerate() {
        let near = 0.15 + figure[index];
        for (sum, depth) in [(&mut dark, closed[index] - pixel[0]), (&mut light, pixel[0] - opened[index])] {
            let weight = near * smooth_step(0.15, 0.45, depth);
            for channel in 0..3 {
                sum.0[channel] += weight * pixel[channel];
            }
            sum.1 += weight;
        }
    }
    let area: f32 = figure.iter().map(|value| 0.15 + value).sum();
    let mean: f32 = lightness.iter().sum::<f32>() / lightness.len() as f32;
    // Light lines count as lines on dark pictures only; elsewhere they are gleams.
    let glowing = mean < 0.42 && light.1 > dark.1 * 1.3;
    let (sum, weight) = if glowing { light } else { dark };
    let colour = if weight > 0.0 { sum.map(|value| value / weight) } else { [0.25, 0.0, 0.0] };
    let colour = if glowing { colour } else { [colour[0] * 0.8, colour[1], colour[2]] };
    Lines { colour, strength: smooth_step(0.008, 0.035, weight / area.max(1.0)), glowing }
}

/// Minimum or maximum over a square.
fn extreme(values: &[f32], width: usize, reach: usize, choose: fn(f32, f32) -> f32) -> Vec<f32> {
    let height = values.len() / width;
    let mut across = vec![0.0; values.len()];
    for y in 0..height {
        let row = &values[y * width..(y + 1) * width];
        for x in 0..width {
            let window = &row[x.saturating_sub(reach)..(x + reach + 1).min(width)];
            across[y * width + x] = window.iter().copied().reduce(choose).unwrap_or(row[x]);
        }
    }
    let mut result = vec![0.0; values.len()];
    for y in 0..height {
        for x in 0..width {
            let mut best = across[y * width + x];
            for other in y.saturating_sub(reach)..(y + reach + 1).min(height) {
                best = choose(best, across[other * width + x]);
            }
            result[y * width + x] = best;
        }
    }
    result
}

/// The share of the figure's quiet pixels that change slowly rather than not at all.
fn modelling_of(plane: &Plane, figure: &[f32]) -> f32 {
    let (mut slow, mut all) = (0.0f32, 1.0f32);
    for y in 2..plane.height.saturating_sub(2) {
        for x in 2..plane.width.saturating_sub(2) {
            let index = y * plane.width + x;
            let across = plane.pixels[index + 2][0] - plane.pixels[index - 2][0];
            let down = plane.pixels[index + 2 * plane.width][0] - plane.pixels[index - 2 * plane.width][0];
            let change = across.abs() + down.abs();
            if change < 0.08 {
                all += figure[index];
                if change > 0.006 {
                    slow += figure[index];
                }
            }
        }
    }
    (slow / all).clamp(0.0, 1.0)
}

/// The colours that figures are painted with, the most telling first: much used, vivid, unlike the background.
#[must_use]
pub fn figure_colours(looks: &[(&Look, f32)]) -> Vec<(Lab, f32)> {
    let mut scored: Vec<(Lab, f32)> = Vec::new();
    for (look, weight) in looks {
        let ground = look.plate.at(look.plate.width as isize / 2, look.plate.height as isize / 2);
        for swatch in &look.palette {
            if swatch.figure < 0.01 {
                continue;
            }
            let apart = smooth_step(0.02, 0.25, distance2(swatch.colour, ground).sqrt());
            // Outlines are drawn, not filled with.
            let line = look.lines.strength * (1.0 - smooth_step(0.05, 0.18, distance2(swatch.colour, look.lines.colour).sqrt()));
            // Large black areas are rare outside of night pictures.
            let heavy = if swatch.colour[0] < 0.34 && ground[0] > 0.4 { 0.22 } else { 1.0 };
            let score = heavy * swatch.figure.sqrt() * (0.35 + 3.0 * chroma(swatch.colour)) * (0.3 + 0.7 * apart) * (1.0 - 0.9 * line);
            scored.push((swatch.colour, score * weight));
        }
    }
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<(Lab, f32)> = Vec::new();
    for (colour, score) in scored {
        if kept.iter().all(|(other, _)| distance2(*other, colour) > 0.0025) {
            kept.push((colour, score));
        }
        if kept.len() == 7 {
            break;
        }
    }
    kept
}
