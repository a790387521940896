//! What the painter is given, and how it reports back.

use image::{GrayImage, RgbImage};

use crate::finish::Finish;

/// A reference picture and how much it counts, above 0 and up to 1.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// Its pixels.
    pub picture: &'a RgbImage,
    /// How much it counts.
    pub weight: f32,
}

/// What to paint.
#[derive(Debug, Clone, Default)]
pub struct Input<'a> {
    /// Width divided by height.
    pub ratio: f32,
    /// Words; only names of colours are understood.
    pub words: &'a str,
    /// Lines to keep.
    pub sketch: Option<&'a RgbImage>,
    /// How closely the sketch is kept, 0 to 1.
    pub sketch_weight: f32,
    /// The picture to start from.
    pub base: Option<&'a RgbImage>,
    /// Not black where the base is painted anew; of the base's size.
    pub mask: Option<&'a GrayImage>,
    /// Where palette, texture and light come from.
    pub styles: Vec<Reference<'a>>,
    /// Where the colours of parts come from.
    pub subjects: Vec<Reference<'a>>,
    /// Finishes in the order in which they are applied.
    pub finishes: Vec<Finish>,
    /// Whether a style is named in words, be it one without a finish. The references' glowing
    /// lines then do not decide the finish, and paint without style references is softened.
    pub names_style: bool,
}

/// Painting was cancelled through [`Observer::is_cancelled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// Follows the painting of one picture, and may end it.
pub trait Observer: Sync {
    /// Told how much of the picture is done, 0 to 1.
    fn on_progress(&self, fraction: f32);
    /// Given the picture so far, as a small JPEG.
    fn on_preview(&self, jpeg: Vec<u8>);
    /// Asked between steps whether to stop.
    fn is_cancelled(&self) -> bool;
}
