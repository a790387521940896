//! A painter without a model: pictures from lines and reference pictures, on the processor.
//!
//! Lines and areas come from the sketch, palette, texture and light from the style references, the
//! colours of parts from the subject references. Of words it understands the names of colours. It
//! takes pixels and plain settings; who asks, and how the pictures got here, it does not know.

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
