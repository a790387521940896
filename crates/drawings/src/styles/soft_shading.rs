//! Like clay under a studio lamp: gradients, gloss, a soft shadow on the floor.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, draw, line};
use crate::canvas;
use crate::colour::Colour;
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::lighting::{floor_shadow, gradients};
use crate::seed::Random;
use crate::subject::Kind;

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let main = figure.main_colour();
    let hue = if main.is_colourful() {
        main.hue_saturation_lightness().0 + 25.0
    } else {
        random.pick([210.0, 260.0, 20.0])
    };
    let [near, far] = [
        Colour::from_hue(hue, 0.34, 0.95),
        Colour::from_hue(hue, 0.3, 0.78),
    ]
    .map(Colour::css);
    let mut out = format!(
        r#"<defs><radialGradient id="wall" cx="0.42" cy="0.34" r="0.85"><stop offset="0" stop-color="{near}"/><stop offset="1" stop-color="{far}"/></radialGradient></defs><rect width="100" height="100" fill="url(#wall)"/>"#
    );
    gradients(&mut out, figure, |piece| {
        let own = piece.colour;
        [own.light(0.5), own, own.shadow(0.45)]
    });
    floor_shadow(
        &mut out,
        figure,
        &Colour::from_hue(hue, 0.5, 0.2).css(),
        0.5,
    );
    draw(&mut out, figure, &Clay);
    canvas::square(&out)
}

struct Clay;

impl Brush for Clay {
    fn fill(&self, piece: &Piece) -> String {
        format!("url(#g{})", piece.number)
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#3a2a3c", 0.9))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#241b29".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 0.6))
    }

    /// Draws a dark rim inside the lower right and a light one inside the upper left, both faded in
    /// steps.
    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        let girth = piece.girth();
        if piece.kind != Kind::Body || girth < 5.0 {
            return;
        }
        let number = piece.number;
        let _ = write!(
            out,
            r#"<clipPath id="c{number}"><path d="{data}" clip-rule="evenodd"/></clipPath><g clip-path="url(#c{number})" fill="none">"#
        );
        let reach = (girth * 0.24).min(6.5);
        // Moved up and to the left, a line along the edge is inside only at the lower right.
        for (paint, opacity, steps, width, shift) in [
            (piece.colour.shadow(0.7).css(), 0.055, 9u8, reach, -0.42),
            (piece.colour.light(0.9).css(), 0.07, 5, reach * 0.36, 0.3),
        ] {
            let shift = reach * shift;
            for step in 1..=steps {
                let width = width * 1.6 * f32::from(step) / f32::from(steps);
                let _ = write!(
                    out,
                    r#"<path d="{data}" stroke="{paint}" stroke-opacity="{opacity}" stroke-width="{width:.2}" transform="translate({shift:.2} {shift:.2})"/>"#
                );
            }
        }
        out.push_str("</g>");
    }
}
