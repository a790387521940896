//! From evidence to probabilities, fitted on the gallery's own tagged pictures.

use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use crate::evidence::{SeenFeatures, UnseenFeatures};
use crate::isotonic::Isotonic;
use crate::logistic::Logistic;

/// The name of the note that a calibration is stored as.
pub const NOTE: &str = "tag_calibration";
/// The fewest tagged pictures that tags can be learned from. With 200, a stated 0.9 was right in 87
/// to 91 of 100 cases; with 100, a stated 0.87 in 83, and a stated 1 in 91.
pub(crate) const FEWEST: u64 = 200;
/// Parts of the cross-validation.
const FOLDS: usize = 5;

/// A regression and its correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fitted {
    logistic: Logistic,
    isotonic: Isotonic,
}

/// An example: the picture that it is about, the evidence, and whether the tag is right.
pub(crate) struct Example<const N: usize> {
    pub(crate) picture: usize,
    pub(crate) features: [f64; N],
    pub(crate) right: bool,
}

impl Fitted {
    /// Fits both. The correction is fitted to what regressions state about pictures that they were
    /// not fitted to.
    pub(crate) fn fit<const N: usize>(examples: &[Example<N>]) -> Self {
        let chosen = |within: &dyn Fn(usize) -> bool| -> Vec<([f64; N], bool)> {
            let chosen = examples.iter().filter(|example| within(example.picture));
            chosen
                .map(|example| (example.features, example.right))
                .collect()
        };
        let mut stated = Vec::with_capacity(examples.len());
        for fold in 0..FOLDS {
            let others = Logistic::fit(&chosen(&|picture| picture % FOLDS != fold));
            let held_out = chosen(&|picture| picture % FOLDS == fold);
            stated.extend(
                held_out
                    .iter()
                    .map(|(features, right)| (others.odds(features), *right)),
            );
        }
        Self {
            logistic: Logistic::fit(&chosen(&|_| true)),
            isotonic: Isotonic::fit(&stated),
        }
    }

    /// The probability that a tag with this evidence is right, in steps of a thousandth.
    pub(crate) fn probability(&self, features: &[f64]) -> f64 {
        let stated = self.isotonic.probability(self.logistic.odds(features));
        (stated * 1000.0).round() / 1000.0
    }
}

/// How evidence becomes probabilities, for one model and one gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The fingerprint of the model.
    pub fingerprint: String,
    /// How many pictures of the gallery had tags.
    pub tagged: u64,
    /// How many of them it was fitted on.
    pub pictures: usize,
    /// The number of comparisons of a picture with a tag.
    pub pairs: usize,
    /// The highest probability that words get which no picture has as a tag.
    pub most_for_new_words: f64,
    pub(crate) seen: Fitted,
    pub(crate) unseen: Fitted,
}

impl Calibration {
    pub(crate) fn fit(
        fingerprint: &str,
        (tagged, pictures): (u64, usize),
        seen: &[Example<4>],
        unseen: &[Example<2>],
    ) -> Self {
        let fitted = Fitted::fit(unseen);
        let most = unseen.iter().map(|one| fitted.probability(&one.features));
        Self {
            fingerprint: fingerprint.to_owned(),
            tagged,
            pictures,
            pairs: seen.len(),
            most_for_new_words: most.fold(0.0, f64::max),
            seen: Fitted::fit(seen),
            unseen: fitted,
        }
    }

    pub(crate) fn of_seen(&self, features: &SeenFeatures) -> f64 {
        self.seen.probability(features)
    }

    pub(crate) fn of_unseen(&self, features: &UnseenFeatures) -> f64 {
        self.unseen.probability(features)
    }
}

/// Refuses a gallery with too few tagged pictures.
pub(crate) fn check_enough(tagged: u64) -> Result<()> {
    if tagged >= FEWEST {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        format!(
            "only {tagged} pictures of the gallery have tags, but tags are learned from at least \
             {FEWEST}: tag more pictures, or fill text vectors with `clippy backfill --which text \
             --manifest M.jsonl`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logistic::probability;

    /// Pseudo-random numbers in 0..1.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// Examples whose truth depends on the evidence in a way that a regression cannot express.
    fn examples(random: &mut Random, count: usize) -> Vec<Example<4>> {
        (0..count)
            .map(|number| {
                let features = [(); 4].map(|()| random.next() * 6.0 - 3.0);
                let odds = 1.4 * features[0] + 0.6 * features[1].max(0.0) * features[2] - 1.0;
                Example {
                    picture: number / 20,
                    features,
                    right: random.next() < 0.97 * probability(odds),
                }
            })
            .collect()
    }

    #[test]
    fn a_stated_nine_tenths_is_right_nine_times_in_ten() {
        let mut random = Random(1);
        let fitted = Fitted::fit(&examples(&mut random, 40_000));
        let fresh = examples(&mut random, 40_000);
        for (low, high) in [(0.45, 0.55), (0.65, 0.75), (0.85, 0.95)] {
            let stated: Vec<(f64, bool)> = fresh
                .iter()
                .map(|one| (fitted.probability(&one.features), one.right))
                .filter(|(stated, _)| (low..high).contains(stated))
                .collect();
            let right = stated.iter().filter(|(_, right)| *right).count() as f64;
            let (count, middle) = (stated.len() as f64, f64::midpoint(low, high));
            assert!(count > 300.0, "{count}");
            assert!(
                (right / count - middle).abs() < 0.05,
                "{middle}: {}",
                right / count
            );
        }
    }

    #[test]
    fn the_same_examples_give_the_same_calibration_and_it_survives_as_a_note() {
        let made = || {
            let unseen: Vec<Example<2>> = examples(&mut Random(4), 2_000)
                .iter()
                .map(|one| Example {
                    picture: one.picture,
                    features: [one.features[0], one.features[1]],
                    right: one.right,
                })
                .collect();
            let seen = examples(&mut Random(3), 2_000);
            Calibration::fit("model", (300, 100), &seen, &unseen)
        };
        let note = serde_json::to_value(made()).expect("JSON");
        assert!(note.to_string().len() < clippy_core::gallery::LONGEST_NOTE);
        let read: Calibration = serde_json::from_value(note).expect("read");
        assert_eq!(read, made());
    }

    #[test]
    fn too_few_tagged_pictures_are_refused() {
        assert!(check_enough(FEWEST).is_ok());
        let error = check_enough(FEWEST - 1).expect_err("too few");
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(error.message.contains("199"), "{}", error.message);
    }
}
