//! The mock-up of a picture: the colours of its regions, before anything is painted.

use crate::appearance::{Appearance, figure_colours};
use crate::colour_words::named_colours;
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

/// What is left of the score of a colour that is passed over.
const PASSED: f32 = 0.3;

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

/// The default colours, in an order that the seed chooses: consecutive seeds begin with colours that
/// are far apart.
#[must_use]
pub fn house_colours(seed: u64) -> Vec<Lab> {
    let turn = (seed % HOUSE_COLOURS.len() as u64) as usize * 3;
    (0..HOUSE_COLOURS.len())
        .map(|index| HOUSE_COLOURS[(index + turn) % HOUSE_COLOURS.len()])
        .collect()
}

/// Chooses a colour for each region: large regions get characteristic colours, adjacent regions
/// differ, and twins (two eyes, two wheels) match.
///
/// `passed` of the best colours are passed over, so that others get the large regions.
fn region_colours(
    structure: &Structure,
    colours: &[(Lab, f32)],
    seed: u64,
    passed: usize,
) -> Vec<Lab> {
    let mut chance = Random::new(seed);
    let mut scored: Vec<(Lab, f32)> = colours
        .iter()
        .map(|(colour, score)| (*colour, score * (0.88 + 0.24 * chance.share())))
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    let passed = passed.min(scored.len().saturating_sub(2));
    for (_, score) in &mut scored[..passed] {
        *score *= PASSED;
    }
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

/// The paper of a take: plain, with a floor, or with a disc behind the figure.
fn house_plate(structure: &Structure, take: usize) -> Plane {
    let [left, top, right, bottom] = structure.figure_box();
    let (width, height) = (structure.width as f32, structure.height as f32);
    let floor = (bottom - 0.14 * (bottom - top)).min(0.86);
    let middle = (0.5 * (left + right), 0.5 * (top + bottom));
    let radius = 0.43 * width.min(height);
    let soft = width.min(height) / 256.0;
    let ground = [
        HOUSE_PAPER[0] - 0.1,
        HOUSE_PAPER[1] + 0.012,
        HOUSE_PAPER[2] + 0.02,
    ];
    Plane::filled(structure.width, structure.height, HOUSE_PAPER).map(|x, y, paper| {
        let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
        let share = match take % 3 {
            1 => smooth_step(-soft, soft, y - floor * height),
            2 => {
                let (across, down) = (x - middle.0 * width, y - middle.1 * height);
                smooth_step(soft, -soft, (across * across + down * down).sqrt() - radius)
            }
            _ => 0.0,
        };
        mix(paper, ground, share)
    })
}

/// The mock-up of a drawing in the default colours. `take` chooses its paper, and which colours are
/// passed over.
#[must_use]
pub fn house_mock(structure: &Structure, prompt: &str, seed: u64, take: usize) -> Mockup {
    let colours: Vec<(Lab, f32)> = named_colours(prompt)
        .into_iter()
        .chain(house_colours(seed))
        .enumerate()
        .map(|(rank, colour)| (colour, 1.0 / (1.0 + rank as f32 * 0.25)))
        .collect();
    // The colours that a prompt names are not passed over.
    let regions = region_colours(structure, &colours, seed, 0);
    let plate = house_plate(structure, take);
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
/// heaviest one. `take` chooses which of their colours are passed over.
#[must_use]
pub fn styled_mock(
    structure: &Structure,
    looks: &[(&Appearance, f32)],
    seed: u64,
    take: usize,
) -> Mockup {
    let lead = looks[0].0;
    let mut colours = figure_colours(looks);
    if lead.lines.glowing {
        let lit = |colour: &Lab| colour[0] + 2.0 * chroma(*colour) > 0.62;
        if colours.iter().filter(|(colour, _)| lit(colour)).count() > 0 {
            colours.retain(|(colour, _)| lit(colour));
        }
    }
    let regions = region_colours(structure, &colours, seed, take % 3);
    let (width, height) = (structure.width as f32, structure.height as f32);
    let plate = Plane::filled(structure.width, structure.height, [0.0; 3])
        .map(|x, y, _| lead.ground_at((x as f32 + 0.5) / width, (y as f32 + 0.5) / height));
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
