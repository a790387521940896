//! Calibration: how a cosine compares with the cosines that the same probe has with randomly chosen
//! pictures.
//!
//! A cosine of 0.4 is high between words and pictures, and low between two drawings. So a sample of
//! the collection is kept, and every probe of a query is compared with it first. The mean and the
//! standard deviation of those cosines are the *level* of the probe, whatever it is made of (a
//! sketch has lower cosines with all pictures than a picture has). A curve, measured once over all
//! pairs of the sample, says how often a cosine lies so many deviations above the mean. Sample and
//! curves are a note of the collection ([`NOTE`]); `clippy calibrate` replaces them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::product;
use crate::gallery::{PerSpace, Point, Probe, Vectors};
use crate::ids::PointId;
use crate::{Error, ErrorCode};

/// The name of the collection's note that holds a [`Calibration`].
pub const NOTE: &str = "calibration";
/// The size of the sample: enough for a mean within a twentieth of a deviation.
pub const SAMPLE: usize = 512;
/// A space with fewer vectors in the sample has no background.
pub const FEWEST: usize = 16;
/// The number of deviations that count as much as tags with all words of the query. Measured in
/// docs/search.md: from 20 to 48 the ranking is the same.
pub const FULL_MATCH: f32 = 24.0;
/// Version of the note's form; another one is not read.
const VERSION: u32 = 1;

/// The shares of pairs at which a curve is kept.
const SHARES: [f32; 21] = [
    0.0005, 0.002, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99,
    0.995, 0.998, 0.999, 0.9995, 0.9998,
];

/// The calibration of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    version: u32,
    /// Fingerprint of the model whose vectors were sampled.
    pub fingerprint: String,
    /// How many points the collection had then.
    pub points: u64,
    /// The points of the sample.
    pub sample: Vec<PointId>,
    /// What was measured in each space; `None` where too few points have a vector.
    pub spaces: PerSpace<Option<Background>>,
}

/// The distribution of the cosines between any two pictures of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// How many of the sample's points have a vector here.
    pub vectors: usize,
    /// Mean of the cosines.
    pub mean: f32,
    /// Their standard deviation.
    pub deviation: f32,
    /// For each share of pairs, from low to high: that share of the cosines lies less than this
    /// many deviations above the mean of its picture.
    pub curve: Vec<f32>,
}

impl Background {
    fn is_sound(&self) -> bool {
        self.curve.len() == SHARES.len()
            && self.curve.iter().all(|value| value.is_finite())
            && self.curve.is_sorted_by(|left, right| left < right)
    }

    /// The share of pictures that lie lower than `deviations` above the mean, in 0..1. Rises
    /// strictly, up to rounding.
    #[must_use]
    pub fn percentile(&self, deviations: f32) -> f32 {
        let (curve, last) = (&self.curve, SHARES.len() - 1);
        let place = curve.partition_point(|value| *value <= deviations);
        // Beyond its ends the curve falls off as between its last two values, exponentially.
        if place == 0 {
            let rate = (SHARES[1] / SHARES[0]).ln() / (curve[1] - curve[0]);
            return SHARES[0] * ((deviations - curve[0]) * rate).exp();
        }
        if place > last {
            let rate = ((1.0 - SHARES[last - 1]) / (1.0 - SHARES[last])).ln()
                / (curve[last] - curve[last - 1]);
            return 1.0 - (1.0 - SHARES[last]) * (-(deviations - curve[last]) * rate).exp();
        }
        let part = (deviations - curve[place - 1]) / (curve[place] - curve[place - 1]);
        SHARES[place - 1] + part * (SHARES[place] - SHARES[place - 1])
    }
}

/// A calibration with the vectors of its sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// What was measured.
    pub calibration: Calibration,
    vectors: Arc<Vec<Vectors>>,
}

/// The level of a probe: the distribution of its cosines with ordinary pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Mean.
    pub mean: f32,
    /// Standard deviation, above 0.
    pub deviation: f32,
}

impl Level {
    fn of(values: &[f32]) -> Option<Self> {
        if values.len() < FEWEST {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let variance = values
            .iter()
            .map(|value| (f64::from(*value) - mean).powi(2))
            .sum::<f64>()
            / count;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "cosines, and as exact as they are"
        )]
        let level = Self {
            mean: mean as f32,
            deviation: variance.sqrt() as f32,
        };
        // Identical pictures have no spread to measure by.
        (level.deviation > 1e-4).then_some(level)
    }

    /// How many deviations above the mean a value lies.
    #[must_use]
    pub fn deviations(&self, value: f32) -> f32 {
        (value - self.mean) / self.deviation
    }
}

