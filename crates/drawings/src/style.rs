//! The styles, and the rendering of a subject as a picture.

use image::RgbImage;

use crate::colour::Colour;
use crate::error::Error;
use crate::figure::{Figure, Placement};
use crate::seed::Random;
use crate::styles;
use crate::subject::Subject;

/// A style of drawing. All of them draw the same figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Style {
    /// Ink contours and details on white paper.
    LineArt,
    /// Tones of grey.
    Monochrome,
    /// Flat, full colours without outlines.
    VectorArt,
    /// Flat colours, hard shadows, bold outlines.
    CelShading,
    /// Gradients, gloss and a soft shadow on the floor.
    SoftShading,
    /// Large square pixels from a small palette.
    PixelArt,
    /// Thick black outlines, halftone dots, loud colours.
    PopArt,
    /// Glowing tubes in the dark.
    NeonLights,
    /// Pale colours, like a sticker.
    PastelColors,
    /// Two colours and much empty space.
    Minimalism,
    /// A sunset grid of the eighties.
    Vaporwave,
    /// Black ink, screen tone and speed lines.
    MangaStyle,
    /// Gold lines and rays on a dark ground.
    ArtDeco,
    /// Short strokes of thick paint.
    Impressionism,
}

impl Style {
    /// Every style, in the order of the contact sheet.
    pub const ALL: [Self; 14] = [
        Self::LineArt,
        Self::Monochrome,
        Self::VectorArt,
        Self::CelShading,
        Self::SoftShading,
        Self::PixelArt,
        Self::PopArt,
        Self::NeonLights,
        Self::PastelColors,
        Self::Minimalism,
        Self::Vaporwave,
        Self::MangaStyle,
        Self::ArtDeco,
        Self::Impressionism,
    ];

    /// Its tag in Clippy's style vocabulary; also the name of its folder.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::LineArt => "line_art",
            Self::Monochrome => "monochrome",
            Self::VectorArt => "vector_art",
            Self::CelShading => "cel_shading",
            Self::SoftShading => "soft_shading",
            Self::PixelArt => "pixel_art",
            Self::PopArt => "pop_art",
            Self::NeonLights => "neon_lights",
            Self::PastelColors => "pastel_colors",
            Self::Minimalism => "minimalism",
            Self::Vaporwave => "vaporwave",
            Self::MangaStyle => "manga_style",
            Self::ArtDeco => "art_deco",
            Self::Impressionism => "impressionism",
        }
    }

    /// Returns the figure's share of the picture's side.
    const fn size(self) -> f32 {
        match self {
            Self::LineArt | Self::Monochrome => 80.0,
            Self::PixelArt => 82.0,
            Self::VectorArt
            | Self::CelShading
            | Self::PopArt
            | Self::MangaStyle
            | Self::Impressionism => 76.0,
            Self::SoftShading | Self::PastelColors => 70.0,
            Self::NeonLights => 72.0,
            Self::ArtDeco => 60.0,
            Self::Vaporwave => 62.0,
            Self::Minimalism => 46.0,
        }
    }
}

/// Renders the subject in that style: [`crate::PICTURE_SIDE`] pixels square, and the same bytes
/// every time.
pub fn render(subject: &Subject, style: Style) -> Result<RgbImage, Error> {
    let mut random = Random::of(&[subject.name, style.tag()], 1);
    // Cells of twelve pixels are too coarse for a small rotation; it would only fray the edges.
    let steady = style == Style::PixelArt;
    let (sway, turn) = if steady { (0.0, 0.0) } else { (2.5, 4.0) };
    let placement = Placement {
        centre: (
            50.0 + random.between(-sway, sway),
            50.0 + random.between(-sway, sway),
        ),
        size: style.size()
            * if steady {
                1.0
            } else {
                random.between(0.94, 1.03)
            },
        turn: random.between(-turn, turn),
    };
    let hue = if subject.free_colours {
        random.pick([0.0, 0.0, 35.0, 120.0, 170.0, 205.0, 250.0, 310.0])
    } else {
        random.between(-7.0, 7.0)
    };
    let figure = Figure::place(subject, placement)?
        .recoloured(|colour| variant(colour, hue, subject.free_colours));

    match style {
        Style::LineArt => styles::line_art::picture(figure, &mut random),
        Style::Monochrome => styles::monochrome::picture(&figure, &mut random),
        Style::VectorArt => styles::vector_art::picture(&figure, &mut random),
        Style::CelShading => styles::cel_shading::picture(&figure, &mut random),
        Style::SoftShading => styles::soft_shading::picture(&figure, &mut random),
        Style::PixelArt => styles::pixel_art::picture(&figure, &mut random),
        Style::PopArt => styles::pop_art::picture(&figure, &mut random),
        Style::NeonLights => styles::neon_lights::picture(&figure, &mut random),
        Style::PastelColors => styles::pastel_colors::picture(&figure, &mut random),
        Style::Minimalism => styles::minimalism::picture(&figure, &mut random),
        Style::Vaporwave => styles::vaporwave::picture(&figure, &mut random),
        Style::MangaStyle => styles::manga_style::picture(&figure, &mut random),
        Style::ArtDeco => styles::art_deco::picture(&figure, &mut random),
        Style::Impressionism => styles::impressionism::picture(&figure, &mut random),
    }
}

/// Varies a colour for this picture. Wood, leaves and pale colours stay the same even in subjects
/// whose colours are free: a violet stem would look wrong.
fn variant(colour: Colour, hue: f32, free: bool) -> Colour {
    let (own_hue, saturation, _) = colour.hue_saturation_lightness();
    let earthen = (15.0..45.0).contains(&own_hue) && saturation < 0.7;
    let leafy = (100.0..165.0).contains(&own_hue);
    if !colour.is_colourful() || (free && (earthen || leafy)) {
        return colour;
    }
    colour.turned(hue)
}
