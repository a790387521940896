//! Guided patch synthesis: paints the target with small patches of the references.
//!
//! The method is Image Analogies (Hertzmann 2001) with coherent candidates (Ashikhmin 2001) and
//! k-coherence (Tong 2002). It does not use the random search and propagation of PatchMatch, which
//! is patented. Every pass reads only the result of the previous pass (Jacobi iteration), so the
//! result does not depend on the number of threads.

use rayon::prelude::*;

use crate::atlas::{Atlas, CHANNELS, LEVELS, Layers, REACH, Raster, atlas, raster};
use crate::kdtree::KdTree;
use crate::plane::{Lab, Plane, Random};

/// The margin in pixels that a target needs on every side, so that every patch is inside the
/// target even on the coarsest level.
pub const MARGIN: usize = REACH << (LEVELS - 1);
/// The number of similar patches that are remembered for each patch.
const SIMILAR: usize = 3;
/// The number of features by which similar patches are found.
const FEATURES: usize = 12;
/// The cost of reusing a patch, for each multiple of the average use.
const REUSE_COST: f32 = 0.004;

/// One reference, as a source of patches.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its layers; all sources have one size.
    pub layers: Layers,
    /// Its weight relative to the heaviest one, 0 to 1.
    pub weight: f32,
    /// Its paint at a multiple of the size, if the result is to be larger than the target.
    pub detail: Option<Plane>,
}

/// The squared distance of two patches. Stops once it exceeds `limit`.
#[inline]
fn patch_distance(
    a: &Raster,
    at: (usize, usize),
    b: &Raster,
    bt: (usize, usize),
    limit: f32,
) -> f32 {
    let mut sum = 0.0;
    for row in 0..=2 * REACH {
        let left = &a.pixels[(at.1 + row - REACH) * a.width + at.0 - REACH..][..=2 * REACH];
        let right = &b.pixels[(bt.1 + row - REACH) * b.width + bt.0 - REACH..][..=2 * REACH];
        let mut channels = [0.0f32; CHANNELS];
        for (one, two) in left.iter().zip(right) {
            for channel in 0..CHANNELS {
                let difference = one[channel] - two[channel];
                channels[channel] += difference * difference;
            }
        }
        sum += channels.iter().sum::<f32>();
        if sum > limit {
            return sum;
        }
    }
    sum
}

/// The features of a patch: the means of its channels, and the lightness of its four quarters.
fn features(raster: &Raster, x: usize, y: usize) -> [f32; FEATURES] {
    let (mut means, mut quarters) = ([0.0f32; CHANNELS], [0.0f32; 4]);
    for row in 0..=2 * REACH {
        for column in 0..=2 * REACH {
            let pixel = raster.pixels[(y + row - REACH) * raster.width + x + column - REACH];
            for channel in 0..CHANNELS {
                means[channel] += pixel[channel];
            }
            quarters[usize::from(row > REACH) * 2 + usize::from(column > REACH)] += pixel[0];
        }
    }
    let mut result = [0.0; FEATURES];
    for channel in 0..CHANNELS {
        result[channel] = means[channel] / 5.0;
    }
    for (quarter, size) in [9.0, 6.0, 6.0, 4.0].into_iter().enumerate() {
        result[CHANNELS + quarter] = 2.0 * (quarters[quarter] / size - means[0] / 25.0);
    }
    result
}

