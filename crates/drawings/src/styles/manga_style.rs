//! A printed panel: black ink, screen tone for every grey, lines that rush towards the figure.

use std::fmt::Write as _;

use image::{Rgb, RgbImage};

use crate::brush::{Brush, Line, backdrop, crescent, draw, line, silhouette};
use crate::canvas;
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::raster::screen;
use crate::seed::Random;
use crate::subject::Kind;

const BLACK: &str = "#000000";
const WHITE: &str = "#ffffff";
/// Distance of the tone's dots, in pixels.
const CELL: f32 = 5.0;

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let mut tones = String::new();
    let mut lines = String::new();
    background(&mut tones, &mut lines, figure, random);
    silhouette(&mut tones, &figure.solid(), WHITE, 3.0);
    draw(&mut tones, figure, &Tone);
    silhouette(&mut lines, &figure.solid(), WHITE, 2.4);
    silhouette(&mut lines, &figure.solid(), BLACK, 1.3);
    draw(&mut lines, figure, &Pen);
    lines.push_str(r#"<path d="M0 0H100V100H0ZM2.6 2.6V97.4H97.4V2.6Z" fill="white" fill-rule="evenodd"/><path d="M2.6 2.6H97.4V97.4H2.6Z" fill="none" stroke="black" stroke-width="1.1"/>"#);

    let (tones, lines) = (canvas::square(&tones)?, canvas::square(&lines)?);
    let margin = (tones.width() as f32 * 0.026) as u32;
    Ok(RgbImage::from_fn(tones.width(), tones.height(), |x, y| {
        let framed = x.min(y) > margin && x.max(y) < tones.width() - margin;
        let tone = if framed {
            1.0 - f32::from(tones.get_pixel(x, y)[0]) / 255.0
        } else {
            0.0
        };
        let laid = if tone > 0.9 {
            1.0
        } else {
            screen(x as f32, y as f32, CELL, std::f32::consts::FRAC_PI_4, tone)
        };
        let light = (1.0 - laid) * f32::from(lines.get_pixel(x, y)[0]) / 255.0;
        Rgb([(light * 255.0).round() as u8; 3])
    }))
}

/// Draws one of three backgrounds: speed lines, a fading tone, or sparkles on tone.
fn background(tones: &mut String, lines: &mut String, figure: &Figure, random: &mut Random) {
    backdrop(lines, WHITE);
    let [left, top, right, bottom] = figure.bounds();
    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let ground = random.below(3);
    if ground == 0 {
        backdrop(tones, WHITE);
        rush(
            lines,
            (x, y),
            ((right - left) * 0.5 + 7.0, (bottom - top) * 0.5 + 7.0),
            random,
        );
        return;
    }
    let (above, below) = if ground == 1 {
        ("#585858", "#f2f2f2")
    } else {
        ("#e6e6e6", "#6a6a6a")
    };
    let _ = write!(
        tones,
        r##"<defs><linearGradient id="fade" x2="0" y2="1"><stop offset="0" stop-color="{above}"/><stop offset="0.75" stop-color="{below}"/></linearGradient></defs><rect width="100" height="100" fill="url(#fade)"/>"##
    );
    for _ in 0..9 {
        let angle = random.between(0.0, std::f32::consts::TAU);
        let (x, y, size) = (
            50.0 + 43.0 * angle.cos(),
            50.0 + 43.0 * angle.sin(),
            random.between(2.0, 5.5),
        );
        let _ = write!(
            tones,
            r#"<path transform="translate({x:.2} {y:.2}) scale({size:.2})" d="M0 -1Q0.12 -0.12 1 0Q0.12 0.12 0 1Q-0.12 0.12 -1 0Q-0.12 -0.12 0 -1Z" fill="{WHITE}"/>"#
        );
    }
}

/// Draws wedges that start outside the frame and end at an oval around the figure.
fn rush(out: &mut String, centre: (f32, f32), reach: (f32, f32), random: &mut Random) {
    let mut angle = 0.0;
    while angle < std::f32::consts::TAU {
        let width = random.between(0.006, 0.034);
        let near = random.between(1.0, 1.3);
        let place = |angle: f32, far: bool| {
            let (across, down) = if far {
                (110.0, 110.0)
            } else {
                (reach.0 * near, reach.1 * near)
            };
            (
                centre.0 + across * angle.cos(),
                centre.1 + down * angle.sin(),
            )
        };
        let ((x0, y0), (x1, y1), (x2, y2)) = (
            place(angle, false),
            place(angle - width, true),
            place(angle + width, true),
        );
        let _ = write!(
            out,
            r#"<path d="M{x0:.2} {y0:.2}L{x1:.2} {y1:.2}L{x2:.2} {y2:.2}Z" fill="{BLACK}"/>"#
        );
        angle += random.between(0.035, 0.11);
    }
}

/// Returns paper, one of three tones, or solid black, as in print.
fn tone(colour: Colour) -> Colour {
    let level = match colour.lightness() {
        light if light > 0.78 => 1.0,
        light if light > 0.6 => 0.84,
        light if light > 0.42 => 0.68,
        light if light > 0.27 => 0.45,
        _ => 0.04,
    };
    Colour::from_hue(0.0, 0.0, level)
}

struct Tone;

impl Brush for Tone {
    fn fill(&self, piece: &Piece) -> String {
        tone(piece.colour).css()
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    fn dot(&self, _piece: &Piece) -> String {
        BLACK.into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some((WHITE.into(), 1.0))
    }

    fn modelling(&self, piece: &Piece, data: &str, out: &mut String) {
        let own = tone(piece.colour);
        if piece.kind == Kind::Body && own.lightness() > 0.1 {
            crescent(
                out,
                piece,
                data,
                &own.mixed(hex(0), 0.4).css(),
                &own.css(),
                0.22,
            );
        }
    }
}

struct Pen;

impl Brush for Pen {
    fn fill(&self, _piece: &Piece) -> String {
        WHITE.into()
    }

    fn contour(&self, piece: &Piece) -> Option<Line> {
        // Black on black would hide the form.
        Some(line(
            if tone(piece.colour).lightness() < 0.1 {
                WHITE
            } else {
                BLACK
            },
            0.8,
        ))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line(BLACK, 0.75))
    }

    fn dot(&self, _piece: &Piece) -> String {
        BLACK.into()
    }
}
