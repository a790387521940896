//! Finishes: the effects that a style named in words has on a painted picture.

use crate::filter::smooth_areas;
use crate::label::BACKGROUND;
use crate::mockup::Mockup;
use crate::palette::{cluster, nearest};
use crate::plane::{Lab, Plane, Random, chroma, mix, smooth_step};
use crate::structure::Structure;

/// A way to finish a painted picture. Several may be combined, but some hide others: see
/// [`Finish::hidden_by`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finish {
    /// A coarse grid of square pixels in a small palette.
    PixelArt,
    /// Few flat colours with crisp edges.
    VectorArt,
    /// Flat tones with one hard shadow and firm outlines.
    CelShading,
    /// Black ink on white paper with halftone dots.
    Manga,
    /// Lines on paper, without fills.
    LineArt,
    /// Only lightness, without colour.
    Monochrome,
    /// Pale colours and tinted lines.
    Pastel,
    /// Glowing lines on a dark ground.
    Neon,
    /// Flat vivid colours, black outlines, dots in the shadows.
    PopArt,
    /// Blurred tones.
    SoftShading,
    /// Short brush strokes along the forms.
    Impressionism,
    /// Very few flat colours.
    Minimalism,
    /// Darkened corners.
    Vignette,
}

/// The finishes that draw the lines in their own way. The first of them that is wanted does.
const DRAWN: [Finish; 4] = [Finish::Manga, Finish::LineArt, Finish::Neon, Finish::PopArt];
/// Those that change the paint only, of which line art shows nothing.
const PAINTED: [Finish; 5] = [
    Finish::VectorArt,
    Finish::CelShading,
    Finish::SoftShading,
    Finish::Impressionism,
    Finish::Minimalism,
];

impl Finish {
    /// The finish among these that leaves nothing to be seen of this one.
    #[must_use]
    pub fn hidden_by(self, all: &[Self]) -> Option<Self> {
        let drawn = DRAWN.into_iter().find(|finish| all.contains(finish))?;
        let is_hidden = (DRAWN.contains(&self) && self != drawn)
            || (drawn == Self::LineArt && PAINTED.contains(&self));
        is_hidden.then_some(drawn)
    }
}

/// A picture that is being finished.
#[derive(Debug, Clone)]
pub struct Canvas<'a> {
    /// The painted colours, without lines.
    pub paint: Plane,
    /// The drawing's structure.
    pub structure: &'a Structure,
    /// The mock-up, for the colours and strength of its lines.
    pub mock: &'a Mockup,
    /// The opacity of the sketch's lines, 0 to 1.
    pub line_weight: f32,
    /// The size of a pixel of the usual size.
    pub unit: f32,
}

