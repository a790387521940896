//! Recolours what is under a mask. Light, shade and texture stay.

use std::sync::atomic::{AtomicBool, Ordering};

use image::{GrayImage, Rgb, RgbImage};
use rayon::prelude::*;

use crate::compositing::composite;
use crate::ground::{connected_with_edge, plain_ground};
use crate::input::{Cancelled, Observer};
use crate::palette::cluster;
use crate::plane::{Lab, Plane, Random, chroma, distance2, mix, smooth_step, to_lab, to_rgb};

/// The number of colours that stand for the surroundings of the mask.
const SURROUNDINGS: usize = 4;
/// The most pixels that are looked at to find the colours of a part.
const SAMPLES: usize = 20_000;
/// Squared distances in OKLab: up to the first, a pixel has a colour of the surroundings; from the
/// second on, it has not.
const ALIKE: (f32, f32) = (0.0012, 0.006);
/// A mask of which more than this share looks like its surroundings lies within one thing.
const WITHIN: f32 = 0.93;
/// The share of the difference in lightness that is taken over: a red thing is darker than a yellow
/// one.
const LIGHTNESS: f32 = 0.75;

/// From this lightness on, an area is paper.
const PAPER: f32 = 0.93;
/// Darker pixels are the lines of a drawing.
const LINE: f32 = 0.5;
/// The share of lines in an uncoloured drawing; the rest is at their edges.
const LINES: f32 = 0.6;
/// The least paper that the lines of a drawing enclose, as a multiple of their own area. A black
/// silhouette encloses less.
const ENCLOSED: f32 = 0.4;

/// Recolours the masked part of the base. An uncoloured drawing is filled. What looks like the surroundings of the mask keeps its
/// colour, so a mask may be larger than the thing. `seed` shifts the colour a little, so that
/// several pictures differ.
///
/// # Errors
/// [`Cancelled`] when the observer cancelled it.
pub(crate) fn recolour_masked(
    base: &RgbImage,
    mask: &GrayImage,
    colour: Lab,
    seed: u64,
    observer: &dyn Observer,
) -> Result<RgbImage, Cancelled> {
    let surroundings = surroundings_of(base, mask);
    let samples = samples(base, mask, |inside| inside);
    observer.on_progress(0.1);
    let of_thing = |pixel: &Lab| belongs(*pixel, &surroundings);
    let alike = samples.iter().filter(|pixel| of_thing(pixel) < 0.5).count();
    let is_within = alike as f32 > WITHIN * samples.len() as f32;
    let weight = |pixel: Lab| if is_within { 1.0 } else { of_thing(&pixel) };
    let thing = samples.iter().filter(|pixel| weight(**pixel) >= 0.5);
    let areas = areas_of_drawing(base, mask, thing).or_else(|| {
        let paper: f32 = samples.iter().map(|pixel| paper_share(*pixel)).sum();
        (is_within && paper > WITHIN * samples.len() as f32)
            .then(|| vec![true; mask.as_raw().len()])
    });
    let varied = varied(colour, seed);
    let weighted = samples.iter().map(|pixel| (*pixel, weight(*pixel)));
    let change = Change::new(weighted, varied);
    let changed_pixel = |index: usize, from: Lab| match &areas {
        None => mix(from, change.apply(from), weight(from)),
        Some(areas) if areas[index] => {
            let filled = varied.map(|value| value * from[0]);
            mix(from, filled, paper_share(from))
        }
        Some(_) => from,
    };
    let mut changed = base.clone();
    let width = base.width() as usize;
    let stopped = AtomicBool::new(false);
    changed
        .par_chunks_mut(3 * width)
        .zip(mask.as_raw().par_chunks(width))
        .enumerate()
        .for_each(|(row, (pixels, mask))| {
            if stopped.load(Ordering::Relaxed) || observer.is_cancelled() {
                stopped.store(true, Ordering::Relaxed);
                return;
            }
            let pixels = pixels.as_chunks_mut::<3>().0.iter_mut();
            for (column, (pixel, mask)) in pixels.zip(mask).enumerate() {
                if *mask > 0 {
                    let from = to_lab(Rgb(*pixel));
                    *pixel = to_rgb(changed_pixel(row * width + column, from)).0;
                }
            }
        });
    if stopped.into_inner() {
        return Err(Cancelled);
    }
    observer.on_progress(0.9);
    Ok(composite(base, mask, &changed))
}

