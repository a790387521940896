//! Paints a mock-up with the texture of the references.

use crate::appearance::Appearance;
use crate::atlas::Layers;
use crate::label::BACKGROUND;
use crate::mockup::Mockup;
use crate::plane::{Plane, mix, smooth_step};
use crate::size::magnification;
use crate::structure::Structure;
use crate::subject::detect_lines;
use crate::synthesis::{MARGIN, Source, SynthesisObserver, synthesise};

/// How a mock-up is painted.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Whether it is a drawing, whose background is the lead's.
    pub drawn: bool,
    /// The size of a pixel of the usual size.
    pub unit: f32,
    /// The choices of the patches.
    pub seed: u64,
}

/// Paints the mock-up with patches of the references. Returns `None` if the observer stopped it.
pub fn synthesise_paint(
    structure: &Structure,
    mock: &Mockup,
    looks: &[(&Appearance, f32)],
    manner: Manner,
    observer: &dyn SynthesisObserver,
) -> Option<Plane> {
    let times = magnification(manner.unit);
    let heaviest = looks.iter().map(|(_, weight)| *weight).fold(1e-3, f32::max);
    let sources = looks
        .iter()
        .map(|(look, weight)| {
            let edges = detect_lines(&look.plane, 1.0);
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
                detail: look.detail.clone(),
            }
        })
        .collect();
    // The background comes from the lead (the heaviest reference). Where the lead's ground is
    // known, the best patches are at the same position in the lead.
    let lead = looks[0].0;
    let known = Plane {
        width: lead.plane.width,
        height: lead.plane.height,
        pixels: lead
            .known
            .iter()
            .map(|v| [if manner.drawn { *v } else { 0.0 }, 0.0, 0.0])
            .collect(),
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
    // Patches are placed on a plane of about the usual size, and filled at the picture's own.
    let margin = MARGIN as isize;
    let wide = |plane: &Plane| {
        let small = plane.shrunk(times);
        let (width, height) = (small.width + 2 * MARGIN, small.height + 2 * MARGIN);
        small.crop(-margin, -margin, width, height)
    };
    let target = Layers {
        paint: wide(&mock.plane),
        guide: wide(&mock.plane.blur(1.2 * manner.unit)),
        marks: wide(&marks),
    };
    let picture = synthesise(sources, target, times, manner.seed, observer)?;
    let margin = margin * times as isize;
    let picture = picture.crop(margin, margin, structure.width, structure.height);
    // Areas keep their own colour; the patches add the texture of the references and some
    // variation. Where the lead's ground is known, it is used unchanged.
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
    // The halo of glowing lines must not count as texture.
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
