//! The way from a generation to one picture.

use clippy_imaging::{Encoding, cover, encode};
use image::RgbImage;
use tokio_util::sync::CancellationToken;

use super::compositing::composited;
use super::finish::Canvas;
use super::look::Look;
use super::plane::{Plane, mix, smooth_step};
use super::scene::{Mock, field_of_colours, house_mock, styled_mock, word_colours};
use super::structure::{BACKGROUND, Structure};
use super::subject::{drawn_lines, with_subjects};
use super::synthesis::{Layers, MARGIN, Source, Watch, synthesise};
use super::transfer::{moved_towards, pooled};
use crate::error::GenerateError;
use crate::inputs::Generation;
use crate::request::Role;

/// Pixels of a picture: that of 512 x 512, whatever the ratio.
const AREA: f32 = 512.0 * 512.0;
/// Most references whose patches are used; the colours of all of them count.
const MOST_SOURCES: usize = 3;
/// Pixels of all patch sources together.
const SOURCE_AREA: f32 = 368.0 * 368.0;

/// Width and height of a picture of this ratio, multiples of 8.
#[must_use]
pub fn size_for(ratio: f32) -> (usize, usize) {
    let side = |length: f32| ((length / 8.0).round() as usize * 8).clamp(128, 1536);
    (side((AREA * ratio).sqrt()), side((AREA / ratio).sqrt()))
}

/// How strongly style references act: all of it from a weight of 0.8 on.
fn strength(weight: f32) -> f32 {
    smooth_step(-0.25, 0.85, weight).powf(1.6)
}

/// Where previews and progress of one picture go.
pub trait Reporter: Sync {
    /// How far this picture is, 0 to 1.
    fn fraction(&self, fraction: f32);
    /// The picture so far, as a small JPEG.
    fn preview(&self, jpeg: Vec<u8>);
}

struct Painting<'a> {
    reporter: &'a dyn Reporter,
    cancel: &'a CancellationToken,
    structure: &'a Structure,
    mock: &'a Mock,
}

impl Painting<'_> {
    /// A small picture with the lines laid over, so that a preview looks like the result.
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
            self.reporter.preview(jpeg);
        }
    }
}

impl Watch for Painting<'_> {
    fn passed(&self, fraction: f32, picture: Option<&Plane>) -> bool {
        self.reporter.fraction(0.2 + 0.65 * fraction);
        if let Some(picture) = picture {
            let margin = MARGIN * picture.width / (self.structure.width + 2 * MARGIN);
            let (width, height) = (picture.width - 2 * margin, picture.height - 2 * margin);
            self.preview(&picture.crop(margin as isize, margin as isize, width, height));
        }
        !self.cancel.is_cancelled()
    }
}

/// One picture. The same generation and seed give the same bytes on any number of threads.
///
/// # Errors
/// [`crate::FailureClass::Cancelled`].
pub fn paint(
    generation: &Generation,
    seed: u64,
    cancel: &CancellationToken,
    reporter: &dyn Reporter,
) -> Result<RgbImage, GenerateError> {
    let (width, height) = size_for(generation.ratio());
    let stop = || {
        if cancel.is_cancelled() {
            Err(GenerateError::cancelled())
        } else {
            Ok(())
        }
    };
    let styles = looks(generation, Role::Style, width, height);
    let subjects = looks(generation, Role::Subject, width, height);
    stop()?;
    reporter.fraction(0.08);
    let style_looks: Vec<(&Look, f32)> = styles
        .iter()
        .map(|(look, weight)| (look, *weight))
        .collect();
    let subject_looks: Vec<(&Look, f32)> = subjects
        .iter()
        .map(|(look, weight)| (look, *weight))
        .collect();
    let (structure, plain, styled) = scene(
        generation,
        seed,
        (width, height),
        &style_looks,
        &subject_looks,
    );
    stop()?;
    reporter.fraction(0.2);

    let style = styles
        .iter()
        .map(|(_, weight)| strength(*weight))
        .fold(0.0, f32::max);
    let painting = Painting {
        reporter,
        cancel,
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
        let painted = painted(&structure, &styled, &sources, seed, &painting)
            .ok_or_else(GenerateError::cancelled)?;
        // A drawing's colours were chosen from the references already; moving them as a whole would
        // mix them.
        let drawn = generation.sketch.is_some();
        let share = if drawn {
            0.12
        } else if subject_looks.is_empty() {
            0.6
        } else {
            0.3
        };
        let moved = recoloured(&painted, &structure, &style_looks, share);
        moved.map(|x, y, colour| mix(plain.plane.pixels[y * width + x], colour, style))
    };
    stop()?;
    reporter.fraction(0.9);

    paint = shadowed(
        &paint,
        &structure,
        plain.shadow + (styled.shadow - plain.shadow) * style,
    );
    let mock = Mock {
        plane: Plane::filled(1, 1, [0.0; 3]),
        shadow: 0.0,
        glowing: styled.glowing && style > 0.5,
        line_colours: plain
            .line_colours
            .iter()
            .zip(&styled.line_colours)
            .map(|(one, two)| mix(*one, *two, style))
            .collect(),
        line_strength: plain.line_strength + (styled.line_strength - plain.line_strength) * style,
    };
    if !generation.style_tags.is_empty() && style_looks.is_empty() {
        paint = paint.blur(0.6);
    }
    let line_weight = if generation.sketch.is_some() {
        0.35 + 0.65 * generation.sketch_weight
    } else {
        0.55
    };
    let canvas = Canvas {
        paint,
        structure: &structure,
        mock: &mock,
        line_weight,
    };
    let picture = canvas.finished(&generation.style_tags).to_rgb();
    reporter.fraction(0.97);
    Ok(match (&generation.base, &generation.mask) {
        (Some(base), Some(mask)) => composited(base, mask, &picture),
        _ => picture,
    })
}