impl Canvas<'_> {
    /// Applies the finishes of the paint in their order, draws the lines, and applies the others.
    #[must_use]
    pub fn finish(mut self, finishes: &[Finish]) -> Plane {
        let unit = self.unit;
        let smooth = |picture: &Plane, reach: f32| smooth_areas(picture, pixels(reach, unit));
        for finish in finishes {
            match finish {
                Finish::VectorArt => {
                    self.paint = flatten(&smooth(&self.paint, 5.0), 14, unit);
                }
                Finish::Minimalism => {
                    let soft = self.paint.blur(2.0 * unit);
                    self.paint = flatten(&smooth(&soft, 6.0), 6, unit);
                }
                Finish::CelShading => {
                    self.paint = cel_shade(&smooth(&self.paint, 4.0), self.structure);
                }
                Finish::SoftShading => self.paint = self.paint.blur(2.5 * unit),
                Finish::Impressionism => self.paint = brush(&self.paint, self.structure, unit),
                _ => {}
            }
        }
        let has = |wanted: Finish| finishes.contains(&wanted);
        let mut picture = match DRAWN.into_iter().find(|finish| has(*finish)) {
            Some(Finish::Manga) => self.draw_manga(),
            Some(Finish::LineArt) => self.draw_line_art(),
            Some(Finish::Neon) => self.draw_neon(),
            Some(_) if !self.mock.glowing => self.draw_pop_art(),
            _ if self.mock.glowing => self.draw_neon(),
            _ => {
                let bold = if has(Finish::CelShading) || has(Finish::VectorArt) {
                    1.0
                } else {
                    self.mock.line_strength
                };
                self.draw_lines(&self.paint, bold)
            }
        };
        if has(Finish::Pastel) {
            picture =
                picture.map(|_, _, c| [0.60 + 0.375 * c[0].powf(0.9), 0.52 * c[1], 0.52 * c[2]]);
            picture = self.draw_tinted_lines(&picture, 0.42);
        }
        if has(Finish::Monochrome) {
            picture = to_monochrome(&picture);
        }
        if has(Finish::Vignette) {
            picture = vignette(&picture);
        }
        if has(Finish::PixelArt) {
            picture = self.pixelate(&picture);
        }
        picture
    }

    fn line_colour(&self, index: usize) -> Lab {
        let label = usize::from(self.structure.labels[index]);
        self.mock
            .line_colours
            .get(label)
            .or(self.mock.line_colours.first())
            .copied()
            .unwrap_or([0.2, 0.0, 0.0])
    }

    /// Draws the sketch's lines over a picture.
    fn draw_lines(&self, picture: &Plane, strength: f32) -> Plane {
        let share = strength * self.line_weight;
        picture.map(|x, y, colour| {
            let index = y * picture.width + x;
            mix(
                colour,
                self.line_colour(index),
                (self.structure.ink[index] * share).min(1.0),
            )
        })
    }

    fn draw_tinted_lines(&self, picture: &Plane, lightness: f32) -> Plane {
        picture.map(|x, y, colour| {
            let index = y * picture.width + x;
            let line = self.line_colour(index);
            let soft = [lightness, 0.6 * line[1], 0.6 * line[2]];
            mix(
                colour,
                soft,
                self.structure.ink[index] * 0.8 * self.line_weight,
            )
        })
    }

    /// Draws black lines on white paper, with dots for middle tones and black for the darkest.
    fn draw_manga(&self) -> Plane {
        let even = smooth_areas(&self.paint, pixels(4.0, self.unit));
        let mut order: Vec<f32> = even.pixels.iter().map(|pixel| pixel[0]).collect();
        order.sort_by(f32::total_cmp);
        let at = |share: f32| order[((order.len() - 1) as f32 * share) as usize];
        let (dark, light) = (at(0.03), at(0.92));
        let pitch = (self.paint.width as f32 / 110.0).max(3.5);
        let toned = even.map(|x, y, colour| {
            let tone = ((colour[0] - dark) / (light - dark).max(0.05)).clamp(0.0, 1.0);
            if tone > 0.80 {
                return [0.985, 0.0, 0.0];
            }
            if tone < 0.10 && self.structure.labels[y * self.paint.width + x] != BACKGROUND {
                return [0.14, 0.0, 0.0];
            }
            let wave = screen(x, y, pitch);
            let cover = ((0.84 - tone) * 0.8).clamp(0.06, 0.62);
            let dot = smooth_step(1.0 - cover - 0.12, 1.0 - cover + 0.12, wave);
            mix([0.985, 0.0, 0.0], [0.16, 0.0, 0.0], dot)
        });
        toned.map(|x, y, colour| {
            mix(
                colour,
                [0.1, 0.0, 0.0],
                self.structure.ink[y * toned.width + x],
            )
        })
    }

    /// Draws lines on paper with the background's tint, and some hatching on the shaded side.
    fn draw_line_art(&self) -> Plane {
        let ground = self.paint.mean();
        let paper = [
            0.975,
            ground[1].clamp(-0.012, 0.012),
            ground[2].clamp(-0.015, 0.02),
        ];
        let ink = [0.2, 0.3 * ground[1], 0.3 * ground[2]];
        let (width, relief) = (self.paint.width, &self.structure.relief);
        let pitch = (width as f32 / 85.0).max(4.0);
        self.paint.map(|x, y, _| {
            let index = y * width + x;
            let mut colour = paper;
            if self.structure.labels[index] != BACKGROUND {
                let step = (width / 64).max(3);
                let far = relief[(index + step + step * width).min(relief.len() - 1)];
                let away = smooth_step(0.04, 0.2, relief[index] - far);
                let line = ((x as f32 + y as f32 * 0.9) / pitch).fract();
                let hatch = smooth_step(0.16, 0.08, (line - 0.5).abs()) * away;
                colour = mix(colour, ink, hatch * 0.75);
            }
            mix(colour, ink, self.structure.ink[index])
        })
    }

    /// Draws glowing lines on a dark ground.
    fn draw_neon(&self) -> Plane {
        let width = self.paint.width;
        // A dark ground is left unchanged.
        let dark = if self.paint.mean()[0] < 0.36 {
            self.paint.clone()
        } else {
            self.paint
                .map(|_, _, c| [0.08 + 0.17 * c[0], 0.35 * c[1], 0.35 * c[2]])
        };
        let glow_colour = |index: usize| {
            let line = self.line_colour(index);
            let own = if chroma(line) > 0.06 {
                line
            } else {
                self.paint.pixels[index]
            };
            let strength = 0.19 / chroma(own).max(0.02);
            let grow = strength.clamp(1.0, 3.2);
            [0.76, own[1] * grow, own[2] * grow]
        };
        // Light is additive, so lightness and colour are scaled by coverage.
        let tubes = dark.map(|x, y, _| {
            let index = y * width + x;
            let cover = self.structure.ink[index] * self.line_weight.max(0.6);
            let colour = glow_colour(index);
            [colour[0] * cover, colour[1] * cover, colour[2] * cover]
        });
        let (near, far) = (tubes.blur(4.0 * self.unit), tubes.blur(16.0 * self.unit));
        dark.map(|x, y, ground| {
            let index = y * width + x;
            let lights = near.pixels[index].iter().zip(far.pixels[index]);
            let mut colour = ground;
            for (value, (near, far)) in colour.iter_mut().zip(lights) {
                *value += 0.55 * near + 0.75 * far;
            }
            let tube = glow_colour(index);
            let cover = self.structure.ink[index];
            let core = smooth_step(0.75, 1.0, cover);
            let lit = mix(colour, tube, cover * 0.95);
            mix(lit, [0.97, tube[1] * 0.25, tube[2] * 0.25], core * 0.75)
        })
    }

    /// Draws flat vivid colours, black outlines, and dots on the shaded side.
    fn draw_pop_art(&self) -> Plane {
        let smooth = smooth_areas(&self.paint, pixels(5.0, self.unit));
        let flat = flatten(&smooth, 8, self.unit);
        let (width, relief) = (flat.width, &self.structure.relief);
        let pitch = (width as f32 / 80.0).max(4.0);
        let dotted = flat.map(|x, y, colour| {
            let index = y * width + x;
            let vivid = [colour[0], colour[1] * 1.35, colour[2] * 1.35];
            let step = (width / 48).max(3);
            let far = relief[(index + step + step * width).min(relief.len() - 1)];
            let away = smooth_step(0.02, 0.25, relief[index] - far);
            let wave = screen(x, y, pitch);
            let dot = smooth_step(0.95 - 0.5 * away, 1.05 - 0.5 * away, wave) * away.sqrt();
            mix(vivid, [vivid[0] * 0.62, vivid[1], vivid[2]], dot)
        });
        dotted.map(|x, y, colour| mix(colour, [0.13, 0.0, 0.0], self.structure.ink[y * width + x]))
    }

    /// Reduces a picture to square pixels in a small palette. A pixel that contains a line gets the
    /// line's colour.
    fn pixelate(&self, picture: &Plane) -> Plane {
        let cell = (picture.width.min(picture.height) / 84).max(3);
        let (columns, rows) = (picture.width.div_ceil(cell), picture.height.div_ceil(cell));
        let mut small = Plane::filled(columns, rows, [0.0; 3]);
        for row in 0..rows {
            for column in 0..columns {
                let (mut fill, mut line) = (([0.0f32; 3], 0.0f32), ([0.0f32; 3], 0.0f32));
                let mut count = 0.0f32;
                for y in row * cell..((row + 1) * cell).min(picture.height) {
                    for x in column * cell..((column + 1) * cell).min(picture.width) {
                        let index = y * picture.width + x;
                        let ink = self.structure.ink[index];
                        for (sum, weight) in [(&mut fill, 1.02 - ink), (&mut line, ink)] {
                            for channel in 0..3 {
                                sum.0[channel] += weight * picture.pixels[index][channel];
                            }
                            sum.1 += weight;
                        }
                        count += 1.0;
                    }
                }
                let (sum, weight) = if line.1 > 0.27 * count { line } else { fill };
                small.pixels[row * columns + column] = sum.map(|value| value / weight);
            }
        }
        let palette = cluster(&small.pixels, 20);
        let bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
        let limited = small.map(|x, y, mut colour| {
            colour[0] += (bayer[(y % 4) * 4 + x % 4] as f32 / 16.0 - 0.47) * 0.014;
            palette[nearest(&palette, colour)]
        });
        picture.map(|x, y, _| limited.pixels[(y / cell) * columns + x / cell])
    }
}

