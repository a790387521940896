//! A subject's drawing, converted to outlines and fitted to its picture.

use std::fmt::Write as _;

use resvg::tiny_skia::{Path, PathBuilder, PathSegment, Point, Rect, Transform};
use resvg::usvg;

use crate::colour::Colour;
use crate::error::Error;
use crate::seed::noise;
use crate::subject::{Kind, Shape, Subject};

/// The side of the square that figures are drawn in; the pictures' view box.
pub(crate) const SIDE: f32 = 100.0;

/// A subject ready to be drawn: its pieces, back to front, inside the square.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) pieces: Vec<Piece>,
}

/// One outline of a figure.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Its index in the figure, from the back; it names its gradients and clips.
    pub(crate) number: usize,
    pub(crate) kind: Kind,
    pub(crate) colour: Colour,
    pub(crate) outline: Path,
}

/// The position of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placement {
    /// The centre of the figure, in the square.
    pub(crate) centre: (f32, f32),
    /// Its larger extent, in the square.
    pub(crate) size: f32,
    /// Additional rotation in degrees, beyond the subject's own tilt.
    pub(crate) turn: f32,
}

impl Figure {
    /// Places the subject's pieces.
    pub(crate) fn place(subject: &Subject, placement: Placement) -> Result<Self, Error> {
        let pieces = outlines(subject)?;
        let turned =
            Transform::from_rotate_at(subject.tilt + placement.turn, SIDE / 2.0, SIDE / 2.0);
        let bounds = extent(&pieces, turned).ok_or_else(|| Error::Drawing {
            subject: subject.name.into(),
            reason: "it has no extent".into(),
        })?;
        let scale = placement.size / bounds.width().max(bounds.height());
        let fitted = turned
            .post_translate(
                -(bounds.left() + bounds.right()) / 2.0,
                -(bounds.top() + bounds.bottom()) / 2.0,
            )
            .post_scale(scale, scale)
            .post_translate(placement.centre.0, placement.centre.1);
        let pieces = pieces
            .into_iter()
            .filter_map(|piece| {
                let kind = match piece.kind {
                    Kind::Rod(thickness) => Kind::Rod(thickness * scale),
                    other => other,
                };
                Some(Piece {
                    kind,
                    outline: piece.outline.transform(fitted)?,
                    ..piece
                })
            })
            .collect();
        Ok(Self { pieces })
    }

    /// Returns the same figure with its colours changed.
    pub(crate) fn recoloured(mut self, change: impl Fn(Colour) -> Colour) -> Self {
        for piece in &mut self.pieces {
            piece.colour = change(piece.colour);
        }
        self
    }

    /// Returns the same figure as an unsteady hand would draw it: each point moves by up to
    /// `reach`, and the movement changes over a distance of about `length`.
    pub(crate) fn wobbled(mut self, seed: u64, reach: f32, length: f32) -> Self {
        for piece in &mut self.pieces {
            if let Some(outline) = wobbled(&piece.outline, seed, reach, length) {
                piece.outline = outline;
            }
        }
        self
    }

    /// Returns only the pieces with a body: no drawn lines, no spots.
    pub(crate) fn solid(&self) -> Self {
        Self {
            pieces: self
                .pieces
                .iter()
                .filter(|piece| piece.is_solid())
                .cloned()
                .collect(),
        }
    }

    /// Returns the box around the whole figure: left, top, right, bottom.
    pub(crate) fn bounds(&self) -> [f32; 4] {
        extent(&self.pieces, Transform::identity()).map_or([0.0, 0.0, SIDE, SIDE], |bounds| {
            [bounds.left(), bounds.top(), bounds.right(), bounds.bottom()]
        })
    }

    /// Returns the colour of the largest body, as the subject's colour.
    pub(crate) fn main_colour(&self) -> Colour {
        let area = |piece: &&Piece| {
            let bounds = piece.outline.bounds();
            bounds.width() * bounds.height()
        };
        self.pieces
            .iter()
            .filter(|piece| piece.kind == Kind::Body)
            .max_by(|one, other| area(one).total_cmp(&area(other)))
            .or(self.pieces.first())
            .map_or(crate::colour::paint::GREY, |piece| piece.colour)
    }
}

