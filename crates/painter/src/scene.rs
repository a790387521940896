//! What is to be painted: the analysed references, the structure of the drawing, and its mock-ups.

use image::RgbImage;
use image::imageops::flip_horizontal;
use rayon::prelude::*;

use crate::accent::Accent;
use crate::appearance::{Appearance, figure_colours};
use crate::colour_words::{LandscapeColours, has_word};
use crate::compositing::fit_to;
use crate::framing::{framed, lit};
use crate::input::{Input, Reference};
use crate::label::BACKGROUND;
use crate::landscape::landscape;
use crate::mockup::{Mockup, house_colours, house_mock, styled_mock};
use crate::plane::{Lab, Plane};
use crate::size::{magnification, unit_of};
use crate::structure::{Region, Structure};
use crate::subject::{apply_subjects, detect_lines};
use crate::take::{Take, with_lead};
use crate::transfer::{pool_colours, transfer_colours};

/// The largest number of references whose patches are used. The colours of all are used.
pub const MOST_SOURCES: usize = 3;
/// The number of pixels of all patch sources together.
const SOURCE_AREA: f32 = 368.0 * 368.0;
/// How much of a take's tint a picture in the style of references gets: their palette counts more.
const STYLED_TINT: f32 = 0.34;

/// A picture before it is painted.
pub struct Scene {
    /// The lines and areas.
    pub structure: Structure,
    /// The mock-up in default colours.
    pub plain: Mockup,
    /// The mock-up in the style of the references.
    pub styled: Mockup,
    /// The colour that the prompt names for the subject.
    pub accent: Option<Accent>,
}

/// References, analysed, with their weights; the lead first.
pub type Looks = Vec<(Appearance, f32)>;

/// Analyses the references of one picture, the lead first. Patches are cut from the first `patched`.
pub fn analyse(
    references: &[Reference<'_>],
    (width, height): (usize, usize),
    seed: u64,
    take: &Take,
    patched: usize,
) -> Looks {
    let mut chosen = with_lead(references, seed);
    chosen.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let sources = chosen.len().clamp(1, MOST_SOURCES) as f32;
    let scale = (SOURCE_AREA / sources / (width * height) as f32)
        .sqrt()
        .min(1.0)
        * take.grain;
    let side = |length: usize| ((length as f32 * scale / 8.0).round() as usize * 8).max(48);
    let times = magnification(unit_of(width, height));
    chosen
        .par_iter()
        .enumerate()
        .map(|(place, reference)| {
            let turned;
            let picture = if take.frame.mirrored {
                turned = flip_horizontal(reference.picture);
                &turned
            } else {
                reference.picture
            };
            let mut look = Appearance::of(picture, side(width), side(height));
            if times > 1 && place < patched {
                look.add_detail(picture, times);
            }
            (look, reference.weight)
        })
        .collect()
}

impl Scene {
    /// Prepares a picture.
    pub fn new(
        input: &Input<'_>,
        seed: u64,
        size: (usize, usize),
        styles: &[(&Appearance, f32)],
        subjects: &[(&Appearance, f32)],
    ) -> Self {
        let take = Take::of(seed);
        match input.sketch {
            Some(sketch) => Self::of_sketch(sketch, input, (&take, seed), size, styles, subjects),
            None => Self::without_sketch(input, (&take, seed), size, styles, subjects),
        }
    }

    fn of_sketch(
        sketch: &RgbImage,
        input: &Input<'_>,
        (take, seed): (&Take, u64),
        (width, height): (usize, usize),
        styles: &[(&Appearance, f32)],
        subjects: &[(&Appearance, f32)],
    ) -> Self {
        let structure = Structure::of_sketch(sketch, width, height);
        let mut plain = house_mock(&structure, input.words, seed, take.number);
        let mut styled = if styles.is_empty() {
            plain.clone()
        } else {
            styled_mock(&structure, styles, seed, take.number)
        };
        for mock in [&mut plain, &mut styled] {
            mock.plane = apply_subjects(&structure, &mock.plane, subjects);
        }
        if let Some(base) = input.base {
            // The base is the background on which the sketch is drawn.
            let base = cropped(base, (width, height));
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
        } else {
            let figure: Vec<f32> = structure
                .labels
                .iter()
                .map(|label| f32::from(u8::from(*label != BACKGROUND)))
                .collect();
            plain.plane = lit(&plain.plane, &figure, take, 1.0);
            let amount = if styles.is_empty() { 1.0 } else { STYLED_TINT };
            styled.plane = lit(&styled.plane, &figure, take, amount);
        }
        Self {
            structure,
            plain,
            styled,
            accent: None,
        }
    }

    fn without_sketch(
        input: &Input<'_>,
        (take, seed): (&Take, u64),
        (width, height): (usize, usize),
        styles: &[(&Appearance, f32)],
        subjects: &[(&Appearance, f32)],
    ) -> Self {
        let lead = subjects.first().zip(lead_picture(&input.subjects, seed));
        let unit = unit_of(width, height);
        let mut accent = None;
        let (plane, ink) = if let Some(base) = input.base {
            // What is shown stays where the base shows it.
            let plane = cropped(base, (width, height));
            let ink = detect_lines(&plane, unit);
            (plane, ink)
        } else if let Some(((look, _), picture)) = lead {
            // The look was mirrored before it was analysed.
            let turned;
            let picture = if take.frame.mirrored {
                turned = flip_horizontal(picture);
                &turned
            } else {
                picture
            };
            let (mut plane, figure) = framed(&cropped(picture, (width, height)), look, take.frame);
            let ink = detect_lines(&plane, unit);
            accent = Accent::of(&plane, &figure, input.words);
            if let Some(accent) = &accent {
                plane = accent.applied(&plane);
            }
            (lit(&plane, &figure, take, 1.0), ink)
        } else {
            let colours = landscape_colours(input.words, styles, seed, take);
            let plane = landscape(
                (width, height),
                &colours,
                seed,
                has_word(input.words, "night"),
            );
            (plane, vec![0.0; width * height])
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
        Self {
            structure,
            plain,
            styled,
            accent,
        }
    }
}

/// A picture in another size, cropped to its shape.
fn cropped(picture: &RgbImage, (width, height): (usize, usize)) -> Plane {
    Plane::from_rgb(&fit_to(picture, width as u32, height as u32))
}

/// The colours of a landscape, the sky's first: those that the prompt names, then those of the
/// references, or the default ones.
fn landscape_colours(
    prompt: &str,
    styles: &[(&Appearance, f32)],
    seed: u64,
    take: &Take,
) -> Vec<Lab> {
    let own: Vec<Lab> = if styles.is_empty() {
        house_colours(seed)
    } else {
        let found = figure_colours(styles);
        let turn = take.number % found.len().max(1);
        let turned = found.iter().cycle().skip(turn).take(found.len());
        turned.map(|(colour, _)| *colour).collect()
    };
    let named = LandscapeColours::of(prompt);
    let mut own = own.into_iter();
    let sky = named.sky.or_else(|| own.next());
    sky.into_iter().chain(named.ground).chain(own).collect()
}

/// The picture of the lead, as [`analyse`] chooses it.
fn lead_picture<'a>(references: &[Reference<'a>], seed: u64) -> Option<&'a RgbImage> {
    let mut chosen = with_lead(references, seed);
    chosen.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    chosen.first().map(|lead| lead.picture)
}

/// Transfers the colours of the references to figure and background separately, or to the whole
/// picture if there is no figure.
pub fn recolour(
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
