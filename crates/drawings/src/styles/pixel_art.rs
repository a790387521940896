//! Large square pixels: one colour each, a dark rim around the figure, a dithered ground.

use image::{Rgb, RgbImage};

use crate::brush::{Brush, Line, backdrop, draw, line};
use crate::canvas::{self, PICTURE_SIDE};
use crate::colour::{Colour, hex};
use crate::error::Error;
use crate::figure::{Figure, Piece};
use crate::seed::Random;
use crate::subject::Kind;

/// Cells along each side.
const CELLS: usize = 48;
/// Pixels along each side of a cell.
const CELL: usize = PICTURE_SIDE as usize / CELLS;
/// Marks the area outside of the figure; no drawing uses this colour.
const CLEAR: Colour = hex(0xff00ff);

/// Sky above, sky below, ground, ground's shade.
const SCENES: [[u32; 4]; 4] = [
    [0x9be3f0, 0xd3f4f0, 0x86c96a, 0x579c50],
    [0x3b3f7a, 0x6a62a8, 0x41508f, 0x2c356b],
    [0xf9c9a0, 0xfde9c2, 0xd99066, 0xb06c52],
    [0xc3b6ee, 0xe9ddf9, 0x8fa7d8, 0x6c82ba],
];

/// Thresholds of an ordered dither.
const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

type Grid<T> = [[T; CELLS]; CELLS];

pub(crate) fn picture(figure: &Figure, random: &mut Random) -> Result<RgbImage, Error> {
    let colours = commonest(&layer(figure, &Flat)?);
    let forms = commonest(&layer(figure, &Numbered)?);
    let mut cells = scene(random);
    for (row, line) in cells.iter_mut().enumerate() {
        for (column, place) in line.iter_mut().enumerate() {
            if let Some(colour) = cell(&colours, &forms, row, column) {
                *place = colour;
            }
        }
    }
    Ok(RgbImage::from_fn(PICTURE_SIDE, PICTURE_SIDE, |x, y| {
        let colour = cells[y as usize / CELL][x as usize / CELL];
        Rgb([colour.red, colour.green, colour.blue])
    }))
}

/// Returns the colour of a cell of the figure: its shaded colour, its rim, or nothing.
fn cell(colours: &Grid<Colour>, forms: &Grid<Colour>, row: usize, column: usize) -> Option<Colour> {
    let at = |grid: &Grid<Colour>, down: isize, across: isize| {
        let (row, column) = (
            row.checked_add_signed(down)?,
            column.checked_add_signed(across)?,
        );
        grid.get(row)?
            .get(column)
            .copied()
            .filter(|colour| *colour != CLEAR)
    };
    let around = [(-1, 0), (1, 0), (0, -1), (0, 1)];
    let Some(own) = at(colours, 0, 0) else {
        let beside = around
            .iter()
            .find_map(|(down, across)| at(colours, *down, *across))?;
        return Some(beside.mixed(hex(0x17122b), 0.82));
    };
    // The edge of a nearer form separates it from the one behind.
    let number = |colour: Colour| u32::from(colour.green) * 256 + u32::from(colour.blue);
    let form = at(forms, 0, 0).map_or(0, number);
    let behind = |down, across| at(forms, down, across).is_some_and(|other| number(other) < form);
    if around.iter().any(|(down, across)| behind(*down, *across)) && own.lightness() > 0.25 {
        return Some(own.shadow(0.42));
    }
    let bare = |down, across| at(colours, down, across).is_none();
    if bare(1, 0) || bare(0, 1) || bare(2, 0) {
        return Some(own.shadow(0.28));
    }
    if (bare(-1, 0) || bare(0, -1)) && own.lightness() > 0.2 {
        return Some(own.light(0.38));
    }
    Some(own)
}

/// Draws sky, ground and a few specks, all on the grid.
fn scene(random: &mut Random) -> Grid<Colour> {
    let [high, low, ground, shade] = random.pick(SCENES).map(hex);
    let horizon = CELLS - 7;
    let mut cells = [[high; CELLS]; CELLS];
    for (row, line) in cells.iter_mut().enumerate() {
        for (column, colour) in line.iter_mut().enumerate() {
            let threshold = (f32::from(BAYER[row % 4][column % 4]) + 0.5) / 16.0;
            *colour = if row < horizon {
                // The change from one sky to the other happens in the middle third.
                let share = (row as f32 / horizon as f32 - 0.3) / 0.5;
                if share > threshold { low } else { high }
            } else {
                let share = (row - horizon) as f32 / 6.0;
                if row > horizon && share > threshold {
                    shade
                } else {
                    ground
                }
            };
        }
    }
    let speck = high.light(0.75);
    for _ in 0..7 {
        let (row, column) = (2 + random.below(horizon / 2), 2 + random.below(CELLS - 4));
        cells[row][column] = speck;
        if random.below(3) == 0 {
            for (down, across) in [(0, 1), (0, -1), (1, 0), (-1, 0)] {
                if let Some(colour) = cells
                    .get_mut(row.wrapping_add_signed(down))
                    .and_then(|line| line.get_mut(column.wrapping_add_signed(across)))
                {
                    *colour = speck;
                }
            }
        }
    }
    cells
}

fn layer(figure: &Figure, brush: &impl Brush) -> Result<RgbImage, Error> {
    let mut out = String::from(r#"<g shape-rendering="crispEdges">"#);
    backdrop(&mut out, &CLEAR.css());
    draw(&mut out, figure, brush);
    out.push_str("</g>");
    canvas::square(&out)
}

/// Returns the most common colour of each cell. Ink counts double: eyes and mouths are small.
fn commonest(picture: &RgbImage) -> Grid<Colour> {
    let mut cells = [[CLEAR; CELLS]; CELLS];
    for (row, line) in cells.iter_mut().enumerate() {
        for (column, cell) in line.iter_mut().enumerate() {
            let mut counts: Vec<(Colour, usize)> = Vec::new();
            for place in 0..CELL * CELL {
                let (x, y) = (column * CELL + place % CELL, row * CELL + place / CELL);
                let Rgb([red, green, blue]) = *picture.get_pixel(x as u32, y as u32);
                let colour = Colour { red, green, blue };
                let weight = if colour == INK { 2 } else { 1 };
                match counts.iter_mut().find(|(known, _)| *known == colour) {
                    Some((_, count)) => *count += weight,
                    None => counts.push((colour, weight)),
                }
            }
            if let Some((colour, _)) = counts
                .into_iter()
                .max_by_key(|(colour, count)| (*count, *colour != CLEAR))
            {
                *cell = colour;
            }
        }
    }
    cells
}

const INK: Colour = hex(0x2a2038);

/// The figure's own colours.
struct Flat;

impl Brush for Flat {
    fn fill(&self, piece: &Piece) -> String {
        piece.colour.css()
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        Some(line(INK.css(), 1.5))
    }

    fn dot(&self, _piece: &Piece) -> String {
        INK.css()
    }

    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        Some(("#ffffff".into(), 1.0))
    }
}

/// The number of each form as a colour; patches and lines belong to their form.
struct Numbered;

impl Brush for Numbered {
    fn fill(&self, piece: &Piece) -> String {
        if piece.kind == Kind::Patch {
            "none".into()
        } else {
            hex(piece.number as u32 + 1).css()
        }
    }

    fn mark(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    fn dot(&self, _piece: &Piece) -> String {
        "none".into()
    }
}