impl Piece {
    /// Returns SVG path data.
    pub(crate) fn data(&self) -> String {
        path_data(&self.outline)
    }

    /// Returns the smaller extent of its box.
    pub(crate) fn girth(&self) -> f32 {
        let bounds = self.outline.bounds();
        bounds.width().min(bounds.height())
    }

    pub(crate) fn is_solid(&self) -> bool {
        matches!(self.kind, Kind::Body | Kind::Patch | Kind::Rod(_))
    }
}

/// Returns the box around the transformed pieces, with the thickness of rods and without
/// highlights.
fn extent(pieces: &[Piece], transform: Transform) -> Option<Rect> {
    pieces
        .iter()
        .filter(|piece| piece.kind != Kind::Shine)
        .filter_map(|piece| {
            let margin = if let Kind::Rod(thickness) = piece.kind {
                thickness / 2.0
            } else {
                0.0
            };
            // The bounds of the points would include the control points of curves.
            let bounds = piece
                .outline
                .clone()
                .transform(transform)?
                .compute_tight_bounds()?;
            Rect::from_ltrb(
                bounds.left() - margin,
                bounds.top() - margin,
                bounds.right() + margin,
                bounds.bottom() + margin,
            )
        })
        .reduce(|one, other| {
            Rect::from_ltrb(
                one.left().min(other.left()),
                one.top().min(other.top()),
                one.right().max(other.right()),
                one.bottom().max(other.bottom()),
            )
            .unwrap_or(one)
        })
}

/// Returns the outlines before they are fitted. The SVG parser reads the path data, so the drawings
/// may use all of its commands.
fn outlines(subject: &Subject) -> Result<Vec<Piece>, Error> {
    let mut sheet = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}"><g fill="none" stroke="black">"#
    );
    for (index, part) in subject.parts.iter().enumerate() {
        sheet.push_str(&element(part.shape, index));
    }
    sheet.push_str("</g></svg>");
    let fault = |reason: String| Error::Drawing {
        subject: subject.name.into(),
        reason,
    };
    let tree = usvg::Tree::from_str(&sheet, &usvg::Options::default())
        .map_err(|error| fault(error.to_string()))?;

    let mut found = vec![None; subject.parts.len()];
    collect(tree.root(), &mut found);
    let mut pieces = Vec::with_capacity(subject.parts.len());
    for (index, (part, outline)) in subject.parts.iter().zip(found).enumerate() {
        let outline: Path = outline.ok_or_else(|| fault(format!("part {index} draws nothing")))?;
        let mirrored = part
            .twice
            .then(|| {
                outline
                    .clone()
                    .transform(Transform::from_row(-1.0, 0.0, 0.0, 1.0, SIDE, 0.0))
            })
            .flatten();
        for outline in [Some(outline), mirrored].into_iter().flatten() {
            pieces.push(Piece {
                number: pieces.len(),
                kind: part.kind,
                colour: part.colour,
                outline,
            });
        }
    }
    Ok(pieces)
}

fn collect(group: &usvg::Group, found: &mut [Option<Path>]) {
    for node in group.children() {
        match node {
            usvg::Node::Group(inner) => collect(inner, found),
            usvg::Node::Path(path) => {
                let slot = path
                    .id()
                    .strip_prefix('p')
                    .and_then(|id| id.parse::<usize>().ok());
                if let Some(slot) = slot.and_then(|slot| found.get_mut(slot)) {
                    *slot = Some(path.data().clone());
                }
            }
            _ => {}
        }
    }
}

