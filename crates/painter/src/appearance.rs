//! Analyses the appearance of a reference: its palette, its figure, its background without the
//! figure, its lines, and its shading.

use clippy_imaging::{cover, scaled_to};
use image::RgbImage;

use crate::distance::distance_to;
use crate::figure::figure_map;
use crate::filter::smooth_areas;
use crate::ground::{connected_with_edge, plain_ground};
use crate::palette::{cluster, nearest};
use crate::plane::{Lab, Plane, chroma, distance2, mix, smooth_step};

/// The side of the copy on which a plain ground is recognised.
const GROUND_SIDE: u32 = 128;
/// The number of colours of a palette.
const CLUSTERS: usize = 10;

/// A colour of a palette.
#[derive(Debug, Clone, Copy)]
pub struct Swatch {
    /// The colour.
    pub colour: Lab,
    /// The fraction of the figure that it covers.
    pub share: f32,
}

/// The lines of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// Their colour.
    pub colour: Lab,
    /// From 0, no lines, to 1, everything is outlined.
    pub strength: f32,
    /// Whether they are lighter than their surroundings.
    pub light: bool,
    /// Whether they glow like neon tubes.
    pub glowing: bool,
}

/// The appearance of a reference.
#[derive(Debug, Clone)]
pub struct Appearance {
    /// The picture itself.
    pub plane: Plane,
    /// For every pixel, 0 for background to 1 for figure.
    pub figure: Vec<f32>,
    /// The colour of the background, if it is plain.
    pub ground: Option<Lab>,
    /// For every pixel of the plate, 0 if it had to be filled in to 1 if it is the picture's own.
    pub known: Vec<f32>,
    /// The background: the picture with its figure replaced by its surroundings.
    pub plate: Plane,
    /// The palette of its figure, most frequent first.
    pub palette: Vec<Swatch>,
    /// Its lines.
    pub lines: Lines,
    /// From 0, flat fills, to 1, soft shading.
    pub modelling: f32,
    /// The texture of the ground and of the figure: 0 is flat, above about 0.02 clearly textured.
    pub grain: [f32; 2],
    /// The picture itself, an exact number of times larger, for large pictures.
    pub detail: Option<Plane>,
}

impl Appearance {
    /// Analyses a picture, cropped to `width` x `height`.
    #[must_use]
    pub fn of(picture: &RgbImage, width: usize, height: usize) -> Self {
        let plane = Plane::from_rgb(&cover(picture, width as u32, height as u32));
        let areas = smooth_areas(&plane, (width / 60).max(2));
        let (mut figure, mut cleared) = figure_map(&areas);
        // The whole picture tells whether the ground is plain: it may be cropped within the figure.
        let ground = plain_ground(&Plane::from_rgb(&scaled_to(picture, GROUND_SIDE)));
        if let Some(ground) = ground {
            let open = connected_with_edge(&plane, ground);
            for (index, open) in open.into_iter().enumerate() {
                if !open {
                    (figure[index], cleared[index]) = (1.0, true);
                }
            }
        }
        let known = known_ground(&cleared, width, height);
        let plate = ground.map_or_else(
            || plate_of(&plane, &known),
            |ground| plain_plate(&plane, &known, ground),
        );
        let lines = lines_of(&plane, &figure);
        let modelling = modelling_of(&areas, &figure);
        let grain = grain_of(&plane, &areas, &figure);
        let palette = palette_of(&areas, &figure);
        Self {
            plane,
            figure,
            ground,
            known,
            plate,
            palette,
            lines,
            modelling,
            grain,
            detail: None,
        }
    }

    /// Adds the picture at `times` the size.
    pub fn add_detail(&mut self, picture: &RgbImage, times: usize) {
        let (width, height) = (self.plane.width * times, self.plane.height * times);
        let detail = cover(picture, width as u32, height as u32);
        self.detail = Some(Plane::from_rgb(&detail));
    }

