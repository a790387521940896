//! open_clip's text towers (`CLIP.encode_text`, and `TextTransformer` as SigLIP has it).

use tch::{Device, Kind, Tensor};

use super::activation::Activation;
use super::layers::{LAYER_NORM_EPSILON, LayerNorm, Linear, SIGLIP_EPSILON};
use super::transformer::{Shape, Transformer};
use super::weights::Weights;
use crate::config::TextConfig;
use crate::error::{ClipError, Result};

/// Tokens through a transformer; the output at one of them is the text.
pub struct TextTransformer {
    token_embedding: Tensor,
    position: Tensor,
    transformer: Transformer,
    norm_after: LayerNorm,
    end: End,
    context_length: usize,
}

/// Which output is the text, and what is made of it.
enum End {
    /// The one at the end mark of a causal transformer, times a matrix.
    Mark(Tensor),
    /// The one at the last place of a full context, and perhaps a linear layer.
    Last(Option<Linear>),
}

impl TextTransformer {
    /// Takes the tensors that open_clip keeps without a prefix. `activation` is CLIP's; SigLIP's
    /// configuration has its own.
    pub fn load(
        weights: &mut Weights<'_>,
        config: &TextConfig,
        embed_dim: i64,
        activation: Activation,
        kind: Kind,
    ) -> Result<Self> {
        let (width, siglip) = (config.width, config.siglip.as_ref());
        let epsilon = match siglip {
            Some(_) => SIGLIP_EPSILON,
            None => LAYER_NORM_EPSILON,
        };
        let shape = Shape {
            width,
            heads: config.heads,
            layers: config.layers,
            mlp_ratio: config.mlp_ratio,
            layer_scale: config.layer_scale,
            activation: siglip.map_or(activation, |siglip| Activation::gelu(siglip.is_tanh)),
            causal: siglip.is_none(),
            epsilon,
            ends_in_one: true,
        };
        let full = Kind::Float;
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
            norm_after: LayerNorm::load(weights, "ln_final", width, full)?.with_epsilon(epsilon),
            end: match siglip {
                Some(siglip) => {
                    let mut load =
                        || Linear::load(weights, "text_projection", width, embed_dim, full);
                    End::Last(siglip.is_projected.then(&mut load).transpose()?)
                }
                None => End::Mark(weights.take("text_projection", &[width, embed_dim], full)?),
            },
            context_length: usize::try_from(config.context_length).unwrap_or(usize::MAX),
        })
    }

    /// Texts, each as its tokens from start mark to end mark (of SigLIP: the whole context), to fp32
    /// `[batch, embed_dim]`, not of unit length.
    ///
    /// A batch of CLIP's is as long as its longest text rather than the whole context: the tower is
    /// causal, so tokens after the end mark cannot change the output at it.
    ///
    /// # Errors
    /// [`ClipError::WrongText`] for a text of SigLIP's that does not fill the context; otherwise
    /// where libtorch fails.
    pub fn forward(&self, texts: &[&[i64]], device: Device) -> Result<Tensor> {
        let longest = texts.iter().map(|tokens| tokens.len()).max().unwrap_or(0);
        let mut padded = vec![0_i64; texts.len() * longest];
        for (row, tokens) in padded.chunks_exact_mut(longest.max(1)).zip(texts) {
            row[..tokens.len()].copy_from_slice(tokens);
        }
        let ends: Vec<i64> = texts
            .iter()
            .map(|tokens| self.end_of(tokens))
            .collect::<Result<_>>()?;
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
        let x = self.norm_after.forward(&x)?;
        match &self.end {
            End::Mark(projection) => Ok(x.f_matmul(projection)?),
            End::Last(None) => Ok(x),
            End::Last(Some(projection)) => projection.forward(&x),
        }
    }

    /// The place of the output that is the text.
    fn end_of(&self, tokens: &[i64]) -> Result<i64> {
        match &self.end {
            End::Mark(_) => Ok(end_of(tokens)),
            End::Last(_) if tokens.len() == self.context_length => Ok(tokens.len() as i64 - 1),
            End::Last(_) => Err(ClipError::WrongText {
                expected: self.context_length,
                found: tokens.len(),
            }),
        }
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
