//! open_clip's text tower (`CLIP.encode_text`).

use tch::{Device, Kind, Tensor};

use super::layers::{Activation, LayerNorm};
use super::transformer::{Shape, Transformer};
use super::weights::Weights;
use crate::config::TextConfig;
use crate::error::Result;

/// Tokens through a causal transformer; the output at the end mark is the text.
pub struct TextTransformer {
    token_embedding: Tensor,
    position: Tensor,
    transformer: Transformer,
    norm_after: LayerNorm,
    projection: Tensor,
}

impl TextTransformer {
    /// Takes the tensors that open_clip keeps without a prefix.
    pub fn load(
        weights: &mut Weights<'_>,
        config: &TextConfig,
        embed_dim: i64,
        activation: Activation,
        kind: Kind,
    ) -> Result<Self> {
        let width = config.width;
        let shape = Shape {
            width,
            heads: config.heads,
            layers: config.layers,
            mlp_ratio: config.mlp_ratio,
            layer_scale: config.layer_scale,
            activation,
            causal: true,
        };
        Ok(Self {
            token_embedding: weights.take(
                "token_embedding.weight",
                &[config.vocab_size, width],
                kind,
            )?,
            position: weights.take(
                "positional_embedding",
                &[config.context_length, width],
                kind,
            )?,
            transformer: Transformer::load(weights, "transformer", shape, kind)?,
            norm_after: LayerNorm::load(weights, "ln_final", width, Kind::Float)?,
            projection: weights.take("text_projection", &[width, embed_dim], Kind::Float)?,
        })
    }

    /// Texts, each as its tokens from start mark to end mark, to fp32 `[batch, embed_dim]`, not of
    /// unit length.
    ///
    /// The batch is as long as its longest text rather than the whole context: the tower is causal,
    /// so tokens after the end mark cannot change the output at it.
    pub fn forward(&self, texts: &[&[i64]], device: Device) -> Result<Tensor> {
        let longest = texts.iter().map(|tokens| tokens.len()).max().unwrap_or(0);
        let mut padded = vec![0_i64; texts.len() * longest];
        for (row, tokens) in padded.chunks_exact_mut(longest.max(1)).zip(texts) {
            row[..tokens.len()].copy_from_slice(tokens);
        }
        let ends: Vec<i64> = texts.iter().map(|tokens| end_of(tokens)).collect();
        let tokens = Tensor::f_from_slice(&padded)?
            .f_view([texts.len() as i64, longest as i64])?
            .f_to_device(device)?;
        let ends = Tensor::f_from_slice(&ends)?.f_to_device(device)?;

        let x = Tensor::f_embedding(&self.token_embedding, &tokens, -1, false, false)?;
        let x = x.f_add(&self.position.f_narrow(0, 0, longest as i64)?)?;
        let x = self
            .transformer
            .forward(x, Some(&ends))?
            .f_to_kind(Kind::Float)?;
        Ok(self.norm_after.forward(&x)?.f_matmul(&self.projection)?)
    }
}

/// The position of a text's end: the first of its largest token. That is open_clip's rule, and it
/// matters when a text contains the end mark's name.
fn end_of(tokens: &[i64]) -> i64 {
    let largest = tokens.iter().max();
    tokens
        .iter()
        .position(|token| Some(token) == largest)
        .unwrap_or(0) as i64
}