fn element(shape: Shape, index: usize) -> String {
    match shape {
        Shape::Path(data) => format!(r#"<path id="p{index}" d="{data}"/>"#),
        Shape::Oval(x, y, across, down) => {
            format!(r#"<ellipse id="p{index}" cx="{x}" cy="{y}" rx="{across}" ry="{down}"/>"#)
        }
        Shape::Rect(left, top, width, height, corner) => {
            format!(
                r#"<rect id="p{index}" x="{left}" y="{top}" width="{width}" height="{height}" rx="{corner}"/>"#
            )
        }
        Shape::Star(x, y, points, outer, inner) => {
            let mut data = String::new();
            for step in 0..u16::from(points) * 2 {
                let radius = if step % 2 == 0 { outer } else { inner };
                let angle = (f32::from(step) / f32::from(points) - 0.5) * std::f32::consts::PI;
                let command = if step == 0 { 'M' } else { 'L' };
                let _ = write!(
                    data,
                    "{command}{:.3} {:.3}",
                    x + radius * angle.cos(),
                    y + radius * angle.sin()
                );
            }
            format!(r#"<path id="p{index}" d="{data}Z"/>"#)
        }
    }
}

/// Returns the SVG path data of an outline, to a hundredth of a unit.
pub(crate) fn path_data(outline: &Path) -> String {
    let mut data = String::new();
    for segment in outline.segments() {
        let _ = match segment {
            PathSegment::MoveTo(to) => write!(data, "M{:.2} {:.2}", to.x, to.y),
            PathSegment::LineTo(to) => write!(data, "L{:.2} {:.2}", to.x, to.y),
            PathSegment::QuadTo(by, to) => {
                write!(data, "Q{:.2} {:.2} {:.2} {:.2}", by.x, by.y, to.x, to.y)
            }
            PathSegment::CubicTo(by, near, to) => {
                write!(
                    data,
                    "C{:.2} {:.2} {:.2} {:.2} {:.2} {:.2}",
                    by.x, by.y, near.x, near.y, to.x, to.y
                )
            }
            PathSegment::Close => write!(data, "Z"),
        };
    }
    data
}

fn wobbled(outline: &Path, seed: u64, reach: f32, length: f32) -> Option<Path> {
    let moved = |point: Point| {
        let (x, y) = (point.x / length, point.y / length);
        (
            point.x + reach * noise(seed, x, y),
            point.y + reach * noise(seed ^ 0x5bd1, x + 31.7, y - 12.3),
        )
    };
    let mut builder = PathBuilder::new();
    let (mut at, mut start) = (Point::zero(), Point::zero());
    for segment in outline.segments() {
        let end = match segment {
            PathSegment::MoveTo(to) => {
                let (x, y) = moved(to);
                builder.move_to(x, y);
                (at, start) = (to, to);
                continue;
            }
            PathSegment::Close => start,
            PathSegment::LineTo(to)
            | PathSegment::QuadTo(_, to)
            | PathSegment::CubicTo(_, _, to) => to,
        };
        // The chord is shorter than the curve, but steps of about a unit are short enough.
        let steps = ((at.distance(end) / 0.8).ceil() as usize).clamp(6, 200);
        for step in 1..=steps {
            let t = step as f32 / steps as f32;
            let (x, y) = moved(along(segment, at, end, t));
            builder.line_to(x, y);
        }
        if segment == PathSegment::Close {
            builder.close();
        }
        at = end;
    }
    builder.finish()
}

/// Returns the point of a segment at `t`, from 0 to 1.
fn along(segment: PathSegment, from: Point, to: Point, t: f32) -> Point {
    let u = 1.0 - t;
    match segment {
        PathSegment::QuadTo(by, _) => Point::from_xy(
            u * u * from.x + 2.0 * u * t * by.x + t * t * to.x,
            u * u * from.y + 2.0 * u * t * by.y + t * t * to.y,
        ),
        PathSegment::CubicTo(by, near, _) => Point::from_xy(
            u * u * u * from.x
                + 3.0 * u * u * t * by.x
                + 3.0 * u * t * t * near.x
                + t * t * t * to.x,
            u * u * u * from.y
                + 3.0 * u * u * t * by.y
                + 3.0 * u * t * t * near.y
                + t * t * t * to.y,
        ),
        _ => Point::from_xy(u * from.x + t * to.x, u * from.y + t * to.y),
    }
}