/// Finds for every patch of the atlas the most similar patches at other positions.
fn similar_patches(atlas: &Atlas) -> Vec<[u32; SIMILAR]> {
    let raster = &atlas.raster;
    let centres: Vec<u32> = (0..(raster.width * raster.height) as u32)
        .filter(|index| {
            atlas.fits(
                (*index as usize % raster.width) as isize,
                (*index as usize / raster.width) as isize,
            )
        })
        .collect();
    let points: Vec<f32> = centres
        .par_iter()
        .flat_map_iter(|index| {
            features(
                raster,
                *index as usize % raster.width,
                *index as usize / raster.width,
            )
        })
        .collect();
    let tree = KdTree::new(points, FEATURES);
    let found: Vec<[u32; SIMILAR]> = (0..centres.len())
        .into_par_iter()
        .map(|own| {
            let (x, y) = (
                centres[own] as usize % raster.width,
                centres[own] as usize / raster.width,
            );
            let mut chosen = [centres[own]; SIMILAR];
            let mut count = 0;
            for (distance, other) in tree.nearest::<{ SIMILAR + 4 }>(tree.point(own), 8) {
                let other = centres[other as usize];
                let (u, v) = (other as usize % raster.width, other as usize / raster.width);
                if distance == f32::MAX || count == SIMILAR {
                    break;
                }
                if u.abs_diff(x) > 1 || v.abs_diff(y) > 1 {
                    chosen[count] = other;
                    count += 1;
                }
            }
            chosen
        })
        .collect();
    let mut table = vec![[0u32; SIMILAR]; raster.width * raster.height];
    for (centre, patches) in centres.iter().zip(found) {
        table[*centre as usize] = patches;
    }
    table
}

/// Observes the synthesis, and can stop it.
pub trait SynthesisObserver: Sync {
    /// Receives the progress, 0 to 1, after each pass, and the picture after each level. Returning
    /// false stops the synthesis.
    fn on_pass(&self, fraction: f32, picture: Option<&Plane>) -> bool;
}

/// Paints the target with patches of the references. `target` has a margin of [`MARGIN`] pixels,
/// and so has the result, which is `times` as wide and as high: then patches are placed at the
/// target's size, and filled from the sources' detail. Returns `None` if the observer stopped it.
pub fn synthesise(
    sources: Vec<Source>,
    target: Layers,
    times: usize,
    seed: u64,
    observer: &dyn SynthesisObserver,
) -> Option<Plane> {
    let weights: Vec<f32> = sources.iter().map(|source| source.weight).collect();
    let (layers, details): (Vec<Layers>, Vec<Option<Plane>>) = sources
        .into_iter()
        .map(|source| (source.layers, source.detail))
        .unzip();
    let pyramids: Vec<Vec<Layers>> = layers.into_iter().map(Layers::pyramid).collect();
    let targets = target.pyramid();
    let mut field: Vec<(u16, u16)> = Vec::new();
    let mut before = (0, 0);
    let passes = [8, 4, 3, 2];
    let cost = [1.0f32, 3.0, 9.0, 24.0];
    let all: f32 = (0..LEVELS)
        .map(|level| passes[level] as f32 * cost[level])
        .sum();
    let mut done = 0.0;
    let mut finished = None;
    for level in 0..LEVELS {
        let tiles: Vec<Raster> = pyramids
            .iter()
            .map(|pyramid| raster(&pyramid[level]))
            .collect();
        let atlas = atlas(&tiles, &weights);
        let mut canvas = raster(&targets[level]);
        let pull: Vec<f32> = targets[level]
            .marks
            .pixels
            .iter()
            .map(|marks| marks[2])
            .collect();
        let similar = similar_patches(&atlas);
        field = if level == 0 {
            first_field(&atlas, &canvas, &pull, seed)
        } else {
            finer_field(&field, before, &atlas, &canvas)
        };
        before = (canvas.width, canvas.height);
        for _ in 0..passes[level] {
            let votes = vote(&field, &atlas.raster, (canvas.width, canvas.height), REACH);
            canvas
                .pixels
                .par_iter_mut()
                .zip(&votes)
                .for_each(|(pixel, vote)| pixel[..3].copy_from_slice(vote));
            field = improve(&field, &atlas, &canvas, &pull, &similar);
            done += cost[level];
            if !observer.on_pass(done / all, None) {
                return None;
            }
        }
        let last = level + 1 == LEVELS;
        let pixels = vote(&field, &atlas.raster, before, if last { 1 } else { REACH });
        let picture = Plane {
            width: before.0,
            height: before.1,
            pixels,
        };
        if !observer.on_pass(done / all, Some(&picture)) {
            return None;
        }
        let details: Option<Vec<&Plane>> = details.iter().map(Option::as_ref).collect();
        finished = match details.filter(|_| last && times > 1) {
            Some(details) => Some(vote_detail(&field, &details, atlas.tile, before, times)),
            None => Some(picture),
        };
    }
    finished
}

