//! Glass tubes on a brick wall at night: the tubes are drawn sharp, then blurred into their glow,
//! and the glow lights the wall.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{backdrop, fill, line, stroke};
use crate::canvas::{self, PICTURE_SIDE};
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::Figure;
use crate::raster::{blurred, light, picture_of};
use crate::seed::{Random, noise};
use crate::subject::Kind;

const TUBE: f32 = 1.7;
const CORE: f32 = 0.7;
const NIGHT: &str = "#000000";

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let mut out = String::new();
    backdrop(&mut out, NIGHT);
    tubes(&mut out, figure);
    let side = PICTURE_SIDE as usize;
    let tubes = light(&canvas::square(&out)?);
    let near = blurred(&tubes, side, side, 4);
    let far = blurred(&tubes, side, side, 17);
    let wide = blurred(&far, side, side, 30);
    let night = random.pick([
        [0.055, 0.035, 0.10],
        [0.03, 0.045, 0.10],
        [0.07, 0.03, 0.075],
    ]);
    let seed = random.seed();

    let mut lit = Vec::with_capacity(side * side);
    for y in 0..side {
        for x in 0..side {
            let at = y * side + x;
            let wall = brick(seed, x as f32, y as f32);
            lit.push(std::array::from_fn(|part| {
                let on_wall =
                    wall * (night[part] * 2.2 + wide[at][part] * 1.5 + far[at][part] * 0.75);
                let haze = near[at][part] * 0.75 + far[at][part] * 0.34;
                1.0 - (1.0 - on_wall.min(1.0)) * (1.0 - haze.min(1.0)) * (1.0 - tubes[at][part])
            }));
        }
    }
    Ok(picture_of(&lit, PICTURE_SIDE, PICTURE_SIDE))
}

/// Returns how much light the wall reflects at a pixel: rough bricks of 48 by 22 pixels, dark
/// joints.
fn brick(seed: u64, x: f32, y: f32) -> f32 {
    let row = (y / 22.0).floor();
    let shifted = x + if row % 2.0 == 0.0 { 0.0 } else { 24.0 };
    let (across, down) = (shifted.rem_euclid(48.0), y.rem_euclid(22.0));
    let joint = across.min(48.0 - across).min(down).min(22.0 - down);
    let own = 0.75 + 0.25 * noise(seed, (shifted / 48.0).floor() * 3.7, row * 5.3);
    let rough = 1.0 + 0.22 * noise(seed ^ 3, x * 0.45, y * 0.45);
    let deep = ((joint - 0.8) / 1.6).clamp(0.0, 1.0);
    (own * rough * (0.34 + 0.66 * deep)).clamp(0.0, 1.2)
}

/// Returns the colour of the gas: saturated and bright for any colour of the subject.
fn gas(colour: Colour) -> Colour {
    let (hue, _, lightness) = colour.hue_saturation_lightness();
    if !colour.is_colourful() {
        return match lightness {
            light if light > 0.8 => hex(0xbdf3ff),
            light if light > 0.45 => hex(0x59d8ff),
            _ => hex(0xc04dff),
        };
    }
    if lightness > 0.88 {
        return hex(0xffe9a8);
    }
    // Blue looks darker than the rest. Red and orange are close together, so brown becomes amber.
    let hue = if (15.0..45.0).contains(&hue) {
        30.0
    } else {
        hue
    };
    Colour::from_hue(
        hue,
        1.0,
        if (215.0..285.0).contains(&hue) {
            0.66
        } else {
            0.56
        },
    )
}

fn tubes(out: &mut String, figure: &Figure) {
    out.push_str(r#"<g stroke-linejoin="round" stroke-linecap="round" fill-rule="evenodd">"#);
    for piece in &figure.pieces {
        let data = piece.data();
        let gas = gas(piece.colour);
        let (tube, core) = (gas.css(), gas.mixed(hex(0xffffff), 0.78).css());
        match piece.kind {
            Kind::Body => {
                // Covers what is behind this part, since crossing tubes would be unreadable.
                fill(out, &data, NIGHT);
                stroke(out, &data, &line(tube, TUBE));
                stroke(out, &data, &line(core, CORE));
            }
            Kind::Patch => {
                stroke(out, &data, &line(tube, TUBE * 0.6));
                stroke(out, &data, &line(core, CORE * 0.45));
            }
            Kind::Rod(thickness) if thickness > 5.5 => {
                stroke(out, &data, &line(&*tube, thickness + TUBE));
                stroke(out, &data, &line(core, thickness + CORE));
                stroke(out, &data, &line(tube, thickness - CORE));
                stroke(out, &data, &line(NIGHT, thickness - TUBE));
            }
            Kind::Rod(_) => {
                stroke(out, &data, &line(NIGHT, TUBE * 2.2));
                stroke(out, &data, &line(tube, TUBE));
                stroke(out, &data, &line(core, CORE));
            }
            Kind::Mark => {
                stroke(out, &data, &line("#ff4fc3", TUBE * 0.65));
                stroke(out, &data, &line("#ffd9f2", CORE * 0.6));
            }
            Kind::Dot if piece.girth() > 4.5 => {
                // A filled dot of this size would outshine the sign, so it is drawn as a ring.
                fill(out, &data, NIGHT);
                stroke(out, &data, &line("#39d5ff", TUBE * 0.8));
                stroke(out, &data, &line("#e8fbff", CORE * 0.8));
            }
            Kind::Dot => {
                let _ = write!(
                    out,
                    r##"<path d="{data}" fill="#e8fbff" stroke="#39d5ff" stroke-width="0.7"/>"##
                );
            }
            Kind::Shine => {}
        }
    }
    out.push_str("</g>");
}
