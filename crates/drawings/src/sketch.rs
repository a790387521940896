//! Draws a subject as a visitor might on the pad of the web page: with one pen and an unsteady
//! hand.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{fill, line, stroke};
use crate::canvas::rasterise;
use crate::error::Error;
use crate::figure::{Figure, Placement};
use crate::seed::Random;
use crate::subject::{Kind, Subject};

/// Width of the drawing pad, in pixels.
pub const PAD_WIDTH: u32 = 900;
/// Height of the drawing pad, in pixels.
pub const PAD_HEIGHT: u32 = 600;

/// The pens of the page: the initial pink, and black.
const PENS: [&str; 3] = ["#f38ba8", "#f38ba8", "#111111"];

/// Draws the subject by hand on a white pad of [`PAD_WIDTH`] by [`PAD_HEIGHT`] pixels. Another seed
/// draws it at another place, of another size, with other inaccuracies.
///
/// # Errors
/// [`Error::Drawing`] or [`Error::Picture`] when the subject's own data is invalid.
pub fn sketch(subject: &Subject, seed: u64) -> Result<RgbImage, Error> {
    let mut random = Random::of(&[subject.name, "sketch"], seed);
    // The pad is 150 by 100 units of the figures.
    let size = random.between(48.0, 80.0);
    let (wide, high) = ((150.0 - size) / 2.0 - 4.0, (100.0 - size) / 2.0 - 4.0);
    let placement = Placement {
        centre: (
            75.0 + random.between(-0.8, 0.8) * wide,
            50.0 + random.between(-1.0, 1.0) * high,
        ),
        size,
        turn: random.between(-9.0, 9.0),
    };
    let figure =
        Figure::place(subject, placement)?.wobbled(random.seed(), size * 0.022, size * 0.3);
    let pen = random.pick(PENS);
    let width = random.between(0.75, 1.15);

    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 100" width="{PAD_WIDTH}" height="{PAD_HEIGHT}"><g stroke-linejoin="round" stroke-linecap="round" fill-rule="evenodd">"#
    );
    for piece in figure.pieces {
        let kind = piece.kind;
        let small = piece.girth() < 4.0;
        // Each line is displaced a little on its own, so that shapes that should meet do not quite
        // meet.
        let (dx, dy) = (random.between(-0.7, 0.7), random.between(-0.7, 0.7));
        // Few people draw every coloured patch of a thing, and nobody draws its highlights.
        let left_out = kind == Kind::Shine
            || (kind == Kind::Patch && random.unit() < if small { 0.7 } else { 0.35 });
        let seed = random.seed();
        if left_out {
            continue;
        }
        let alone = Figure {
            pieces: vec![piece],
        }
        .wobbled(seed, 0.35, 3.5);
        let data: String = alone
            .pieces
            .iter()
            .map(crate::figure::Piece::data)
            .collect();
        let _ = write!(out, r#"<g transform="translate({dx:.2} {dy:.2})">"#);
        match kind {
            Kind::Body => {
                fill(&mut out, &data, "#ffffff");
                stroke(&mut out, &data, &line(pen, width));
            }
            Kind::Rod(thickness) if thickness > 4.0 => {
                stroke(&mut out, &data, &line(pen, thickness + width));
                stroke(&mut out, &data, &line("#ffffff", thickness - width));
            }
            Kind::Dot => {
                fill(&mut out, &data, pen);
                stroke(&mut out, &data, &line(pen, width * 0.5));
            }
            Kind::Patch | Kind::Rod(_) | Kind::Mark | Kind::Shine => {
                stroke(&mut out, &data, &line(pen, width))
            }
        }
        out.push_str("</g>");
    }
    out.push_str("</g></svg>");
    rasterise(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the box around what is drawn: left, top, right, bottom.
    fn drawn(pad: &RgbImage) -> [u32; 4] {
        let mut bounds = [u32::MAX, u32::MAX, 0, 0];
        for (x, y, _) in pad
            .enumerate_pixels()
            .filter(|(_, _, pixel)| pixel.0 != [255; 3])
        {
            bounds = [
                bounds[0].min(x),
                bounds[1].min(y),
                bounds[2].max(x),
                bounds[3].max(y),
            ];
        }
        bounds
    }

    #[test]
    fn every_subject_can_be_sketched_and_stays_on_the_pad() {
        for subject in crate::subjects() {
            for seed in 0..3 {
                let pad = sketch(subject, seed).unwrap();
                assert_eq!(pad.dimensions(), (PAD_WIDTH, PAD_HEIGHT));
                let [left, top, right, bottom] = drawn(&pad);
                assert!(
                    left > 0 && top > 0,
                    "{} {seed} leaves the pad",
                    subject.name
                );
                assert!(
                    right < PAD_WIDTH - 1 && bottom < PAD_HEIGHT - 1,
                    "{} {seed} leaves the pad",
                    subject.name
                );
                assert!(
                    (right - left).max(bottom - top) > 200,
                    "{} {seed} is too small",
                    subject.name
                );
            }
        }
    }

    #[test]
    fn another_seed_is_another_sketch() {
        let apple = crate::subject("apple").unwrap();
        let [one, again, other] = [1, 1, 2].map(|seed| sketch(apple, seed).unwrap());
        assert!(one == again, "one seed gave two sketches");
        assert_ne!(drawn(&one), drawn(&other));
    }

    #[test]
    fn both_pens_are_used() {
        let house = crate::subject("house").unwrap();
        let has_pink = |seed| {
            sketch(house, seed)
                .unwrap()
                .pixels()
                .any(|pixel| pixel.0 == [0xf3, 0x8b, 0xa8])
        };
        let pink = (0..12).filter(|seed| has_pink(*seed)).count();
        assert!((1..12).contains(&pink), "{pink} of 12 are pink");
    }
}
