//! Simulated sketches: a picture's edges, as a hand would draw them.

use std::f32::consts::TAU;

use clippy_imaging::{
    DecodeLimits, Encoding, GrayImage, RgbImage, decode, edge_map, encode, scaled_to,
};

/// Longest side of the picture whose edges are drawn: small enough that only outlines and large
/// details remain.
const TRACED: u32 = 224;
/// A drawing is this many times as large.
const ENLARGED: f32 = 1.5;
/// Edges of fewer pixels are texture or noise, which nobody draws.
const SHORTEST: usize = 14;
/// How far a line strays from the edge, as a share of the picture's side.
const STRAY: f32 = 0.012;
/// Radius of the pen, in pixels of the drawing.
const PEN: f32 = 1.4;
/// White space around the drawing, in pixels.
const MARGIN: u32 = 12;

/// Draws dark lines on white, as a drawing pad exports them. The same picture and seed give the
/// same drawing. `None` for a file that is no picture, or has no edges.
pub(super) fn draw(bytes: &[u8], seed: u64) -> Option<Vec<u8>> {
    let edges = {
        let picture = decode(bytes, &DecodeLimits::default()).ok()?;
        edge_map(&scaled_to(&picture, TRACED))
    };
    let lines = long_lines(&edges);
    if lines.is_empty() {
        return None;
    }
    let scaled = |length: u32| (length as f32 * ENLARGED) as u32 + 2 * MARGIN;
    let mut paper = RgbImage::new(scaled(edges.width()), scaled(edges.height()));
    paper.fill(255);
    let hand = Hand::new(seed, edges.width().max(edges.height()) as f32);
    for (x, y) in lines {
        let (x, y) = hand.moved(x as f32, y as f32);
        stamp(
            &mut paper,
            x * ENLARGED + MARGIN as f32,
            y * ENLARGED + MARGIN as f32,
        );
    }
    encode(&paper, Encoding::Png).ok()
}

/// The pixels of all edges that are long enough.
fn long_lines(edges: &GrayImage) -> Vec<(u32, u32)> {
    let (width, height) = edges.dimensions();
    let mut is_seen = vec![false; (width * height) as usize];
    let mut lines = Vec::new();
    for (x, y, edge) in edges.enumerate_pixels() {
        if edge.0[0] == 0 || is_seen[(y * width + x) as usize] {
            continue;
        }
        is_seen[(y * width + x) as usize] = true;
        let mut line = vec![(x, y)];
        let mut next = 0;
        while let Some(&(x, y)) = line.get(next) {
            next += 1;
            for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let seen = &mut is_seen[(y * width + x) as usize];
                    if !*seen && edges.get_pixel(x, y).0[0] > 0 {
                        *seen = true;
                        line.push((x, y));
                    }
                }
            }
        }
        if line.len() >= SHORTEST {
            lines.extend(line);
        }
    }
    lines
}

/// The distance of a hand-drawn line from the edge that it follows. It changes slowly, so that
/// lines stay connected.
struct Hand {
    phases: [f32; 4],
    side: f32,
}

impl Hand {
    fn new(seed: u64, side: f32) -> Self {
        let phase = |byte: u32| ((seed >> (8 * byte)) & 0xff) as f32 / 256.0 * TAU;
        Self {
            phases: [phase(0), phase(1), phase(2), phase(3)],
            side,
        }
    }

    fn moved(&self, x: f32, y: f32) -> (f32, f32) {
        let (across, down) = (x / self.side * TAU, y / self.side * TAU);
        let [first, second, third, fourth] = self.phases;
        let right = (1.7 * down + first).sin() + 0.5 * (4.3 * across + 3.1 * down + second).sin();
        let below = (1.9 * across + third).sin() + 0.5 * (3.7 * down - 2.9 * across + fourth).sin();
        let stray = STRAY * self.side;
        (x + stray * right, y + stray * below)
    }
}

/// Draws one dot with a round pen.
fn stamp(paper: &mut RgbImage, x: f32, y: f32) {
    let (width, height) = paper.dimensions();
    let reach = |centre: f32, length: u32| {
        let first = (centre - PEN).floor().max(0.0) as u32;
        let last = (centre + PEN).ceil().max(0.0) as u32;
        first..=last.min(length - 1)
    };
    for row in reach(y, height) {
        for column in reach(x, width) {
            let distance = (column as f32 - x).hypot(row as f32 - y);
            // The rim is soft, one pixel wide.
            let ink = (PEN + 0.5 - distance).clamp(0.0, 1.0);
            let pixel = paper.get_pixel_mut(column, row);
            let value = (235.0 * (1.0 - ink)) as u8 + 20;
            pixel.0 = [pixel.0[0].min(value); 3];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(picture: &RgbImage) -> Vec<u8> {
        encode(picture, Encoding::Png).expect("encoded")
    }

    /// A dark square on white, and one dark dot.
    fn square() -> Vec<u8> {
        let mut picture = RgbImage::new(200, 160);
        picture.fill(255);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let is_dot = (10..12).contains(&x) && (10..12).contains(&y);
            if is_dot || ((60..140).contains(&x) && (40..120).contains(&y)) {
                pixel.0 = [0; 3];
            }
        }
        file(&picture)
    }

    #[test]
    fn a_simulated_sketch_has_thin_dark_lines_on_white_without_specks() {
        let bytes = draw(&square(), 7).expect("edges");
        let sketch = decode(&bytes, &DecodeLimits::default()).expect("a picture");
        assert_eq!(sketch.dimensions(), (324, 264));
        let dark: Vec<(u32, u32)> = sketch
            .enumerate_pixels()
            .filter(|(_, _, pixel)| pixel.0[0] < 100)
            .map(|(x, y, _)| (x, y))
            .collect();
        // Four lines of 120 pixels, a few pixels wide; the square is not filled.
        assert!((600..3_000).contains(&dark.len()), "{}", dark.len());
        assert!(!dark.contains(&(162, 132)), "filled");
        assert!(
            dark.iter().all(|(x, y)| *x > 60 && *y > 40),
            "the dot was drawn"
        );
    }

    #[test]
    fn the_hand_strays_and_the_same_seed_gives_the_same_sketch() {
        let (one, again, other) = (
            draw(&square(), 7),
            draw(&square(), 7),
            draw(&square(), 9_999),
        );
        assert!(one.is_some() && one == again);
        assert_ne!(one, other);
    }

    #[test]
    fn no_sketch_is_made_of_blank_pictures_and_of_other_files() {
        let mut blank = RgbImage::new(40, 40);
        blank.fill(255);
        assert!(draw(&file(&blank), 1).is_none());
        assert!(draw(b"no picture", 1).is_none());
    }
}
