//! Computes style vectors: what a picture looks like, whatever it shows.
//!
//! The first layers of the tower for pictures respond to strokes, textures and colours. The mean
//! and the deviation of each of their channels over a picture tell more about its style than about
//! its subject. A small trained network, the *style head*, turns these statistics into a vector. It
//! may also use the correlations between the channels of a layer.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::activation::Activation;
use super::layers::{Linear, to_unit_length};
use super::weights::{Weights, WeightsFile};
use crate::error::{ClipError, Result};

/// Added to a variance before its root is taken.
const EPSILON: f64 = 1e-6;
/// What the metadata of a file must say for this version to use it.
const UNDERSTOOD: [(&str, &str); 4] = [
    ("format", "clippy-style-head"),
    ("version", "1"),
    ("statistics", "mean,std"),
    ("activation", "gelu"),
];

/// A layer of a tower that a style head can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StyleLayer {
    /// Its place in the tower. 0 is the input of the first stage or block.
    pub number: usize,
    /// How many channels it has.
    pub channels: i64,
}

impl StyleLayer {
    /// Returns the number of pairs of different channels.
    fn pairs(self) -> i64 {
        self.channels * (self.channels - 1) / 2
    }
}

/// A trained style head. It turns the statistics of layers into style vectors.
pub struct StyleHead {
    layers: Vec<StyleLayer>,
    /// Those of `layers` whose correlations between channels are used, too.
    correlated: Vec<StyleLayer>,
    /// The mean of each statistic, for standardising it.
    mean: Tensor,
    /// The deviation of each statistic, for standardising it.
    deviation: Tensor,
    /// Standardised statistics are cut off at plus and minus this, so that an unusual picture does
    /// not dominate.
    limit: Option<f64>,
    /// The linear layers of the network. A GELU is between each two.
    linears: Vec<Linear>,
    fingerprint: String,
}