/// The references of a role, looked at; the heaviest first.
fn looks(generation: &Generation, role: Role, width: usize, height: usize) -> Vec<(Look, f32)> {
    use rayon::prelude::*;
    let mut chosen: Vec<_> = generation.with_role(role).collect();
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
                Look::of(&reference.picture, side(width), side(height)),
                reference.weight,
            )
        })
        .collect()
}

/// The drawing, its mock-up in the house's colours, and its mock-up in the references' style.
fn scene(
    generation: &Generation,
    seed: u64,
    (width, height): (usize, usize),
    styles: &[(&Look, f32)],
    subjects: &[(&Look, f32)],
) -> (Structure, Mock, Mock) {
    let of_picture =
        |picture: &RgbImage| Plane::from_rgb(&cover(picture, width as u32, height as u32));
    if let Some(sketch) = &generation.sketch {
        let structure = Structure::of_sketch(sketch, width, height);
        let mut plain = house_mock(&structure, &generation.prompt, seed);
        let mut styled = if styles.is_empty() {
            plain.clone()
        } else {
            styled_mock(&structure, styles, seed)
        };
        for mock in [&mut plain, &mut styled] {
            mock.plane = with_subjects(&structure, &mock.plane, subjects);
        }
        if let Some(base) = generation.base.as_ref() {
            // The base keeps the background; the sketch draws on it.
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
    let picture = generation.base.as_ref().map(&of_picture).or_else(|| {
        generation
            .with_role(Role::Subject)
            .max_by(|a, b| a.weight.total_cmp(&b.weight))
            .map(|r| of_picture(&r.picture))
    });
    let (plane, ink) = match picture {
        Some(plane) => {
            let ink = drawn_lines(&plane);
            (plane, ink)
        }
        None => {
            let mut colours = word_colours(&generation.prompt, seed);
            if !styles.is_empty() {
                let named = colours.len() - 7;
                colours.splice(
                    named..,
                    super::look::figure_colours(styles)
                        .into_iter()
                        .map(|(colour, _)| colour),
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
        regions: vec![super::structure::Region::default()],
        relief: vec![0.0; ink.len()],
        ink,
    };
    let plain = Mock {
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
        styled.plane = recoloured(&plane, &structure, styles, 0.7);
    }
    (structure, plain, styled)
}

/// Figure and background moved towards those of the references, each for itself; as a whole where
/// there is no figure.
fn recoloured(picture: &Plane, structure: &Structure, looks: &[(&Look, f32)], share: f32) -> Plane {
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
        for (index, colour) in places
            .iter()
            .zip(moved_towards(&colours, &pooled(&wanted), share))
        {
            result.pixels[*index] = colour;
        }
    }
    result
}

/// The figure's soft shadow on the background, to its lower right.
fn shadowed(picture: &Plane, structure: &Structure, amount: f32) -> Plane {
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

/// The mock-up painted with the references' patches.
fn painted(
    structure: &Structure,
    mock: &Mock,
    looks: &[(&Look, f32)],
    seed: u64,
    watch: &dyn Watch,
) -> Option<Plane> {
    let heaviest = looks.iter().map(|(_, weight)| *weight).fold(1e-3, f32::max);
    let sources = looks
        .iter()
        .map(|(look, weight)| {
            let edges = drawn_lines(&look.plane);
            let marks = edges
                .iter()
                .zip(&look.figure)
                .map(|(edge, figure)| [*edge, *figure, 0.0])
                .collect();
            let marks = Plane {
                width: look.plane.width,
                height: look.plane.height,
                pixels: marks,
            };
            let guide = look.plane.blur(look.plane.width as f32 / 120.0);
            Source {
                layers: Layers {
                    paint: look.plane.clone(),
                    guide,
                    marks,
                },
                weight: weight / heaviest,
            }
        })
        .collect();
    // Where the background is the lead's own, the same place of the lead is the best source of
    // paint.
    let lead = looks[0].0;
    let known = Plane {
        width: lead.plane.width,
        height: lead.plane.height,
        pixels: lead.known.iter().map(|v| [*v, 0.0, 0.0]).collect(),
    };
    let (scale_x, scale_y) = (
        known.width as f32 / structure.width as f32,
        known.height as f32 / structure.height as f32,
    );
    let known = mock.plane.map(|x, y, _| {
        known.sample(
            (x as f32 + 0.5) * scale_x - 0.5,
            (y as f32 + 0.5) * scale_y - 0.5,
        )
    });
    let marks: Vec<_> = structure
        .labels
        .iter()
        .zip(&structure.ink)
        .zip(&known.pixels)
        .map(|((label, ink), known)| {
            if *label == BACKGROUND {
                [*ink * 0.6, 0.0, 0.8 * known[0]]
            } else {
                [*ink * 0.6, 1.0, 0.02]
            }
        })
        .collect();
    let marks = Plane {
        width: structure.width,
        height: structure.height,
        pixels: marks,
    };
    let margin = MARGIN as isize;
    let wide = |plane: &Plane| {
        plane.crop(
            -margin,
            -margin,
            structure.width + 2 * MARGIN,
            structure.height + 2 * MARGIN,
        )
    };
    let target = Layers {
        paint: wide(&mock.plane),
        guide: wide(&mock.plane.blur(1.2)),
        marks: wide(&marks),
    };
    let picture = synthesise(sources, target, seed, watch)?;
    let picture = picture.crop(margin, margin, structure.width, structure.height);
    // Areas keep their own colour: the patches give the texture, as far as the references have any,
    // and some of the variation. Where the lead's ground is known, it is taken as it is.
    let total: f32 = looks
        .iter()
        .map(|(_, weight)| weight)
        .sum::<f32>()
        .max(1e-3);
    let grain = |part: usize| {
        looks
            .iter()
            .map(|(look, weight)| look.grain[part] * weight / total)
            .sum::<f32>()
    };
    let ground_grain = smooth_step(0.006, 0.02, grain(0));
    // What glowing lines enclose is dark: light spilled over a wall is no texture of it.
    let figure_grain = if mock.glowing {
        0.0
    } else {
        smooth_step(0.006, 0.02, grain(1))
    };
    let smooth = picture.blur(structure.width as f32 / 60.0);
    Some(picture.map(|x, y, colour| {
        let index = y * structure.width + x;
        let (own, low) = (mock.plane.pixels[index], smooth.pixels[index]);
        if structure.labels[index] == BACKGROUND {
            return mix(
                colour,
                own,
                known.pixels[index][0].max(0.85 * (1.0 - ground_grain)),
            );
        }
        let textured = [
            own[0] + colour[0] - low[0],
            own[1] + colour[1] - low[1],
            own[2] + colour[2] - low[2],
        ];
        mix(own, mix(colour, textured, 0.7), figure_grain)
    }))
}

#[cfg(test)]
mod tests {
    use clippy_drawings::{Style, render, sketch, subject};

    use super::*;
    use crate::inputs::{Reference, ReferenceOrigin};

    struct Nobody;

    impl Reporter for Nobody {
        fn fraction(&self, _fraction: f32) {}
        fn preview(&self, _jpeg: Vec<u8>) {}
    }

    #[test]
    fn one_thread_and_two_give_the_same_bytes() {
        let draw = |name: &str, style| {
            render(subject(name).expect("a subject"), style).expect("a drawing")
        };
        let reference = |role, weight, picture| Reference {
            role,
            weight,
            picture,
            origin: ReferenceOrigin {
                id: None,
                source_url: None,
                licence: None,
                sha256: String::new(),
            },
        };
        let generation = Generation {
            sketch: Some(sketch(subject("cat").expect("a subject"), 1).expect("a sketch")),
            sketch_weight: 0.8,
            references: vec![
                reference(Role::Style, 0.8, draw("tree", Style::Impressionism)),
                reference(Role::Style, 0.4, draw("cup", Style::PopArt)),
                reference(Role::Subject, 0.5, draw("dog", Style::SoftShading)),
            ],
            count: 1,
            ..Generation::default()
        };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| paint(&generation, 11, &CancellationToken::new(), &Nobody))
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
