//! The local provider: pictures without weights, without a network and without a bill.
//!
//! Lines and areas come from the sketch, palette, texture and light from the style references, the
//! colours of parts from subject references. It does not understand words beyond the names of
//! colours, and its receipts say so.

mod compositing;
mod figure;
mod finish;
mod kdtree;
mod look;
mod paint;
mod plane;
mod provider;
mod scene;
mod structure;
mod subject;
mod synthesis;
mod transfer;
mod words;

pub use compositing::composited;
pub use finish::FINISHES;
pub use paint::size_for;
pub use plane::Plane;
pub use provider::LocalProvider;
pub use transfer::colour_distance;

/// How much of each pixel of a drawing is covered with ink, 0 to 1, whatever the colours of ink and
/// paper.
pub(crate) fn ink(sketch: &image::RgbImage) -> Vec<f32> {
    structure::ink_of(&Plane::from_rgb(sketch))
}
