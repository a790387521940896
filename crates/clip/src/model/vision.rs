//! open_clip's `VisionTransformer`.

use tch::{Kind, Tensor};

use super::activation::Activation;
use super::layers::{LAYER_NORM_EPSILON, LayerNorm, Observe};
use super::patches::Patches;
use super::style::StyleLayer;
use super::transformer::{Shape, Transformer};
use super::weights::Weights;
use crate::config::VisionConfig;
use crate::error::Result;

/// Patches and a class token go through a transformer; the class token's output is the picture's
/// vector.
pub struct VisionTransformer {
    patches: Patches,
    class_token: Tensor,
    position: Tensor,
    norm_before: LayerNorm,
    transformer: Transformer,
    norm_after: LayerNorm,
    projection: Tensor,
    width: i64,
    layers: i64,
}

/// The part of the configuration that only a transformer has.
#[derive(Debug, Clone, Copy)]
pub struct Blocks {
    /// Number of blocks.
    pub layers: i64,
    /// Side of a patch, in pixels.
    pub patch_size: i64,
    /// Hidden width of a perceptron, as a multiple of the width.
    pub mlp_ratio: f64,
    /// Whether each branch is scaled by a learnt vector.
    pub layer_scale: bool,
}

impl Blocks {
    /// Returns the shape of a tower of these blocks, in which every token sees all others.
    pub(super) fn shape(
        &self,
        config: &VisionConfig,
        activation: Activation,
        epsilon: f64,
    ) -> Shape {
        Shape {
            width: config.width,
            heads: config.heads(),
            layers: self.layers,
            mlp_ratio: self.mlp_ratio,
            layer_scale: self.layer_scale,
            activation,
            causal: false,
            epsilon,
            ends_in_one: true,
        }
    }
}

impl VisionTransformer {
    /// Takes the weights named `visual.*`.
    pub fn load(
        weights: &mut Weights<'_>,
        config: &VisionConfig,
        blocks: Blocks,
        embed_dim: i64,
        activation: Activation,
        kind: Kind,
    ) -> Result<Self> {
        let width = config.width;
        let shape = blocks.shape(config, activation, LAYER_NORM_EPSILON);
        let patches = Patches::load(weights, config, blocks.patch_size, false, kind)?;
        let grid = patches.grid;
        let class_embedding = weights.take("visual.class_embedding", &[width], kind)?;
        let position = weights.take(
            "visual.positional_embedding",
            &[grid * grid + 1, width],
            kind,
        )?;
        Ok(Self {
            patches,
            class_token: class_embedding
                .f_add(&position.f_get(0)?)?
                .f_view([1, 1, width])?,
            position: position.f_narrow(0, 1, grid * grid)?.f_unsqueeze(0)?,
            norm_before: LayerNorm::load(weights, "visual.ln_pre", width, kind)?,
            transformer: Transformer::load(weights, "visual.transformer", shape, kind)?,
            // There is one token per picture, so full precision costs nothing here.
            norm_after: LayerNorm::load(weights, "visual.ln_post", width, Kind::Float)?,
            projection: weights.take("visual.proj", &[width, embed_dim], Kind::Float)?,
            width,
            layers: blocks.layers,
        })
    }

    /// The layer of this name: `block1` is what comes out of the first block. The last block
    /// computes the class token alone, so it is none.
    pub fn layer(&self, name: &str) -> Option<StyleLayer> {
        style_layer(name, self.layers, self.width)
    }

    /// Maps normalised pixels `[batch, 3, side, side]` to fp32 `[batch, embed_dim]`, not normalised
    /// to unit length. `observe` sees the tokens after each block but the last, the class token
    /// first.
    pub fn forward(&self, pixels: &Tensor, observe: &mut Observe<'_>) -> Result<Option<Tensor>> {
        let batch = pixels.size()[0];
        let x = self.patches.forward(pixels)?.f_add_(&self.position)?;
        let class_token = self.class_token.f_expand([batch, 1, -1], false)?;
        let x = self
            .norm_before
            .forward(&Tensor::f_cat(&[class_token, x], 1)?)?;
        let Some(x) = self.transformer.forward_observed(x, None, observe)? else {
            return Ok(None);
        };
        let x = self.norm_after.forward(&x.f_to_kind(Kind::Float)?)?;
        Ok(Some(x.f_matmul(&self.projection)?))
    }
}

/// The layer of a transformer of this many blocks that a style source names: `stem` is the input of
/// the first block, `block1` what comes out of it. The last block is none.
pub(super) fn style_layer(name: &str, layers: i64, channels: i64) -> Option<StyleLayer> {
    let number = match name {
        "stem" => 0,
        _ => name.strip_prefix("block")?.parse().ok()?,
    };
    let exists = i64::try_from(number).is_ok_and(|number| number < layers);
    exists.then_some(StyleLayer { number, channels })
}
