//! The pre-norm transformer of both towers (open_clip's `ResidualAttentionBlock`).

use tch::{Kind, Tensor};

use super::activation::Activation;
use super::layers::{LayerNorm, Linear, Observe};
use super::weights::Weights;
use crate::error::Result;

/// The shape of a stack of blocks.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Width of the residual stream.
    pub width: i64,
    /// Number of attention heads.
    pub heads: i64,
    /// Number of blocks.
    pub layers: i64,
    /// Hidden width of a perceptron over `width`, rounded down.
    pub mlp_ratio: f64,
    /// Whether each branch is scaled by a learnt vector.
    pub layer_scale: bool,
    /// The perceptron's activation.
    pub activation: Activation,
    /// Whether a token sees only those before it and itself.
    pub causal: bool,
    /// What its layer norms add to variances.
    pub epsilon: f64,
    /// Whether the last block computes one token of each row, and not all of them.
    pub ends_in_one: bool,
}

/// A stack of blocks that returns one token of each row.
pub struct Transformer {
    blocks: Vec<Block>,
    causal: bool,
}

impl Transformer {
    /// Takes `<name>.resblocks.<n>.*`.
    pub fn load(weights: &mut Weights<'_>, name: &str, shape: Shape, kind: Kind) -> Result<Self> {
        let blocks = (0..shape.layers)
            .map(|layer| {
                let queries = match shape.ends_in_one && layer + 1 == shape.layers {
                    true => Queries::One,
                    false => Queries::All,
                };
                Block::load(
                    weights,
                    &format!("{name}.resblocks.{layer}"),
                    shape,
                    queries,
                    kind,
                )
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            blocks,
            causal: shape.causal,
        })
    }

    /// `[batch, tokens, width]` to `[batch, width]`: the token at `wanted` (`[batch]`, positions)
    /// of each row, or the first one of each where it is `None`.
    ///
    /// The last block computes that one token only, since nothing but its keys and values needs all
    /// tokens. The result is the same, and most of a block is saved.
    pub fn forward(&self, x: Tensor, wanted: Option<&Tensor>) -> Result<Tensor> {
        let mut rest = x;
        for block in self.all_but_last() {
            rest = block.forward(rest, self.causal)?;
        }
        self.finish(&rest, wanted)
    }

    /// As [`Transformer::forward`]. `observe` sees the input as 0 and the output of each block but
    /// the last, and gives what goes on from there; `None` ends the pass.
    pub fn forward_observed(
        &self,
        x: Tensor,
        wanted: Option<&Tensor>,
        observe: &mut Observe<'_>,
    ) -> Result<Option<Tensor>> {
        let Some(mut rest) = observe(0, x)? else {
            return Ok(None);
        };
        for (number, block) in self.all_but_last().iter().enumerate() {
            let output = block.forward(rest, self.causal)?;
            let Some(kept) = observe(number + 1, output)? else {
                return Ok(None);
            };
            rest = kept;
        }
        self.finish(&rest, wanted).map(Some)
    }

    /// `[batch, tokens, width]` to the same: all tokens. `observe` sees the input as 0 and the output
    /// of each block but the last, and gives what goes on from there; `None` ends the pass.
    pub fn forward_all(&self, x: Tensor, observe: &mut Observe<'_>) -> Result<Option<Tensor>> {
        let Some(mut rest) = observe(0, x)? else {
            return Ok(None);
        };
        for (number, block) in self.blocks.iter().enumerate() {
            let output = block.forward(rest, self.causal)?;
            if number + 1 == self.blocks.len() {
                return Ok(Some(output));
            }
            let Some(kept) = observe(number + 1, output)? else {
                return Ok(None);
            };
            rest = kept;
        }
        Ok(Some(rest))
    }

    fn all_but_last(&self) -> &[Block] {
        self.blocks.split_last().map_or(&[], |(_, blocks)| blocks)
    }

    fn finish(&self, x: &Tensor, wanted: Option<&Tensor>) -> Result<Tensor> {
        let Some(last) = self.blocks.last() else {
            return pick(x, wanted)?.f_squeeze_dim(1).map_err(Into::into);
        };
        let mask = match (self.causal, wanted) {
            (true, Some(wanted)) => Some(visible_to(wanted, x.size()[1])?),
            _ => None,
        };
        Ok(last
            .forward_one(x, wanted, mask.as_ref())?
            .f_squeeze_dim(1)?)
    }
}

