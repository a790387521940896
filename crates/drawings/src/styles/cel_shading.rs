//! Like an animation cel: even ink lines, one hard shadow, one hard light, a painted sky.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, backdrop, crescent, draw, line, silhouette};
use crate::canvas;
use crate::colour::Colour;
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::lighting::flat_shadow;
use crate::seed::Random;
use crate::subject::Kind;

const INK: &str = "#231733";

/// Sky, far light, cloud and floor.
const SKIES: [[u32; 4]; 4] = [
    [0x57b7f2, 0x8fd6fb, 0xf4fbff, 0x7ccf6b],
    [0x6f8cf0, 0xa9bcfb, 0xf3f2ff, 0x5fb8a5],
    [0xf59a6b, 0xfcc38d, 0xfff1d9, 0xb9698a],
    [0x4cc4bd, 0x93e2d3, 0xf4fff8, 0xe9c46a],
];

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let [sky, light, cloud, floor] = random
        .pick(SKIES)
        .map(|value| crate::colour::hex(value).css());
    let mut out = String::new();
    backdrop(&mut out, &sky);
    // Hard beams of light, from the corner where the light comes from.
    for beam in 0..3u8 {
        let at = f32::from(beam) * 38.0 + random.between(0.0, 10.0);
        let _ = write!(
            out,
            r#"<path d="M0 0L{at:.1} 100L{:.1} 100Z" fill="{light}" fill-opacity="0.55"/>"#,
            at + 17.0
        );
    }
    clouds(&mut out, &cloud, random);
    let _ = write!(
        out,
        r#"<path d="M0 86Q50 79 100 86V100H0Z" fill="{floor}"/>"#
    );
    flat_shadow(&mut out, figure, "#2a1f4a55");
    silhouette(&mut out, &figure.solid(), INK, 1.15);
    draw(&mut out, figure, &Cel);
    canvas::square(&out)
}

fn clouds(out: &mut String, paint: &str, random: &mut Random) {
    for base in [(18.0, 24.0), (84.0, 36.0), (70.0, 12.0)] {
        let (x, y) = (
            base.0 + random.between(-6.0, 6.0),
            base.1 + random.between(-4.0, 4.0),
        );
        for (dx, dy, radius) in [
            (-7.0, 0.0, 3.6),
            (-2.0, -2.4, 5.4),
            (4.5, -0.8, 4.4),
            (9.0, 0.8, 2.8),
        ] {
            let _ = write!(
                out,
                r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}" fill="{paint}"/>"#,
                x + dx,
                y + dy
            );
        }
        let _ = write!(
            out,
            r#"<rect x="{:.1}" y="{:.1}" width="22" height="4.6" rx="2.3" fill="{paint}"/>"#,
            x - 10.6,
            y - 1.0
        );
    }
}

/// Returns the colour of a shadow as cel painters mix it: in violet light, not with black.
fn shaded(colour: Colour) -> Colour {
    let under = |part: u8, light: f32| (f32::from(part) * light).round() as u8;
    Colour {
        red: under(colour.red, 0.7),
        green: under(colour.green, 0.62),
        blue: under(colour.blue, 0.8),
    }
}

struct Cel;

impl Cel {
    fn own(piece: &Piece) -> Colour {
        let (hue, saturation, lightness) = piece.colour.hue_saturation_lightness();
        if piece.colour.is_colourful() {
            Colour::from_hue(hue, saturation * 1.15, lightness)
        } else {
            piece.colour
        }
    }
}

impl Brush for Cel {
    fn fill(&self, piece: &Piece) -> String {
        Self::own(piece).css()
    }

    fn contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK, 1.1))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK, 1.0))
    }

    fn dot(&self, _piece: &Piece) -> String {
        INK.into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 0.92))
    }

    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        if piece.kind == Kind::Body {
            let own = Self::own(piece);
            crescent(out, piece, data, &shaded(own).css(), &own.css(), 0.26);
        }
    }
}
