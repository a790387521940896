//! Like an enlarged comic: loud inks, heavy black lines, dots of a coarse halftone screen.

use std::fmt::Write as _;

use image::{Rgb, RgbImage};

use crate::brush::{Brush, Line, backdrop, draw, line, silhouette};
use crate::canvas;
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::raster::screen;
use crate::seed::Random;

/// The printer's inks, besides black and white.
const INKS: [u32; 8] = [
    0xe8112d, 0xff7a00, 0xffdd00, 0x12a84b, 0x00b5e2, 0x1f4fd8, 0x8a2be2, 0xff3d8f,
];
/// Ground, rays, and the ink of the dots on them.
const GROUNDS: [[u32; 3]; 5] = [
    [0xffdd00, 0xfff07a, 0xff7a00],
    [0x00b5e2, 0x8be6f7, 0x1f4fd8],
    [0xff5ba0, 0xffb1d0, 0xe8112d],
    [0xff8a1f, 0xffc56b, 0xe8112d],
    [0x35c46a, 0xa8eba9, 0x0b7a4b],
];
/// Distance of the dots, in pixels.
const CELL: f32 = 9.0;
const ANGLE: f32 = std::f32::consts::FRAC_PI_4;

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let main = ink(figure.main_colour());
    // The ground with the largest distance to the figure's own ink.
    let start = random.below(GROUNDS.len());
    let grounds = (0..GROUNDS.len()).map(|step| GROUNDS[(start + step) % GROUNDS.len()]);
    let [ground, ray, dots] = grounds
        .max_by_key(|[ground, ..]| distance(main, hex(*ground)).min(60_000))
        .unwrap_or(GROUNDS[0])
        .map(hex);

    let mut colours = String::new();
    backdrop(&mut colours, &ground.css());
    rays(&mut colours, &ray.css());
    // White between the figure and the ground, as if cut out with scissors.
    silhouette(&mut colours, &figure.solid(), "#ffffff", 4.2);
    draw(&mut colours, figure, &Inks);
    let mut shade = String::new();
    shades(&mut shade, figure);
    let mut lines = String::new();
    backdrop(&mut lines, "#ffffff");
    silhouette(&mut lines, &figure.solid(), "#000000", 1.9);
    draw(&mut lines, figure, &Outline);

    let (colours, shade, lines) = (
        canvas::square(&colours)?,
        canvas::square(&shade)?,
        canvas::square(&lines)?,
    );
    let mut picture = colours;
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let own = Colour {
            red: pixel[0],
            green: pixel[1],
            blue: pixel[2],
        };
        // The shade's red channel has the darkness; its blue channel marks the ground.
        let Rgb([dark, _, is_ground]) = *shade.get_pixel(x, y);
        let laid = screen(x as f32, y as f32, CELL, ANGLE, f32::from(dark) / 255.0);
        let second = if is_ground > 127 {
            dots
        } else {
            second_ink(own)
        };
        let white_line = is_ground > 127 && own == hex(0xffffff);
        let printed = if white_line {
            own
        } else {
            own.mixed(second, laid)
        };
        let line = f32::from(lines.get_pixel(x, y)[0]) / 255.0;
        let inked = hex(0x0c0a10).mixed(printed, line);
        *pixel = Rgb([inked.red, inked.green, inked.blue]);
    }
    Ok(picture)
}

/// Returns the ink nearest to a colour; near-white and near-black do not change.
fn ink(colour: Colour) -> Colour {
    let (hue, saturation, lightness) = colour.hue_saturation_lightness();
    if !colour.is_colourful() {
        return match lightness {
            light if light > 0.72 => hex(0xffffff),
            light if light > 0.42 => hex(0xb9c4cf),
            _ => hex(0x26222e),
        };
    }
    if saturation < 0.5 || lightness < 0.34 && (15.0..50.0).contains(&hue) {
        return colour.mixed(hex(0xff7a00), 0.25);
    }
    if lightness > 0.86 {
        return if (20.0..80.0).contains(&hue) {
            hex(0xfff3b0)
        } else {
            hex(0xc9f0ff)
        };
    }
    INKS.map(hex)
        .into_iter()
        .min_by_key(|candidate| {
            let apart = (candidate.hue_saturation_lightness().0 - hue).abs();
            (apart.min(360.0 - apart) * 100.0) as u32
        })
        .unwrap_or(colour)
}

/// Returns the ink of the dots on a colour.
fn second_ink(colour: Colour) -> Colour {
    match colour.lightness() {
        light if light > 0.9 => hex(0x00b5e2),
        light if light > 0.62 => hex(0xe8112d).mixed(colour, 0.15),
        light if light > 0.3 => hex(0x1b1464),
        _ => hex(0x6a5acd),
    }
}

fn distance(one: Colour, other: Colour) -> i32 {
    let apart = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
    apart(one.red, other.red) + apart(one.green, other.green) + apart(one.blue, other.blue)
}

fn rays(out: &mut String, paint: &str) {
    for ray in 0..12u8 {
        let angle = f32::from(ray) * std::f32::consts::TAU / 12.0;
        let corner = |angle: f32| (50.0 + 90.0 * angle.cos(), 50.0 + 90.0 * angle.sin());
        let ((x1, y1), (x2, y2)) = (corner(angle), corner(angle + std::f32::consts::TAU / 24.0));
        let _ = write!(
            out,
            r#"<path d="M50 50L{x1:.2} {y1:.2}L{x2:.2} {y2:.2}Z" fill="{paint}"/>"#
        );
    }
}

/// Draws how dark the dots are at each place: darker towards the corners of the ground, and towards
/// the lower right of each form.
fn shades(out: &mut String, figure: &Figure) {
    out.push_str(concat!(
        r##"<defs><radialGradient id="ground" cx="0.5" cy="0.5" r="0.72"><stop offset="0.45" stop-color="#0000ff"/>"##,
        r##"<stop offset="1" stop-color="#8c00ff"/></radialGradient></defs><rect width="100" height="100" fill="url(#ground)"/>"##,
    ));
    out.push_str("<defs>");
    for piece in figure.pieces.iter().filter(|piece| piece.is_solid()) {
        let bounds = piece.outline.bounds();
        // The upper left has no dots; at the lower right they nearly touch.
        let _ = write!(
            out,
            r##"<linearGradient id="g{}" gradientUnits="userSpaceOnUse" x1="{:.2}" y1="{:.2}" x2="{:.2}" y2="{:.2}"><stop offset="0.5" stop-color="#000000"/><stop offset="0.52" stop-color="#220000"/><stop offset="1" stop-color="#8a0000"/></linearGradient>"##,
            piece.number,
            bounds.left(),
            bounds.top(),
            bounds.right() + 0.1,
            bounds.bottom() + 0.1,
        );
    }
    out.push_str("</defs>");
    draw(out, figure, &Shade);
}

struct Inks;

impl Brush for Inks {
    fn fill(&self, piece: &Piece) -> String {
        ink(piece.colour).css()
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 1.0))
    }
}

struct Shade;

impl Brush for Shade {
    fn fill(&self, piece: &Piece) -> String {
        // On small pieces the dots would be specks.
        if piece.girth() < 9.0 {
            "#000000".into()
        } else {
            format!("url(#g{})", piece.number)
        }
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#000000".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#000000".into(), 1.0))
    }
}

struct Outline;

impl Brush for Outline {
    fn fill(&self, _piece: &Piece) -> String {
        "#ffffff".into()
    }

    fn contour(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#000000", 1.8))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#000000", 1.5))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#000000".into()
    }
}
