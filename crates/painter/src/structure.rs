//! The structure of a sketch: its ink, the regions that it encloses even if lines have gaps, and a
//! height map for shading.

use image::RgbImage;

use crate::compositing::fit_to;
use crate::distance::distance_to;
use crate::label::BACKGROUND;
use crate::plane::{Lab, Plane, distance2, smooth_step};
use crate::relief::inflate;

/// The lines of a drawing and the areas between them.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// How much of each pixel is covered with ink, 0 to 1.
    pub ink: Vec<f32>,
    /// The region of each pixel, ink included: 0 is the background.
    pub labels: Vec<u16>,
    /// The regions by label; the first one is the background.
    pub regions: Vec<Region>,
    /// A height map that rises softly from 0 at outlines to 1.
    pub relief: Vec<f32>,
}

/// An area enclosed by ink.
#[derive(Debug, Clone, Default)]
pub struct Region {
    /// The number of pixels.
    pub area: usize,
    /// The labels of adjacent regions.
    pub neighbours: Vec<u16>,
    /// The centre, width and height of its bounding box, in pixels.
    pub place: [f32; 4],
}

impl Structure {
    /// Analyses a drawing, scaled to `width` x `height`. If its ratio differs much, empty paper is
    /// cropped.
    #[must_use]
    pub fn of_sketch(sketch: &RgbImage, width: usize, height: usize) -> Self {
        let plane = fitted(sketch, width, height);
        let ink = ink_of(&plane);
        Self::of_ink(ink, width, height)
    }

    /// Finds the regions between lines.
    #[must_use]
    pub fn of_ink(ink: Vec<f32>, width: usize, height: usize) -> Self {
        let mut labels = trapped_balls(&ink, width, height);
        let count = labels
            .iter()
            .copied()
            .filter(|label| *label != UNKNOWN)
            .max()
            .unwrap_or(0);
        grow(&mut labels, width, usize::MAX, |_| true);
        let mut regions = vec![Region::default(); usize::from(count) + 1];
        let mut boxes = vec![[usize::MAX, usize::MAX, 0, 0]; regions.len()];
        for (index, label) in labels.iter().enumerate() {
            regions[usize::from(*label)].area += 1;
            let (x, y) = (index % width, index / width);
            let [left, top, right, bottom] = boxes[usize::from(*label)];
            boxes[usize::from(*label)] = [left.min(x), top.min(y), right.max(x), bottom.max(y)];
            for step in [1, width] {
                // At the last column, `index + 1` is the first pixel of the next row. Both are on
                // the border, usually in the same region.
                let Some(other) = labels.get(index + step).filter(|other| *other != label) else {
                    continue;
                };
                for (one, two) in [(*label, *other), (*other, *label)] {
                    if !regions[usize::from(one)].neighbours.contains(&two) {
                        regions[usize::from(one)].neighbours.push(two);
                    }
                }
            }
        }
        for (region, [left, top, right, bottom]) in regions
            .iter_mut()
            .zip(boxes)
            .filter(|(region, _)| region.area > 0)
        {
            let (across, down) = ((right - left + 1) as f32, (bottom - top + 1) as f32);
            region.place = [
                left as f32 + across / 2.0,
                top as f32 + down / 2.0,
                across,
                down,
            ];
        }
        let relief = inflate(&labels, &ink, width, height);
        Self {
            width,
            height,
            ink,
            labels,
            regions,
            relief,
        }
    }

    /// The bounding box of everything that is not background: left, top, right, bottom as fractions
    /// of the picture.
    #[must_use]
    pub fn figure_box(&self) -> [f32; 4] {
        let (mut left, mut top, mut right, mut bottom) = (self.width, self.height, 0, 0);
        for (index, label) in self.labels.iter().enumerate() {
            if *label != BACKGROUND || self.ink[index] > 0.5 {
                let (x, y) = (index % self.width, index / self.width);
                (left, right) = (left.min(x), right.max(x + 1));
                (top, bottom) = (top.min(y), bottom.max(y + 1));
            }
        }
        if left >= right {
            return [0.0, 0.0, 1.0, 1.0];
        }
        let (width, height) = (self.width as f32, self.height as f32);
        [
            left as f32 / width,
            top as f32 / height,
            right as f32 / width,
            bottom as f32 / height,
        ]
    }
}

