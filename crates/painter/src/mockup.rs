//! The mock-up of a picture: the colours of its regions, before anything is painted.

use crate::appearance::{Appearance, figure_colours};
use crate::label::BACKGROUND;
use crate::plane::{Lab, Plane, Random, chroma, distance2, mix, smooth_step};
use crate::structure::{Region, Structure};

/// The default colours of pictures without style references: warm paper, muted inks.
const HOUSE_COLOURS: [Lab; 7] = [
    [0.70, 0.090, 0.075],
    [0.80, -0.030, 0.085],
    [0.68, -0.055, -0.035],
    [0.86, 0.035, 0.050],
    [0.58, 0.035, -0.075],
    [0.74, -0.075, 0.055],
    [0.90, 0.005, 0.030],
];
const HOUSE_PAPER: Lab = [0.955, 0.002, 0.014];
const HOUSE_INK: Lab = [0.27, 0.004, -0.012];

/// Words that name a colour.
const COLOUR_WORDS: &[(&str, Lab)] = &[
    ("red", [0.60, 0.20, 0.11]),
    ("orange", [0.74, 0.10, 0.14]),
    ("gold", [0.82, 0.02, 0.15]),
    ("yellow", [0.90, -0.03, 0.16]),
    ("green", [0.66, -0.14, 0.10]),
    ("teal", [0.63, -0.10, -0.03]),
    ("turquoise", [0.78, -0.12, -0.03]),
    ("blue", [0.56, -0.03, -0.17]),
    ("sky", [0.80, -0.04, -0.08]),
    ("sea", [0.58, -0.07, -0.08]),
    ("forest", [0.46, -0.09, 0.06]),
    ("night", [0.25, 0.01, -0.07]),
    ("sunset", [0.72, 0.13, 0.08]),
    ("purple", [0.50, 0.12, -0.14]),
    ("violet", [0.60, 0.12, -0.14]),
    ("pink", [0.80, 0.12, 0.01]),
    ("brown", [0.45, 0.05, 0.06]),
    ("black", [0.18, 0.0, 0.0]),
    ("grey", [0.60, 0.0, 0.0]),
    ("white", [0.97, 0.0, 0.0]),
    ("snow", [0.95, -0.01, -0.02]),
    ("sand", [0.84, 0.02, 0.06]),
];

/// A mock-up, and how its lines are drawn.
#[derive(Debug, Clone)]
pub struct Mockup {
    /// The colours.
    pub plane: Plane,
    /// The line colour of each region, the background's first.
    pub line_colours: Vec<Lab>,
    /// The opacity of lines, 0 to 1.
    pub line_strength: f32,
    /// How dark the shadow on the background is, 0 to 1.
    pub shadow: f32,
    /// Whether the lines glow like neon tubes.
    pub glowing: bool,
}

/// Whether this word, in lower case, names a colour that the painter knows.
#[must_use]
pub fn names_colour(word: &str) -> bool {
    COLOUR_WORDS.iter().any(|(name, _)| *name == word)
}

/// The colours that a prompt names, then the default colours in an order that the seed chooses.
#[must_use]
pub fn word_colours(prompt: &str, seed: u64) -> Vec<Lab> {
    let lower = prompt.to_lowercase();
    let words: Vec<&str> = lower
        .split(|letter: char| !letter.is_alphanumeric())
        .collect();
    let mut colours: Vec<Lab> = COLOUR_WORDS
        .iter()
        .filter(|(word, _)| words.contains(word))
        .map(|(_, colour)| *colour)
        .collect();
    let turn = Random::new(seed).next() as usize % HOUSE_COLOURS.len();
    colours.extend(
        (0..HOUSE_COLOURS.len()).map(|index| HOUSE_COLOURS[(index + turn) % HOUSE_COLOURS.len()]),
    );
    colours
}

/// Chooses a colour for each region: large regions get characteristic colours, adjacent regions
/// differ, and twins (two eyes, two wheels) match.
fn region_colours(structure: &Structure, colours: &[(Lab, f32)], seed: u64) -> Vec<Lab> {
    let mut chance = Random::new(seed);
    let mut scored: Vec<(Lab, f32)> = colours
        .iter()
        .map(|(colour, score)| (*colour, score * (0.88 + 0.24 * chance.share())))
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    let fallback = scored
        .first()
        .map_or([0.6, 0.0, 0.0], |(colour, _)| *colour);
    let mut order: Vec<usize> = (1..structure.regions.len())
        .filter(|index| structure.regions[*index].area > 0)
        .collect();
    order.sort_by_key(|index| std::cmp::Reverse(structure.regions[*index].area));
    let canvas = structure.labels.len();
    let mut chosen: Vec<Option<usize>> = vec![None; structure.regions.len()];
    let mut uses = vec![0.0f32; scored.len()];
    for (rank, index) in order.iter().enumerate() {
        let region = &structure.regions[*index];
        let twin = order[..rank].iter().find(|other| {
            region.area * 12 < canvas && are_twins(region, &structure.regions[**other], canvas)
        });
        let pick = match twin.and_then(|twin| chosen[*twin]) {
            Some(pick) => Some(pick),
            None => (0..scored.len()).max_by(|a, b| {
                let value = |candidate: usize| {
                    let clash = region.neighbours.iter().any(|other| {
                        chosen[usize::from(*other)].is_some_and(|taken| {
                            distance2(scored[taken].0, scored[candidate].0) < 0.006
                        })
                    });
                    scored[candidate].1 * if clash { 0.12 } else { 1.0 }
                        / (1.0 + 0.7 * uses[candidate])
                };
                value(*a).total_cmp(&value(*b)).then(b.cmp(a))
            }),
        };
        chosen[*index] = pick;
        if let Some(pick) = pick {
            uses[pick] += 1.0;
        }
    }
    chosen
        .into_iter()
        .map(|pick| pick.map_or(fallback, |pick| scored[pick].0))
        .collect()
}