/// The result of [`vote`] at `times` the size, from the sources' detail.
fn vote_detail(
    field: &[(u16, u16)],
    details: &[&Plane],
    tile: usize,
    (width, height): (usize, usize),
    times: usize,
) -> Plane {
    Plane::filled(width * times, height * times, [0.0; 3]).map(|column, row, _| {
        let (x, y) = ((column / times) as isize, (row / times) as isize);
        let (mut sum, mut total) = ([0.0f32; 3], 0.0f32);
        for down in -1..=1isize {
            for across in -1..=1isize {
                let (px, py) = (x + across, y + down);
                if px < 0 || py < 0 || px >= width as isize || py >= height as isize {
                    continue;
                }
                let (u, v) = field[py as usize * width + px as usize];
                let (source, u) = (usize::from(u) / tile, usize::from(u) % tile);
                // Positions from the centre of the patch's middle pixel.
                let right = column as isize - px * times as isize;
                let below = row as isize - py * times as isize;
                let colour = details[source].at(
                    (u * times) as isize + right,
                    (usize::from(v) * times) as isize + below,
                );
                let away = |offset: isize| {
                    let middle = (offset as f32 + 0.5) / times as f32 - 0.5;
                    1.0 - middle.abs() / 1.6
                };
                let weight = (away(right) * away(below)).max(0.0);
                for channel in 0..3 {
                    sum[channel] += weight * colour[channel];
                }
                total += weight;
            }
        }
        sum.map(|value| value / total.max(1e-6))
    })
}

/// The initial patch of each pixel: one of the eight whose guides match best, chosen by the seed.
fn first_field(atlas: &Atlas, canvas: &Raster, pull: &[f32], seed: u64) -> Vec<(u16, u16)> {
    let raster = &atlas.raster;
    let centres: Vec<(usize, usize)> = (0..raster.width * raster.height)
        .map(|index| (index % raster.width, index / raster.width))
        .filter(|(x, y)| atlas.fits(*x as isize, *y as isize))
        .collect();
    let mut points = Vec::with_capacity(centres.len() * 7);
    for (x, y) in &centres {
        let pixel = raster.pixels[y * raster.width + x];
        let (u, v) = atlas.place(*x, *y);
        points.extend([
            pixel[3],
            pixel[4],
            pixel[5],
            pixel[6],
            pixel[7],
            0.4 * u,
            0.4 * v,
        ]);
    }
    let tree = KdTree::new(points, 7);
    (0..canvas.width * canvas.height)
        .into_par_iter()
        .map(|index| {
            let (x, y) = (index % canvas.width, index / canvas.width);
            let pixel = canvas.pixels[index];
            let (u, v) = (
                x as f32 / canvas.width as f32,
                y as f32 / canvas.height as f32,
            );
            let query = [
                pixel[3],
                pixel[4],
                pixel[5],
                pixel[6],
                pixel[7],
                0.4 * u,
                0.4 * v,
            ];
            let found = tree.nearest::<8>(&query, 24);
            // Neighbouring pixels use the same random choice, so that the first field is coherent.
            // With a strong pull, the best patch is taken.
            let mut chance = Random::new(seed ^ ((y / 3 * 4096 + x / 3) as u64) << 20);
            let choices = if pull[index] > 0.5 { 1 } else { 8 };
            let (_, best) = found[chance.next() as usize % choices.min(found.len())];
            let (x, y) = centres[best as usize];
            (x as u16, y as u16)
        })
        .collect()
}

/// The field of the next finer level.
fn finer_field(
    coarse: &[(u16, u16)],
    size: (usize, usize),
    atlas: &Atlas,
    canvas: &Raster,
) -> Vec<(u16, u16)> {
    (0..canvas.width * canvas.height)
        .map(|index| {
            let (x, y) = (index % canvas.width, index / canvas.width);
            let (u, v) = coarse[(y / 2).min(size.1 - 1) * size.0 + (x / 2).min(size.0 - 1)];
            atlas.clamped(usize::from(u) * 2 + (x & 1), usize::from(v) * 2 + (y & 1))
        })
        .collect()
}