/// If the thing under the mask is an uncoloured drawing: for every pixel whether the drawing's lines
/// enclose it, so that a colour fills it. `None` if the thing is painted, or encloses little.
fn areas_of_drawing<'p>(
    base: &RgbImage,
    mask: &GrayImage,
    thing: impl Iterator<Item = &'p Lab>,
) -> Option<Vec<bool>> {
    let drawn: Vec<&Lab> = thing.filter(|pixel| paper_share(**pixel) < 0.5).collect();
    let lines = drawn.iter().filter(|pixel| pixel[0] < LINE).count();
    if drawn.is_empty() || (lines as f32) < LINES * drawn.len() as f32 {
        return None;
    }
    let plane = Plane::from_rgb(base);
    let ground = plain_ground(&plane).filter(|ground| paper_share(*ground) > 0.5)?;
    let open = connected_with_edge(&plane, ground);
    let (mut enclosed, mut drawn) = (0_u32, 0_u32);
    for ((pixel, open), mask) in plane.pixels.iter().zip(&open).zip(mask.as_raw()) {
        if *mask > 0 {
            enclosed += u32::from(!open && paper_share(*pixel) > 0.5);
            drawn += u32::from(pixel[0] < LINE);
        }
    }
    (enclosed as f32 > ENCLOSED * drawn as f32).then(|| open.iter().map(|open| !open).collect())
}

/// The change of a thing to another colour: its light and shade stay.
pub(crate) struct Change {
    /// The mean lightness of the thing.
    mean: f32,
    to: Lab,
}

impl Change {
    /// The change of these colours to another one. Each has a weight from 0, not of the thing, to 1.
    pub(crate) fn new(weighted: impl Iterator<Item = (Lab, f32)>, to: Lab) -> Self {
        let (mut sum, mut total) = (0.0, 0.0);
        for (colour, weight) in weighted {
            // Outlines and highlights say little about the colour of a thing.
            let share = weight * paint_share(colour[0]);
            sum += share * colour[0];
            total += share;
        }
        Self {
            mean: if total > 0.0 { sum / total } else { 0.6 },
            to,
        }
    }

    /// The new colour of a part of the thing.
    pub(crate) fn apply(&self, from: Lab) -> Lab {
        let share = paint_share(from[0]);
        // Shades are compressed towards white and black, so that none is cut off.
        let moved = if from[0] < self.mean {
            self.to[0] * from[0] / self.mean.max(0.05)
        } else {
            1.0 - (1.0 - self.to[0]) * (1.0 - from[0]) / (1.0 - self.mean).max(0.05)
        };
        let lightness = from[0] + (moved - from[0]) * LIGHTNESS * share;
        // A pale part of the thing stays paler than the rest.
        let part = 0.55 + 0.45 * smooth_step(0.0, 0.08, chroma(from));
        let scale = share * if chroma(self.to) < 0.02 { 1.0 } else { part };
        [
            lightness,
            from[1] + (self.to[1] * scale - from[1]) * share,
            from[2] + (self.to[2] * scale - from[2]) * share,
        ]
    }
}

/// How much a pixel of this lightness is paint: less for outlines and highlights.
pub(crate) fn paint_share(lightness: f32) -> f32 {
    smooth_step(0.16, 0.34, lightness) * (1.0 - 0.85 * smooth_step(0.94, 0.995, lightness))
}

/// How much a pixel is paper, 0 to 1: light, and without a colour.
pub(crate) fn paper_share(pixel: Lab) -> f32 {
    let light = smooth_step(PAPER - 0.1, PAPER, pixel[0]);
    light * (1.0 - smooth_step(0.02, 0.05, chroma(pixel)))
}