const UNKNOWN: u16 = u16::MAX;

/// The colour of the paper: the median of the border.
fn paper_of(plane: &Plane) -> Lab {
    let mut border: Vec<Lab> = (0..plane.width)
        .flat_map(|x| {
            [
                plane.at(x as isize, 0),
                plane.at(x as isize, plane.height as isize - 1),
            ]
        })
        .chain((0..plane.height).flat_map(|y| {
            [
                plane.at(0, y as isize),
                plane.at(plane.width as isize - 1, y as isize),
            ]
        }))
        .collect();
    let middle = border.len() / 2;
    let mut median = [0.0; 3];
    for (channel, value) in median.iter_mut().enumerate() {
        border.sort_by(|a, b| a[channel].total_cmp(&b[channel]));
        *value = border[middle][channel];
    }
    median
}

/// How much of each pixel of a drawing is covered with ink, 0 to 1, whatever the colours of ink and
/// paper.
#[must_use]
pub fn ink(sketch: &RgbImage) -> Vec<f32> {
    ink_of(&Plane::from_rgb(sketch))
}

/// How much each pixel differs from the paper, 0 to 1.
#[must_use]
pub(crate) fn ink_of(plane: &Plane) -> Vec<f32> {
    let paper = paper_of(plane);
    let distances: Vec<f32> = plane
        .pixels
        .iter()
        .map(|pixel| distance2(*pixel, paper).sqrt())
        .collect();
    let mut strong: Vec<f32> = distances
        .iter()
        .copied()
        .filter(|distance| *distance > 0.06)
        .collect();
    if strong.is_empty() {
        return vec![0.0; distances.len()];
    }
    strong.sort_by(f32::total_cmp);
    let full = strong[strong.len() * 3 / 4].max(0.1);
    distances
        .iter()
        .map(|distance| smooth_step(0.12 * full, 0.8 * full, *distance))
        .collect()
}

/// Scales the drawing to this size: the whole drawing if its ratio is close, otherwise its inked
/// part with a margin.
fn fitted(sketch: &RgbImage, width: usize, height: usize) -> Plane {
    let ratio = (sketch.width() as f32 / sketch.height() as f32) / (width as f32 / height as f32);
    if (0.97..1.03).contains(&ratio) {
        return Plane::from_rgb(&fit_to(sketch, width as u32, height as u32));
    }
    // The paper and the ink are found on a small copy.
    let small = clippy_imaging::scaled_to(sketch, 1024);
    let plane = Plane::from_rgb(&small);
    let (paper, ink) = (paper_of(&plane), ink_of(&plane));
    let (mut left, mut top, mut right, mut bottom) = (plane.width, plane.height, 0, 0);
    for (index, _) in ink.iter().enumerate().filter(|(_, value)| **value > 0.5) {
        let (x, y) = (index % plane.width, index / plane.width);
        (left, right, top, bottom) = (left.min(x), right.max(x + 1), top.min(y), bottom.max(y + 1));
    }
    if left >= right {
        return Plane::filled(width, height, paper);
    }
    let (inked_width, inked_height) = ((right - left) as f32, (bottom - top) as f32);
    // Keep the drawing's own margin if possible. The inked part may fill at most 78 % of the
    // canvas.
    let whole = (plane.width as f32 / width as f32).min(plane.height as f32 / height as f32);
    let needed = (inked_width / width as f32).max(inked_height / height as f32) / 0.78;
    let step = needed.max(whole.min(needed * 1.12));
    let (middle_x, middle_y) = ((left + right) as f32 / 2.0, (top + bottom) as f32 / 2.0);
    let smooth = plane.blur((step * 0.5).clamp(0.0, 3.0));
    Plane::filled(width, height, paper).map(|x, y, paper| {
        let u = middle_x + (x as f32 + 0.5 - width as f32 / 2.0) * step;
        let v = middle_y + (y as f32 + 0.5 - height as f32 / 2.0) * step;
        let inside = u >= 0.0 && v >= 0.0 && u < smooth.width as f32 && v < smooth.height as f32;
        if inside {
            smooth.sample(u - 0.5, v - 0.5)
        } else {
            paper
        }
    })
}