/// The height of a printer's screen of 45 degrees at a pixel, 0 to 1. Dots are where it is high,
/// `pitch` pixels apart.
fn screen(x: usize, y: usize, pitch: f32) -> f32 {
    use std::f32::consts::{FRAC_1_SQRT_2, TAU};
    let (u, v) = (
        (x as f32 + y as f32) / pitch * FRAC_1_SQRT_2,
        (x as f32 - y as f32) / pitch * FRAC_1_SQRT_2,
    );
    0.25 * ((u * TAU).cos() + (v * TAU).cos()) + 0.5
}

/// A length in pixels of the usual size, in pixels of a picture of this unit.
fn pixels(length: f32, unit: f32) -> usize {
    (length * unit).round() as usize
}

/// Reduces a picture to a few flat colours.
fn flatten(picture: &Plane, colours: usize, unit: f32) -> Plane {
    let palette = cluster(&picture.pixels, colours);
    let flat = picture.map(|_, _, colour| {
        // A little of the original colour softens the edges.
        let first = nearest(&palette, colour);
        mix(palette[first], colour, 0.06)
    });
    smooth_areas(&flat, pixels(2.0, unit))
}

/// Reduces a picture to few tones with hard edges and one hard shadow.
fn cel_shade(picture: &Plane, structure: &Structure) -> Plane {
    let (width, step) = (picture.width, (picture.width / 30).max(3));
    picture.map(|x, y, mut colour| {
        let index = y * width + x;
        if structure.labels[index] != BACKGROUND {
            let far =
                structure.relief[(index + step + step * width).min(structure.relief.len() - 1)];
            let away = smooth_step(0.11, 0.125, structure.relief[index] - far);
            colour = [colour[0] * (1.0 - 0.09 * away), colour[1], colour[2]];
        }
        let steps = 5.0;
        let scaled = colour[0] * steps;
        let level = (scaled.floor() + smooth_step(0.42, 0.58, scaled.fract())) / steps;
        [
            level * 0.94 + colour[0] * 0.06,
            colour[1] * 1.12,
            colour[2] * 1.12,
        ]
    })
}

