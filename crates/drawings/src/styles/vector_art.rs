//! Flat, saturated colours without ink: a disc behind, each form with a darker side.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, backdrop, crescent, draw, line};
use crate::canvas;
use crate::colour::Colour;
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::lighting::flat_shadow;
use crate::seed::Random;
use crate::subject::Kind;

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let main = figure.main_colour();
    let hue = if main.is_colourful() {
        main.hue_saturation_lightness().0 + 180.0
    } else {
        random.pick([190.0, 265.0, 340.0, 35.0])
    };
    let hue = hue + random.between(-30.0, 30.0);
    let mut out = String::new();
    backdrop(&mut out, &Colour::from_hue(hue, 0.48, 0.74).css());
    let _ = write!(
        out,
        r#"<circle cx="50" cy="50" r="43" fill="{}"/>"#,
        Colour::from_hue(hue, 0.55, 0.84).css()
    );
    flat_shadow(&mut out, figure, &Colour::from_hue(hue, 0.38, 0.66).css());
    draw(&mut out, figure, &Flat);
    canvas::square(&out)
}

struct Flat;

impl Brush for Flat {
    fn fill(&self, piece: &Piece) -> String {
        piece.colour.css()
    }

    /// Returns a very thin line that separates forms of one colour.
    fn contour(&self, piece: &Piece) -> Option<Line> {
        (!matches!(piece.kind, Kind::Rod(_))).then(|| line(piece.colour.shadow(0.16).css(), 0.45))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#2b2a3a", 1.0))
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 0.5))
    }

    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        if piece.kind == Kind::Body {
            crescent(
                out,
                piece,
                data,
                &piece.colour.shadow(0.16).css(),
                &piece.colour.css(),
                0.3,
            );
        }
    }
}