/// Trapped-ball segmentation (Zhang et al. 2009): a region is the area in which a ball can roll
/// without crossing ink, so gaps narrower than the ball are closed. Large balls come first; smaller
/// ones fill what remains.
fn trapped_balls(ink: &[f32], width: usize, height: usize) -> Vec<u16> {
    let mut labels = vec![UNKNOWN; ink.len()];
    let side = width.min(height) as f32;
    let mut next = BACKGROUND + 1;
    let wall = |index: usize| ink[index] > 0.4;
    for (level, radius) in [
        side * 0.075,
        side * 0.045,
        side * 0.024,
        side * 0.011,
        side * 0.005,
        0.9,
    ]
    .into_iter()
    .enumerate()
    {
        let room = distance_to(
            |index| wall(index) || labels[index] != UNKNOWN,
            width,
            height,
        );
        let mut seeds: Vec<Vec<usize>> = Vec::new();
        let mut seen = vec![false; ink.len()];
        for start in 0..ink.len() {
            if seen[start] || room[start] <= radius {
                continue;
            }
            seen[start] = true;
            let (mut waiting, mut members) = (vec![start], Vec::new());
            while let Some(index) = waiting.pop() {
                members.push(index);
                for other in around(index, width, height) {
                    if !seen[other] && room[other] > radius {
                        seen[other] = true;
                        waiting.push(other);
                    }
                }
            }
            seeds.push(members);
        }
        for members in seeds {
            let on_border = members.iter().any(|index| {
                let (x, y) = (index % width, index / width);
                let near = radius as usize + 1;
                x <= near || y <= near || x + near + 1 >= width || y + near + 1 >= height
            });
            let label = if level == 0 && on_border || next == UNKNOWN - 1 {
                BACKGROUND
            } else {
                next
            };
            if label == next {
                next += 1;
            }
            for index in members {
                labels[index] = label;
            }
        }
        grow(&mut labels, width, radius.ceil() as usize + 1, |index| {
            !wall(index)
        });
    }
    merge_open(&mut labels, usize::from(next), width, height);
    labels
}

/// Merges regions that touch without ink between them along much of the smaller one's outline: they
/// are one region that was too narrow for the larger ball. Then regions that are open to the
/// background along much of their outline become background; a shorter opening counts as a gap.
fn merge_open(labels: &mut [u16], count: usize, width: usize, height: usize) {
    let mut outline = vec![0usize; count];
    let mut area = vec![0usize; count];
    let mut shared = std::collections::BTreeMap::<(u16, u16), usize>::new();
    for index in (0..labels.len()).filter(|index| labels[*index] != UNKNOWN) {
        let label = labels[index];
        area[usize::from(label)] += 1;
        for other in around(index, width, height).filter(|other| labels[*other] != label) {
            outline[usize::from(label)] += 1;
            if labels[other] != UNKNOWN && labels[other] > label {
                *shared.entry((label, labels[other])).or_default() += 1;
            }
        }
    }
    let mut root: Vec<u16> = (0..count as u16).collect();
    let find = |root: &[u16], mut label: u16| {
        while root[usize::from(label)] != label {
            label = root[usize::from(label)];
        }
        label
    };
    for ((one, two), length) in shared.iter().filter(|((one, _), _)| *one != BACKGROUND) {
        let smaller = usize::from(if area[usize::from(*two)] < area[usize::from(*one)] {
            *two
        } else {
            *one
        });
        if length * 100 > outline[smaller] * 9 {
            let (a, b) = (find(&root, *one), find(&root, *two));
            root[usize::from(a.max(b))] = a.min(b);
        }
    }
    let (mut around_group, mut open) = (vec![0usize; count], vec![0usize; count]);
    for label in 0..count as u16 {
        around_group[usize::from(find(&root, label))] += outline[usize::from(label)];
    }
    for ((one, two), length) in &shared {
        let (a, b) = (find(&root, *one), find(&root, *two));
        if *one == BACKGROUND {
            open[usize::from(b)] += length;
        } else if a == b {
            around_group[usize::from(a)] = around_group[usize::from(a)].saturating_sub(2 * length);
        }
    }
    for label in labels.iter_mut().filter(|label| **label != UNKNOWN) {
        let group = find(&root, *label);
        let lost = open[usize::from(group)] * 100 > around_group[usize::from(group)] * 24;
        *label = if lost { BACKGROUND } else { group };
    }
}