/// Whether two regions form a pair, such as two eyes or wheels: similar in size and shape, and
/// beside or above each other.
fn are_twins(one: &Region, two: &Region, canvas: usize) -> bool {
    // Small pairs such as feet or ears are less similar in drawings.
    let small = one.area.max(two.area) < canvas / 160;
    let alike = |a: f32, b: f32| a.max(b) < if small { 2.4 } else { 1.5 } * a.min(b);
    let [x1, y1, w1, h1] = one.place;
    let [x2, y2, w2, h2] = two.place;
    let level = (y1 - y2).abs() < 0.35 * h1.max(h2) || (x1 - x2).abs() < 0.35 * w1.max(w2);
    level && alike(one.area as f32, two.area as f32) && alike(w1, w2) && alike(h1, h2)
}

/// The mock-up of a drawing in the default colours.
#[must_use]
pub fn house_mock(structure: &Structure, prompt: &str, seed: u64) -> Mockup {
    let named = word_colours(prompt, seed);
    let colours: Vec<(Lab, f32)> = named
        .iter()
        .enumerate()
        .map(|(rank, colour)| (*colour, 1.0 / (1.0 + rank as f32 * 0.25)))
        .collect();
    let regions = region_colours(structure, &colours, seed);
    let plate = Plane::filled(structure.width, structure.height, HOUSE_PAPER);
    let line_colours = vec![HOUSE_INK; structure.regions.len()];
    let plane = shade(structure, &plate, &regions, 0.8);
    Mockup {
        plane,
        line_colours,
        line_strength: 0.92,
        shadow: 0.7,
        glowing: false,
    }
}

/// The mock-up of a drawing in the colours of its style references, with the background of the
/// heaviest one.
#[must_use]
pub fn styled_mock(structure: &Structure, looks: &[(&Appearance, f32)], seed: u64) -> Mockup {
    let lead = looks[0].0;
    let mut colours = figure_colours(looks);
    if lead.lines.glowing {
        let lit = |colour: &Lab| colour[0] + 2.0 * chroma(*colour) > 0.62;
        if colours.iter().filter(|(colour, _)| lit(colour)).count() > 0 {
            colours.retain(|(colour, _)| lit(colour));
        }
    }
    let regions = region_colours(structure, &colours, seed);
    let (scale_x, scale_y) = (
        lead.plate.width as f32 / structure.width as f32,
        lead.plate.height as f32 / structure.height as f32,
    );
    let plate = Plane::filled(structure.width, structure.height, [0.0; 3]).map(|x, y, _| {
        lead.plate.sample(
            (x as f32 + 0.5) * scale_x - 0.5,
            (y as f32 + 0.5) * scale_y - 0.5,
        )
    });
    let lines = lead.lines;
    if lines.glowing {
        // Glowing lines carry the colour; the regions between them stay as dark as the ground.
        let ground = plate.mean();
        let fills: Vec<Lab> = regions
            .iter()
            .map(|colour| mix(ground, *colour, 0.14))
            .collect();
        let bright: Vec<Lab> = regions
            .iter()
            .map(|colour| glowing_colour(*colour, lines.colour))
            .collect();
        let mut line_colours = bright.clone();
        line_colours[0] = bright.get(1).copied().unwrap_or(lines.colour);
        let plane = shade(structure, &plate, &fills, 0.1);
        return Mockup {
            plane,
            line_colours,
            line_strength: 1.0,
            shadow: 0.0,
            glowing: true,
        };
    }
    let outlined = lines.strength;
    let line_colours = regions
        .iter()
        .map(|colour| {
            let own = [colour[0] * 0.45, colour[1] * 0.8, colour[2] * 0.8];
            if lines.light {
                // Light lines, such as gold, on dark fills. Where the fill is as light as the
                // line, the line is a dark tone of the fill.
                return mix(
                    own,
                    lines.colour,
                    smooth_step(0.08, 0.22, lines.colour[0] - colour[0]),
                );
            }
            let clear = [lines.colour[0].min(0.62), lines.colour[1], lines.colour[2]];
            mix(own, clear, outlined)
        })
        .collect();
    // Visible brush strokes already shade a form, so less shading is added.
    let strokes = smooth_step(0.006, 0.03, lead.grain[1]);
    let modelling = (0.06 + smooth_step(0.35, 0.85, lead.modelling)) * (1.0 - 0.5 * strokes);
    let plane = shade(structure, &plate, &regions, modelling);
    Mockup {
        plane,
        line_colours,
        line_strength: 0.72 + 0.26 * outlined,
        shadow: lead.modelling,
        glowing: false,
    }
}

