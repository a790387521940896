//! Computes style vectors without training: the statistics of early layers, compressed.
//!
//! The statistics are the mean and the deviation of each channel of a few layers. A count sketch
//! compresses them to as many values as the model's embeddings have: each statistic gets a sign,
//! and is added to one of the values. So a channel of large numbers dominates only a few values.
//! The sign and the place of a statistic depend only on its number, so the same model always makes
//! the same vectors. A collection whitens them.

use clippy_core::embedding::STATISTICS;
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use super::style::{LayerStatistics, LayerStyle, StyleLayer, statistics};
use crate::error::Result;

/// The layers that are used, of those that a tower has.
pub const LAYERS: [&str; 6] = ["stem", "block1", "block2", "block3", "layer1", "layer2"];
/// A part of the fingerprint. Change it when the vectors change.
const VERSION: &str = "1";

/// The compressed statistics of a tower's early layers.
pub struct CountSketch {
    layers: Vec<StyleLayer>,
    /// For each statistic, the place of the value that it is added to.
    places: Tensor,
    /// For each statistic, its sign.
    signs: Tensor,
    outputs: i64,
    fingerprint: String,
}

impl CountSketch {
    /// Makes the sketch of a tower. `layer` finds a layer of the tower by its name, `outputs` is
    /// the length of the vectors, and `model` is the fingerprint of the model.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn new(
        layer: impl Fn(&str) -> Option<StyleLayer>,
        outputs: i64,
        model: &str,
        device: Device,
    ) -> Result<Self> {
        let layers: Vec<StyleLayer> = LAYERS.into_iter().filter_map(layer).collect();
        let count = layers.iter().map(|layer| 2 * layer.channels).sum::<i64>();
        let (mut places, mut signs) = (Vec::new(), Vec::new());
        for number in 0..count.unsigned_abs() {
            let mixed = mix(number);
            let place = (mixed >> 1) % outputs.unsigned_abs();
            places.push(i64::try_from(place).unwrap_or_default());
            signs.push(if mixed & 1 == 0 { 1.0_f32 } else { -1.0 });
        }
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(LAYERS.join(","));
        hash.update(model);
        Ok(Self {
            layers,
            places: Tensor::f_from_slice(&places)?.f_to_device(device)?,
            signs: Tensor::f_from_slice(&signs)?.f_to_device(device)?,
            outputs,
            fingerprint: format!("{STATISTICS}{}", hex::encode(hash.finalize())),
        })
    }

    /// The fingerprint of the vectors.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl LayerStyle for CountSketch {
    fn uses(&self, number: usize) -> bool {
        self.layers.iter().any(|layer| layer.number == number)
    }

    fn ends_at(&self, number: usize) -> bool {
        self.layers
            .last()
            .is_none_or(|layer| layer.number <= number)
    }

    fn statistics(&self, _: usize, x: &Tensor) -> Result<LayerStatistics> {
        statistics(x, false)
    }

    fn forward(&self, statistics: &[LayerStatistics]) -> Result<Tensor> {
        // Each layer counts the same, whatever the size of its numbers.
        let layers: Vec<Tensor> = statistics
            .iter()
            .map(|layer| super::layers::to_unit_length(layer.moments()))
            .collect::<Result<_>>()?;
        let all = Tensor::f_cat(&layers, 1)?.f_mul(&self.signs)?;
        let shape = [all.size()[0], self.outputs];
        let values = Tensor::f_zeros(shape, (Kind::Float, all.device()))?;
        Ok(values.f_index_add(1, &self.places, &all)?)
    }
}

/// Returns a pseudo-random number for each number (SplitMix64).
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
