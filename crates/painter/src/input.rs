//! The painter's input, and how it reports progress.

use image::{GrayImage, RgbImage};

use crate::finish::Finish;

/// A reference picture and its weight.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// Its pixels.
    pub picture: &'a RgbImage,
    /// Its weight, above 0 and up to 1.
    pub weight: f32,
}

/// What to paint.
#[derive(Debug, Clone, Default)]
pub struct Input<'a> {
    /// Width divided by height.
    pub ratio: f32,
    /// The long side of the picture in pixels, up to [`crate::LONGEST_SIDE`]. Without it, the
    /// picture has the usual size.
    pub long_side: Option<usize>,
    /// The prompt; only names of colours have an effect.
    pub words: &'a str,
    /// The drawing whose lines are kept.
    pub sketch: Option<&'a RgbImage>,
    /// How strong the sketch's lines are, 0 to 1. They never vanish.
    pub sketch_weight: f32,
    /// The picture to start from.
    pub base: Option<&'a RgbImage>,
    /// The part of the base to repaint: every pixel that is not black. Has the base's size.
    pub mask: Option<&'a GrayImage>,
    /// The references for palette, texture and light.
    pub styles: Vec<Reference<'a>>,
    /// The references for the colours of the drawing's parts.
    pub subjects: Vec<Reference<'a>>,
    /// Finishes. Those of the paint are applied in their order.
    pub finishes: Vec<Finish>,
    /// Whether the prompt names a style, even one that has no finish. Then glowing lines of the
    /// references do not cause a neon finish, and a picture without style references is softened.
    pub names_style: bool,
}

/// Painting was cancelled through [`Observer::is_cancelled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// Observes the painting of one picture, and can cancel it.
pub trait Observer: Sync {
    /// Receives the progress, 0 to 1.
    fn on_progress(&self, fraction: f32);
    /// Receives a preview of the picture, as a small JPEG.
    fn on_preview(&self, jpeg: Vec<u8>);
    /// Whether to stop. Called between steps.
    fn is_cancelled(&self) -> bool;
}
