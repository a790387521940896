//! A sunset of the eighties: striped sun, endless grid, pink and cyan.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, draw, line, silhouette};
use crate::canvas;
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::seed::Random;

const HORIZON: f32 = 68.0;

/// The colours that replace the figure's tones, from dark to light.
const TONES: [(f32, u32); 5] = [
    (0.0, 0x24104f),
    (0.3, 0x7b2cbf),
    (0.52, 0xff4fa3),
    (0.75, 0x62d6e8),
    (1.0, 0xf4fdff),
];

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let mut out = String::from(concat!(
        r##"<defs><linearGradient id="sky" x2="0" y2="1"><stop offset="0" stop-color="#1a0b45"/>"##,
        r##"<stop offset="0.55" stop-color="#7a1fa0"/><stop offset="1" stop-color="#ff6fb5"/></linearGradient>"##,
        r##"<linearGradient id="sun" x2="0" y2="1"><stop offset="0" stop-color="#ffe66d"/><stop offset="0.5" stop-color="#ff9a5c"/>"##,
        r##"<stop offset="1" stop-color="#ff2e92"/></linearGradient>"##,
        r##"<linearGradient id="ground" x2="0" y2="1"><stop offset="0" stop-color="#3a0f6b"/><stop offset="1" stop-color="#12052e"/></linearGradient>"##,
        r##"<filter id="glow" x="-0.3" y="-0.3" width="1.6" height="1.6"><feGaussianBlur stdDeviation="1.6"/></filter></defs>"##,
        r##"<rect width="100" height="68.2" fill="url(#sky)"/>"##,
    ));
    stars(&mut out, random);
    sun(&mut out, 50.0 + random.between(-12.0, 12.0));
    grid(&mut out);
    out.push_str(r#"<g filter="url(#glow)" opacity="0.8">"#);
    silhouette(&mut out, &figure.solid(), "#37f3ff", 1.8);
    out.push_str("</g>");
    // The two beams of a worn tube do not meet.
    for (paint, shift) in [("#37f3ff", -1.0), ("#ff2bd6", 1.0)] {
        let _ = write!(out, r#"<g transform="translate({shift} 0)">"#);
        silhouette(&mut out, &figure.solid(), paint, 0.9);
        out.push_str("</g>");
    }
    out.push_str("<defs>");
    for piece in figure.pieces.iter().filter(|piece| piece.is_solid()) {
        let bounds = piece.outline.bounds();
        let tone = piece.colour.lightness();
        let _ = write!(
            out,
            r#"<linearGradient id="g{}" gradientUnits="userSpaceOnUse" x1="0" x2="0" y1="{:.2}" y2="{:.2}"><stop offset="0" stop-color="{}"/><stop offset="1" stop-color="{}"/></linearGradient>"#,
            piece.number,
            bounds.top(),
            bounds.bottom() + 0.1,
            mapped(tone + 0.1).css(),
            mapped(tone - 0.12).css(),
        );
    }
    out.push_str("</defs>");
    draw(&mut out, figure, &Wave);
    for row in 0..64u8 {
        let _ = write!(
            out,
            r##"<rect y="{:.3}" width="100" height="0.52" fill="#12052e" fill-opacity="0.13"/>"##,
            f32::from(row) * 1.5625
        );
    }
    canvas::square(&out)
}

fn mapped(tone: f32) -> Colour {
    let tone = tone.clamp(0.0, 1.0);
    let above = TONES
        .iter()
        .position(|(place, _)| *place >= tone)
        .unwrap_or(TONES.len() - 1)
        .max(1);
    let ((low, dark), (high, bright)) = (TONES[above - 1], TONES[above]);
    hex(dark).mixed(hex(bright), (tone - low) / (high - low))
}

fn stars(out: &mut String, random: &mut Random) {
    for _ in 0..34 {
        let (x, y) = (random.between(1.0, 99.0), random.between(1.0, 40.0));
        let _ = write!(
            out,
            r##"<circle cx="{x:.2}" cy="{y:.2}" r="{:.2}" fill="#ffe9ff" fill-opacity="0.8"/>"##,
            random.between(0.12, 0.42)
        );
    }
}

/// Draws a sun whose lower half is cut into bands that grow towards the horizon.
fn sun(out: &mut String, x: f32) {
    let _ = write!(
        out,
        r##"<circle cx="{x:.2}" cy="42" r="33" fill="#ff5fb0" fill-opacity="0.25" filter="url(#glow)"/><clipPath id="bands"><path d="M0 0H100V40H0ZM0 41.2H100V46H0ZM0 47.8H100V52H0ZM0 54.4H100V58H0ZM0 61H100V63.6H0ZM0 67H100V68H0Z"/></clipPath><circle cx="{x:.2}" cy="42" r="30" fill="url(#sun)" clip-path="url(#bands)"/>"##
    );
}

fn grid(out: &mut String) {
    let _ = write!(
        out,
        r##"<rect y="{HORIZON}" width="100" height="32" fill="url(#ground)"/><g stroke="#ff4fd8" fill="none">"##
    );
    for ray in -14..=14i8 {
        let across = f32::from(ray);
        let _ = write!(
            out,
            r#"<path d="M{:.2} {HORIZON}L{:.2} 100" stroke-width="0.45"/>"#,
            50.0 + across * 4.2,
            50.0 + across * 17.0
        );
    }
    for row in 0..9u8 {
        let depth = f32::from(row) / 8.0;
        let y = HORIZON + 32.0 * depth * depth;
        let _ = write!(
            out,
            r#"<path d="M0 {y:.2}H100" stroke-width="{:.2}"/>"#,
            0.3 + 0.5 * depth
        );
    }
    let _ = write!(
        out,
        r##"</g><rect y="{:.2}" width="100" height="0.9" fill="#ffd1f5"/>"##,
        HORIZON - 0.4
    );
}

struct Wave;

impl Brush for Wave {
    fn fill(&self, piece: &Piece) -> String {
        format!("url(#g{})", piece.number)
    }

    fn contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#1d0a45", 0.8))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#1d0a45", 0.9))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#1d0a45".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 0.8))
    }
}