/// 1 if a pixel has no colour of the surroundings.
fn belongs(pixel: Lab, surroundings: &[Lab]) -> f32 {
    let nearest = surroundings
        .iter()
        .map(|colour| distance2(*colour, pixel))
        .fold(f32::MAX, f32::min);
    smooth_step(ALIKE.0, ALIKE.1, nearest)
}

/// The colours around the mask: of the pixels close to it on its outside.
fn surroundings_of(base: &RgbImage, mask: &GrayImage) -> Vec<Lab> {
    let (width, height) = mask.dimensions();
    let reach = i64::from(width.min(height) / 64).clamp(2, 16);
    let is_masked = |x: i64, y: i64| {
        let inside = (0..i64::from(width)).contains(&x) && (0..i64::from(height)).contains(&y);
        inside && mask.get_pixel(x as u32, y as u32).0[0] > 0
    };
    let is_beside = |x: u32, y: u32| {
        let (x, y) = (i64::from(x), i64::from(y));
        [(reach, 0), (-reach, 0), (0, reach), (0, -reach)]
            .iter()
            .any(|(right, down)| is_masked(x + right, y + down))
    };
    let around: Vec<Lab> = sampled(base, |x, y| {
        mask.get_pixel(x, y).0[0] == 0 && is_beside(x, y)
    });
    if around.is_empty() {
        return Vec::new();
    }
    cluster(&around, SURROUNDINGS)
}

fn samples(base: &RgbImage, mask: &GrayImage, wanted: impl Fn(bool) -> bool) -> Vec<Lab> {
    sampled(base, |x, y| wanted(mask.get_pixel(x, y).0[0] > 0))
}