/// Averages for each pixel the colours that the overlapping patches propose.
fn vote(
    field: &[(u16, u16)],
    source: &Raster,
    (width, height): (usize, usize),
    reach: usize,
) -> Vec<Lab> {
    let reach = reach as isize;
    (0..width * height)
        .into_par_iter()
        .map(|index| {
            let (x, y) = ((index % width) as isize, (index / width) as isize);
            let (mut sum, mut count) = ([0.0f32; 3], 0.0f32);
            for down in -reach..=reach {
                for across in -reach..=reach {
                    let (px, py) = (x + across, y + down);
                    if px < 0 || py < 0 || px >= width as isize || py >= height as isize {
                        continue;
                    }
                    let (u, v) = field[py as usize * width + px as usize];
                    let from = (v as isize - down) as usize * source.width
                        + (u as isize - across) as usize;
                    let pixel = source.pixels[from];
                    for channel in 0..3 {
                        sum[channel] += pixel[channel];
                    }
                    count += 1.0;
                }
            }
            sum.map(|value| value / count)
        })
        .collect()
}

/// Replaces each pixel's patch by the best of its own, its neighbours' shifted patches, and patches
/// similar to them.
fn improve(
    field: &[(u16, u16)],
    atlas: &Atlas,
    canvas: &Raster,
    pull: &[f32],
    similar: &[[u32; SIMILAR]],
) -> Vec<(u16, u16)> {
    let source = &atlas.raster;
    let mut used = vec![0u16; source.width * source.height];
    for (x, y) in field {
        let count = &mut used[usize::from(*y) * source.width + usize::from(*x)];
        *count = count.saturating_add(1);
    }
    let fair = field.len() as f32 / used.len() as f32;
    (0..field.len())
        .into_par_iter()
        .map(|index| {
            let (x, y) = (index % canvas.width, index / canvas.width);
            if x < REACH || y < REACH || x >= canvas.width - REACH || y >= canvas.height - REACH {
                return field[index];
            }
            let (u, v) = (
                x as f32 / canvas.width as f32,
                y as f32 / canvas.height as f32,
            );
            let extra = |at: (usize, usize)| {
                let reuse =
                    (f32::from(used[at.1 * source.width + at.0]) / fair - 1.0).clamp(0.0, 12.0);
                let (su, sv) = atlas.place(at.0, at.1);
                let away = (su - u) * (su - u) + (sv - v) * (sv - v);
                REUSE_COST * reuse * (1.0 - pull[index])
                    + atlas.costs[at.0 / atlas.tile]
                    + pull[index] * 4.0 * away
            };
            let own = (usize::from(field[index].0), usize::from(field[index].1));
            let mut best = (
                patch_distance(canvas, (x, y), source, own, f32::MAX) + extra(own),
                own,
            );
            let attempt = |at: (usize, usize), best: &mut (f32, (usize, usize))| {
                let extra = extra(at);
                if extra < best.0 {
                    let cost = patch_distance(canvas, (x, y), source, at, best.0 - extra) + extra;
                    if cost < best.0 {
                        *best = (cost, at);
                    }
                }
            };
            for (across, down) in [(0isize, 0isize), (-1, 0), (1, 0), (0, -1), (0, 1)] {
                let neighbour = field
                    [(y as isize + down) as usize * canvas.width + (x as isize + across) as usize];
                let (px, py) = (neighbour.0 as isize - across, neighbour.1 as isize - down);
                if !atlas.fits(px, py) {
                    continue;
                }
                let (px, py) = (px as usize, py as usize);
                if (across, down) != (0, 0) {
                    attempt((px, py), &mut best);
                }
                for other in similar[py * source.width + px] {
                    attempt(
                        (other as usize % source.width, other as usize / source.width),
                        &mut best,
                    );
                }
            }
            (best.1.0 as u16, best.1.1 as u16)
        })
        .collect()
}
