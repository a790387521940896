//! A landscape of layered hills, for requests with neither a drawing nor a subject.

use crate::plane::{Lab, Plane, Random, chroma, mix, smooth_step};

/// The outline of hills.
#[derive(Clone, Copy)]
enum Outline {
    Round,
    Pointed,
    /// Hills far away, with water before them.
    Shore,
    /// Long and low.
    Flat,
}

const OUTLINES: [Outline; 4] = [
    Outline::Round,
    Outline::Pointed,
    Outline::Shore,
    Outline::Flat,
];
/// Where the sun is, and how large.
const SUNS: [(f32, f32, f32); 5] = [
    (0.32, 0.2, 0.07),
    (0.7, 0.16, 0.045),
    (0.5, 0.27, 0.13),
    (0.2, 0.13, 0.055),
    (0.78, 0.26, 0.1),
];
/// Where the most distant hills begin.
const HORIZONS: [f32; 3] = [0.3, 0.44, 0.55];

/// One layer of hills.
struct Layer {
    base: f32,
    swing: f32,
    rate: f32,
    phase: f32,
    colour: Lab,
    outline: Outline,
}

impl Layer {
    /// The height of the outline at a position across.
    fn edge(&self, u: f32) -> f32 {
        let tau = std::f32::consts::TAU;
        let wave = match self.outline {
            Outline::Pointed => {
                // A triangle, with small teeth.
                let tooth = |at: f32| 4.0 * (at.rem_euclid(1.0) - 0.5).abs() - 1.0;
                1.5 * tooth(u * self.rate + self.phase) + 0.35 * tooth(u * self.rate * 4.3)
            }
            _ => {
                (u * self.rate * tau + self.phase).sin()
                    + 0.4 * (u * self.rate * 2.7 * tau + 2.0 * self.phase).sin()
            }
        };
        self.base + self.swing * wave
    }
}

/// Paints the landscape. The first colour is the sky's.
#[must_use]
pub fn landscape(
    (width, height): (usize, usize),
    colours: &[Lab],
    seed: u64,
    night: bool,
) -> Plane {
    let mut chance = Random::new(seed ^ 0x0F1E);
    let pick = |count: usize| (seed % count as u64) as usize;
    let outline = OUTLINES[pick(OUTLINES.len())];
    let horizon = HORIZONS[pick(HORIZONS.len())];
    let count = match outline {
        Outline::Shore => 2,
        Outline::Flat => 4,
        _ => 5,
    };
    let deep = if matches!(outline, Outline::Shore) {
        0.16
    } else {
        1.0 - horizon
    };
    let layers: Vec<Layer> = (0..count)
        .map(|layer| Layer {
            base: horizon + deep * layer as f32 / count as f32,
            swing: (0.025 + 0.045 * chance.share())
                * if matches!(outline, Outline::Flat) {
                    0.4
                } else {
                    1.0
                },
            rate: 0.8 + 2.0 * chance.share(),
            phase: 6.3 * chance.share(),
            colour: colours[(layer + 1) % colours.len()],
            outline,
        })
        .collect();
    let sky = colours[0];
    let water = matches!(outline, Outline::Shore).then(|| {
        let own = colours[3 % colours.len()];
        (horizon + deep + 0.02, mix(own, sky, 0.45))
    });
    let (sun_x, sun_y, radius) = SUNS[pick(SUNS.len())];
    let sun_y = sun_y.min(horizon - 0.06);
    let sun = colours
        .iter()
        .copied()
        .max_by(|a, b| (a[0] + chroma(*a)).total_cmp(&(b[0] + chroma(*b))))
        .unwrap_or(sky);
    let disc = [sun[0].max(0.88), sun[1], sun[2]];
    let ratio = width as f32 / height as f32;
    let pixel = 1.0 / height as f32;
    Plane::filled(width, height, sky).map(|x, y, sky| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let mut colour = [
            (sky[0] + 0.2 * (v / horizon - 0.5)).clamp(0.05, 0.98),
            sky[1] * (1.0 - 0.4 * v),
            sky[2] * (1.0 - 0.4 * v),
        ];
        if night {
            colour = mix(colour, [0.95, 0.0, 0.02], star(u * ratio, v));
        }
        let away = (((u - sun_x) * ratio).powi(2) + (v - sun_y).powi(2)).sqrt();
        colour = mix(
            colour,
            disc,
            1.0 - smooth_step(radius, radius + 0.005, away),
        );
        let glow = 0.28 * (1.0 - smooth_step(radius, 4.5 * radius, away));
        colour = mix(colour, [0.98, sun[1], sun[2]], glow);
        let shown = |colour: Lab, layer: &Layer| {
            let edge = layer.edge(u);
            let depth = ((v - edge) * 1.2).clamp(-0.02, 0.16);
            let distant = (1.0 - (layer.base - horizon) / (1.0 - horizon)) * 0.35;
            let own = mix(layer.colour, sky, distant);
            let own = [(own[0] - depth).max(0.05), own[1], own[2]];
            mix(
                colour,
                own,
                smooth_step(edge - 1.5 * pixel, edge + 1.5 * pixel, v),
            )
        };
        for layer in &layers {
            colour = shown(colour, layer);
        }
        if let Some((shore, water)) = water
            && v > shore
        {
            // The light of the sun lies on the waves below it.
            let depth = (v - shore) / (1.0 - shore);
            let wave = ((v * 90.0 / (0.35 + depth)).sin() + (u * 9.0 + v * 31.0).sin()) * 0.5;
            let path = 1.0 - smooth_step(0.03, 0.06 + 0.16 * depth, (u - sun_x).abs());
            let own = [
                (water[0] - 0.1 * depth + 0.015 * wave).clamp(0.05, 0.97),
                water[1],
                water[2],
            ];
            colour = mix(own, disc, 0.6 * path * smooth_step(0.0, 0.5, wave));
        }
        colour
    })
}

/// How much a star covers this position: one in some of the cells of a grid.
fn star(u: f32, v: f32) -> f32 {
    let (column, row) = ((u * 22.0).floor(), (v * 22.0).floor());
    let mut chance = Random::new((column as u64) << 16 | row as u64);
    if chance.share() > 0.3 {
        return 0.0;
    }
    let (x, y) = (0.2 + 0.6 * chance.share(), 0.2 + 0.6 * chance.share());
    let away = ((u * 22.0 - column - x).powi(2) + (v * 22.0 - row - y).powi(2)).sqrt();
    let size = 0.03 + 0.06 * chance.share();
    1.0 - smooth_step(size, size + 0.05, away)
}
