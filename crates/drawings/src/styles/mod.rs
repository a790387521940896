//! The styles, a file for each. `picture` draws one figure; `random` is that picture's own
//! generator.

pub(crate) mod art_deco;
pub(crate) mod cel_shading;
pub(crate) mod impressionism;
pub(crate) mod line_art;
pub(crate) mod manga_style;
pub(crate) mod minimalism;
pub(crate) mod monochrome;
pub(crate) mod neon_lights;
pub(crate) mod pastel_colors;
pub(crate) mod pixel_art;
pub(crate) mod pop_art;
pub(crate) mod soft_shading;
pub(crate) mod vaporwave;
pub(crate) mod vector_art;
