//! SigLIP's tower for pictures (timm's `vit_*_siglip_*`, transformers' `SiglipVisionModel`).

use tch::{Kind, Tensor};

use super::activation::Activation;
use super::layers::{LayerNorm, Linear, Observe, SIGLIP_EPSILON};
use super::patches::Patches;
use super::style::StyleLayer;
use super::transformer::{Attention, Queries, Shape, Transformer};
use super::vision::{Blocks, style_layer};
use super::weights::Weights;
use crate::config::VisionConfig;
use crate::error::Result;

/// Patches go through a transformer without a class token. A learnt query attends to all of them,
/// and a perceptron makes the picture's vector of what it finds.
pub struct SiglipTransformer {
    patches: Patches,
    position: Tensor,
    transformer: Transformer,
    norm_after: LayerNorm,
    /// The learnt query: `[1, 1, width]`.
    probe: Tensor,
    attention: Attention,
    norm_pooled: LayerNorm,
    expand: Linear,
    contract: Linear,
    activation: Activation,
    width: i64,
    layers: i64,
}

impl SiglipTransformer {
    /// Takes the weights named `visual.*`.
    pub fn load(
        weights: &mut Weights<'_>,
        config: &VisionConfig,
        blocks: Blocks,
        activation: Activation,
        kind: Kind,
    ) -> Result<Self> {
        let width = config.width;
        // The pooling attends to all tokens.
        let shape = Shape {
            ends_in_one: false,
            ..blocks.shape(config, activation, SIGLIP_EPSILON)
        };
        let patches = Patches::load(weights, config, blocks.patch_size, true, kind)?;
        let grid = patches.grid;
        let position = weights.take("visual.positional_embedding", &[grid * grid, width], kind)?;
        let norm = |weights: &mut Weights<'_>, name: &str, kind| -> Result<LayerNorm> {
            let norm = LayerNorm::load(weights, name, width, kind)?;
            Ok(norm.with_epsilon(SIGLIP_EPSILON))
        };
        let hidden = (width as f64 * blocks.mlp_ratio) as i64;
        let pool = "visual.attn_pool";
        // There is one token per picture after the pooling, so full precision costs nothing there.
        let full = Kind::Float;
        Ok(Self {
            patches,
            position: position.f_unsqueeze(0)?,
            transformer: Transformer::load(weights, "visual.transformer", shape, kind)?,
            norm_after: norm(weights, "visual.ln_post", kind)?,
            probe: weights
                .take(&format!("{pool}.probe"), &[1, width], kind)?
                .f_unsqueeze(0)?,
            attention: Attention::load(
                weights,
                &format!("{pool}.attn"),
                width,
                shape.heads,
                Queries::One,
                kind,
            )?,
            norm_pooled: norm(weights, &format!("{pool}.ln"), full)?,
            expand: Linear::load(weights, &format!("{pool}.mlp.c_fc"), width, hidden, full)?,
            contract: Linear::load(weights, &format!("{pool}.mlp.c_proj"), hidden, width, full)?,
            activation,
            width,
            layers: blocks.layers,
        })
    }

    /// The layer of this name, as of open_clip's transformer.
    pub fn layer(&self, name: &str) -> Option<StyleLayer> {
        style_layer(name, self.layers, self.width)
    }

    /// Maps normalised pixels `[batch, 3, side, side]` to fp32 `[batch, width]`, not normalised to
    /// unit length. `observe` sees the patches after each block but the last.
    pub fn forward(&self, pixels: &Tensor, observe: &mut Observe<'_>) -> Result<Option<Tensor>> {
        let x = self.patches.forward(pixels)?.f_add_(&self.position)?;
        let Some(x) = self.transformer.forward_all(x, observe)? else {
            return Ok(None);
        };
        let x = self.norm_after.forward(&x)?;
        let query = self.probe.f_expand([x.size()[0], 1, -1], false)?;
        let mut pooled = self
            .attention
            .forward_one(&x, &query, None)?
            .f_squeeze_dim(1)?
            .f_to_kind(Kind::Float)?;
        let hidden = self.expand.forward(&self.norm_pooled.forward(&pooled)?)?;
        let added = self.contract.forward(&self.activation.forward(hidden)?)?;
        Ok(Some(pooled.f_add_(&added)?))
    }
}
