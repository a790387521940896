//! The form of a subject's drawing: an ordered list of parts with a meaning.
//!
//! A drawing does not say how it looks. It says what there is, back to front, in an area of about
//! 100 by 100 units with y downwards; the style decides about lines, colours and light. The figure
//! is fitted to its picture afterwards, so a drawing need not be centred.

use crate::colour::{Colour, paint};

/// A thing that the gallery draws.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// Its name, with underscores for spaces; also its file name.
    pub name: &'static str,
    /// Other words for it: synonyms, what it is, what it has to do with.
    pub tags: &'static [&'static str],
    /// The family it belongs to, such as `animals`.
    pub group: &'static str,
    /// Rotation in degrees, clockwise, in every picture.
    pub(crate) tilt: f32,
    /// Whether its colours are free (a hat may be blue) or fixed (a leaf is green).
    pub(crate) free_colours: bool,
    /// Back to front.
    pub(crate) parts: &'static [Part],
}

/// A part of a drawing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) colour: Colour,
    pub(crate) shape: Shape,
    /// Drawn a second time, mirrored at x = 50.
    pub(crate) twice: bool,
}

/// The kind of a part, which decides how a style draws it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A solid thing with a contour.
    Body,
    /// A coloured area on a body, such as a belly or a stripe. It has no contour.
    Patch,
    /// A long thin solid of this thickness, such as a stem, a handle or a tail.
    Rod(f32),
    /// A drawn line, such as a mouth, a seam or steam.
    Mark,
    /// A small black spot: an eye, a nose, a seed.
    Dot,
    /// A highlight on a polished surface; only some styles draw it.
    Shine,
}

/// An outline, in the drawing's units.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// SVG path data.
    Path(&'static str),
    /// Centre and the two radii.
    Oval(f32, f32, f32, f32),
    /// Left, top, width, height and the radius of the corners.
    Rect(f32, f32, f32, f32, f32),
    /// Centre, number of points, outer and inner radius; the first point is at the top.
    Star(f32, f32, u8, f32, f32),
}

impl Part {
    const fn of(kind: Kind, colour: Colour, shape: Shape) -> Self {
        Self {
            kind,
            colour,
            shape,
            twice: false,
        }
    }

    /// Returns the same part, and its mirror image at x = 50.
    pub(crate) const fn twice(self) -> Self {
        Self {
            twice: true,
            ..self
        }
    }
}

pub(crate) const fn body(colour: Colour, shape: Shape) -> Part {
    Part::of(Kind::Body, colour, shape)
}

pub(crate) const fn patch(colour: Colour, shape: Shape) -> Part {
    Part::of(Kind::Patch, colour, shape)
}

pub(crate) const fn rod(colour: Colour, thickness: f32, data: &'static str) -> Part {
    Part::of(Kind::Rod(thickness), colour, Shape::Path(data))
}

pub(crate) const fn ring(colour: Colour, thickness: f32, x: f32, y: f32, radius: f32) -> Part {
    Part::of(Kind::Rod(thickness), colour, circle(x, y, radius))
}

pub(crate) const fn mark(data: &'static str) -> Part {
    Part::of(Kind::Mark, paint::INK, Shape::Path(data))
}

pub(crate) const fn dot(shape: Shape) -> Part {
    Part::of(Kind::Dot, paint::INK, shape)
}

pub(crate) const fn shine(shape: Shape) -> Part {
    Part::of(Kind::Shine, paint::WHITE, shape)
}

pub(crate) const fn path(data: &'static str) -> Shape {
    Shape::Path(data)
}

pub(crate) const fn circle(x: f32, y: f32, radius: f32) -> Shape {
    Shape::Oval(x, y, radius, radius)
}

pub(crate) const fn oval(x: f32, y: f32, across: f32, down: f32) -> Shape {
    Shape::Oval(x, y, across, down)
}

pub(crate) const fn rect(left: f32, top: f32, width: f32, height: f32, corner: f32) -> Shape {
    Shape::Rect(left, top, width, height, corner)
}

pub(crate) const fn star(x: f32, y: f32, points: u8, outer: f32, inner: f32) -> Shape {
    Shape::Star(x, y, points, outer, inner)
}
