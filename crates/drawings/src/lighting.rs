//! Light and shade that several styles share.

use std::fmt::Write as _;

use crate::colour::Colour;
use crate::figure::{Figure, Piece};

/// Defines a gradient `g{number}` for every solid piece, lit from the upper left. `tones` are its
/// light, own and dark colour.
pub(crate) fn gradients(out: &mut String, figure: &Figure, tones: impl Fn(&Piece) -> [Colour; 3]) {
    out.push_str("<defs>");
    for piece in figure.pieces.iter().filter(|piece| piece.is_solid()) {
        let bounds = piece.outline.bounds();
        let [light, own, dark] = tones(piece).map(Colour::css);
        // In units of the square, not of the piece's box, since a straight rod has none.
        let _ = write!(
            out,
            r#"<radialGradient id="g{}" gradientUnits="userSpaceOnUse" cx="{:.2}" cy="{:.2}" r="{:.2}"><stop offset="0" stop-color="{light}"/><stop offset="0.45" stop-color="{own}"/><stop offset="1" stop-color="{dark}"/></radialGradient>"#,
            piece.number,
            bounds.left() + bounds.width() * 0.34,
            bounds.top() + bounds.height() * 0.26,
            bounds.width().hypot(bounds.height()).max(1.0) * 0.72,
        );
    }
    out.push_str("</defs>");
}

/// Appends a soft shadow on the floor below the figure.
pub(crate) fn floor_shadow(out: &mut String, figure: &Figure, paint: &str, opacity: f32) {
    let [left, _, right, bottom] = figure.bounds();
    let _ = write!(
        out,
        r#"<defs><radialGradient id="floor"><stop offset="0" stop-color="{paint}" stop-opacity="{opacity}"/><stop offset="0.55" stop-color="{paint}" stop-opacity="{:.3}"/><stop offset="1" stop-color="{paint}" stop-opacity="0"/></radialGradient></defs><ellipse cx="{:.2}" cy="{:.2}" rx="{:.2}" ry="4.5" fill="url(#floor)"/>"#,
        opacity * 0.55,
        (left + right) / 2.0 + 1.5,
        bottom + 0.4,
        (right - left) * 0.5 + 4.0,
    );
}

/// Appends a flat shadow on the floor.
pub(crate) fn flat_shadow(out: &mut String, figure: &Figure, paint: &str) {
    let [left, _, right, bottom] = figure.bounds();
    let _ = write!(
        out,
        r#"<ellipse cx="{:.2}" cy="{:.2}" rx="{:.2}" ry="3" fill="{paint}"/>"#,
        (left + right) / 2.0 + 1.0,
        bottom + 0.3,
        (right - left) * 0.4 + 3.0,
    );
}
