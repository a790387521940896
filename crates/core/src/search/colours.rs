//! Colour words of a query, and how much of a picture has these colours.
//!
//! A small model knows what an apple looks like, but hardly which of two apples is red. Ingest
//! records the mean colours of 8 x 8 cells of a picture, which answer that without the model: of the
//! cells that are not background, those of the wanted colour count.

/// The cells of a side.
const SIDE: usize = 8;
/// How far from the background's colour a cell is part of the subject, in Oklab.
const APART: f32 = 0.07;
/// With fewer cells of the subject, nothing is known about its colour.
const FEWEST_CELLS: usize = 2;

/// A colour that a query names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    name: &'static str,
    /// The hue in degrees of Oklch, the degrees to each side that count fully, and the degrees
    /// after which nothing counts; `None` for greys.
    hue: Option<(f32, f32, f32)>,
    /// The lightness of Oklab, 0..1: from and to.
    lightness: (f32, f32),
}

const fn hued(name: &'static str, hue: f32, width: f32, lightness: (f32, f32)) -> Colour {
    Colour {
        name,
        hue: Some((hue, width, width + 12.0)),
        lightness,
    }
}

const fn grey(name: &'static str, lightness: (f32, f32)) -> Colour {
    Colour {
        name,
        hue: None,
        lightness,
    }
}

/// The colours that are known by name. White is none of them, since nearly every drawing has white
/// paper.
const COLOURS: [Colour; 14] = [
    hued("red", 25.0, 16.0, (0.25, 0.75)),
    hued("orange", 58.0, 14.0, (0.55, 0.95)),
    hued("yellow", 100.0, 18.0, (0.65, 1.0)),
    hued("green", 145.0, 30.0, (0.2, 1.0)),
    hued("turquoise", 195.0, 20.0, (0.3, 1.0)),
    hued("cyan", 200.0, 20.0, (0.4, 1.0)),
    hued("blue", 255.0, 28.0, (0.15, 0.95)),
    hued("purple", 308.0, 24.0, (0.15, 0.9)),
    hued("violet", 300.0, 24.0, (0.15, 0.9)),
    hued("pink", 0.0, 22.0, (0.6, 1.0)),
    hued("brown", 58.0, 18.0, (0.15, 0.62)),
    grey("black", (0.0, 0.32)),
    grey("grey", (0.3, 0.85)),
    grey("gray", (0.3, 0.85)),
];

/// Whether a word names a colour.
#[must_use]
pub fn is_colour_word(word: &str) -> bool {
    COLOURS.iter().any(|colour| colour.name == word)
}

/// Returns the colours among these words, in lower case.
pub fn named_in<'w>(words: impl Iterator<Item = &'w str>) -> Vec<Colour> {
    let known = |word: &str| COLOURS.iter().find(|colour| colour.name == word).copied();
    words.filter_map(known).collect()
}

/// A colour of Oklab: lightness, green to red, blue to yellow.
type Lab = [f32; 3];

/// How much of the subject of a picture has one of these colours, 0..1; `None` if its colours are
/// not known, or all of it looks like background. `cells` are the mean colours of 8 x 8 cells, RGB,
/// rows first.
#[must_use]
pub fn share_of(cells: &[u8], wanted: &[Colour]) -> Option<f32> {
    let cells: Vec<Lab> = cells
        .as_chunks::<3>()
        .0
        .iter()
        .map(|rgb| oklab(*rgb))
        .collect();
    if cells.len() != SIDE * SIDE || wanted.is_empty() {
        return None;
    }
    let background = background_of(&cells);
    let subject = cells
        .iter()
        .filter(|cell| distance(cell, &background) > APART);
    let fits = subject.map(|cell| {
        let each = wanted.iter().map(|colour| colour.fit(cell));
        each.fold(0.0, f32::max)
    });
    let fits: Vec<f32> = fits.collect();
    #[expect(clippy::cast_precision_loss, reason = "at most 64")]
    let mean = fits.iter().sum::<f32>() / fits.len() as f32;
    (fits.len() >= FEWEST_CELLS).then_some(mean)
}

impl Colour {
    /// How well a colour has this name, 0..1.
    fn fit(&self, cell: &Lab) -> f32 {
        let [lightness, a, b] = *cell;
        let chroma = a.hypot(b);
        let (from, to) = self.lightness;
        let light = ramp((lightness - from) / 0.08 + 1.0).min(ramp((to - lightness) / 0.08 + 1.0));
        let colour = match self.hue {
            None => 1.0 - ramp((chroma - 0.025) / 0.03),
            Some((hue, full, none)) => {
                let off = (b.atan2(a).to_degrees() - hue).rem_euclid(360.0);
                let off = off.min(360.0 - off);
                ramp((none - off) / (none - full)) * ramp((chroma - 0.03) / 0.05)
            }
        };
        light * colour
    }
}

