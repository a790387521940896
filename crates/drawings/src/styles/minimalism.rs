//! Two colours and much empty space: the thing as a cut-out with bare details.

use std::fmt::Write as _;

use image::{Rgb, RgbImage};

use crate::brush::{Brush, Line, backdrop, draw, line};
use crate::canvas;
use crate::colour::hex;
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::seed::Random;
use crate::subject::Kind;

/// Paper and ink.
const PAIRS: [[u32; 2]; 6] = [
    [0xf4efe6, 0x2f3e46],
    [0xf6ede4, 0xb5523b],
    [0xeaf0ee, 0x1f5f5b],
    [0xf3e9d2, 0x1d3557],
    [0xe9e7ef, 0x4a3f6b],
    [0xf8e7d8, 0x8a2c3d],
];

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let [paper, ink] = random.pick(PAIRS).map(hex);
    let [left, _, right, bottom] = figure.bounds();
    let (middle, half) = (
        (left + right) / 2.0,
        (right - left) / 2.0 + random.between(5.0, 12.0),
    );
    let mut forms = String::new();
    backdrop(&mut forms, PAPER);
    // A short floor, so that the thing does not float.
    let _ = write!(
        forms,
        r#"<path d="M{:.2} {y:.2}H{:.2}" stroke="{INK}" stroke-width="0.7" stroke-linecap="round"/>"#,
        middle - half,
        middle + half,
        y = bottom + 4.0,
    );
    draw(
        &mut forms,
        figure,
        &Forms {
            pale: figure.main_colour().lightness() > 0.85,
        },
    );
    let mut details = String::new();
    backdrop(&mut details, PAPER);
    draw(&mut details, figure, &Details);

    let (forms, details) = (canvas::square(&forms)?, canvas::square(&details)?);
    Ok(RgbImage::from_fn(forms.width(), forms.height(), |x, y| {
        let inked = 1.0 - f32::from(forms.get_pixel(x, y)[0]) / 255.0;
        let detail = 1.0 - f32::from(details.get_pixel(x, y)[0]) / 255.0;
        // A detail inverts ink and paper, so that it shows on either.
        let colour = paper.mixed(ink, inked * (1.0 - detail) + (1.0 - inked) * detail);
        Rgb([colour.red, colour.green, colour.blue])
    }))
}

const PAPER: &str = "#ffffff";
const INK: &str = "#000000";

/// The inked and the bare forms.
struct Forms {
    /// Whether the thing itself is light: then its darker parts are inked.
    pale: bool,
}

impl Forms {
    fn is_bare(&self, piece: &Piece) -> bool {
        let light = piece.colour.lightness();
        match piece.kind {
            Kind::Body if self.pale => light > 0.7,
            Kind::Body => light > 0.82,
            Kind::Patch => light > 0.6,
            _ => false,
        }
    }
}

impl Brush for Forms {
    fn fill(&self, piece: &Piece) -> String {
        if self.is_bare(piece) { PAPER } else { INK }.into()
    }

    /// Outlines bare forms with a line, and separates inked ones by a bare line.
    fn contour(&self, piece: &Piece) -> Option<Line> {
        Some(if self.is_bare(piece) {
            line(INK, 1.0)
        } else {
            line(PAPER, 0.7)
        })
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    fn dot(&self, _piece: &Piece) -> String {
        "none".into()
    }
}

/// The lines and spots that are not hidden.
struct Details;

impl Brush for Details {
    fn fill(&self, _piece: &Piece) -> String {
        PAPER.into()
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK, 0.8))
    }

    fn dot(&self, _piece: &Piece) -> String {
        INK.into()
    }
}
