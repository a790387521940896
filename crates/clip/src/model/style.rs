//! Style: what a picture looks like, whatever it shows.
//!
//! The first layers of the tower for pictures see strokes, textures and colours; what they add up
//! to over a picture (the mean and the deviation of each channel) tells its style more than its
//! subject. A small trained network, the *style head*, turns these statistics into a vector.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::layers::{Activation, Linear, to_unit_length};
use super::weights::{Weights, WeightsFile};
use crate::error::{ClipError, Result};

/// Added to a variance before its root is taken.
const EPSILON: f64 = 1e-6;
/// The values of the file's metadata that this version understands.
const UNDERSTOOD: [(&str, &str); 4] = [
    ("format", "clippy-style-head"),
    ("version", "1"),
    ("statistics", "mean,std"),
    ("activation", "gelu"),
];

/// A layer of a tower whose statistics are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StyleLayer {
    /// Its number: 0 is what goes into the first stage or block.
    pub number: usize,
    /// Its channels.
    pub channels: i64,
}

/// A trained style head.
pub struct StyleHead {
    layers: Vec<StyleLayer>,
    mean: Tensor,
    deviation: Tensor,
    /// Standardised statistics are limited to this, so that an unusual picture does not dominate.
    limit: Option<f64>,
    linears: Vec<Linear>,
    fingerprint: String,
}

impl StyleHead {
    /// Reads a head for a tower. `layer` gives the layer of a name, `outputs` is the length of the
    /// vectors.
    ///
    /// # Errors
    /// [`ClipError::StyleHead`], saying what does not fit.
    pub fn load(
        path: &Path,
        layer: impl Fn(&str) -> Option<StyleLayer>,
        outputs: i64,
        device: Device,
    ) -> Result<Self> {
        let unfit = |reason: String| ClipError::StyleHead {
            path: path.to_owned(),
            reason,
        };
        let file = WeightsFile::open(path)?;
        let metadata = file.metadata()?;
        for (name, value) in UNDERSTOOD {
            let found = metadata.get(name).map_or("", String::as_str);
            if found != value {
                return Err(unfit(format!("its {name} is \"{found}\", not \"{value}\"")));
            }
        }
        let limit = match metadata.get("clamp") {
            None => None,
            Some(text) => match text.parse::<f64>() {
                Ok(limit) if limit > 0.0 => Some(limit),
                _ => {
                    return Err(unfit(format!(
                        "its clamp is \"{text}\", not a positive number"
                    )));
                }
            },
        };
        let names = metadata.get("layers").map_or("", String::as_str);
        let layers: Vec<StyleLayer> = names
            .split(',')
            .map(|name| {
                let missing = || unfit(format!("the model has no layer \"{name}\""));
                layer(name).ok_or_else(missing)
            })
            .collect::<Result<_>>()?;
        if !layers.is_sorted_by_key(|layer| layer.number) {
            return Err(unfit(format!(
                "its layers {names} are not in the tower's order"
            )));
        }
        let inputs: i64 = layers.iter().map(|layer| 2 * layer.channels).sum();
        let widths = widths(&file, inputs)?;
        if widths.last() != Some(&outputs) {
            return Err(unfit(format!(
                "its layers have the widths {widths:?}, but the model's vectors have {outputs} \
                 values"
            )));
        }
        let mut weights = file.weights(device)?;
        let (mean, deviation) = (
            weights.take("mean", &[inputs], Kind::Float)?,
            weights.take("std", &[inputs], Kind::Float)?,
        );
        let mut linears = Vec::new();
        let mut width = inputs;
        for (number, &next) in widths.iter().enumerate() {
            let name = number.to_string();
            linears.push(load_linear(&mut weights, &name, [width, next])?);
            width = next;
        }
        weights.finish()?;
        Ok(Self {
            layers,
            mean,
            deviation,
            limit,
            linears,
            fingerprint: file.fingerprint(b"style"),
        })
    }

    /// SHA-256 (hex) of the file.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether the statistics of this layer are used.
    pub fn uses(&self, number: usize) -> bool {
        self.layers.iter().any(|layer| layer.number == number)
    }

    /// Whether no later layer than this one is used.
    pub fn ends_at(&self, number: usize) -> bool {
        self.layers
            .last()
            .is_none_or(|layer| layer.number <= number)
    }

    /// The statistics of the layers, `[batch, 2 * channels]` each, to fp32 `[batch, outputs]`, not
    /// of unit length.
    pub fn forward(&self, statistics: &[Tensor]) -> Result<Tensor> {
        let mut x = Tensor::f_cat(statistics, 1)?
            .f_sub(&self.mean)?
            .f_div(&self.deviation)?;
        if let Some(limit) = self.limit {
            x = x.f_clamp(-limit, limit)?;
        }
        for (number, linear) in self.linears.iter().enumerate() {
            if number > 0 {
                x = Activation::Gelu.forward(x)?;
            }
            x = linear.forward(&x)?;
        }
        to_unit_length(&x)
    }
}

fn load_linear(
    weights: &mut Weights<'_>,
    name: &str,
    [inputs, outputs]: [i64; 2],
) -> Result<Linear> {
    Linear::load(weights, name, inputs, outputs, Kind::Float)
}

/// The widths after each linear layer of the file: `0.weight`, `1.weight` and so on.
fn widths(file: &WeightsFile, inputs: i64) -> Result<Vec<i64>> {
    let mut widths = Vec::new();
    while let Some(shape) = file.shape(&format!("{}.weight", widths.len()))? {
        match shape[..] {
            [outputs, width] if width == *widths.last().unwrap_or(&inputs) => widths.push(outputs),
            // `Weights::finish` tells what does not fit.
            _ => break,
        }
    }
    Ok(widths)
}

/// Mean and deviation of each channel over the positions of a picture, in fp32: `[batch, channels,
/// height, width]`, or `[batch, positions, channels]`, to `[batch, 2 * channels]`.
pub fn statistics(x: &Tensor) -> Result<Tensor> {
    let x = x.f_to_kind(Kind::Float)?;
    let positions: &[i64] = if x.dim() == 4 { &[2, 3] } else { &[1] };
    let mean = x.f_mean_dim(positions, false, None::<Kind>)?;
    let deviation = x
        .f_var_dim(positions, false, false)?
        .f_add_scalar(EPSILON)?
        .f_sqrt()?;
    Ok(Tensor::f_cat(&[mean, deviation], 1)?)
}
