//! Draws a figure with a style's brush, which decides the look of each kind of piece.

use std::fmt::Write as _;

use crate::figure::{Figure, Piece};
use crate::subject::Kind;

/// A line: an SVG paint and a width in the figure's units.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) paint: String,
    pub(crate) width: f32,
}

/// Returns a line of that paint and width.
pub(crate) fn line(paint: impl Into<String>, width: f32) -> Line {
    Line {
        paint: paint.into(),
        width,
    }
}

/// How a style paints each kind of piece. Every paint is an SVG paint: `#rrggbb`, `none` or
/// `url(#id)`.
pub(crate) trait Brush {
    /// Returns the fill of a body, a patch or a rod.
    fn fill(&self, piece: &Piece) -> String;

    /// Returns the contour of bodies and rods.
    fn contour(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    /// Returns the contour of patches.
    fn patch_contour(&self, _piece: &Piece) -> Option<Line> {
        None
    }

    /// Returns the stroke of drawn lines, such as mouths and seams.
    fn mark(&self, piece: &Piece) -> Option<Line>;

    /// Returns the fill of eyes and similar dots.
    fn dot(&self, _piece: &Piece) -> String {
        "#22212b".into()
    }

    /// Returns the paint and opacity of highlights.
    fn shine(&self, _piece: &Piece) -> Option<(String, f32)> {
        None
    }

    /// Draws anything between the fill of a body or patch and its contour, such as a shadow.
    fn modelling(&self, _piece: &Piece, _data: &str, _out: &mut String) {}
}

/// Appends the figure to the document, back to front.
pub(crate) fn draw(out: &mut String, figure: &Figure, brush: &impl Brush) {
    out.push_str(r#"<g stroke-linejoin="round" stroke-linecap="round" fill-rule="evenodd">"#);
    for piece in &figure.pieces {
        let data = piece.data();
        match piece.kind {
            Kind::Body | Kind::Patch => {
                fill(out, &data, &brush.fill(piece));
                brush.modelling(piece, &data, out);
                let contour = if piece.kind == Kind::Body {
                    brush.contour(piece)
                } else {
                    brush.patch_contour(piece)
                };
                if let Some(contour) = contour {
                    stroke(out, &data, &contour);
                }
            }
            Kind::Rod(thickness) => {
                // A rod has no outline: a thicker one behind it shows as its contour.
                if let Some(contour) = brush.contour(piece) {
                    stroke(
                        out,
                        &data,
                        &line(contour.paint, thickness + contour.width * 1.3),
                    );
                }
                stroke(out, &data, &line(brush.fill(piece), thickness));
            }
            Kind::Mark => {
                if let Some(mark) = brush.mark(piece) {
                    stroke(out, &data, &mark);
                }
            }
            Kind::Dot => fill(out, &data, &brush.dot(piece)),
            Kind::Shine => {
                if let Some((paint, opacity)) = brush.shine(piece) {
                    let _ = write!(
                        out,
                        r#"<path d="{data}" fill="{paint}" fill-opacity="{opacity}"/>"#
                    );
                }
            }
        }
    }
    out.push_str("</g>");
}

/// Appends the figure's silhouette in one paint, widened by `margin` on every side.
pub(crate) fn silhouette(out: &mut String, figure: &Figure, paint: &str, margin: f32) {
    out.push_str(r#"<g stroke-linejoin="round" stroke-linecap="round" fill-rule="evenodd">"#);
    for piece in &figure.pieces {
        let data = piece.data();
        match piece.kind {
            Kind::Body | Kind::Patch => {
                fill(out, &data, paint);
                if margin > 0.0 {
                    stroke(out, &data, &line(paint, margin * 2.0));
                }
            }
            Kind::Rod(thickness) => stroke(out, &data, &line(paint, thickness + margin * 2.0)),
            Kind::Mark if margin > 0.0 => stroke(out, &data, &line(paint, margin * 2.0)),
            Kind::Mark | Kind::Dot | Kind::Shine => {}
        }
    }
    out.push_str("</g>");
}

pub(crate) fn fill(out: &mut String, data: &str, paint: &str) {
    if paint != "none" {
        let _ = write!(out, r#"<path d="{data}" fill="{paint}"/>"#);
    }
}

pub(crate) fn stroke(out: &mut String, data: &str, line: &Line) {
    let _ = write!(
        out,
        r#"<path d="{data}" fill="none" stroke="{}" stroke-width="{:.2}"/>"#,
        line.paint, line.width
    );
}

/// Appends a background of one paint.
pub(crate) fn backdrop(out: &mut String, paint: &str) {
    let _ = write!(out, r#"<rect width="100" height="100" fill="{paint}"/>"#);
}

/// Appends a crescent of shade along the lower right of a piece: `shade` fills the piece, and `lit`
/// covers it again, moved up and to the left. Pieces that are too small for it stay flat.
pub(crate) fn crescent(
    out: &mut String,
    piece: &Piece,
    data: &str,
    shade: &str,
    lit: &str,
    share: f32,
) {
    let girth = piece.girth();
    if girth < 7.0 {
        return;
    }
    let reach = (girth * share).min(7.0);
    let number = piece.number;
    let _ = write!(
        out,
        r#"<clipPath id="c{number}"><path d="{data}" clip-rule="evenodd"/></clipPath><g clip-path="url(#c{number})"><path d="{data}" fill="{shade}"/><path d="{data}" fill="{lit}" transform="translate({:.2} {:.2})"/></g>"#,
        -reach * 0.75,
        -reach,
    );
}
