//! The vocabulary of style tags, and what each of them means for a prompt: what to paint, and what
//! to avoid.

macro_rules! style_tags {
    ($($variant:ident, $name:literal, $hint:literal, [$($negative:literal),*];)*) => {
        /// A tag of Clippy's style vocabulary. An artist picks one or two.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum StyleTag { $(#[doc = $hint] $variant),* }

        impl StyleTag {
            /// All of them, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The tag in requests and manifests.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What the tag asks for, as a phrase for a prompt.
            #[must_use]
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint),* }
            }

            /// What the style excludes, as bare nouns for a negative prompt.
            #[must_use]
            pub fn negatives(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($negative),*]),* }
            }

            /// The tag of this name. Spaces and hyphens count as underscores; case does not matter.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                let name = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
                match name.as_str() { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

style_tags! {
    StillLife, "still_life", "a still life: arranged objects, considered light", ["action poses"];
    Portrait, "portrait", "a portrait, head and shoulders, the face in focus", ["cropped face",
    "extra limbs"];
    CharacterDesign, "character_design", "a character design: a readable silhouette, clear costume",
    ["cluttered background"];
    Landscape, "landscape", "a landscape with depth: foreground, middle distance, horizon",
    ["flat backdrop"];
    Cityscape, "cityscape", "a cityscape with believable buildings and perspective",
    ["warped buildings"];
    PopArt, "pop_art", "pop art: flat saturated colours, bold outlines, halftone dots",
    ["muted colours", "soft gradients"];
    Surrealism, "surrealism", "surrealism: dreamlike juxtaposition, painted with care",
    ["snapshot look"];
    Impressionism, "impressionism",
    "impressionism: visible broken brush strokes, light before outline", ["hard outlines",
    "flat fills"];
    Minimalism, "minimalism", "minimalism: few shapes, much empty space, a small palette",
    ["clutter", "ornament", "texture"];
    ArtNouveau, "art_nouveau",
    "art nouveau: whiplash curves, plant ornament, flowing contour lines", ["rigid geometry"];
    ArtDeco, "art_deco", "art deco: strict geometry, stepped forms, metallic accents",
    ["organic clutter"];
    Vaporwave, "vaporwave", "vaporwave: magenta and cyan, a low sun, a perspective grid",
    ["earth colours"];
    Cyberpunk, "cyberpunk", "cyberpunk: night, wet reflections, neon signs, dense technology",
    ["daylight", "pastoral scenery"];
    MangaStyle, "manga_style",
    "manga: black ink lines of varying width, screentone shading, white paper", ["colour",
    "photographic shading", "soft gradients"];
    VectorArt, "vector_art", "vector art: flat colour shapes with crisp clean edges", ["texture",
    "noise", "brush strokes", "gradients"];
    PixelArt, "pixel_art",
    "pixel art: a coarse grid of square pixels, a limited palette, no anti-aliasing",
    ["anti-aliasing", "blur", "smooth gradients", "fine detail"];
    LineArt, "line_art", "line art: clean contour lines on plain paper, no fills", ["shading",
    "fills", "colour", "background"];
    CelShading, "cel_shading", "cel shading: flat colours, one hard shadow tone, firm outlines",
    ["soft gradients", "photographic texture", "airbrush"];
    SoftShading, "soft_shading", "soft shading: smooth tonal transitions, gentle light",
    ["hard shadow edges", "flat fills"];
    DutchAngle, "dutch_angle", "a tilted camera", ["level horizon"];
    NegativeSpace, "negative_space", "composition by empty space around one clear shape",
    ["clutter"];
    Symmetry, "symmetry", "a symmetrical composition about the vertical axis", ["lopsided framing"];
    CloseUp, "close_up", "a close-up: the subject fills the frame", ["distant view"];
    Isometric, "isometric", "an isometric view: parallel lines stay parallel, no vanishing point",
    ["perspective distortion"];
    Monochrome, "monochrome", "monochrome: one hue or none, shapes told by tone alone", ["colour",
    "rainbow hues"];
    NeonLights, "neon_lights", "neon lights: glowing tubes of saturated light on a dark ground",
    ["daylight", "white background"];
    PastelPalettes, "pastel_palettes", "a pastel palette: pale, milky, low-contrast colours",
    ["harsh contrast", "saturated colours"];
    PastelColors, "pastel_colors", "pastel colours: pale, milky and soft", ["harsh contrast",
    "saturated colours"];
    Bokeh, "bokeh", "a blurred background with round discs of light", ["sharp background"];
    Vignetting, "vignetting", "darkened corners that lead the eye to the middle",
    ["bright corners"];
    Anatomy, "anatomy", "an anatomically correct study with believable proportions", ["extra limbs",
    "fused fingers"];
    Abstract, "abstract", "abstraction: shape, colour and rhythm rather than likeness",
    ["literal detail"];
    AbstractBackground, "abstract_background",
    "an abstract background of shape and colour behind the subject", ["realistic scenery"];
}

#[cfg(test)]
mod tests {
    use super::StyleTag;

    #[test]
    fn every_tag_is_found_by_its_name_and_has_a_hint_and_negatives() {
        assert_eq!(StyleTag::ALL.len(), 33);
        for tag in StyleTag::ALL {
            assert_eq!(StyleTag::from_name(tag.name()), Some(*tag));
            assert!(tag.hint().len() > 10, "{tag:?}");
            assert!(!tag.negatives().is_empty(), "{tag:?}");
            for negative in tag.negatives() {
                assert!(
                    !negative.starts_with("no "),
                    "{tag:?}: negatives are bare nouns"
                );
            }
        }
        assert_eq!(StyleTag::from_name(" Pixel-Art"), Some(StyleTag::PixelArt));
        assert_eq!(StyleTag::from_name("cubism"), None);
    }
}
