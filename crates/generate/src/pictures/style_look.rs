//! How styles look, as far as it decides which of them can be mixed.

/// Palette and texture of a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StyleLook {
    colour: Colour,
    light: Light,
    texture: Texture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    /// Grey, or ink on paper.
    None,
    /// Few colours.
    Few,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Light {
    Dark,
    Pale,
    Usual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texture {
    Flat,
    /// Gradients, without strokes.
    Soft,
    /// Visible strokes of paint.
    Painted,
    /// Square pixels or printed dots.
    Screen,
}

/// Words in the names of styles, with the look that each stands for. The first that a name contains
/// counts.
const LOOKS: &[(&str, StyleLook)] = {
    use Colour::{Few, Full};
    use Light::{Dark, Pale, Usual};
    use Texture::{Flat, Painted, Screen, Soft};
    const fn look(colour: Colour, light: Light, texture: Texture) -> StyleLook {
        StyleLook {
            colour,
            light,
            texture,
        }
    }
    const GREY: Colour = Colour::None;
    &[
        ("pixel_art", look(Full, Usual, Screen)),
        ("halftone", look(Full, Usual, Screen)),
        ("pop_art", look(Full, Usual, Screen)),
        ("manga", look(GREY, Pale, Screen)),
        ("line_art", look(GREY, Pale, Flat)),
        ("monochrome", look(GREY, Usual, Soft)),
        ("sketch", look(GREY, Pale, Flat)),
        ("openmoji_black", look(GREY, Pale, Flat)),
        ("high_contrast", look(GREY, Pale, Flat)),
        ("minimalism", look(Few, Pale, Flat)),
        ("neon", look(Few, Dark, Flat)),
        ("art_deco", look(Few, Dark, Flat)),
        ("chiaroscuro", look(Few, Dark, Painted)),
        ("vaporwave", look(Full, Dark, Soft)),
        ("cyberpunk", look(Full, Dark, Soft)),
        ("pastel", look(Full, Pale, Flat)),
        ("watercolor", look(Full, Pale, Painted)),
        ("impressionism", look(Full, Usual, Painted)),
        ("oil_paint", look(Full, Usual, Painted)),
        ("soft_shading", look(Full, Usual, Soft)),
        ("3d", look(Full, Usual, Soft)),
        ("cel_shading", look(Full, Usual, Flat)),
        ("vector_art", look(Full, Usual, Flat)),
    ]
};

impl StyleLook {
    /// The look of a style; `None` if its name says nothing about it.
    fn named(style: &str) -> Option<Self> {
        let style = style.to_lowercase().replace([' ', '-'], "_");
        LOOKS
            .iter()
            .find(|(word, _)| style.contains(word))
            .map(|(_, look)| *look)
    }

    fn clashes(self, other: Self) -> bool {
        // Ink on paper takes the colours of a picture away, and the other way round.
        let colours = matches!(
            (self.colour, other.colour),
            (Colour::None, Colour::Full | Colour::Few) | (Colour::Full | Colour::Few, Colour::None)
        );
        // Glowing lines need a dark ground.
        let lights = matches!(
            (self.light, other.light),
            (Light::Dark, Light::Pale | Light::Usual) | (Light::Pale | Light::Usual, Light::Dark)
        );
        // Patches of dots or square pixels between strokes or gradients look like faults.
        let textures = matches!(
            (self.texture, other.texture),
            (Texture::Screen, Texture::Painted | Texture::Soft)
                | (Texture::Painted | Texture::Soft, Texture::Screen)
        );
        colours || lights || textures
    }
}

/// Whether pictures of two styles spoil each other. Styles of which nothing is known do not.
pub(super) fn clash(one: &str, other: &str) -> bool {
    StyleLook::named(one)
        .zip(StyleLook::named(other))
        .is_some_and(|(one, other)| one.clashes(other))
}

/// Whether a picture of this style has the colours of the thing that it shows.
pub(super) fn shows_colours(style: &str) -> bool {
    StyleLook::named(style).is_none_or(|look| look.colour == Colour::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_and_colour_dark_and_light_dots_and_strokes_clash() {
        for (one, other) in [
            ("line_art", "impressionism"),
            ("neon_lights", "pastel_colors"),
            ("pixel_art", "soft_shading"),
            ("Pop Art", "watercolor"),
            ("openmoji_black", "fluent_3d"),
        ] {
            assert!(clash(one, other) && clash(other, one), "{one} and {other}");
        }
        for (one, other) in [
            ("line_art", "manga_style"),
            ("neon_lights", "art_deco"),
            ("cel_shading", "vector_art"),
            ("soft_shading", "impressionism"),
            ("line_art", "a style of my own"),
        ] {
            assert!(
                !clash(one, other) && !clash(other, one),
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn ink_shows_no_colours_and_an_unknown_style_may() {
        assert!(!shows_colours("line_art") && !shows_colours("neon_lights"));
        assert!(shows_colours("cel_shading") && shows_colours("my own"));
    }
}
