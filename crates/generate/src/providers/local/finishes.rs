//! The style tags for which the painter has a finish.

use clippy_painter::Finish;

use crate::contract::{Receipt, StyleTag};

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

/// Plans which of these tags others hide.
pub(super) fn plan(tags: &[StyleTag], receipt: &mut Receipt) {
    let all = of_tags(tags);
    for (index, tag) in tags.iter().enumerate() {
        let Some(hiding) = finish_of(tag).and_then(|finish| finish.hidden_by(&all)) else {
            continue;
        };
        let by = tags.iter().find(|tag| finish_of(tag) == Some(hiding));
        let by = by.map_or("another style", |tag| tag.name());
        receipt.add_dropped(
            format!("style_tags[{index}]"),
            format!("{by} leaves nothing of it to be seen"),
        );
    }
}

/// The finishes of these tags, in their order.
pub(super) fn of_tags(tags: &[StyleTag]) -> Vec<Finish> {
    tags.iter().filter_map(finish_of).collect()
}

fn finish_of(tag: &StyleTag) -> Option<Finish> {
    let known = FINISHES.iter().find(|(known, _)| known == tag);
    known.map(|(_, finish)| *finish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Treatment;

    #[test]
    fn a_hidden_style_is_dropped_by_name() {
        let mut receipt = Receipt::new("local");
        plan(&[StyleTag::PopArt, StyleTag::LineArt], &mut receipt);
        let line = receipt.line("style_tags[0]").expect("a line");
        assert_eq!(line.treatment, Treatment::Dropped);
        assert!(line.reason.starts_with("line_art"), "{}", line.reason);
        assert!(receipt.line("style_tags[1]").is_none());
    }
}
