//! Pale colours, like a sticker on wrapping paper.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, backdrop, crescent, draw, line, silhouette};
use crate::canvas;
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::seed::Random;
use crate::subject::Kind;

/// The paper and what is printed on it.
const PAPERS: [[u32; 2]; 5] = [
    [0xffe3ec, 0xfff4f7],
    [0xdff3ea, 0xf2fbf6],
    [0xe3e9fb, 0xf4f6fe],
    [0xfdf0d5, 0xfff9ec],
    [0xeee2f8, 0xf9f3fd],
];

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let [paper, print] = random.pick(PAPERS).map(hex);
    let mut out = String::new();
    backdrop(&mut out, &paper.css());
    let pattern = random.below(3);
    for row in 0..9u8 {
        for column in 0..9u8 {
            let (x, y) = (
                f32::from(column) * 12.5 + if row % 2 == 0 { 0.0 } else { 6.25 },
                f32::from(row) * 12.5,
            );
            write_motif(&mut out, pattern, x, y, &print.css());
        }
    }
    out.push_str(r#"<filter id="soft" x="-0.2" y="-0.2" width="1.4" height="1.4"><feGaussianBlur stdDeviation="1.6"/></filter><g filter="url(#soft)" opacity="0.3" transform="translate(1 1.8)">"#);
    silhouette(&mut out, figure, "#7a5f86", 3.0);
    out.push_str("</g>");
    silhouette(&mut out, figure, "#ffffff", 3.0);
    draw(&mut out, figure, &Pastel);
    canvas::square(&out)
}

fn write_motif(out: &mut String, pattern: usize, x: f32, y: f32, paint: &str) {
    let _ = match pattern {
        0 => write!(out, r#"<circle cx="{x}" cy="{y}" r="2" fill="{paint}"/>"#),
        1 => write!(
            out,
            r#"<path transform="translate({x} {y})" d="M0 2.6C-5 -1 -2 -4 0 -1.4C2 -4 5 -1 0 2.6Z" fill="{paint}"/>"#
        ),
        _ => write!(
            out,
            r#"<path transform="translate({x} {y})" d="M0 -3Q0.6 -0.6 3 0Q0.6 0.6 0 3Q-0.6 0.6 -3 0Q-0.6 -0.6 0 -3Z" fill="{paint}"/>"#
        ),
    };
}

fn pale(colour: Colour) -> Colour {
    let (hue, saturation, lightness) = colour.hue_saturation_lightness();
    if colour.is_colourful() {
        Colour::from_hue(
            hue,
            (saturation * 0.9).clamp(0.55, 0.85),
            0.76 + lightness * 0.14,
        )
    } else {
        colour.mixed(hex(0xefe8f6), 0.62)
    }
}

/// Returns a deeper, but still soft version of a colour, for lines.
fn deep(colour: Colour) -> Colour {
    let (hue, ..) = colour.hue_saturation_lightness();
    if colour.is_colourful() {
        Colour::from_hue(hue, 0.36, 0.6)
    } else {
        hex(0x9a8fae)
    }
}

struct Pastel;

impl Brush for Pastel {
    fn fill(&self, piece: &Piece) -> String {
        pale(piece.colour).css()
    }

    fn contour(&self, piece: &Piece) -> Option<Line> {
        Some(line(deep(piece.colour).css(), 0.75))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#8d7c9c", 0.9))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#6f5f80".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 0.85))
    }

    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        if piece.kind == Kind::Body {
            let own = pale(piece.colour);
            crescent(
                out,
                piece,
                data,
                &own.mixed(deep(piece.colour), 0.22).css(),
                &own.css(),
                0.2,
            );
        }
    }
}