    /// The background at a position, 0 to 1.
    #[must_use]
    pub fn ground_at(&self, u: f32, v: f32) -> Lab {
        let at = |plane: &Plane| {
            plane.sample(u * plane.width as f32 - 0.5, v * plane.height as f32 - 0.5)
        };
        let ground = at(&self.plate);
        let Some(detail) = &self.detail else {
            return ground;
        };
        let column = ((u * self.plane.width as f32) as usize).min(self.plane.width - 1);
        let row = ((v * self.plane.height as f32) as usize).min(self.plane.height - 1);
        mix(
            ground,
            at(detail),
            self.known[row * self.plane.width + column],
        )
    }
}

/// The colours of the figure, most frequent first.
fn palette_of(areas: &Plane, figure: &[f32]) -> Vec<Swatch> {
    let inside: Vec<Lab> = areas
        .pixels
        .iter()
        .zip(figure)
        .filter(|(_, f)| **f > 0.7)
        .map(|(colour, _)| *colour)
        .collect();
    let pixels = if inside.len() * 50 > figure.len() {
        &inside
    } else {
        &areas.pixels
    };
    let centres = cluster(pixels, CLUSTERS);
    let mut palette: Vec<Swatch> = centres
        .iter()
        .map(|colour| Swatch {
            colour: *colour,
            share: 0.0,
        })
        .collect();
    for pixel in pixels {
        palette[nearest(&centres, *pixel)].share += 1.0 / pixels.len() as f32;
    }
    palette.retain(|swatch| swatch.share > 0.004);
    palette.sort_by(|a, b| b.share.total_cmp(&a.share));
    palette
}

/// Measures the texture of the ground and of the figure: the mean difference between a pixel and
/// its area, away from edges.
fn grain_of(plane: &Plane, areas: &Plane, figure: &[f32]) -> [f32; 2] {
    let (width, height) = (plane.width, plane.height);
    let mut sums = [(0.0f32, 1.0f32); 2];
    for y in 3..height.saturating_sub(3) {
        for x in 3..width.saturating_sub(3) {
            let index = y * width + x;
            let across = distance2(areas.pixels[index - 3], areas.pixels[index + 3]);
            let down = distance2(
                areas.pixels[index - 3 * width],
                areas.pixels[index + 3 * width],
            );
            if across + down < 0.0012 {
                let (sum, count) = &mut sums[usize::from(figure[index] > 0.5)];
                *sum += distance2(plane.pixels[index], areas.pixels[index]).sqrt();
                *count += 1.0;
            }
        }
    }
    sums.map(|(sum, count)| sum / count)
}

/// Returns for every pixel how certainly it is ground, 0 to 1: far enough from the figure and its
/// shadow.
fn known_ground(cleared: &[bool], width: usize, height: usize) -> Vec<f32> {
    let unit = width as f32;
    let away = distance_to(|index| cleared[index], width, height);
    away.iter()
        .map(|distance| smooth_step(0.026 * unit, 0.04 * unit, *distance))
        .collect()
}

/// A plain ground, where it is known as it is.
fn plain_plate(plane: &Plane, known: &[f32], ground: Lab) -> Plane {
    plane.map(|x, y, own| mix(ground, own, known[y * plane.width + x]))
}