impl StyleHead {
    /// Reads the head of a tower from a file. `layer` finds a layer of the tower by its name, and
    /// `outputs` is the length of the vectors.
    ///
    /// # Errors
    /// [`ClipError::StyleHead`] with the reason why the file does not fit, and the errors of
    /// reading the weights.
    pub fn load(
        path: &Path,
        layer: impl Fn(&str) -> Option<StyleLayer>,
        outputs: i64,
        device: Device,
    ) -> Result<Self> {
        let error = |reason: String| ClipError::StyleHead {
            path: path.to_owned(),
            reason,
        };
        let file = WeightsFile::open(path)?;
        let metadata = file.metadata()?;
        for (name, value) in UNDERSTOOD {
            let found = metadata.get(name).map_or("", String::as_str);
            if found != value {
                return Err(error(format!("its {name} is \"{found}\", not \"{value}\"")));
            }
        }
        let limit = match metadata.get("clamp") {
            None => None,
            Some(text) => match text.parse::<f64>() {
                Ok(limit) if limit > 0.0 => Some(limit),
                _ => {
                    return Err(error(format!(
                        "its clamp is \"{text}\", not a positive number"
                    )));
                }
            },
        };
        let read_layers = |key: &str| {
            let names = metadata.get(key).map_or("", String::as_str);
            let layers: Vec<StyleLayer> = names
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| {
                    let missing = || error(format!("the model has no layer \"{name}\""));
                    layer(name).ok_or_else(missing)
                })
                .collect::<Result<_>>()?;
            if layers.is_sorted_by(|left, right| left.number < right.number) {
                return Ok(layers);
            }
            Err(error(format!(
                "its {key} {names} are not in the model's order"
            )))
        };
        let (layers, correlated) = (read_layers("layers")?, read_layers("correlations")?);
        if let Some(other) = correlated.iter().find(|layer| !layers.contains(layer)) {
            return Err(error(format!(
                "it correlates layer {}, which is none of its layers",
                other.number
            )));
        }
        let inputs = layers.iter().map(|layer| 2 * layer.channels).sum::<i64>()
            + correlated.iter().map(|layer| layer.pairs()).sum::<i64>();
        let widths = widths(&file, inputs)?;
        if widths.last() != Some(&outputs) {
            return Err(error(format!(
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
            correlated,
            mean,
            deviation,
            limit,
            linears,
            fingerprint: file.fingerprint(b"style"),
        })
    }

    /// Returns the SHA-256 (hex) of `style` followed by the file.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// What makes style vectors from the layers of a tower.
pub trait LayerStyle {
    /// Whether the statistics of this layer are used.
    fn uses(&self, number: usize) -> bool;

    /// Whether no layer after this one is used.
    fn ends_at(&self, number: usize) -> bool;

    /// Computes the statistics of a layer's output that [`LayerStyle::forward`] needs.
    fn statistics(&self, number: usize, x: &Tensor) -> Result<LayerStatistics>;

    /// Turns the statistics of all used layers, in the order of the tower, into style vectors: fp32
    /// `[batch, outputs]`.
    fn forward(&self, statistics: &[LayerStatistics]) -> Result<Tensor>;
}

impl LayerStyle for StyleHead {
    fn uses(&self, number: usize) -> bool {
        self.layers.iter().any(|layer| layer.number == number)
    }

    fn statistics(&self, number: usize, x: &Tensor) -> Result<LayerStatistics> {
        let is_correlated = self.correlated.iter().any(|layer| layer.number == number);
        statistics(x, is_correlated)
    }

    fn ends_at(&self, number: usize) -> bool {
        self.layers
            .last()
            .is_none_or(|layer| layer.number <= number)
    }

    fn forward(&self, statistics: &[LayerStatistics]) -> Result<Tensor> {
        let moments = statistics.iter().map(|layer| &layer.moments);
        let correlations = statistics
            .iter()
            .filter_map(|layer| layer.correlations.as_ref());
        let all: Vec<&Tensor> = moments.chain(correlations).collect();
        let mut x = Tensor::f_cat(&all, 1)?
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

/// Returns the width after each linear layer of the file: `0.weight`, `1.weight` and so on.
fn widths(file: &WeightsFile, inputs: i64) -> Result<Vec<i64>> {
    let mut widths = Vec::new();
    while let Some(shape) = file.shape(&format!("{}.weight", widths.len()))? {
        match shape[..] {
            [outputs, width] if width == *widths.last().unwrap_or(&inputs) => widths.push(outputs),
            // The caller reports what does not fit.
            _ => break,
        }
    }
    Ok(widths)
}

/// The statistics of one layer's output, in fp32.
pub struct LayerStatistics {
    /// The means of all channels, then their deviations: `[batch, 2 * channels]`.
    moments: Tensor,
    /// The correlations of the pairs of channels `i < j`, row by row: `[batch, pairs]`. `None` if
    /// the head does not use them.
    correlations: Option<Tensor>,
}

impl LayerStatistics {
    /// The means of all channels, then their deviations: `[batch, 2 * channels]`.
    pub fn moments(&self) -> &Tensor {
        &self.moments
    }
}

/// Computes the statistics of a layer over all positions. `x` is the layer's output:
/// `[batch, channels, height, width]` or `[batch, positions, channels]`.
pub fn statistics(x: &Tensor, is_correlated: bool) -> Result<LayerStatistics> {
    let x = x.f_to_kind(Kind::Float)?;
    let channels_first = if x.dim() == 4 {
        x.f_flatten(2, 3)?
    } else {
        x.f_transpose(1, 2)?
    };
    let mean = channels_first.f_mean_dim(2, true, None::<Kind>)?;
    let deviation = channels_first
        .f_var_dim(2, false, true)?
        .f_add_scalar(EPSILON)?
        .f_sqrt()?;
    let correlations = is_correlated
        .then(|| correlations(&channels_first.f_sub(&mean)?.f_div(&deviation)?))
        .transpose()?;
    Ok(LayerStatistics {
        moments: Tensor::f_cat(&[mean, deviation], 1)?.f_squeeze_dim(2)?,
        correlations,
    })
}

/// Computes the correlation of each pair of channels. `standardised` is
/// `[batch, channels, positions]`.
fn correlations(standardised: &Tensor) -> Result<Tensor> {
    let size = standardised.size();
    let (channels, positions) = (size[1], size[2]);
    let products = standardised
        .f_bmm(&standardised.f_transpose(1, 2)?)?
        .f_div_scalar(positions as f64)?
        .f_flatten(1, 2)?;
    let pairs: Vec<i64> = (0..channels)
        .flat_map(|row| (row + 1..channels).map(move |column| row * channels + column))
        .collect();
    let pairs = Tensor::f_from_slice(&pairs)?.f_to_device(products.device())?;
    Ok(products.f_index_select(1, &pairs)?)
}