/// The backgrounds of one query: for each probe, where the cosines of randomly chosen pictures lie.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryBackground {
    probes: Vec<Option<(Level, Background)>>,
    /// The sample's cosines with each probe, for backgrounds of sums.
    cosines: Vec<Vec<Option<f32>>>,
}

impl QueryBackground {
    /// The level of a probe; `None` when too few pictures of the sample have a vector there.
    #[must_use]
    pub fn level(&self, probe: usize) -> Option<Level> {
        let (level, _) = self.probes.get(probe)?.as_ref()?;
        Some(*level)
    }

    /// The share of the collection with a lower cosine, for each probe with a background.
    #[must_use]
    pub fn percentiles(&self, scores: &[Option<f32>]) -> Vec<Option<f32>> {
        let percentile = |(known, score): (&Option<(Level, Background)>, &Option<f32>)| {
            let (level, background) = known.as_ref()?;
            Some(background.percentile(level.deviations((*score)?)))
        };
        self.probes.iter().zip(scores).map(percentile).collect()
    }

    /// The worth of a cosine in a ranking: how many deviations it lies above the level of its
    /// probe, in units of [`FULL_MATCH`]. It is linear, so the order within a probe stays.
    #[must_use]
    pub fn worth(&self, probe: usize, score: f32) -> Option<f32> {
        Some(self.level(probe)?.deviations(score) / FULL_MATCH)
    }

    /// The worth of a difference of two cosines, as in [`QueryBackground::worth`]; 0 without a
    /// background.
    #[must_use]
    pub fn worth_of_difference(&self, probe: usize, difference: f32) -> f32 {
        self.level(probe)
            .map_or(0.0, |level| difference / level.deviation / FULL_MATCH)
    }

    /// The background of a sum of scores: the values of `total` over the sample.
    ///
    /// `weights` say how much each probe counts. `None` when no probe with a weight has a
    /// background.
    #[must_use]
    pub fn of_total(
        &self,
        weights: &[f32],
        total: impl Fn(&[Option<f32>]) -> f32,
    ) -> Option<TotalBackground> {
        let totals: Vec<f32> = self.cosines.iter().map(|cosines| total(cosines)).collect();
        let level = Level::of(&totals)?;
        let curves: Vec<(f32, Background)> = self
            .probes
            .iter()
            .zip(weights)
            .filter_map(|(known, weight)| Some((*weight, known.as_ref()?.1.clone())))
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        let sum = curves.iter().map(|(weight, _)| weight).sum::<f32>();
        (sum > 0.0).then_some(TotalBackground { level, curves, sum })
    }
}

/// The distribution of the totals of ordinary pictures, for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct TotalBackground {
    level: Level,
    curves: Vec<(f32, Background)>,
    sum: f32,
}

impl TotalBackground {
    /// The share of the collection whose total is lower.
    #[must_use]
    pub fn percentile(&self, total: f32) -> f32 {
        let deviations = self.level.deviations(total);
        self.curves
            .iter()
            .map(|(weight, curve)| weight * curve.percentile(deviations))
            .sum::<f32>()
            / self.sum
    }
}

impl Sampled {
    /// Joins the calibration of a note with the points of its sample that still exist.
    #[must_use]
    pub fn new(calibration: Calibration, sample: Vec<Point>) -> Self {
        let vectors = Arc::new(sample.into_iter().map(|point| point.vectors).collect());
        Self {
            calibration,
            vectors,
        }
    }

    /// Measures a sample of a collection of `points` points that this model filled; `None` when it
    /// is too small. Compares all pairs, which takes a good part of a second: not for an async
    /// thread.
    #[must_use]
    pub fn measure(fingerprint: String, points: u64, sample: Vec<Point>) -> Option<Self> {
        let ids: Vec<PointId> = sample.iter().map(|point| point.id).collect();
        let vectors: Vec<Vectors> = sample.into_iter().map(|point| point.vectors).collect();
        let spaces = PerSpace::from_fn(|space| {
            let of_space: Vec<&[f32]> = vectors
                .iter()
                .filter_map(|vectors| vectors.get(space).as_deref())
                .collect();
            measure_space(&of_space)
        });
        if spaces.iter().all(|(_, background)| background.is_none()) {
            return None;
        }
        let calibration = Calibration {
            version: VERSION,
            fingerprint,
            points,
            sample: ids,
            spaces,
        };
        Some(Self {
            calibration,
            vectors: Arc::new(vectors),
        })
    }

