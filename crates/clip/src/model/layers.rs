//! The small parts that both towers are made of.

use tch::{Kind, Tensor};

use super::activation::Activation;
use super::packed::PackedWeight;
use super::weights::Weights;
use crate::error::Result;

/// PyTorch's default, which CLIP has for every layer norm.
pub const LAYER_NORM_EPSILON: f64 = 1e-5;
/// SigLIP's, for every layer norm.
pub const SIGLIP_EPSILON: f64 = 1e-6;

/// Sees the output of a layer by its number, and gives what goes on from there; `None` ends the
/// pass.
pub type Observe<'o> = dyn FnMut(usize, Tensor) -> Result<Option<Tensor>> + 'o;

/// `y = x W^T + b`.
pub struct Linear {
    weight: LinearWeight,
    bias: Option<Tensor>,
}

enum LinearWeight {
    /// `[outputs, inputs]`.
    Plain(Tensor),
    /// The same in the order that the processor reads.
    Packed(PackedWeight),
}

impl Linear {
    /// Takes `<name>.weight` `[outputs, inputs]` and `<name>.bias` `[outputs]`.
    pub fn load(
        weights: &mut Weights<'_>,
        name: &str,
        inputs: i64,
        outputs: i64,
        kind: Kind,
    ) -> Result<Self> {
        Ok(Self::new(
            weights.take(&format!("{name}.weight"), &[outputs, inputs], kind)?,
            Some(weights.take(&format!("{name}.bias"), &[outputs], kind)?),
        ))
    }

    /// A layer of a weight `[outputs, inputs]` and perhaps a bias `[outputs]` that were made
    /// elsewhere.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self {
            weight: LinearWeight::Plain(weight),
            bias,
        }
    }

    /// The same layer with packed weights, where that is faster. Of a tower's many layers, not of
    /// one that computes a single token.
    pub fn packed(self) -> Self {
        let LinearWeight::Plain(weight) = &self.weight else {
            return self;
        };
        if !PackedWeight::pays(weight) {
            return self;
        }
        match PackedWeight::new(weight) {
            Ok(packed) => Self {
                weight: LinearWeight::Packed(packed),
                ..self
            },
            Err(error) => {
                tracing::warn!(%error, "a layer of the model is slower than it could be");
                self
            }
        }
    }

    /// `[..., inputs]` to `[..., outputs]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.compute(x, None)
    }

    /// `[..., inputs]` to `[..., outputs]`, and the activation.
    pub fn forward_activated(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        self.compute(x, Some(activation))
    }

    fn compute(&self, x: &Tensor, activation: Option<Activation>) -> Result<Tensor> {
        // For a slice of a larger tensor, libtorch would compute one product for each row of the
        // batch, each with its own copy of the weights.
        let (x, bias) = (x.f_contiguous()?, self.bias.as_ref());
        match &self.weight {
            LinearWeight::Packed(weight) => weight.forward(&x, bias, activation),
            LinearWeight::Plain(weight) => {
                let made = x.f_linear(weight, bias)?;
                match activation {
                    Some(activation) => activation.forward(made),
                    None => Ok(made),
                }
            }
        }
    }
}

/// Normalises the last dimension, then scales and shifts it.
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    width: i64,
    epsilon: f64,
}

impl LayerNorm {
    /// Takes `<name>.weight` and `<name>.bias`, both `[width]`.
    pub fn load(weights: &mut Weights<'_>, name: &str, width: i64, kind: Kind) -> Result<Self> {
        Ok(Self {
            weight: weights.take(&format!("{name}.weight"), &[width], kind)?,
            bias: weights.take(&format!("{name}.bias"), &[width], kind)?,
            width,
            epsilon: LAYER_NORM_EPSILON,
        })
    }

    /// The same with another number that is added to variances.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// `[..., width]` to the same; sums are in fp32 whatever the precision.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_layer_norm(
            self.width,
            Some(&self.weight),
            Some(&self.bias),
            self.epsilon,
            true,
        )?)
    }
}

/// `[batch, width]` to rows of length 1. As PyTorch's `F.normalize`, a row of zeros stays one.
pub fn to_unit_length(x: &Tensor) -> Result<Tensor> {
    let length = x.f_norm_scalaropt_dim(2.0, 1, true)?.f_clamp_min(1e-12)?;
    Ok(x.f_div(&length)?)
}
