//! Layers of pictures, and the atlas of all references, as the synthesis reads them.

use crate::plane::Plane;

/// Half the side of a patch of 5 x 5 pixels.
pub const REACH: usize = 2;
/// The number of levels of the pyramid.
pub const LEVELS: usize = 4;
/// The number of channels of a pixel.
pub const CHANNELS: usize = 8;
/// The weights of the guide's colours, of edges and of the figure, relative to the painted colours.
const GUIDE_WEIGHT: f32 = 1.8;
const EDGE_WEIGHT: f32 = 0.5;
const FIGURE_WEIGHT: f32 = 0.35;
/// The additional cost of a patch of a reference with a weight near 0.
const LIGHTNESS_COST: f32 = 0.05;

/// The layers of one side of the analogy, all of the same size.
#[derive(Debug, Clone)]
pub struct Layers {
    /// The painted colours: a reference's own, or a target's initial guess.
    pub paint: Plane,
    /// The colours to match: a blurred reference, or a target's mock-up.
    pub guide: Plane,
    /// Edges in the first channel, the figure in the second, attraction to the same position in the
    /// third.
    pub marks: Plane,
}

impl Layers {
    fn half(&self) -> Self {
        Self {
            paint: self.paint.half(),
            guide: self.guide.half(),
            marks: self.marks.half(),
        }
    }

    /// The pyramid of these layers, coarsest level first.
    pub fn pyramid(self) -> Vec<Self> {
        let mut levels = vec![self];
        while levels.len() < LEVELS {
            let next = levels[levels.len() - 1].half();
            levels.push(next);
        }
        levels.reverse();
        levels
    }
}

/// A picture with all channels of its layers.
pub struct Raster {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[f32; CHANNELS]>,
}

/// All references of one level, side by side.
pub struct Atlas {
    pub raster: Raster,
    /// The width of one reference in pixels.
    pub tile: usize,
    /// The additional cost of each reference's patches.
    pub costs: Vec<f32>,
}

impl Atlas {
    /// Whether a patch around this column is within a single reference.
    pub fn fits(&self, x: isize, y: isize) -> bool {
        let reach = REACH as isize;
        if y < reach
            || y >= self.raster.height as isize - reach
            || x < 0
            || x >= self.raster.width as isize
        {
            return false;
        }
        let column = x as usize % self.tile;
        column >= REACH && column < self.tile - REACH
    }

    /// The nearest position at which a whole patch is within a single reference.
    pub fn clamped(&self, x: usize, y: usize) -> (u16, u16) {
        let tile = (x / self.tile).min(self.costs.len() - 1);
        let column = x
            .saturating_sub(tile * self.tile)
            .clamp(REACH, self.tile - 1 - REACH);
        (
            (tile * self.tile + column) as u16,
            y.clamp(REACH, self.raster.height - 1 - REACH) as u16,
        )
    }

    /// The position of a pixel in its reference, 0 to 1.
    pub fn place(&self, x: usize, y: usize) -> (f32, f32) {
        (
            (x % self.tile) as f32 / self.tile as f32,
            y as f32 / self.raster.height as f32,
        )
    }
}

/// Combines the layers into one picture, with their weights applied.
pub fn raster(layers: &Layers) -> Raster {
    let (width, height) = (layers.paint.width, layers.paint.height);
    let pixels = (0..width * height)
        .map(|index| {
            let (paint, guide, marks) = (
                layers.paint.pixels[index],
                layers.guide.pixels[index],
                layers.marks.pixels[index],
            );
            [
                paint[0],
                paint[1],
                paint[2],
                guide[0] * GUIDE_WEIGHT,
                guide[1] * GUIDE_WEIGHT,
                guide[2] * GUIDE_WEIGHT,
                marks[0] * EDGE_WEIGHT,
                marks[1] * FIGURE_WEIGHT,
            ]
        })
        .collect();
    Raster {
        width,
        height,
        pixels,
    }
}

/// Puts references of one size side by side.
pub fn atlas(tiles: &[Raster], weights: &[f32]) -> Atlas {
    let (tile, height) = (tiles[0].width, tiles[0].height);
    let width = tile * tiles.len();
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for raster in tiles {
            pixels.extend_from_slice(&raster.pixels[y * tile..(y + 1) * tile]);
        }
    }
    let costs = weights
        .iter()
        .map(|weight| LIGHTNESS_COST * (1.0 - weight))
        .collect();
    Atlas {
        raster: Raster {
            width,
            height,
            pixels,
        },
        tile,
        costs,
    }
}