/// The colours of the pixels that are wanted, of at most [`SAMPLES`] of them.
fn sampled(base: &RgbImage, wanted: impl Fn(u32, u32) -> bool) -> Vec<Lab> {
    let places = || {
        let (width, height) = base.dimensions();
        (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
    };
    let count = places().filter(|(x, y)| wanted(*x, *y)).count();
    places()
        .filter(|(x, y)| wanted(*x, *y))
        .step_by(count.div_ceil(SAMPLES).max(1))
        .map(|(x, y)| to_lab(*base.get_pixel(x, y)))
        .collect()
}

/// The colour, shifted a little.
fn varied(colour: Lab, seed: u64) -> Lab {
    let mut random = Random::new(seed);
    let mut within = |most: f32| most * (2.0 * random.share() - 1.0);
    let (turn, lighter, stronger) = (within(0.14), within(0.05), 1.0 + within(0.15));
    let (sine, cosine) = turn.sin_cos();
    [
        (colour[0] + lighter).clamp(0.05, 0.98),
        (colour[1] * cosine - colour[2] * sine) * stronger,
        (colour[1] * sine + colour[2] * cosine) * stronger,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour_words::mask_colour;

    struct Watching(bool);

    impl Observer for Watching {
        fn on_progress(&self, _fraction: f32) {}
        fn on_preview(&self, _jpeg: Vec<u8>) {}
        fn is_cancelled(&self) -> bool {
            self.0
        }
    }

    const PAPER: Rgb<u8> = Rgb([250, 248, 240]);

    /// A red disc with shade and a dark outline, on paper.
    fn disc() -> RgbImage {
        RgbImage::from_fn(120, 120, |x, y| {
            let (x, y) = (x as f32 - 60.0, y as f32 - 60.0);
            match (x * x + y * y).sqrt() {
                distance if distance > 40.0 => PAPER,
                distance if distance > 36.0 => Rgb([20, 16, 16]),
                _ => Rgb([200 - (y + 40.0) as u8, 40, 40]),
            }
        })
    }

    fn square(from: u32, to: u32) -> GrayImage {
        GrayImage::from_fn(120, 120, |x, y| {
            let inside = (from..to).contains(&x) && (from..to).contains(&y);
            image::Luma([if inside { 255 } else { 0 }])
        })
    }

    fn recoloured(mask: &GrayImage, words: &str, seed: u64) -> RgbImage {
        let colour = mask_colour(words).expect("a colour").colour;
        recolour_masked(&disc(), mask, colour, seed, &Watching(false)).expect("recoloured")
    }

    fn is_blue(pixel: &Rgb<u8>) -> bool {
        pixel.0[2] > pixel.0[0].saturating_add(30)
    }

    #[test]
    fn a_thing_gets_the_colour_and_keeps_its_shade_its_outline_and_its_surroundings() {
        // The mask is larger than the disc.
        let made = recoloured(&square(10, 110), "a blue ball", 1);
        assert!(
            is_blue(made.get_pixel(60, 60)),
            "{:?}",
            made.get_pixel(60, 60)
        );
        assert_eq!(*made.get_pixel(16, 16), PAPER);
        let light = |y| to_lab(*made.get_pixel(60, y))[0];
        assert!(light(30) > light(85) + 0.05, "{} {}", light(30), light(85));
        assert!(to_lab(*made.get_pixel(60, 22))[0] < 0.3, "the outline");
        assert_eq!(*made.get_pixel(3, 60), PAPER, "outside of the mask");
    }

    #[test]
    fn a_drawing_in_lines_is_filled_and_so_is_a_part_of_its_paper() {
        let drawing = |inner: f32| {
            RgbImage::from_fn(120, 120, |x, y| {
                let away = (x as f32 - 60.0).hypot(y as f32 - 60.0);
                if (inner..40.0).contains(&away) {
                    Rgb([16; 3])
                } else {
                    Rgb([255; 3])
                }
            })
        };
        let colour = mask_colour("blue").expect("a colour").colour;
        let made = |base: &RgbImage, mask| {
            recolour_masked(base, &mask, colour, 1, &Watching(false)).expect("recoloured")
        };
        let (ring, white) = (drawing(36.0), Rgb([255; 3]));
        let around = made(&ring, square(10, 110));
        assert!(is_blue(around.get_pixel(60, 60)), "the inside");
        assert_eq!(*around.get_pixel(16, 16), white, "the paper around it");
        assert_eq!(around.get_pixel(60, 22), ring.get_pixel(60, 22), "the line");
        let within = made(&ring, square(45, 75));
        assert!(is_blue(within.get_pixel(60, 60)));
        assert_eq!(*within.get_pixel(60, 80), white, "outside of the mask");
        // A silhouette with a hole is not filled.
        let silhouette = drawing(8.0);
        let hole = *made(&silhouette, square(10, 110)).get_pixel(60, 60);
        assert!(!is_blue(&hole), "{hole:?}");
    }

    #[test]
    fn a_mask_within_a_thing_recolours_all_of_it_and_nothing_else() {
        let made = recoloured(&square(45, 75), "green", 1);
        let green = made.get_pixel(60, 60).0;
        assert!(green[1] > green[0] && green[1] > green[2], "{green:?}");
        assert_eq!(made.get_pixel(60, 82), disc().get_pixel(60, 82));
    }

    #[test]
    fn seeds_give_different_pictures_and_the_first_colour_of_the_words_counts() {
        let mask = square(10, 110);
        let [one, two] = [1, 2].map(|seed| recoloured(&mask, "blue, not red", seed));
        assert_ne!(one, two);
        assert!(is_blue(one.get_pixel(60, 60)) && is_blue(two.get_pixel(60, 60)));
        assert_eq!(one, recoloured(&mask, "blue", 1), "the same seed");
        let white = recoloured(&mask, "white", 1);
        assert!(chroma(to_lab(*white.get_pixel(60, 60))) < 0.03);
    }

    #[test]
    fn an_empty_mask_and_a_whole_one_are_no_trouble_and_it_can_be_cancelled() {
        let mask = GrayImage::new(120, 120);
        assert_eq!(recoloured(&mask, "blue", 1), disc());
        let whole = GrayImage::from_pixel(120, 120, image::Luma([255]));
        assert!(is_blue(recoloured(&whole, "blue", 1).get_pixel(60, 60)));
        let colour = mask_colour("blue").expect("a colour").colour;
        let stopped = recolour_masked(&disc(), &whole, colour, 1, &Watching(true));
        assert_eq!(stopped, Err(Cancelled));
    }
}
