//! The style tags for which the painter has a finish.

use clippy_painter::Finish;

use crate::contract::StyleTag;

/// The tags that have a finish, with it.
const FINISHES: &[(StyleTag, Finish)] = &[
    (StyleTag::PixelArt, Finish::PixelArt),
    (StyleTag::VectorArt, Finish::VectorArt),
    (StyleTag::CelShading, Finish::CelShading),
    (StyleTag::MangaStyle, Finish::Manga),
    (StyleTag::LineArt, Finish::LineArt),
    (StyleTag::Monochrome, Finish::Monochrome),
    (StyleTag::PastelColors, Finish::Pastel),
    (StyleTag::PastelPalettes, Finish::Pastel),
    (StyleTag::NeonLights, Finish::Neon),
    (StyleTag::PopArt, Finish::PopArt),
    (StyleTag::SoftShading, Finish::SoftShading),
    (StyleTag::Impressionism, Finish::Impressionism),
    (StyleTag::Minimalism, Finish::Minimalism),
    (StyleTag::Vignetting, Finish::Vignette),
];

/// The names of the tags that change a picture.
pub(super) fn names() -> Vec<String> {
    FINISHES
        .iter()
        .map(|(tag, _)| tag.name().to_owned())
        .collect()
}

/// The finishes of these tags, in their order.
pub(super) fn of_tags(tags: &[StyleTag]) -> Vec<Finish> {
    let finish_of = |tag: &StyleTag| FINISHES.iter().find(|(known, _)| known == tag);
    tags.iter()
        .filter_map(finish_of)
        .map(|(_, finish)| *finish)
        .collect()
}
