//! Paints pictures from a sketch and reference pictures on the CPU, without a neural network.
//!
//! Lines and areas come from the sketch, palette, texture and light from the style references, and
//! the colours of parts from the subject references. Of the prompt, only the names of colours have
//! an effect ([`colour_words`]): they colour a drawing, a landscape, or a subject without a drawing
//! ([`accent`]); with a base and a mask alone, they recolour what is under the mask. The seed
//! decides what sets the pictures of one run apart ([`take`]). The input is pixels and plain
//! settings: the crate does not depend on jobs, storage or HTTP.
//!
//! From the input to a picture: [`scene`] analyses the references and makes mock-ups (of a sketch by
//! [`mockup`], of a subject by [`framing`], of words by [`landscape`]), [`paint`](paint()) paints one
//! with patches of the references, and [`finish`] draws the lines and applies the finishes.

mod accent;
mod appearance;
mod atlas;
mod colour_words;
mod compositing;
mod cutout;
mod distance;
mod figure;
mod filter;
mod finish;
mod framing;
mod ground;
mod input;
mod kdtree;
mod label;
mod landscape;
mod mockup;
mod paint;
mod palette;
mod plane;
mod recolouring;
mod relief;
mod scene;
mod size;
mod strokes;
mod structure;
mod subject;
mod synthesis;
mod take;
mod texture;
mod transfer;

pub use colour_words::{NamedColour, leads_elsewhere, mask_colour, names_colour, subject_colour};
pub use compositing::composite;
pub use finish::Finish;
pub use input::{Cancelled, Input, Observer, Reference};
pub use paint::paint;
pub use plane::Plane;
pub use size::{LONGEST_SIDE, size_for};
pub use structure::ink;
pub use take::may_lead;
pub use transfer::colour_distance;
