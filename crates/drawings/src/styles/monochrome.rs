//! Charcoal and grey wash on rough paper: tones, no colour.

use image::RgbImage;

use crate::brush::{Brush, Line, draw, line, silhouette};
use crate::canvas;
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::lighting::{floor_shadow, gradients};
use crate::raster::grain;
use crate::seed::Random;

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let figure = figure.clone().wobbled(random.seed(), 0.5, 10.0);
    let mut out = String::from(concat!(
        r##"<defs><radialGradient id="paper" cx="0.45" cy="0.4" r="0.8"><stop offset="0" stop-color="#dcdcdc"/>"##,
        r##"<stop offset="0.6" stop-color="#b5b5b5"/><stop offset="1" stop-color="#7d7d7d"/></radialGradient></defs>"##,
        r##"<rect width="100" height="100" fill="url(#paper)"/>"##,
    ));
    gradients(&mut out, &figure, |piece| {
        let tone = grey(piece.colour);
        [
            tone.mixed(hex(0xffffff), 0.4),
            tone,
            tone.mixed(hex(0x000000), 0.5),
        ]
    });
    floor_shadow(&mut out, &figure, "#101010", 0.5);
    silhouette(&mut out, &figure.solid(), "#161616", 0.7);
    draw(&mut out, &figure, &Charcoal);
    let mut picture = canvas::square(&out)?;
    grain(&mut picture, random.seed(), 0.09);
    Ok(picture)
}

/// Stretches the tones, since saturated colours all have medium lightness.
fn grey(colour: Colour) -> Colour {
    let lightness = ((colour.lightness() - 0.5) * 1.25 + 0.5).clamp(0.08, 0.96);
    Colour::from_hue(0.0, 0.0, lightness)
}

struct Charcoal;

impl Brush for Charcoal {
    fn fill(&self, piece: &Piece) -> String {
        format!("url(#g{})", piece.number)
    }

    fn contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#1b1b1b", 0.6))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#1b1b1b", 0.8))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#0f0f0f".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 0.75))
    }
}
