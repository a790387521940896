//! The steps from the input to one picture: analyse the references, find the drawing's regions,
//! colour a mock-up, paint it with patches of the references, and apply the finishes.

use clippy_imaging::{Encoding, encode};
use image::{GrayImage, RgbImage};

use crate::appearance::Appearance;
use crate::colour_words::mask_colour;
use crate::compositing::composite;
use crate::finish::Canvas;
use crate::input::{Cancelled, Input, Observer};
use crate::label::BACKGROUND;
use crate::mockup::Mockup;
use crate::plane::{Lab, Plane, mix, smooth_step};
use crate::recolouring::recolour_masked;
use crate::scene::{MOST_SOURCES, Scene, analyse, recolour};
use crate::size::{magnification, size_for, unit_of};
use crate::strokes::draw_strokes;
use crate::structure::Structure;
use crate::synthesis::{MARGIN, SynthesisObserver};
use crate::take::Take;
use crate::texture::{Manner, synthesise_paint};

/// The long side of a preview in pixels.
const PREVIEW: usize = 256;
/// How visible strokes are without style references.
const PLAIN_STROKES: f32 = 0.45;

/// The influence of style references with this weight; complete from a weight of 0.8 on.
fn strength(weight: f32) -> f32 {
    smooth_step(-0.25, 0.85, weight).powf(1.6)
}

/// Reports the progress of one picture.
struct Painting<'a> {
    observer: &'a dyn Observer,
    structure: &'a Structure,
    mock: &'a Mockup,
    /// The width of the plane on which patches are placed.
    patched: usize,
}

impl Painting<'_> {
    /// Sends a small preview with the lines drawn over it, so that it resembles the result.
    fn preview(&self, picture: &Plane) {
        let (wide, high) = (self.structure.width, self.structure.height);
        let side = |own: usize| (PREVIEW * own / wide.max(high)).max(1);
        let (width, height) = (side(wide), side(high));
        let (scale_x, scale_y) = (
            picture.width as f32 / width as f32,
            picture.height as f32 / height as f32,
        );
        let steps = (wide as f32 / width as f32, high as f32 / height as f32);
        let small = Plane::filled(width, height, [0.0; 3]).map(|x, y, _| {
            let colour = picture.sample(
                (x as f32 + 0.5) * scale_x - 0.5,
                (y as f32 + 0.5) * scale_y - 0.5,
            );
            let column = (((x as f32 + 0.5) * steps.0) as usize).min(wide - 1);
            let row = (((y as f32 + 0.5) * steps.1) as usize).min(high - 1);
            let index = row * wide + column;
            let label = usize::from(self.structure.labels[index]);
            let line = self
                .mock
                .line_colours
                .get(label)
                .copied()
                .unwrap_or([0.2, 0.0, 0.0]);
            mix(colour, line, self.structure.ink[index] * 0.85)
        });
        if let Ok(jpeg) = encode(&small.to_rgb(), Encoding::Jpeg(80)) {
            self.observer.on_preview(jpeg);
        }
    }
}

impl SynthesisObserver for Painting<'_> {
    fn on_pass(&self, fraction: f32, picture: Option<&Plane>) -> bool {
        self.observer.on_progress(0.2 + 0.65 * fraction);
        if let Some(picture) = picture {
            let margin = MARGIN * picture.width / (self.patched + 2 * MARGIN);
            let (width, height) = (picture.width - 2 * margin, picture.height - 2 * margin);
            self.preview(&picture.crop(margin as isize, margin as isize, width, height));
        }
        !self.observer.is_cancelled()
    }
}