/// Paints short strokes along the forms.
fn brush(picture: &Plane, structure: &Structure, scale: f32) -> Plane {
    let (width, height) = (picture.width, picture.height);
    let mut result = smooth_areas(picture, pixels(4.0, scale));
    let mut chance = Random::new(4_711);
    let unit = width as f32 / 512.0;
    for size in [7.0f32, 4.0, 2.6] {
        let size = size * unit;
        let strokes = (width * height) as f32 / (size * size * 2.2);
        for _ in 0..strokes as usize {
            let (x, y) = (
                chance.share() * width as f32,
                chance.share() * height as f32,
            );
            let index = (y as usize).min(height - 1) * width + (x as usize).min(width - 1);
            let label = structure.labels[index];
            let relief = |dx: isize, dy: isize| {
                let at = index as isize + dx + dy * width as isize;
                structure.relief[at.clamp(0, structure.relief.len() as isize - 1) as usize]
            };
            let (gx, gy) = (relief(4, 0) - relief(-4, 0), relief(0, 4) - relief(0, -4));
            let angle = if gx.abs() + gy.abs() > 0.01 {
                gx.atan2(-gy) + 0.5 * (chance.share() - 0.5)
            } else {
                0.5 * (y / 60.0 / unit).sin() + 0.9 * (chance.share() - 0.5)
            };
            let mut colour = picture.pixels[index];
            colour[0] += 0.09 * (chance.share() - 0.5);
            colour[1] += 0.035 * (chance.share() - 0.5);
            colour[2] += 0.035 * (chance.share() - 0.5);
            stroke(&mut result, structure, label, (x, y), angle, size, colour);
        }
    }
    result
}

