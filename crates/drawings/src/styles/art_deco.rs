//! A poster of the twenties: gold on a dark ground, a fan of rays, a stepped frame.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, backdrop, draw, line, silhouette};
use crate::canvas;
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::seed::Random;
use crate::subject::Kind;

/// The ground and the rays on it.
const GROUNDS: [[u32; 2]; 4] = [
    [0x0e1a2b, 0x18304a],
    [0x0d231f, 0x17403a],
    [0x1c1022, 0x36204a],
    [0x15110f, 0x33271c],
];

const GOLD: &str = "url(#gold)";
const METAL: &str = concat!(
    r##"<defs><linearGradient id="gold" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="100" y2="100">"##,
    r##"<stop offset="0" stop-color="#fbeeb0"/><stop offset="0.22" stop-color="#c9993a"/><stop offset="0.42" stop-color="#f7e08f"/>"##,
    r##"<stop offset="0.62" stop-color="#b07d28"/><stop offset="0.8" stop-color="#f3d779"/><stop offset="1" stop-color="#94651d"/>"##,
    r##"</linearGradient></defs>"##,
);

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let [ground, ray] = random.pick(GROUNDS).map(|value| hex(value).css());
    let mut out = String::from(METAL);
    backdrop(&mut out, &ground);
    rays(&mut out, &ray);
    let _ = write!(
        out,
        r#"<circle cx="50" cy="50" r="37.5" fill="{ground}" stroke="{GOLD}" stroke-width="0.9"/><circle cx="50" cy="50" r="35.6" fill="none" stroke="{GOLD}" stroke-width="0.35"/>"#
    );
    frame(&mut out, &ground);
    // A dark rim separates the figure from the gold behind it.
    silhouette(&mut out, &figure.solid(), &ground, 2.0);
    silhouette(&mut out, &figure.solid(), GOLD, 0.9);
    draw(&mut out, figure, &Enamel);
    canvas::square(&out)
}

fn rays(out: &mut String, paint: &str) {
    let end = |angle: f32| (50.0 + 130.0 * angle.cos(), 50.0 + 130.0 * angle.sin());
    for ray in 0..24u8 {
        let angle = f32::from(ray) * std::f32::consts::TAU / 24.0;
        let ((x1, y1), (x2, y2)) = (end(angle), end(angle + std::f32::consts::TAU / 48.0));
        let _ = write!(
            out,
            r#"<path d="M50 50L{x1:.2} {y1:.2}L{x2:.2} {y2:.2}Z" fill="{paint}"/><path d="M50 50L{x1:.2} {y1:.2}M50 50L{x2:.2} {y2:.2}" stroke="{GOLD}" stroke-width="0.4"/>"#
        );
    }
}

/// Draws three steps in each corner, lines along the sides, and fans where the corners would be.
fn frame(out: &mut String, ground: &str) {
    let stepped = |inset: f32| {
        let [a, b, c] = [inset, inset + 4.0, inset + 8.0];
        let [z, y, x] = [100.0 - a, 100.0 - b, 100.0 - c];
        format!(
            "M{c} {a}H{x}V{b}H{y}V{c}H{z}V{x}H{y}V{y}H{x}V{z}H{c}V{y}H{b}V{x}H{a}V{c}H{b}V{b}H{c}Z"
        )
    };
    let _ = write!(
        out,
        r#"<path d="M0 0H100V100H0Z{}" fill="{ground}" fill-rule="evenodd"/><path d="{}" fill="none" stroke="{GOLD}" stroke-width="1"/><path d="{}" fill="none" stroke="{GOLD}" stroke-width="0.35"/>"#,
        stepped(4.0),
        stepped(4.0),
        stepped(2.3),
    );
    for (x, y) in [(5.2, 5.2), (94.8, 5.2), (5.2, 94.8), (94.8, 94.8)] {
        let _ = write!(
            out,
            r#"<path transform="translate({x} {y})" d="M0 -2.2L2.2 0L0 2.2L-2.2 0Z" fill="{GOLD}"/>"#
        );
    }
}

/// Enamels of the period: ruby, amber, emerald, teal, sapphire, amethyst; ivory and onyx.
fn enamel(colour: Colour) -> Colour {
    let (hue, _, lightness) = colour.hue_saturation_lightness();
    if !colour.is_colourful() || lightness > 0.86 {
        return hex(match lightness {
            light if light > 0.8 => 0xf3e7c6,
            light if light > 0.6 => 0xb9b49f,
            light if light > 0.38 => 0x5d6a70,
            _ => 0x16181d,
        });
    }
    let stone = hex(match hue {
        hue if !(14.0..335.0).contains(&hue) => 0x9c1f33,
        hue if hue < 36.0 => 0xc0702a,
        hue if hue < 70.0 => 0xdcae45,
        hue if hue < 160.0 => 0x1f7a55,
        hue if hue < 200.0 => 0x1b7f86,
        hue if hue < 255.0 => 0x274f93,
        hue if hue < 300.0 => 0x5d3a86,
        _ => 0xb0607c,
    });
    if lightness < 0.36 {
        stone.shadow(0.35)
    } else if lightness > 0.7 {
        stone.light(0.25)
    } else {
        stone
    }
}

struct Enamel;

impl Brush for Enamel {
    fn fill(&self, piece: &Piece) -> String {
        enamel(piece.colour).css()
    }

    fn contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line(GOLD, 1.0))
    }

    fn patch_contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line(GOLD, 0.5))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line(GOLD, 0.8))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#0d0f13".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#fdf3cf".into(), 0.75))
    }

    /// Draws half of each form in shade, with a fine line of gold along its inside.
    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        if piece.kind != Kind::Body || piece.girth() < 9.0 {
            return;
        }
        let number = piece.number;
        let own = enamel(piece.colour);
        let bounds = piece.outline.bounds();
        let middle = (bounds.left() + bounds.right()) / 2.0;
        let _ = write!(
            out,
            r#"<clipPath id="c{number}"><path d="{data}" clip-rule="evenodd"/></clipPath><g clip-path="url(#c{number})"><rect x="{middle:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="{}"/>"#,
            bounds.top(),
            bounds.width() / 2.0,
            bounds.height(),
            own.shadow(0.28).css(),
        );
        if piece.girth() > 15.0 {
            let _ = write!(
                out,
                r#"<mask id="m{number}" maskUnits="userSpaceOnUse" x="0" y="0" width="100" height="100"><rect width="100" height="100" fill="white"/><path d="{data}" fill="none" stroke="black" stroke-width="3.6"/></mask><path d="{data}" fill="none" stroke="{GOLD}" stroke-width="4.3" mask="url(#m{number})"/>"#
            );
        }
        out.push_str("</g>");
    }
}
