//! Renders SVG text to pixels.

use image::RgbImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use crate::error::Error;
use crate::figure::SIDE;

/// Side of every picture of the gallery, in pixels.
pub const PICTURE_SIDE: u32 = 384;

/// Returns a square SVG document around the elements, in the figure's units.
pub(crate) fn document(elements: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{PICTURE_SIDE}" height="{PICTURE_SIDE}">{elements}</svg>"#
    )
}

/// Renders a square document, with white where it is transparent.
pub(crate) fn square(elements: &str) -> Result<RgbImage, Error> {
    rasterise(&document(elements))
}

/// Renders a whole SVG document, with white where it is transparent.
pub(crate) fn rasterise(svg: &str) -> Result<RgbImage, Error> {
    let tree = usvg::Tree::from_str(svg, &usvg::Options::default())
        .map_err(|error| Error::Picture(error.to_string()))?;
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height())
        .ok_or_else(|| Error::Picture("it has no size".into()))?;
    pixels.fill(resvg::tiny_skia::Color::WHITE);
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    Ok(opaque(&pixels))
}

/// Returns the colours of an opaque pixmap. Premultiplied and plain values agree where nothing is
/// transparent.
fn opaque(pixels: &Pixmap) -> RgbImage {
    RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let at = (y as usize * pixels.width() as usize + x as usize) * 4;
        let data = &pixels.data()[at..at + 3];
        image::Rgb([data[0], data[1], data[2]])
    })
}
