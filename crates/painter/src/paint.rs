//! The steps from the input to one picture: analyse the references, find the drawing's regions,
//! colour a mock-up, paint it with patches of the references, and apply the finishes.

use clippy_imaging::{Encoding, cover, encode};
use image::RgbImage;
use rayon::prelude::*;

use crate::appearance::{Appearance, figure_colours};
use crate::compositing::composite;
use crate::finish::Canvas;
use crate::input::{Cancelled, Input, Observer, Reference};
use crate::label::BACKGROUND;
use crate::mockup::{Mockup, field_of_colours, house_mock, styled_mock, word_colours};
use crate::plane::{Plane, mix, smooth_step};
use crate::structure::{Region, Structure};
use crate::subject::{apply_subjects, detect_lines};
use crate::synthesis::{MARGIN, SynthesisObserver};
use crate::texture::synthesise_paint;
use crate::transfer::{pool_colours, transfer_colours};

/// The number of pixels of a picture, whatever its ratio.
const AREA: f32 = 512.0 * 512.0;
/// The largest number of references whose patches are used. The colours of all are used.
const MOST_SOURCES: usize = 3;
/// The number of pixels of all patch sources together.
const SOURCE_AREA: f32 = 368.0 * 368.0;

/// Returns the width and height of a picture of this ratio, multiples of 8.
#[must_use]
pub fn size_for(ratio: f32) -> (usize, usize) {
    let side = |length: f32| ((length / 8.0).round() as usize * 8).clamp(128, 1536);
    (side((AREA * ratio).sqrt()), side((AREA / ratio).sqrt()))
}

/// The influence of style references with this weight; complete from a weight of 0.8 on.
fn strength(weight: f32) -> f32 {
    smooth_step(-0.25, 0.85, weight).powf(1.6)
}

/// Reports the progress of one picture.
struct Painting<'a> {
    observer: &'a dyn Observer,
    structure: &'a Structure,
    mock: &'a Mockup,
}

impl Painting<'_> {
    /// Sends a small preview with the lines drawn over it, so that it resembles the result.
    fn preview(&self, picture: &Plane) {
        let (width, height) = (
            256,
            (256 * self.structure.height / self.structure.width).max(1),
        );
        let (scale_x, scale_y) = (
            picture.width as f32 / width as f32,
            picture.height as f32 / height as f32,
        );
        let step = self.structure.width as f32 / width as f32;
        let small = Plane::filled(width, height, [0.0; 3]).map(|x, y, _| {
            let colour = picture.sample(
                (x as f32 + 0.5) * scale_x - 0.5,
                (y as f32 + 0.5) * scale_y - 0.5,
            );
            let at = ((y as f32 + 0.5) * step) as usize;
            let index = at.min(self.structure.height - 1) * self.structure.width
                + ((x as f32 + 0.5) * step) as usize;
            let index = index.min(self.structure.ink.len() - 1);
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
            let margin = MARGIN * picture.width / (self.structure.width + 2 * MARGIN);
            let (width, height) = (picture.width - 2 * margin, picture.height - 2 * margin);
            self.preview(&picture.crop(margin as isize, margin as isize, width, height));
        }
        !self.observer.is_cancelled()
    }
}

/// Paints one picture. The same input and seed give the same bytes on any number of threads.
///
/// # Errors
/// [`Cancelled`] when the observer cancelled it.
pub fn paint(input: &Input<'_>, seed: u64, observer: &dyn Observer) -> Result<RgbImage, Cancelled> {
    let (width, height) = size_for(input.ratio);
    let stop = || {
        if observer.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    };
    let styles = analyse_references(&input.styles, width, height);
    let subjects = analyse_references(&input.subjects, width, height);
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
    let (structure, plain, styled) =
        prepare_mockups(input, seed, (width, height), &style_looks, &subject_looks);
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
        let painted =
            synthesise_paint(&structure, &styled, &sources, seed, &painting).ok_or(Cancelled)?;
        // The colours of a drawing were already chosen from the references; a full transfer would
        // mix them.
        let drawn = input.sketch.is_some();
        let share = if drawn {
            0.12
        } else if subject_looks.is_empty() {
            0.6
        } else {
            0.3
        };
        let moved = recolour(&painted, &structure, &style_looks, share);
        moved.map(|x, y, colour| mix(plain.plane.pixels[y * width + x], colour, style))
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
    if input.names_style && style_looks.is_empty() {
        paint = paint.blur(0.6);
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
    };
    let picture = canvas.finish(&input.finishes).to_rgb();
    observer.on_progress(0.97);
    Ok(match (input.base, input.mask) {
        (Some(base), Some(mask)) => composite(base, mask, &picture),
        _ => picture,
    })
}