/// Paints one picture. The same input and seed give the same bytes on any number of threads.
/// Consecutive seeds give visibly different pictures.
///
/// # Errors
/// [`Cancelled`] when the observer cancelled it.
pub fn paint(input: &Input<'_>, seed: u64, observer: &dyn Observer) -> Result<RgbImage, Cancelled> {
    if let Some((base, mask, colour)) = recolouring(input) {
        return recolour_masked(base, mask, colour, seed, observer);
    }
    let (width, height) = size_for(input.ratio, input.long_side);
    let unit = unit_of(width, height);
    let take = Take::of(seed);
    let stop = || {
        if observer.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    };
    let styles = analyse(&input.styles, (width, height), seed, &take, MOST_SOURCES);
    // The parts of a sketch get the colours of the subject's parts at the same places.
    let subject_take = if input.sketch.is_some() {
        take.in_place()
    } else {
        take
    };
    let subjects = analyse(&input.subjects, (width, height), seed, &subject_take, 0);
    stop()?;
    observer.on_progress(0.08);
    let style_looks: Vec<(&Appearance, f32)> = styles
        .iter()
        .map(|(look, weight)| (look, *weight))
        .collect();
    let subject_looks: Vec<(&Appearance, f32)> = subjects
        .iter()
        .map(|(look, weight)| (look, *weight))
        .collect();
    let Scene {
        structure,
        plain,
        styled,
        accent,
    } = Scene::new(input, seed, (width, height), &style_looks, &subject_looks);
    stop()?;
    observer.on_progress(0.2);

    let style = styles
        .iter()
        .map(|(_, weight)| strength(*weight))
        .fold(0.0, f32::max);
    let painting = Painting {
        observer,
        structure: &structure,
        mock: &styled,
        patched: width.div_ceil(magnification(unit)),
    };
    painting.preview(&styled.plane);
    let mut paint = if style_looks.is_empty() {
        plain.plane.clone()
    } else {
        let sources = style_looks
            .iter()
            .take(MOST_SOURCES)
            .copied()
            .collect::<Vec<_>>();
        // The colours of a drawing were already chosen from the references; a full transfer would
        // mix them.
        let drawn = input.sketch.is_some();
        let manner = Manner { drawn, unit, seed };
        let painted =
            synthesise_paint(&structure, &styled, &sources, manner, &painting).ok_or(Cancelled)?;
        let share = if drawn {
            0.12
        } else if subject_looks.is_empty() {
            0.6
        } else {
            0.3
        };
        let moved = recolour(&painted, &structure, &style_looks, share);
        let mixed = moved.map(|x, y, colour| mix(plain.plane.pixels[y * width + x], colour, style));
        match &accent {
            // The palette of the references has changed the colour that the prompt names.
            Some(accent) => accent.applied(&mixed),
            None => mixed,
        }
    };
    stop()?;
    observer.on_progress(0.9);

    paint = cast_shadow(
        &paint,
        &structure,
        plain.shadow + (styled.shadow - plain.shadow) * style,
    );
    let mock = Mockup {
        plane: Plane::filled(1, 1, [0.0; 3]),
        shadow: 0.0,
        glowing: styled.glowing && style > 0.5 && !input.names_style,
        line_colours: plain
            .line_colours
            .iter()
            .zip(&styled.line_colours)
            .map(|(one, two)| mix(*one, *two, style))
            .collect(),
        line_strength: plain.line_strength + (styled.line_strength - plain.line_strength) * style,
    };
    drop((plain, styled));
    if input.names_style && style_looks.is_empty() {
        paint = paint.blur(0.6 * unit);
    }
    if !mock.glowing {
        let amount = amount_of_strokes(&style_looks, style);
        paint = draw_strokes(&paint, take.strokes, amount, unit);
    }
    let line_weight = if input.sketch.is_some() {
        0.35 + 0.65 * input.sketch_weight
    } else {
        0.55
    };
    let canvas = Canvas {
        paint,
        structure: &structure,
        mock: &mock,
        line_weight,
        unit,
    };
    let picture = canvas.finish(&input.finishes).to_rgb();
    observer.on_progress(0.97);
    Ok(match (input.base, input.mask) {
        (Some(base), Some(mask)) => composite(base, mask, &picture),
        _ => picture,
    })
}

/// How visible strokes may be, 0 to 1: flat references stay flat.
fn amount_of_strokes(looks: &[(&Appearance, f32)], style: f32) -> f32 {
    let Some((lead, _)) = looks.first() else {
        return PLAIN_STROKES;
    };
    let textured = smooth_step(0.004, 0.02, lead.grain[0].max(lead.grain[1]));
    PLAIN_STROKES + (0.12 + 0.88 * textured - PLAIN_STROKES) * style
}