/// Fills the unknown part of the ground from its surroundings. Grounds have horizontal layers, so
/// the candidates for a pixel are in its own row at several distances on both sides, and slightly
/// above and below. It gets the candidate that is most similar to all others, which keeps a horizon
/// sharp and does not smear a small cloud over the hole.
pub(crate) fn plate_of(plane: &Plane, known: &[f32]) -> Plane {
    let (width, height) = (plane.width, plane.height);
    if known.iter().sum::<f32>() < known.len() as f32 * 0.03 {
        return plane.blur(width as f32 * 0.05);
    }
    let soft = plane.blur(width as f32 * 0.006);
    let sure = |x: usize, y: usize| known[y * width + x] > 0.98;
    let seen = |x: usize, y: usize| -> Vec<(Lab, f32)> {
        let mut found = Vec::with_capacity(16);
        for (dx, dy, trust) in [
            (-1isize, 0isize, 1.0f32),
            (1, 0, 1.0),
            (0, -1, 0.03),
            (0, 1, 0.03),
        ] {
            let (mut u, mut v) = (x as isize, y as isize);
            let (mut first, mut beyond) = (None, 0);
            while u >= 0 && v >= 0 && u < width as isize && v < height as isize && found.len() < 24
            {
                if sure(u as usize, v as usize) {
                    let away = (u.abs_diff(x as isize) + v.abs_diff(y as isize)) as f32 + 4.0;
                    let start = *first.get_or_insert(away);
                    found.push((
                        soft.pixels[v as usize * width + u as usize],
                        trust / (start * away),
                    ));
                    beyond += 1;
                    if beyond == 5 {
                        break;
                    }
                    (u, v) = (
                        u + dx * (width / 26) as isize,
                        v + dy * (height / 26) as isize,
                    );
                } else {
                    (u, v) = (u + dx, v + dy);
                }
            }
        }
        found
    };
    let filled = plane.map(|x, y, own| {
        if sure(x, y) {
            return own;
        }
        let found = seen(x, y);
        let unlikeness = |colour: &Lab| {
            found
                .iter()
                .map(|(other, weight)| weight * distance2(*colour, *other).sqrt())
                .sum::<f32>()
        };
        let best = found
            .iter()
            .min_by(|a, b| unlikeness(&a.0).total_cmp(&unlikeness(&b.0)));
        best.map_or(own, |(colour, _)| *colour)
    });
    let smooth = smooth_areas(&filled, (width / 24).max(2)).blur(width as f32 * 0.004);
    filled.map(|x, y, _| {
        let index = y * width + x;
        mix(smooth.pixels[index], plane.pixels[index], known[index])
    })
}

/// Finds the lines: the thin structures that a morphological closing (dark lines) or opening (light
/// lines) of the lightness would remove.
fn lines_of(plane: &Plane, figure: &[f32]) -> Lines {
    let reach = (plane.width / 90).max(2);
    let lightness: Vec<f32> = plane.pixels.iter().map(|pixel| pixel[0]).collect();
    let closed = extreme(
        &extreme(&lightness, plane.width, reach, f32::max),
        plane.width,
        reach,
        f32::min,
    );
    let opened = extreme(
        &extreme(&lightness, plane.width, reach, f32::min),
        plane.width,
        reach,
        f32::max,
    );
    let (mut dark, mut light) = (([0.0f32; 3], 0.0f32), ([0.0f32; 3], 0.0f32));
    for (index, pixel) in plane.pixels.iter().enumerate() {
        let near = 0.15 + figure[index];
        for (sum, depth) in [
            (&mut dark, closed[index] - pixel[0]),
            (&mut light, pixel[0] - opened[index]),
        ] {
            let weight = near * smooth_step(0.15, 0.45, depth);
            for (sum, value) in sum.0.iter_mut().zip(pixel) {
                *sum += weight * value;
            }
            sum.1 += weight;
        }
    }
    let area: f32 = figure.iter().map(|value| 0.15 + value).sum();
    let mean: f32 = lightness.iter().sum::<f32>() / lightness.len() as f32;
    // Light lines count as lines only on dark pictures; elsewhere they are highlights.
    let light_on_dark = mean < 0.42 && light.1 > dark.1 * 1.3;
    let (sum, weight) = if light_on_dark { light } else { dark };
    let colour = if weight > 0.0 {
        sum.map(|value| value / weight)
    } else {
        [0.25, 0.0, 0.0]
    };
    let colour = if light_on_dark {
        colour
    } else {
        [colour[0] * 0.8, colour[1], colour[2]]
    };
    let glowing = light_on_dark && halo(&lightness, &opened, plane.width, reach) > 0.035;
    Lines {
        colour,
        strength: smooth_step(0.008, 0.035, weight / area.max(1.0)),
        light: light_on_dark,
        glowing,
    }
}