/// Analyses the references, the heaviest first.
fn analyse_references(
    references: &[Reference<'_>],
    width: usize,
    height: usize,
) -> Vec<(Appearance, f32)> {
    let mut chosen = references.to_vec();
    chosen.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let sources = chosen.len().clamp(1, MOST_SOURCES) as f32;
    let scale = (SOURCE_AREA / sources / (width * height) as f32)
        .sqrt()
        .min(1.0);
    let side = |length: usize| ((length as f32 * scale / 8.0).round() as usize * 8).max(48);
    chosen
        .par_iter()
        .map(|reference| {
            (
                Appearance::of(reference.picture, side(width), side(height)),
                reference.weight,
            )
        })
        .collect()
}

/// Returns the structure of the drawing, its mock-up in default colours, and its mock-up in the
/// style of the references.
fn prepare_mockups(
    input: &Input<'_>,
    seed: u64,
    (width, height): (usize, usize),
    styles: &[(&Appearance, f32)],
    subjects: &[(&Appearance, f32)],
) -> (Structure, Mockup, Mockup) {
    let of_picture =
        |picture: &RgbImage| Plane::from_rgb(&cover(picture, width as u32, height as u32));
    if let Some(sketch) = input.sketch {
        let structure = Structure::of_sketch(sketch, width, height);
        let mut plain = house_mock(&structure, input.words, seed);
        let mut styled = if styles.is_empty() {
            plain.clone()
        } else {
            styled_mock(&structure, styles, seed)
        };
        for mock in [&mut plain, &mut styled] {
            mock.plane = apply_subjects(&structure, &mock.plane, subjects);
        }
        if let Some(base) = input.base {
            // The base is the background on which the sketch is drawn.
            let base = of_picture(base);
            for mock in [&mut plain, &mut styled] {
                mock.plane = mock.plane.map(|x, y, colour| {
                    let index = y * width + x;
                    if structure.labels[index] == BACKGROUND {
                        base.pixels[index]
                    } else {
                        colour
                    }
                });
            }
        }
        return (structure, plain, styled);
    }
    let picture = input.base.map(&of_picture).or_else(|| {
        input
            .subjects
            .iter()
            .max_by(|a, b| a.weight.total_cmp(&b.weight))
            .map(|subject| of_picture(subject.picture))
    });
    let (plane, ink) = match picture {
        Some(plane) => {
            let ink = detect_lines(&plane);
            (plane, ink)
        }
        None => {
            let mut colours = word_colours(input.words, seed);
            if !styles.is_empty() {
                let named = colours.len() - 7;
                colours.splice(
                    named..,
                    figure_colours(styles).into_iter().map(|(colour, _)| colour),
                );
            }
            (
                field_of_colours(width, height, &colours, seed),
                vec![0.0; width * height],
            )
        }
    };
    let structure = Structure {
        width,
        height,
        labels: vec![BACKGROUND; ink.len()],
        regions: vec![Region::default()],
        relief: vec![0.0; ink.len()],
        ink,
    };
    let plain = Mockup {
        plane: plane.clone(),
        line_colours: vec![[0.25, 0.0, 0.0]],
        line_strength: 0.35,
        shadow: 0.0,
        glowing: false,
    };
    let mut styled = plain.clone();
    if let Some((lead, _)) = styles.first() {
        styled.line_colours = vec![lead.lines.colour];
        styled.line_strength = 0.3 + 0.5 * lead.lines.strength;
        styled.plane = recolour(&plane, &structure, styles, 0.7);
    }
    (structure, plain, styled)
}

/// Transfers the colours of the references to figure and background separately, or to the whole
/// picture if there is no figure.
fn recolour(
    picture: &Plane,
    structure: &Structure,
    looks: &[(&Appearance, f32)],
    share: f32,
) -> Plane {
    let inside: Vec<bool> = structure
        .labels
        .iter()
        .map(|label| *label != BACKGROUND)
        .collect();
    let drawn = inside.iter().filter(|inside| **inside).count() * 50 > inside.len();
    let mut result = picture.clone();
    for figure in [false, true] {
        if figure && !drawn {
            break;
        }
        let wanted: Vec<(Vec<_>, f32)> = looks
            .iter()
            .map(|(look, weight)| {
                let of_part = |index: usize| !drawn || (look.figure[index] > 0.5) == figure;
                let part: Vec<_> = (0..look.figure.len())
                    .filter(|i| of_part(*i))
                    .map(|i| look.plane.pixels[i])
                    .collect();
                (part, *weight)
            })
            .filter(|(part, _)| !part.is_empty())
            .collect();
        let wanted: Vec<(&[_], f32)> = wanted
            .iter()
            .map(|(part, weight)| (part.as_slice(), *weight))
            .collect();
        let places: Vec<usize> = (0..inside.len())
            .filter(|index| !drawn || inside[*index] == figure)
            .collect();
        let colours: Vec<_> = places.iter().map(|index| picture.pixels[*index]).collect();
        for (index, colour) in
            places
                .iter()
                .zip(transfer_colours(&colours, &pool_colours(&wanted), share))
        {
            result.pixels[*index] = colour;
        }
    }
    result
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

    struct NoObserver;

    impl Observer for NoObserver {
        fn on_progress(&self, _fraction: f32) {}
        fn on_preview(&self, _jpeg: Vec<u8>) {}
        fn is_cancelled(&self) -> bool {
            false
        }
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
