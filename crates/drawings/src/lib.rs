//! Clippy's own demo gallery: everyday subjects, drawn in many styles.
//!
//! A new user may have no pictures, so `clippy demo` draws some: [`write_gallery`] renders every
//! subject in every style into a folder with a manifest that Clippy can ingest. A subject is one
//! vector drawing made of parts with a meaning; each [`Style`] renders that drawing in its own way.
//! [`sketch()`] draws a subject as a visitor might on the drawing pad.
//!
//! Everything here is deterministic: the same release writes the same bytes.

mod brush;
mod canvas;
mod colour;
mod error;
mod figure;
mod files;
mod gallery;
mod lighting;
mod queries;
mod raster;
mod seed;
mod sketch;
mod style;
mod styles;
mod subject;
mod subjects;

pub use canvas::PICTURE_SIDE;
pub use error::Error;
pub use gallery::{GallerySummary, gallery_size, write_gallery, write_gallery_watched};
pub use queries::{QueriesSummary, write_queries};
pub use sketch::{PAD_HEIGHT, PAD_WIDTH, sketch};
pub use style::{Style, render};
pub use subject::Subject;
pub use subjects::subjects;

/// Returns the subject of that name, if the gallery has one.
pub fn subject(name: &str) -> Option<&'static Subject> {
    subjects().iter().find(|subject| subject.name == name)
}
