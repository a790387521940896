//! The opening of a tower of blocks: a picture becomes patches, and each patch a token.

use tch::{Kind, Tensor};

use super::layers::Linear;
use super::weights::Weights;
use crate::config::VisionConfig;
use crate::error::Result;

/// Maps pixels to the tokens of patches. A convolution whose stride is its size is a matrix product
/// on patches.
pub(super) struct Patches {
    linear: Linear,
    /// The side of a patch, in pixels.
    side: i64,
    /// Patches in a row.
    pub(super) grid: i64,
}

impl Patches {
    /// Takes `visual.conv1`, with a bias or without one.
    pub(super) fn load(
        weights: &mut Weights<'_>,
        config: &VisionConfig,
        side: i64,
        has_bias: bool,
        kind: Kind,
    ) -> Result<Self> {
        let width = config.width;
        let weight = weights.take("visual.conv1.weight", &[width, 3, side, side], kind)?;
        let bias = has_bias
            .then(|| weights.take("visual.conv1.bias", &[width], kind))
            .transpose()?;
        Ok(Self {
            linear: Linear::new(weight.f_view([width, 3 * side * side])?, bias).packed(),
            side,
            grid: config.image_size / side,
        })
    }

    /// Maps normalised pixels `[batch, 3, side, side]` to `[batch, grid * grid, width]`.
    pub(super) fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        self.linear.forward(&cut(pixels, self.grid, self.side)?)
    }
}

/// Cuts pixels `[batch, 3, side, side]` into patches `[batch, grid * grid, 3 * patch * patch]`.
fn cut(pixels: &Tensor, grid: i64, patch: i64) -> Result<Tensor> {
    let batch = pixels.size()[0];
    // Pixels beyond the last whole patch are left out, as by a convolution without padding.
    let pixels = pixels
        .f_narrow(2, 0, grid * patch)?
        .f_narrow(3, 0, grid * patch)?;
    Ok(pixels
        .f_reshape([batch, 3, grid, patch, grid, patch])?
        .f_permute([0, 2, 4, 1, 3, 5])?
        .f_reshape([batch, grid * grid, 3 * patch * patch])?)
}