    /// The background of one query, from its probes.
    #[must_use]
    pub fn background(&self, probes: &[Probe]) -> QueryBackground {
        let cosine = |probe: &Probe, stored: &Vectors| {
            let stored = stored.get(probe.space()).as_ref()?;
            // The lengths differ for a moment after a switch to another model, until the sample is
            // read again.
            (probe.vector.len() == stored.len()).then(|| product(&probe.vector, stored))
        };
        let cosines: Vec<Vec<Option<f32>>> = self
            .vectors
            .iter()
            .map(|stored| probes.iter().map(|probe| cosine(probe, stored)).collect())
            .collect();
        let background = |(index, probe): (usize, &Probe)| {
            let background = self.calibration.spaces.get(probe.space()).clone()?;
            let known: Vec<f32> = cosines
                .iter()
                .filter_map(|cosines| cosines[index])
                .collect();
            Some((Level::of(&known)?, background))
        };
        let probes = probes.iter().enumerate().map(background).collect();
        QueryBackground { probes, cosines }
    }
}

impl Calibration {
    /// Reads a collection's note. `None` for another version and for an unreadable note: both are
    /// replaced.
    #[must_use]
    pub fn read(note: Value) -> Option<Self> {
        let found: Self = serde_json::from_value(note).ok()?;
        let sound = found
            .spaces
            .iter()
            .all(|(_, background)| background.as_ref().is_none_or(Background::is_sound));
        (found.version == VERSION && sound).then_some(found)
    }

    /// Whether the collection has grown or shrunk so much since that it should be sampled again.
    #[must_use]
    pub fn is_outgrown(&self, points: u64) -> bool {
        points.abs_diff(self.points) * 5 > self.points
    }
}

/// Why a collection has no background.
#[must_use]
pub fn too_few() -> Error {
    Error::new(
        ErrorCode::Unsupported,
        format!(
            "scores cannot be calibrated: the collection has fewer than {FEWEST} pictures with \
             vectors that differ"
        ),
    )
}

/// Chooses ids: those with the lowest hashes. This is as good as a random choice, and the same on
/// every engine.
#[derive(Debug)]
pub struct SampleDraw {
    size: usize,
    kept: Vec<(u64, PointId)>,
}

impl Default for SampleDraw {
    /// Chooses [`SAMPLE`] ids.
    fn default() -> Self {
        Self::of_size(SAMPLE)
    }
}

impl SampleDraw {
    /// Chooses up to `size` ids.
    #[must_use]
    pub fn of_size(size: usize) -> Self {
        Self {
            size,
            kept: Vec::new(),
        }
    }

    /// Offers more ids to choose from.
    pub fn offer(&mut self, ids: impl Iterator<Item = PointId>) {
        self.kept.extend(ids.map(|id| (hash_of(id), id)));
        self.kept.sort_unstable();
        self.kept.truncate(self.size);
    }

    /// The chosen ids.
    #[must_use]
    pub fn chosen(self) -> Vec<PointId> {
        self.kept.into_iter().map(|(_, id)| id).collect()
    }
}

/// Hashes an id: SplitMix64's final step over its bits.
fn hash_of(id: PointId) -> u64 {
    let bits = match id {
        PointId::Number(number) => number,
        PointId::Uuid(uuid) => {
            let (high, low) = uuid.as_u64_pair();
            high.rotate_left(32) ^ low
        }
    };
    let mut mixed = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The background of a space, from all pairs of these vectors.
fn measure_space(vectors: &[&[f32]]) -> Option<Background> {
    if vectors.len() < FEWEST {
        return None;
    }
    let mut all = Vec::with_capacity(vectors.len() * (vectors.len() - 1));
    let mut deviations = Vec::with_capacity(all.capacity());
    for (index, vector) in vectors.iter().enumerate() {
        let others = vectors
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let cosines: Vec<f32> = others.map(|(_, other)| product(vector, other)).collect();
        if let Some(level) = Level::of(&cosines) {
            deviations.extend(cosines.iter().map(|cosine| level.deviations(*cosine)));
        }
        all.extend(cosines);
    }
    let level = Level::of(&all)?;
    deviations.sort_unstable_by(f32::total_cmp);
    let mut curve = Vec::with_capacity(SHARES.len());
    for share in SHARES {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let place = (f64::from(share) * (deviations.len().checked_sub(1)?) as f64).round() as usize;
        let value = deviations[place];
        // Strictly rising, also where a small sample has no value between two shares.
        curve.push(
            curve
                .last()
                .map_or(value, |last: &f32| value.max(last + 1e-3)),
        );
    }
    Some(Background {
        vectors: vectors.len(),
        mean: level.mean,
        deviation: level.deviation,
        curve,
    })
}

#[cfg(test)]
mod tests;