/// What to recolour, and how, if there is nothing else to paint. A subject alone is none: what is
/// shown is the base's.
fn recolouring<'i>(input: &'i Input<'_>) -> Option<(&'i RgbImage, &'i GrayImage, Lab)> {
    let paints = input.sketch.is_some()
        || input.names_style
        || !(input.styles.is_empty() && input.finishes.is_empty());
    let colour = mask_colour(input.words)?.colour;
    Some((input.base?, input.mask?, colour)).filter(|_| !paints)
}

/// Adds the figure's soft shadow to the background, at its lower right.
fn cast_shadow(picture: &Plane, structure: &Structure, amount: f32) -> Plane {
    if amount < 0.05 {
        return picture.clone();
    }
    let step = structure.width / 40;
    let cast = Plane {
        width: structure.width,
        height: structure.height,
        pixels: structure.relief.iter().map(|v| [*v, 0.0, 0.0]).collect(),
    };
    let cast = cast.blur(structure.width as f32 / 60.0);
    picture.map(|x, y, colour| {
        if structure.labels[y * structure.width + x] != BACKGROUND {
            return colour;
        }
        let depth = cast.at(x as isize - step as isize, y as isize - step as isize)[0].min(0.4);
        let share = 1.0 - 0.3 * amount * depth;
        [colour[0] * share, colour[1] * share, colour[2] * share]
    })
}

#[cfg(test)]
mod tests {
    use clippy_drawings::{Style, render, sketch, subject};

    use super::*;
    use crate::input::Reference;

    struct NoObserver;

    impl Observer for NoObserver {
        fn on_progress(&self, _fraction: f32) {}
        fn on_preview(&self, _jpeg: Vec<u8>) {}
        fn is_cancelled(&self) -> bool {
            false
        }
    }

    /// Cancels once a preview was seen.
    #[derive(Default)]
    struct Cancelling {
        seen: std::sync::atomic::AtomicBool,
        latest: std::sync::Mutex<f32>,
    }

    impl Observer for Cancelling {
        fn on_progress(&self, fraction: f32) {
            *self.latest.lock().expect("not poisoned") = fraction;
        }
        fn on_preview(&self, _jpeg: Vec<u8>) {
            self.seen.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        fn is_cancelled(&self) -> bool {
            self.seen.load(std::sync::atomic::Ordering::Relaxed)
        }
    }

    #[test]
    fn a_cancelled_picture_is_given_up_at_the_next_step() {
        let drawn = sketch(subject("cat").expect("a subject"), 1).expect("a sketch");
        let tree = render(subject("tree").expect("a subject"), Style::PopArt).expect("a drawing");
        let input = Input {
            ratio: 1.0,
            long_side: Some(256),
            sketch: Some(&drawn),
            sketch_weight: 0.8,
            styles: vec![Reference {
                picture: &tree,
                weight: 0.8,
            }],
            ..Input::default()
        };
        let observer = Cancelling::default();
        assert_eq!(paint(&input, 1, &observer), Err(Cancelled));
        let latest = *observer.latest.lock().expect("not poisoned");
        assert!(latest < 0.8, "it went on to {latest}");
    }

    #[test]
    fn the_picture_does_not_depend_on_the_number_of_threads() {
        let draw = |name: &str, style| {
            render(subject(name).expect("a subject"), style).expect("a drawing")
        };
        let drawn = sketch(subject("cat").expect("a subject"), 1).expect("a sketch");
        let (tree, cup, dog) = (
            draw("tree", Style::Impressionism),
            draw("cup", Style::PopArt),
            draw("dog", Style::SoftShading),
        );
        let reference = |weight, picture| Reference { picture, weight };
        let input = Input {
            ratio: drawn.width() as f32 / drawn.height() as f32,
            long_side: Some(256),
            sketch: Some(&drawn),
            sketch_weight: 0.8,
            styles: vec![reference(0.8, &tree), reference(0.4, &cup)],
            subjects: vec![reference(0.5, &dog)],
            ..Input::default()
        };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| paint(&input, 11, &NoObserver))
                .expect("a picture")
        };
        let one = on(1);
        for threads in [2, 3] {
            assert!(
                on(threads) == one,
                "{threads} threads paint another picture"
            );
        }
    }
}