/// The colour of most of the border: of each component, the median of the border's cells.
fn background_of(cells: &[Lab]) -> Lab {
    let is_border = |index: &usize| {
        let (row, column) = (index / SIDE, index % SIDE);
        row == 0 || column == 0 || row == SIDE - 1 || column == SIDE - 1
    };
    let border: Vec<&Lab> = (0..cells.len())
        .filter(is_border)
        .map(|index| &cells[index])
        .collect();
    std::array::from_fn(|part| {
        let mut values: Vec<f32> = border.iter().map(|cell| cell[part]).collect();
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    })
}

fn distance(one: &Lab, other: &Lab) -> f32 {
    let squares = one
        .iter()
        .zip(other)
        .map(|(one, other)| (one - other).powi(2));
    squares.sum::<f32>().sqrt()
}

fn ramp(value: f32) -> f32 {
    value.clamp(0.0, 1.0)
}

/// Converts sRGB to Oklab. Source: B. Ottosson, "A perceptual color space for image processing",
/// 2020.
fn oklab(rgb: [u8; 3]) -> Lab {
    let [red, green, blue] = rgb.map(|value| {
        let value = f32::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let long = 0.412_221_46 * red + 0.536_332_55 * green + 0.051_445_995 * blue;
    let middle = 0.211_903_5 * red + 0.680_699_5 * green + 0.107_396_96 * blue;
    let short = 0.088_302_46 * red + 0.281_718_85 * green + 0.629_978_7 * blue;
    let [long, middle, short] = [long, middle, short].map(f32::cbrt);
    [
        0.210_454_26 * long + 0.793_617_8 * middle - 0.004_072_047 * short,
        1.977_998_5 * long - 2.428_592_2 * middle + 0.450_593_7 * short,
        0.025_904_037 * long + 0.782_771_77 * middle - 0.808_675_77 * short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: [u8; 3] = [255, 255, 255];

    /// A picture with a square of a colour on paper.
    fn square_of(colour: [u8; 3]) -> Vec<u8> {
        (0..SIDE * SIDE)
            .flat_map(|index| {
                let (row, column) = (index / SIDE, index % SIDE);
                let inside = (2..6).contains(&row) && (2..6).contains(&column);
                if inside { colour } else { PAPER }
            })
            .collect()
    }

    fn share(colour: [u8; 3], word: &str) -> f32 {
        share_of(&square_of(colour), &named_in([word].into_iter())).unwrap_or(0.0)
    }

    #[test]
    fn a_colour_is_known_by_its_name_and_by_no_other() {
        for (colour, names) in [
            ([220, 30, 30], &["red"] as &[&str]),
            ([150, 20, 25], &["red"]),
            ([250, 140, 20], &["orange"]),
            ([250, 220, 40], &["yellow"]),
            ([40, 160, 60], &["green"]),
            ([20, 90, 30], &["green"]),
            ([30, 90, 220], &["blue"]),
            ([140, 190, 240], &["blue"]),
            ([130, 50, 160], &["purple", "violet"]),
            ([250, 150, 190], &["pink"]),
            ([120, 75, 40], &["brown"]),
            ([20, 20, 22], &["black"]),
            ([130, 130, 132], &["grey", "gray"]),
        ] {
            for name in COLOURS.map(|colour| colour.name) {
                let found = share(colour, name);
                if names.contains(&name) {
                    assert!(found > 0.7, "{colour:?} is {name} by {found}");
                } else if !["turquoise", "cyan", "violet"].contains(&name) {
                    assert!(found < 0.4, "{colour:?} is {name} by {found}");
                }
            }
        }
    }

    #[test]
    fn the_background_does_not_count_and_an_empty_sheet_has_no_colour() {
        assert!(share([40, 160, 60], "green") > 0.9);
        let red = named_in(["red"].into_iter());
        assert_eq!(share_of(&square_of(PAPER), &red), None);
        assert_eq!(share_of(&square_of([9, 9, 9]), &[]), None);
    }

    #[test]
    fn several_colours_count_together() {
        let both = named_in(["red", "apple", "green"].into_iter());
        assert_eq!(both.len(), 2);
        for colour in [[220, 30, 30], [40, 160, 60]] {
            let share = share_of(&square_of(colour), &both).expect("known");
            assert!(share > 0.9, "{colour:?}: {share}");
        }
    }
}
