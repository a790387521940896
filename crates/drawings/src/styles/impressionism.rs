//! Short strokes of thick paint: the scene is first rendered with smooth light, then painted over
//! in layers of ever finer strokes that follow its forms.

use std::fmt::Write as _;

use image::RgbImage;

use crate::brush::{Brush, Line, draw, line};
use crate::canvas::{self, PICTURE_SIDE};
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::lighting::{floor_shadow, gradients};
use crate::raster::{Light, blurred, light, picture_of};
use crate::seed::{Random, noise};

/// Sky above, sky below, meadow far, meadow near.
const SCENES: [[u32; 4]; 5] = [
    [0x6f9bd1, 0xf3dfc1, 0x9fbf7d, 0x5d8a56],
    [0xe8a08a, 0xf9e0a8, 0x8d8fb8, 0x5b6796],
    [0x8fc3c9, 0xe9eedb, 0xc9bd78, 0x8f8a4f],
    [0xa89ccd, 0xf5d3d0, 0x86a98f, 0x4f7a74],
    [0x4c6fa8, 0x9fb8d9, 0x6f8fb0, 0x3e5580],
];

/// Brush width in pixels, distance of the strokes, how far the colours vary.
const LAYERS: [(f32, f32, f32); 3] = [(13.0, 8.5, 0.07), (7.5, 5.4, 0.085), (3.4, 2.7, 0.045)];

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let side = PICTURE_SIDE as usize;
    let scene = light(&canvas::square(&lit_scene(figure, random))?);
    let soft = blurred(&scene, side, side, 3);
    let flow = Flow {
        tones: blurred(&scene, side, side, 5),
        seed: random.seed(),
    };
    // The primed linen shows where there is no stroke.
    let mut painted: Light = vec![[0.72, 0.63, 0.53]; side * side];
    for (layer, (width, distance, stray)) in LAYERS.into_iter().enumerate() {
        for (x, y) in places(distance, random) {
            let at = y as usize * side + x as usize;
            let detail = (0..3)
                .map(|part| (scene[at][part] - flow.tones[at][part]).abs())
                .fold(0.0, f32::max);
            // The finest brush is for edges and features only.
            if layer == 2 && detail < 0.06 {
                continue;
            }
            let source = if layer == 2 { &scene } else { &soft };
            let angle = flow.angle(x, y) + random.between(-0.18, 0.18);
            let half = width * random.between(0.9, 1.7);
            let touch = Touch {
                at: (x, y),
                along: (angle.cos(), angle.sin()),
                half,
                width: width * random.between(0.75, 1.1),
                bend: random.between(-0.16, 0.16) * half,
                colour: strayed(source[at], stray, random),
                bristles: random.seed(),
            };
            touch.lay(&mut painted);
        }
    }
    Ok(picture_of(&painted, PICTURE_SIDE, PICTURE_SIDE))
}

/// Draws the scene before it is painted.
fn lit_scene(figure: &Figure, random: &mut Random) -> String {
    let main = figure.main_colour();
    let apart = |scene: &[u32; 4]| {
        (hex(scene[1]).lightness() - main.lightness()).abs()
            + if hex(scene[0]).is_colourful() {
                0.1
            } else {
                0.0
            }
    };
    // Of two scenes, the one with more contrast to the figure.
    let (one, other) = (random.pick(SCENES), random.pick(SCENES));
    let chosen = if apart(&one) >= apart(&other) {
        one
    } else {
        other
    };
    let [high, low, far, near] = chosen.map(|value| hex(value).css());
    let mut out = format!(
        r#"<defs><linearGradient id="sky" x2="0" y2="1"><stop offset="0" stop-color="{high}"/><stop offset="0.7" stop-color="{low}"/></linearGradient><linearGradient id="land" x2="0" y2="1"><stop offset="0" stop-color="{far}"/><stop offset="1" stop-color="{near}"/></linearGradient></defs><rect width="100" height="100" fill="url(#sky)"/><path d="M0 70Q30 64 55 69T100 66V100H0Z" fill="url(#land)"/>"#
    );
    for _ in 0..16 {
        let paint = random.pick([0xf7e7b0, 0xe58a8a, 0xf2f2ee, 0xb58fd0]);
        let _ = write!(
            out,
            r#"<circle cx="{:.1}" cy="{:.1}" r="{:.1}" fill="{}" fill-opacity="0.7"/>"#,
            random.between(2.0, 98.0),
            random.between(76.0, 98.0),
            random.between(0.8, 1.8),
            hex(paint).css(),
        );
    }
    floor_shadow(&mut out, figure, "#2b2a5a", 0.55);
    gradients(&mut out, figure, |piece| {
        let own = piece.colour;
        [
            own.mixed(hex(0xfff3c4), 0.45),
            own,
            own.mixed(hex(0x2a2370), 0.5),
        ]
    });
    draw(&mut out, figure, &Underpainting);
    out
}