/// The up to four adjacent pixels.
pub(crate) fn around(index: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (index % width, index / width);
    [
        (x > 0).then(|| index - 1),
        (x + 1 < width).then(|| index + 1),
        (y > 0).then(|| index - width),
        (y + 1 < height).then(|| index + width),
    ]
    .into_iter()
    .flatten()
}

/// Extends labelled regions over unlabelled pixels that are `free`, by at most `steps` pixels. If
/// there is no region and no limit, every pixel becomes background.
fn grow(labels: &mut [u16], width: usize, steps: usize, free: impl Fn(usize) -> bool) {
    let height = labels.len() / width;
    let mut front: Vec<usize> = (0..labels.len())
        .filter(|index| labels[*index] != UNKNOWN)
        .collect();
    if front.is_empty() {
        if steps == usize::MAX {
            labels.fill(BACKGROUND);
        }
        return;
    }
    for _ in 0..steps {
        let mut reached = Vec::new();
        for index in front {
            for other in around(index, width, height) {
                if labels[other] == UNKNOWN && free(other) {
                    labels[other] = labels[index];
                    reached.push(other);
                }
            }
        }
        if reached.is_empty() {
            break;
        }
        front = reached;
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    /// A square of 160 pixels on white paper of 256, with a gap in its upper line.
    fn square(gap: u32) -> RgbImage {
        let mut picture = RgbImage::from_pixel(256, 256, Rgb([255, 255, 255]));
        for step in 0..160 {
            for thick in 0..4 {
                for (x, y) in [
                    (48 + step, 204 + thick),
                    (48 + thick, 48 + step),
                    (204 + thick, 48 + step),
                ] {
                    picture.put_pixel(x, y, Rgb([240, 100, 150]));
                }
                if step.abs_diff(80) * 2 > gap {
                    picture.put_pixel(48 + step, 48 + thick, Rgb([240, 100, 150]));
                }
            }
        }
        picture
    }

    #[test]
    fn a_small_gap_in_a_line_does_not_open_the_region() {
        for gap in [0, 8] {
            let structure = Structure::of_sketch(&square(gap), 256, 256);
            let label = structure.labels[128 * 256 + 128];
            assert_ne!(label, BACKGROUND, "gap {gap}");
            assert_eq!(structure.labels[10 * 256 + 10], BACKGROUND);
            let area = structure.regions[usize::from(label)].area;
            assert!((20_000..28_000).contains(&area), "gap {gap}: {area}");
            assert!(
                structure.relief[128 * 256 + 128] > 0.8 && structure.relief[10 * 256 + 10] < 0.1
            );
        }
    }

    #[test]
    fn a_region_with_a_wide_opening_is_background() {
        let structure = Structure::of_sketch(&square(150), 256, 256);
        assert_eq!(structure.labels[60 * 256 + 128], BACKGROUND);
    }

    #[test]
    fn empty_paper_is_all_background() {
        let structure = Structure::of_sketch(
            &RgbImage::from_pixel(900, 600, Rgb([250, 250, 250])),
            64,
            64,
        );
        assert!(structure.labels.iter().all(|label| *label == BACKGROUND));
    }
}
