//! The activations of perceptrons.

use tch::Tensor;

use crate::error::Result;

/// The activation between the two halves of a perceptron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The exact GELU, by the error function.
    Gelu,
    /// Its approximation by the hyperbolic tangent.
    TanhGelu,
    /// OpenAI's `x * sigmoid(1.702 x)`.
    QuickGelu,
}

impl Activation {
    /// The activation that a configuration's `quick_gelu` means.
    pub fn new(quick_gelu: bool) -> Self {
        if quick_gelu {
            Self::QuickGelu
        } else {
            Self::Gelu
        }
    }

    /// The exact GELU, or its approximation.
    pub fn gelu(is_tanh: bool) -> Self {
        match is_tanh {
            true => Self::TanhGelu,
            false => Self::Gelu,
        }
    }

    /// Applies it in place; the tensor must not be shared.
    pub fn forward(self, mut x: Tensor) -> Result<Tensor> {
        match self {
            Self::Gelu => Ok(x.f_gelu_("none")?),
            Self::TanhGelu => Ok(x.f_gelu_("tanh")?),
            Self::QuickGelu => {
                let gate = x.f_mul_scalar(1.702)?.f_sigmoid_()?;
                Ok(x.f_mul_(&gate)?)
            }
        }
    }
}
