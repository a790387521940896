//! Ink on white paper: a firm outer contour, finer lines inside, a little hatching in the shade.

use image::RgbImage;

use crate::brush::{Brush, Line, backdrop, crescent, draw, line, silhouette};
use crate::canvas;
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::seed::Random;
use crate::subject::Kind;

const INK: &str = "#17161c";
const HATCHING: &str = r##"<defs><pattern id="hatch" width="1.9" height="1.9" patternUnits="userSpaceOnUse" patternTransform="rotate(38)"><rect width="1.9" height="0.42" fill="#17161c"/></pattern></defs>"##;

pub(crate) fn picture(figure: Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let figure = figure.wobbled(random.seed(), 0.45, 9.0);
    let mut out = String::from(HATCHING);
    backdrop(&mut out, "#ffffff");
    silhouette(&mut out, &figure.solid(), INK, 1.0);
    draw(&mut out, &figure, &Pen);
    canvas::square(&out)
}

struct Pen;

impl Brush for Pen {
    fn fill(&self, _piece: &Piece) -> String {
        "#ffffff".into()
    }

    fn contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK, 0.8))
    }

    fn patch_contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK, 0.55))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK, 0.7))
    }

    fn dot(&self, _piece: &Piece) -> String {
        INK.into()
    }

    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        if piece.kind == Kind::Body && piece.girth() > 14.0 {
            crescent(out, piece, data, "url(#hatch)", "#ffffff", 0.13);
        }
    }
}