/// Returns a jittered grid of places, in random order.
fn places(distance: f32, random: &mut Random) -> Vec<(f32, f32)> {
    let side = PICTURE_SIDE as f32;
    let count = (side / distance).ceil() as usize + 1;
    let mut places: Vec<(f32, f32)> = (0..count * count)
        .map(|index| {
            let (column, row) = ((index % count) as f32, (index / count) as f32);
            let mut jitter = || random.between(-0.5, 0.5);
            let (x, y) = ((column + jitter()) * distance, (row + jitter()) * distance);
            (x.clamp(0.0, side - 1.0), y.clamp(0.0, side - 1.0))
        })
        .collect();
    for index in (1..places.len()).rev() {
        places.swap(index, random.below(index + 1));
    }
    places
}

/// Returns a colour near the given one, since broken colour gives the impression of light.
fn strayed(colour: [f32; 3], stray: f32, random: &mut Random) -> [f32; 3] {
    let [red, green, blue] = colour.map(|part| (part * 255.0).round().clamp(0.0, 255.0) as u8);
    let (hue, saturation, lightness) = Colour { red, green, blue }.hue_saturation_lightness();
    let colour = Colour::from_hue(
        hue + random.between(-150.0, 150.0) * stray,
        saturation * (1.08 + random.between(-2.0, 2.0) * stray),
        lightness + random.between(-1.0, 1.0) * stray,
    );
    [colour.red, colour.green, colour.blue].map(|part| f32::from(part) / 255.0)
}

/// The direction of the strokes: along the forms, and with the wind elsewhere.
struct Flow {
    tones: Light,
    seed: u64,
}

impl Flow {
    fn angle(&self, x: f32, y: f32) -> f32 {
        let side = PICTURE_SIDE as usize;
        let tone = |dx: isize, dy: isize| {
            let column = (x as isize + dx).clamp(0, side as isize - 1) as usize;
            let row = (y as isize + dy).clamp(0, side as isize - 1) as usize;
            let [red, green, blue] = self.tones[row * side + column];
            0.45 * red + 0.45 * green + 0.3 * blue
        };
        let (across, down) = (tone(4, 0) - tone(-4, 0), tone(0, 4) - tone(0, -4));
        let wind = noise(self.seed, x / 110.0, y / 110.0) * 1.1
            + if y > PICTURE_SIDE as f32 * 0.68 {
                0.1
            } else {
                -0.5
            };
        let strength = across.hypot(down);
        if strength < 0.02 {
            wind
        } else {
            down.atan2(across) + std::f32::consts::FRAC_PI_2
        }
    }
}

/// A stroke of the brush, in pixels.
struct Touch {
    at: (f32, f32),
    /// Direction of the stroke, a unit vector.
    along: (f32, f32),
    /// Half its length and its width.
    half: f32,
    width: f32,
    /// How far its middle is from the straight line.
    bend: f32,
    colour: [f32; 3],
    bristles: u64,
}

impl Touch {
    fn lay(&self, canvas: &mut Light) {
        let side = PICTURE_SIDE as f32;
        let reach = self.half + self.width / 2.0 + self.bend.abs() + 1.0;
        let span = |middle: f32| {
            (
                (middle - reach).max(0.0) as usize,
                (middle + reach).clamp(0.0, side - 1.0) as usize,
            )
        };
        let ((left, right), (top, bottom)) = (span(self.at.0), span(self.at.1));
        for y in top..=bottom {
            for x in left..=right {
                let (dx, dy) = (x as f32 - self.at.0, y as f32 - self.at.1);
                let along = dx * self.along.0 + dy * self.along.1;
                let bow = self.bend * (1.0 - (along / self.half).powi(2)).max(0.0);
                let across = dy * self.along.0 - dx * self.along.1 - bow;
                let beyond = (along.abs() - self.half).max(0.0);
                let covered = (0.5 + self.width / 2.0 - across.hypot(beyond)).clamp(0.0, 1.0);
                if covered > 0.0 {
                    let relief = self.relief(along, across / self.width);
                    let pixel = &mut canvas[y * PICTURE_SIDE as usize + x];
                    for (part, own) in pixel.iter_mut().zip(self.colour) {
                        *part += ((own + relief).clamp(0.0, 1.0) - *part) * covered;
                    }
                }
            }
        }
    }

    /// Returns the light on thick paint: a bright ridge, one in the shade, and furrows of the
    /// bristles.
    fn relief(&self, along: f32, across: f32) -> f32 {
        let ridge = |place: f32| (1.0 - ((across - place) / 0.16).powi(2)).max(0.0);
        let furrows = noise(self.bristles, across * 7.0, along / 14.0);
        0.085 * ridge(-0.3) - 0.075 * ridge(0.36) + 0.045 * furrows
    }
}

struct Underpainting;

impl Brush for Underpainting {
    fn fill(&self, piece: &Piece) -> String {
        format!("url(#g{})", piece.number)
    }

    fn contour(&self, piece: &Piece) -> Option<Line> {
        Some(line(piece.colour.mixed(hex(0x231d5c), 0.6).css(), 1.1))
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line("#2c2452", 1.5))
    }

    fn dot(&self, _piece: &Piece) -> String {
        "#231d44".into()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#fff8e0".into(), 0.85))
    }
}