fn stroke(
    plane: &mut Plane,
    structure: &Structure,
    label: u16,
    (x, y): (f32, f32),
    angle: f32,
    size: f32,
    colour: Lab,
) {
    let (along_x, along_y) = (angle.cos(), angle.sin());
    let reach = (size * 2.6).ceil() as isize;
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let (px, py) = (x as isize + dx, y as isize + dy);
            if px < 0 || py < 0 || px >= plane.width as isize || py >= plane.height as isize {
                continue;
            }
            let index = py as usize * plane.width + px as usize;
            if structure.labels[index] != label {
                continue;
            }
            let along = dx as f32 * along_x + dy as f32 * along_y;
            let across = dy as f32 * along_x - dx as f32 * along_y;
            let inside = (along / (2.4 * size)).powi(2) + (across / (0.75 * size)).powi(2);
            let bristle = 0.85 + 0.15 * (across * 2.3 / size * 3.0).sin();
            plane.pixels[index] = mix(
                plane.pixels[index],
                colour,
                0.8 * bristle * smooth_step(1.0, 0.7, inside),
            );
        }
    }
}

/// Removes colour and stretches the tones to the full range.
fn to_monochrome(picture: &Plane) -> Plane {
    let mut order: Vec<f32> = picture.pixels.iter().map(|pixel| pixel[0]).collect();
    order.sort_by(f32::total_cmp);
    let (low, high) = (
        order[order.len() / 100],
        order[order.len() - 1 - order.len() * 3 / 100],
    );
    picture.map(|_, _, colour| {
        [
            0.1 + 0.88 * ((colour[0] - low) / (high - low).max(0.1)).clamp(0.0, 1.0),
            0.0,
            0.0,
        ]
    })
}

fn vignette(picture: &Plane) -> Plane {
    let (width, height) = (picture.width as f32, picture.height as f32);
    picture.map(|x, y, colour| {
        let (u, v) = (x as f32 / width - 0.5, y as f32 / height - 0.5);
        let shade = 1.0 - 0.5 * smooth_step(0.18, 0.62, u * u + v * v + 0.05);
        [colour[0] * shade, colour[1] * shade, colour[2] * shade]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_of_drawing_hides_the_others_and_line_art_hides_paint() {
        use Finish::{CelShading, LineArt, Manga, Neon, Pastel, PixelArt, PopArt, VectorArt};
        for (finish, all, hidden_by) in [
            (PopArt, &[PopArt, LineArt] as &[Finish], Some(LineArt)),
            (LineArt, &[PopArt, LineArt], None),
            (LineArt, &[LineArt, Manga], Some(Manga)),
            (Neon, &[Neon, PopArt], None),
            (VectorArt, &[LineArt, VectorArt], Some(LineArt)),
            (CelShading, &[CelShading, Manga], None),
            (Pastel, &[LineArt, Pastel], None),
            (PixelArt, &[PixelArt, PopArt], None),
        ] {
            assert_eq!(finish.hidden_by(all), hidden_by, "{finish:?} of {all:?}");
        }
    }
}