/// Measures how much lighter the picture is near light lines than farther away: neon tubes have a
/// halo, gold ink has none.
fn halo(lightness: &[f32], opened: &[f32], width: usize, reach: usize) -> f32 {
    let height = lightness.len() / width;
    let line = |index: usize| lightness[index] - opened[index] > 0.3;
    let away = distance_to(line, width, height);
    let (mut beside, mut off) = ((0.0f32, 0.0f32), (0.0f32, 0.0f32));
    for (index, distance) in away.iter().enumerate() {
        let unit = distance / reach as f32;
        let sum = if (1.0..2.0).contains(&unit) {
            &mut beside
        } else if (6.0..9.0).contains(&unit) {
            &mut off
        } else {
            continue;
        };
        sum.0 += lightness[index];
        sum.1 += 1.0;
    }
    if beside.1 < 1.0 || off.1 < 1.0 {
        0.0
    } else {
        beside.0 / beside.1 - off.0 / off.1
    }
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

/// The fraction of the figure's smooth pixels that have a slow gradient rather than none.
fn modelling_of(plane: &Plane, figure: &[f32]) -> f32 {
    let (mut slow, mut all) = (0.0f32, 1.0f32);
    for y in 2..plane.height.saturating_sub(2) {
        for x in 2..plane.width.saturating_sub(2) {
            let index = y * plane.width + x;
            let across = plane.pixels[index + 2][0] - plane.pixels[index - 2][0];
            let down =
                plane.pixels[index + 2 * plane.width][0] - plane.pixels[index - 2 * plane.width][0];
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

/// The colours of figures, most characteristic first: frequent, vivid, and unlike the background.
/// Tones of one colour, such as its lit and its shaded side, count as one colour.
#[must_use]
pub fn figure_colours(looks: &[(&Appearance, f32)]) -> Vec<(Lab, f32)> {
    let mut scored: Vec<(Lab, f32)> = Vec::new();
    for (look, weight) in looks {
        let ground = look.plate.at(
            look.plate.width as isize / 2,
            look.plate.height as isize / 2,
        );
        for swatch in &look.palette {
            let apart = smooth_step(0.02, 0.2, distance2(swatch.colour, ground).sqrt());
            // The colour of outlines is rarely used for fills.
            let line = look.lines.strength
                * (1.0
                    - smooth_step(
                        0.05,
                        0.18,
                        distance2(swatch.colour, look.lines.colour).sqrt(),
                    ));
            let line = if look.lines.light { 0.5 * line } else { line };
            // Large black areas are rare outside of night pictures.
            let heavy = if swatch.colour[0] < 0.34 && ground[0] > 0.4 {
                0.22
            } else {
                1.0
            };
            let vivid = 0.4 + 3.0 * chroma(swatch.colour).min(0.2);
            let score =
                heavy * swatch.share.sqrt() * vivid * (0.15 + 0.85 * apart) * (1.0 - 0.9 * line);
            scored.push((swatch.colour, score * weight));
        }
    }
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    let tone = |a: Lab, b: Lab| {
        (0.45 * (a[0] - b[0])).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)
    };
    let mut kept: Vec<(Lab, f32)> = Vec::new();
    for least in [0.0045, 0.0016] {
        for (colour, score) in &scored {
            if kept.len() < 6 && kept.iter().all(|(other, _)| tone(*other, *colour) > least) {
                // The second round only fills up pictures of few colours.
                kept.push((*colour, if least < 0.004 { 0.5 * score } else { *score }));
            }
        }
        if kept.len() >= 3 {
            break;
        }
    }
    kept
}