/// The bright, vivid version of a colour for a glowing line.
fn glowing_colour(colour: Lab, line: Lab) -> Lab {
    let source = if chroma(colour) > 0.035 { colour } else { line };
    let grow = (0.17 / chroma(source).max(0.02)).clamp(1.0, 4.0);
    [
        source[0].clamp(0.74, 0.86),
        source[1] * grow,
        source[2] * grow,
    ]
}

/// Paints the regions' colours over the plate, lit from the upper left.
fn shade(structure: &Structure, plate: &Plane, colours: &[Lab], modelling: f32) -> Plane {
    let (width, height) = (structure.width, structure.height);
    let relief = |x: isize, y: isize| {
        let x = x.clamp(0, width as isize - 1) as usize;
        let y = y.clamp(0, height as isize - 1) as usize;
        structure.relief[y * width + x]
    };
    let step = (width / 96).max(2) as isize;
    plate.map(|x, y, ground| {
        let label = structure.labels[y * width + x];
        let (x, y) = (x as isize, y as isize);
        if label == BACKGROUND {
            return ground;
        }
        let mut colour = colours[usize::from(label)];
        let slope =
            relief(x + step, y) - relief(x - step, y) + relief(x, y + step) - relief(x, y - step);
        let light = (0.75 * slope).clamp(-0.16, 0.13) + 0.07 * (relief(x, y) - 0.5);
        let gleam = smooth_step(0.10, 0.2, slope) * 0.02;
        colour[0] = (colour[0] + modelling * (light + gleam)).clamp(0.04, 0.985);
        // Shadows are a little more vivid, lights paler.
        let tint = 1.0 - modelling * light;
        [colour[0], colour[1] * tint, colour[2] * tint]
    })
}

/// A landscape of layered hills, for requests with neither a drawing nor a subject.
#[must_use]
pub fn field_of_colours(width: usize, height: usize, colours: &[Lab], seed: u64) -> Plane {
    let mut chance = Random::new(seed ^ 0x0F1E);
    let hills: Vec<(f32, f32, f32, f32, Lab)> = (0..6)
        .map(|layer| {
            let colour = colours[(layer + 1) % colours.len()];
            let base = 0.30 + 0.13 * layer as f32;
            (
                base,
                0.03 + 0.05 * chance.share(),
                1.0 + 2.5 * chance.share(),
                6.3 * chance.share(),
                colour,
            )
        })
        .collect();
    let sky = colours[0];
    let (sun_x, sun_y) = (0.25 + 0.5 * chance.share(), 0.14 + 0.14 * chance.share());
    let sun = colours
        .iter()
        .copied()
        .max_by(|a, b| (a[0] + chroma(*a)).total_cmp(&(b[0] + chroma(*b))))
        .unwrap_or(sky);
    let ratio = width as f32 / height as f32;
    Plane::filled(width, height, sky).map(|x, y, sky| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let mut colour = [
            (sky[0] + 0.16 * (0.5 - v)).min(0.98),
            sky[1] * (1.0 - 0.5 * v),
            sky[2] * (1.0 - 0.5 * v),
        ];
        let away = (((u - sun_x) * ratio).powi(2) + (v - sun_y).powi(2)).sqrt();
        colour = mix(
            colour,
            [sun[0].max(0.88), sun[1], sun[2]],
            1.0 - smooth_step(0.070, 0.075, away),
        );
        colour = mix(
            colour,
            [0.98, sun[1], sun[2]],
            0.25 * (1.0 - smooth_step(0.07, 0.3, away)),
        );
        for (base, swing, rate, phase, hill) in &hills {
            let edge = base
                + swing * (u * rate * 6.3 + phase).sin()
                + 0.4 * swing * (u * rate * 17.0 + 2.0 * phase).sin();
            let inside = smooth_step(edge - 0.002, edge + 0.002, v);
            let depth = ((v - edge) * 1.5).clamp(0.0, 0.2);
            colour = mix(
                colour,
                [(hill[0] - depth).max(0.05), hill[1], hill[2]],
                inside,
            );
        }
        colour
    })
}