/// `[batch, 1, 1, tokens]`: true up to the row's wanted token.
fn visible_to(wanted: &Tensor, tokens: i64) -> Result<Tensor> {
    let positions = Tensor::f_arange(tokens, (Kind::Int64, wanted.device()))?;
    Ok(positions
        .f_unsqueeze(0)?
        .f_le_tensor(&wanted.f_unsqueeze(1)?)?
        .f_unsqueeze(1)?
        .f_unsqueeze(1)?)
}

/// `[batch, tokens, width]` to `[batch, 1, width]`.
fn pick(x: &Tensor, wanted: Option<&Tensor>) -> Result<Tensor> {
    let Some(wanted) = wanted else {
        return Ok(x.f_narrow(1, 0, 1)?);
    };
    let width = x.size()[2];
    let index = wanted.f_view([-1, 1, 1])?.f_expand([-1, 1, width], false)?;
    Ok(x.f_gather(1, &index, false)?)
}

struct Block {
    norm_1: LayerNorm,
    attention: Attention,
    scale_1: Option<Tensor>,
    norm_2: LayerNorm,
    expand: Linear,
    contract: Linear,
    scale_2: Option<Tensor>,
    activation: Activation,
}

impl Block {
    fn load(
        weights: &mut Weights<'_>,
        name: &str,
        shape: Shape,
        queries: Queries,
        kind: Kind,
    ) -> Result<Self> {
        let width = shape.width;
        // open_clip: int(d_model * mlp_ratio).
        let hidden = (width as f64 * shape.mlp_ratio) as i64;
        let mut scale = |name: String| {
            shape
                .layer_scale
                .then(|| weights.take(&name, &[width], kind))
                .transpose()
        };
        let scale_1 = scale(format!("{name}.ls_1.gamma"))?;
        let scale_2 = scale(format!("{name}.ls_2.gamma"))?;
        let norm = |weights: &mut Weights<'_>, part: &str| -> Result<LayerNorm> {
            let norm = LayerNorm::load(weights, &format!("{name}.{part}"), width, kind)?;
            Ok(norm.with_epsilon(shape.epsilon))
        };
        Ok(Self {
            norm_1: norm(weights, "ln_1")?,
            attention: Attention::load(
                weights,
                &format!("{name}.attn"),
                width,
                shape.heads,
                queries,
                kind,
            )?,
            scale_1,
            norm_2: norm(weights, "ln_2")?,
            expand: Linear::load(weights, &format!("{name}.mlp.c_fc"), width, hidden, kind)?
                .packed(),
            contract: Linear::load(weights, &format!("{name}.mlp.c_proj"), hidden, width, kind)?
                .packed(),
            scale_2,
            activation: shape.activation,
        })
    }

    fn forward(&self, x: Tensor, causal: bool) -> Result<Tensor> {
        let attended = self.attention.forward(&self.norm_1.forward(&x)?, causal)?;
        self.finish(x, attended)
    }

    fn forward_one(
        &self,
        x: &Tensor,
        wanted: Option<&Tensor>,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let normed = self.norm_1.forward(x)?;
        let attended = self
            .attention
            .forward_one(&normed, &pick(&normed, wanted)?, mask)?;
        // A copy: `pick` may be a view of `x`, and what follows adds to it in place.
        self.finish(pick(x, wanted)?.f_contiguous()?, attended)
    }

    /// Adds the residuals and applies the perceptron, for all tokens or one. Changes `x` in place.
    fn finish(&self, mut x: Tensor, attended: Tensor) -> Result<Tensor> {
        let mut x = x.f_add_(&scaled(attended, self.scale_1.as_ref())?)?;
        let hidden = self
            .expand
            .forward_activated(&self.norm_2.forward(&x)?, self.activation)?;
        let contracted = self.contract.forward(&hidden)?;
        Ok(x.f_add_(&scaled(contracted, self.scale_2.as_ref())?)?)
    }
}

fn scaled(mut x: Tensor, scale: Option<&Tensor>) -> Result<Tensor> {
    match scale {
        Some(scale) => Ok(x.f_mul_(scale)?),
        None => Ok(x),
    }
}

/// For which tokens of a row attention is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queries {
    /// For each.
    All,
    /// For one, so its layer for queries has one token as input, and that for keys and values has
    /// all.
    One,
}

