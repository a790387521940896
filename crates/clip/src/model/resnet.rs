//! OpenAI's `ModifiedResNet`: three stem convolutions, average pooling before strided ones,
//! attention pooling at the end.
//!
//! Two changes at load leave the result the same. Each batch norm is folded into the convolution
//! before it. Weights and pictures are stored channels-last, since oneDNN and cuDNN would otherwise
//! reorder them at every layer.

use tch::{Kind, Tensor};

use super::layers::{Linear, Observe};
use super::style::StyleLayer;
use super::transformer::{attend, join_heads, split_heads};
use super::weights::Weights;
use crate::config::VisionConfig;
use crate::error::Result;

/// PyTorch's default, which `ModifiedResNet` keeps.
const BATCH_NORM_EPSILON: f64 = 1e-5;
/// A block's outputs over its inner width.
const EXPANSION: i64 = 4;
/// The number of the stem's last convolution, whose output is pooled.
const STEM: usize = 2;

/// The tower for pictures of the `RN*` models.
pub struct ModifiedResNet {
    stem: [Convolution; 3],
    stages: [Vec<Bottleneck>; 4],
    width: i64,
    pool: AttentionPool,
}

impl ModifiedResNet {
    /// Takes `visual.*`.
    pub fn load(
        weights: &mut Weights<'_>,
        config: &VisionConfig,
        layers: [i64; 4],
        embed_dim: i64,
        kind: Kind,
    ) -> Result<Self> {
        let width = config.width;
        let half = width / 2;
        let stem = [
            Convolution::load(weights, "visual.", 1, [3, half, 3, 2], kind)?,
            Convolution::load(weights, "visual.", 2, [half, half, 3, 1], kind)?,
            Convolution::load(weights, "visual.", 3, [half, width, 3, 1], kind)?,
        ];
        let mut stages = [const { Vec::new() }; 4];
        let mut inputs = width;
        for (stage, count) in layers.into_iter().enumerate() {
            let planes = width << stage;
            for block in 0..count {
                // The first block of every stage but the first halves the sides.
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("visual.layer{}.{block}.", stage + 1);
                stages[stage].push(Bottleneck::load(
                    weights, &name, inputs, planes, stride, kind,
                )?);
                inputs = planes * EXPANSION;
            }
        }
        let pool = AttentionPool::load(weights, config, inputs, embed_dim, kind)?;
        Ok(Self {
            stem,
            stages,
            width,
            pool,
        })
    }

    /// The layer of this name: `conv1` and `conv2` are the first convolutions of the stem, `stem`
    /// is its output, and `layer1` to `layer4` are the outputs of the stages.
    pub fn layer(&self, name: &str) -> Option<StyleLayer> {
        let (number, channels) = match name {
            "conv1" => (0, self.width / 2),
            "conv2" => (1, self.width / 2),
            "stem" => (STEM, self.width),
            "layer1" => (STEM + 1, self.width * EXPANSION),
            "layer2" => (STEM + 2, self.width * EXPANSION * 2),
            "layer3" => (STEM + 3, self.width * EXPANSION * 4),
            "layer4" => (STEM + 4, self.width * EXPANSION * 8),
            _ => return None,
        };
        Some(StyleLayer { number, channels })
    }

    /// Normalised pixels `[batch, 3, side, side]` to fp32 `[batch, embed_dim]`, not of unit length.
    /// `observe` sees the output of each layer, and gives what goes on from there: the same, a
    /// part of the batch, or nothing, which ends the pass.
    pub fn forward(&self, pixels: &Tensor, observe: &mut Observe<'_>) -> Result<Option<Tensor>> {
        let mut x = channels_last(pixels)?;
        for (number, convolution) in self.stem.iter().enumerate() {
            x = convolution.forward(&x)?.f_relu_()?;
            if number == STEM {
                x = average_pool(&x, 2)?;
            }
            let Some(rest) = observe(number, x)? else {
                return Ok(None);
            };
            x = rest;
        }
        for (stage, blocks) in self.stages.iter().enumerate() {
            for block in blocks {
                x = block.forward(x)?;
            }
            let Some(rest) = observe(STEM + 1 + stage, x)? else {
                return Ok(None);
            };
            x = rest;
        }
        self.pool.forward(&x).map(Some)
    }
}

/// A convolution with the batch norm that follows it.
struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    padding: i64,
}

impl Convolution {
    /// Takes `<prefix>conv<number>` and `<prefix>bn<number>`; `shape` is inputs, outputs, kernel,
    /// stride.
    fn load(
        weights: &mut Weights<'_>,
        prefix: &str,
        number: i64,
        shape: [i64; 4],
        kind: Kind,
    ) -> Result<Self> {
        Self::load_named(
            weights,
            [
                &format!("{prefix}conv{number}"),
                &format!("{prefix}bn{number}"),
            ],
            shape,
            kind,
        )
    }

