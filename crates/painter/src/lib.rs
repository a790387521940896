//! Paints pictures from a sketch and reference pictures on the CPU, without a neural network.
//!
//! Lines and areas come from the sketch, palette, texture and light from the style references, and
//! the colours of parts from the subject references. Of the prompt, only the names of colours have
//! an effect. The input is pixels and plain settings: the crate does not depend on jobs, storage or
//! HTTP.

mod appearance;
mod atlas;
mod compositing;
mod distance;
mod figure;
mod filter;
mod finish;
mod input;
mod kdtree;
mod label;
mod mockup;
mod paint;
mod palette;
mod plane;
mod relief;
mod structure;
mod subject;
mod synthesis;
mod texture;
mod transfer;

pub use compositing::composite;
pub use finish::Finish;
pub use input::{Cancelled, Input, Observer, Reference};
pub use mockup::names_colour;
pub use paint::{paint, size_for};
pub use plane::Plane;
pub use structure::ink;
pub use transfer::colour_distance;