/// The layers before the attention.
enum Projections {
    /// Queries, keys and values of all tokens, in one product.
    Joint(Linear),
    Split {
        queries: Linear,
        keys_values: Linear,
    },
}

/// PyTorch's `MultiheadAttention` with one matrix for queries, keys and values.
pub(super) struct Attention {
    projections: Projections,
    output: Linear,
    heads: i64,
}

impl Attention {
    /// Takes `<name>.in_proj_*` and `<name>.out_proj.*`.
    pub(super) fn load(
        weights: &mut Weights<'_>,
        name: &str,
        width: i64,
        heads: i64,
        queries: Queries,
        kind: Kind,
    ) -> Result<Self> {
        let weight = weights.take(&format!("{name}.in_proj_weight"), &[3 * width, width], kind)?;
        let bias = weights.take(&format!("{name}.in_proj_bias"), &[3 * width], kind)?;
        let projections = match queries {
            Queries::All => Projections::Joint(Linear::new(weight, Some(bias)).packed()),
            Queries::One => {
                let rows = |from: i64, count: i64| -> Result<Linear> {
                    let weight = weight.f_narrow(0, from, count)?;
                    Ok(Linear::new(weight, Some(bias.f_narrow(0, from, count)?)).packed())
                };
                Projections::Split {
                    queries: rows(0, width)?,
                    keys_values: rows(width, 2 * width)?,
                }
            }
        };
        Ok(Self {
            projections,
            output: Linear::load(weights, &format!("{name}.out_proj"), width, width, kind)?
                .packed(),
            heads,
        })
    }

    fn forward(&self, x: &Tensor, causal: bool) -> Result<Tensor> {
        let parts = self.project(x, None)?;
        let attended = attend(&parts[0], &parts[1], &parts[2], None, causal)?;
        self.output.forward(&join_heads(&attended)?)
    }

    /// Attention of the one token a row in `query` (`[batch, 1, width]`) to all of `x`.
    pub(super) fn forward_one(
        &self,
        x: &Tensor,
        query: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let parts = self.project(x, Some(query))?;
        let attended = attend(&parts[0], &parts[1], &parts[2], mask, false)?;
        self.output.forward(&join_heads(&attended)?)
    }

    /// Queries, keys and values. The queries are those of `query`, or else of all tokens.
    fn project(&self, x: &Tensor, query: Option<&Tensor>) -> Result<Vec<Tensor>> {
        match &self.projections {
            Projections::Joint(joint) => {
                let mut parts = split_heads(&joint.forward(x)?, 3, self.heads)?;
                if let Some(query) = query {
                    let of_query = split_heads(&joint.forward(query)?, 3, self.heads)?;
                    parts.splice(..1, of_query.into_iter().take(1));
                }
                Ok(parts)
            }
            Projections::Split {
                queries,
                keys_values,
            } => {
                let mut parts = split_heads(&queries.forward(query.unwrap_or(x))?, 1, self.heads)?;
                parts.extend(split_heads(&keys_values.forward(x)?, 2, self.heads)?);
                Ok(parts)
            }
        }
    }
}

/// Softmax of `query key^T / sqrt(head width)`, times `value`; all of them `[batch, heads, tokens,
/// head width]`.
pub(super) fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    mask: Option<&Tensor>,
    causal: bool,
) -> Result<Tensor> {
    Ok(Tensor::f_scaled_dot_product_attention(
        query, key, value, mask, 0.0, causal, None, false,
    )?)
}

/// `[batch, tokens, parts * width]` to `parts` tensors of `[batch, heads, tokens, head width]`.
pub(super) fn split_heads(x: &Tensor, parts: i64, heads: i64) -> Result<Vec<Tensor>> {
    let size = x.size();
    let split = x.f_view([size[0], size[1], parts, heads, size[2] / parts / heads])?;
    Ok(split.f_permute([2, 0, 3, 1, 4])?.f_unbind(0)?)
}

/// `[batch, heads, tokens, head width]` to `[batch, tokens, width]`.
pub(super) fn join_heads(x: &Tensor) -> Result<Tensor> {
    let size = x.size();
    Ok(x.f_transpose(1, 2)?
        .f_reshape([size[0], size[2], size[1] * size[3]])?)
}