    fn load_named(
        weights: &mut Weights<'_>,
        names: [&str; 2],
        shape: [i64; 4],
        kind: Kind,
    ) -> Result<Self> {
        let [inputs, outputs, kernel, stride] = shape;
        let [convolution, norm] = names;
        // Folded in double precision, so that only one rounding to the model's precision is left.
        let weight = weights.take(
            &format!("{convolution}.weight"),
            &[outputs, inputs, kernel, kernel],
            Kind::Double,
        )?;
        let mut of_norm =
            |part: &str| weights.take(&format!("{norm}.{part}"), &[outputs], Kind::Double);
        let (gain, shift) = (of_norm("weight")?, of_norm("bias")?);
        let (mean, variance) = (of_norm("running_mean")?, of_norm("running_var")?);
        let scale = gain.f_div(&variance.f_add_scalar(BATCH_NORM_EPSILON)?.f_sqrt()?)?;
        let folded = weight
            .f_mul(&scale.f_view([-1, 1, 1, 1])?)?
            .f_to_kind(kind)?;
        Ok(Self {
            weight: channels_last(&folded)?,
            bias: shift.f_sub(&mean.f_mul(&scale)?)?.f_to_kind(kind)?,
            stride,
            padding: kernel / 2,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_conv2d(
            &self.weight,
            Some(&self.bias),
            self.stride,
            self.padding,
            1,
            1,
        )?)
    }
}

/// Three convolutions beside a shortcut.
struct Bottleneck {
    convolutions: [Convolution; 3],
    shortcut: Option<Convolution>,
    stride: i64,
}

impl Bottleneck {
    fn load(
        weights: &mut Weights<'_>,
        prefix: &str,
        inputs: i64,
        planes: i64,
        stride: i64,
        kind: Kind,
    ) -> Result<Self> {
        let outputs = planes * EXPANSION;
        let names = [
            &format!("{prefix}downsample.0")[..],
            &format!("{prefix}downsample.1"),
        ];
        let shortcut = (stride > 1 || inputs != outputs)
            .then(|| Convolution::load_named(weights, names, [inputs, outputs, 1, 1], kind))
            .transpose()?;
        Ok(Self {
            convolutions: [
                Convolution::load(weights, prefix, 1, [inputs, planes, 1, 1], kind)?,
                Convolution::load(weights, prefix, 2, [planes, planes, 3, 1], kind)?,
                Convolution::load(weights, prefix, 3, [planes, outputs, 1, 1], kind)?,
            ],
            shortcut,
            stride,
        })
    }

    fn forward(&self, x: Tensor) -> Result<Tensor> {
        let [first, second, third] = &self.convolutions;
        let y = first.forward(&x)?.f_relu_()?;
        let y = second.forward(&y)?.f_relu_()?;
        let mut y = third.forward(&average_pool(&y, self.stride)?)?;
        let shortcut = match &self.shortcut {
            Some(shortcut) => shortcut.forward(&average_pool(&x, self.stride)?)?,
            None => x,
        };
        Ok(y.f_add_(&shortcut)?.f_relu_()?)
    }
}

/// Attention of the mean position to all positions (OpenAI's `AttentionPool2d`).
struct AttentionPool {
    position: Tensor,
    queries: Linear,
    keys: Linear,
    values: Linear,
    output: Linear,
    heads: i64,
}

impl AttentionPool {
    fn load(
        weights: &mut Weights<'_>,
        config: &VisionConfig,
        width: i64,
        embed_dim: i64,
        kind: Kind,
    ) -> Result<Self> {
        let grid = config.image_size / 32;
        let mut linear = |part: &str, outputs, kind| {
            Linear::load(
                weights,
                &format!("visual.attnpool.{part}"),
                width,
                outputs,
                kind,
            )
        };
        Ok(Self {
            queries: linear("q_proj", width, kind)?,
            keys: linear("k_proj", width, kind)?,
            values: linear("v_proj", width, kind)?,
            output: linear("c_proj", embed_dim, Kind::Float)?,
            position: weights.take(
                "visual.attnpool.positional_embedding",
                &[grid * grid + 1, width],
                kind,
            )?,
            heads: config.heads(),
        })
    }

    /// `[batch, width, grid, grid]` to fp32 `[batch, embed_dim]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let positions = x.f_flatten(2, 3)?.f_transpose(1, 2)?;
        let mean = positions.f_mean_dim(1, true, None::<Kind>)?;
        let x = Tensor::f_cat(&[mean, positions], 1)?.f_add_(&self.position)?;
        let query = split_heads(&self.queries.forward(&x.f_narrow(1, 0, 1)?)?, 1, self.heads)?;
        let keys = split_heads(&self.keys.forward(&x)?, 1, self.heads)?;
        let values = split_heads(&self.values.forward(&x)?, 1, self.heads)?;
        let pooled = join_heads(&attend(&query[0], &keys[0], &values[0], None, false)?)?;
        self.output
            .forward(&pooled.f_squeeze_dim(1)?.f_to_kind(Kind::Float)?)
    }
}

/// The same tensor `[batch, channels, height, width]`, laid out with its channels innermost.
fn channels_last(x: &Tensor) -> Result<Tensor> {
    Ok(x.f_permute([0, 2, 3, 1])?
        .f_contiguous()?
        .f_permute([0, 3, 1, 2])?)
}

/// Averages squares of this side; a side of 1 changes nothing.
fn average_pool(x: &Tensor, side: i64) -> Result<Tensor> {
    if side == 1 {
        return Ok(x.shallow_clone());
    }
    Ok(x.f_avg_pool2d(side, side, 0, false, true, None)?)
}
