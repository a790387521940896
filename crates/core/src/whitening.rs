//! Whitens style vectors that need no training: statistics of a model's early layers.
//!
//! Such statistics are nearly the same for all pictures of a collection, so their cosines say
//! little. A sample of the collection's own pictures gives the mean and the deviation of each
//! value. A picture's style vector is its difference from the mean, in units of the deviation.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::embedding::Embedding;

/// The fewest pictures that a whitening is fitted on.
pub const FEWEST_PICTURES: usize = 32;
/// The most pictures that a whitening is fitted on.
pub const MOST_PICTURES: usize = 512;
/// Values are cut off at plus and minus this many deviations, so that one unusual value does not
/// dominate a vector.
const LIMIT: f32 = 3.0;
/// This share of the mean deviation is added to each one, so that a value that is almost constant
/// in the sample is not amplified.
const DAMPING: f32 = 0.01;

/// The mean and the deviation of each value of a sample. Vectors of two whitenings cannot be
/// compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Whitening {
    /// [`crate::embedding::ModelInfo::style`] of the model that made the sample.
    statistics: String,
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Whitening {
    /// Fits a whitening on a sample. Returns `None` for fewer than [`FEWEST_PICTURES`] vectors,
    /// and for a sample whose vectors are all the same.
    #[must_use]
    pub fn fit(statistics: &str, sample: &[Embedding]) -> Option<Self> {
        let dimension = sample.first()?.len();
        let fits = sample.iter().all(|vector| vector.len() == dimension);
        if sample.len() < FEWEST_PICTURES || !fits {
            return None;
        }
        let count = sample.len() as f64;
        let mut mean = vec![0.0_f64; dimension];
        for vector in sample {
            for (sum, value) in mean.iter_mut().zip(vector) {
                *sum += f64::from(*value) / count;
            }
        }
        let mut variance = vec![0.0_f64; dimension];
        for vector in sample {
            for ((sum, value), mean) in variance.iter_mut().zip(vector).zip(&mean) {
                *sum += (f64::from(*value) - mean).powi(2) / count;
            }
        }
        let deviation: Vec<f32> = variance.iter().map(|square| square.sqrt() as f32).collect();
        if deviation.iter().all(|deviation| *deviation < f32::EPSILON) {
            return None;
        }
        Some(Self {
            statistics: statistics.to_owned(),
            mean: mean.into_iter().map(|value| value as f32).collect(),
            deviation,
        })
    }

    /// Turns the statistics of a picture into its style vector, of unit length. A picture that is
    /// exactly the mean has no style, and gets zeros.
    #[must_use]
    pub fn apply(&self, statistics: &[f32]) -> Embedding {
        let mean_deviation = self.deviation.iter().sum::<f32>() / self.deviation.len() as f32;
        let damping = (DAMPING * mean_deviation).max(f32::MIN_POSITIVE);
        let mut vector: Embedding = statistics
            .iter()
            .zip(self.mean.iter().zip(&self.deviation))
            .map(|(value, (mean, deviation))| {
                ((value - mean) / (deviation + damping)).clamp(-LIMIT, LIMIT)
            })
            .collect();
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
        }
        vector
    }

    /// Whether this whitening is of the statistics with this fingerprint.
    #[must_use]
    pub fn is_of(&self, statistics: &str) -> bool {
        self.statistics == statistics
    }

    /// The fingerprint of the style vectors that it makes: SHA-256 (hex) of everything it holds.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.statistics.as_bytes());
        hash.update(bytes_of(&self.mean));
        hash.update(bytes_of(&self.deviation));
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Writes it as the fields of a note.
    pub(crate) fn to_note(&self) -> Value {
        json!({
            "head": self.fingerprint(),
            "statistics": self.statistics,
            "mean": STANDARD.encode(bytes_of(&self.mean)),
            "deviation": STANDARD.encode(bytes_of(&self.deviation)),
        })
    }

    /// Reads it from a note; `None` for a note without one, and for a damaged one.
    pub(crate) fn of_note(note: &Value) -> Option<Arc<Self>> {
        let text = |name: &str| note.get(name).and_then(Value::as_str);
        let whitening = Self {
            statistics: text("statistics")?.to_owned(),
            mean: floats_of(text("mean")?)?,
            deviation: floats_of(text("deviation")?)?,
        };
        let fits = whitening.mean.len() == whitening.deviation.len()
            && text("head") == Some(whitening.fingerprint().as_str());
        fits.then(|| Arc::new(whitening))
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn floats_of(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (values, rest) = bytes.as_chunks::<4>();
    let read = values.iter().map(|bytes| f32::from_le_bytes(*bytes));
    rest.is_empty().then(|| read.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors around a large common offset. Odd and even ones differ in a small value only.
    fn sample(count: usize) -> Vec<Embedding> {
        let vector = |number: usize| {
            let side = if number.is_multiple_of(2) { 1.0 } else { -1.0 };
            let noise = (number * 7 % 5) as f32 * 1e-4;
            vec![10.0, -3.0 + side * 1e-3, 0.5 + noise, 2.0]
        };
        (0..count).map(vector).collect()
    }

    fn cosine(left: &[f32], right: &[f32]) -> f32 {
        left.iter()
            .zip(right)
            .map(|(left, right)| left * right)
            .sum()
    }

    #[test]
    fn a_whitening_shows_what_the_offset_hides() {
        let sample = sample(40);
        let whitening = Whitening::fit("statistics-a", &sample).expect("enough pictures");
        let made: Vec<Embedding> = sample.iter().map(|raw| whitening.apply(raw)).collect();
        for vector in &made {
            let length = cosine(vector, vector).sqrt();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
        // 0 and 10 are equal, and 0 and 5 differ in the small value alone.
        assert!(cosine(&made[0], &made[10]) > 0.999);
        assert!(cosine(&made[0], &made[5]) < 0.5);
        assert_eq!(whitening.apply(&sample[3]), made[3]);
    }

    #[test]
    fn a_note_holds_all_of_it_and_a_damaged_one_is_none() {
        let whitening = Whitening::fit("statistics-a", &sample(40)).expect("enough pictures");
        let note = whitening.to_note();
        assert_eq!(Whitening::of_note(&note).as_deref(), Some(&whitening));
        let mut damaged = note.clone();
        damaged["deviation"] = note["mean"].clone();
        assert_eq!(Whitening::of_note(&damaged), None);
        assert_eq!(Whitening::of_note(&json!({"head": "trained"})), None);
        // The largest models have 1,280 values, and a note has a limit.
        let large: Vec<Embedding> = (0..40)
            .map(|row| (0..2_048).map(|value| (row * value % 97) as f32).collect())
            .collect();
        let large = Whitening::fit("statistics-a", &large).expect("enough pictures");
        crate::gallery::check_note("style_model", &large.to_note()).expect("it is kept");
    }

    #[test]
    fn another_sample_or_other_statistics_have_another_fingerprint() {
        let of = |statistics, count| Whitening::fit(statistics, &sample(count)).expect("enough");
        let one = of("statistics-a", 40);
        assert_eq!(one.fingerprint(), of("statistics-a", 40).fingerprint());
        assert_ne!(one.fingerprint(), of("statistics-b", 40).fingerprint());
        assert_ne!(one.fingerprint(), of("statistics-a", 41).fingerprint());
    }

    #[test]
    fn too_few_pictures_or_equal_ones_give_none() {
        assert_eq!(Whitening::fit("a", &sample(FEWEST_PICTURES - 1)), None);
        assert_eq!(Whitening::fit("a", &vec![vec![0.25; 4]; 64]), None);
        assert_eq!(Whitening::fit("a", &[]), None);
    }
}
