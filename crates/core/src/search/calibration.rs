//! What a cosine is worth: how it stands among the cosines that the same query has with pictures
//! chosen blindly.
//!
//! A cosine of 0.4 is a lot between words and pictures, and nothing between two drawings. So a
//! sample of the collection is kept, and a query is compared with it first: mean and deviation of
//! those cosines say where the query's ordinary pictures lie, whatever the query is made of (a
//! sketch is further from all pictures than a picture is). How often a cosine lies so many
//! deviations above the mean is read from a curve, which is measured once over all pairs of the
//! sample. Sample and curves are a note of the collection ([`NOTE`]); `clippy calibrate` makes them
//! anew.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::product;
use crate::gallery::{PerSpace, Point, Space, Vectors};
use crate::ids::PointId;
use crate::{Error, ErrorCode};

/// The name of the collection's note that holds a [`Calibration`].
pub const NOTE: &str = "calibration";
/// How many points are sampled: enough for a mean within a twentieth of a deviation.
pub const SAMPLE: usize = 512;
/// With fewer vectors in a space nothing is said of it.
pub const FEWEST: usize = 16;
/// How many deviations of the text space are worth as much as tags that hold all of the query's
/// words. Measured in docs/search.md: the ranking is the same from 20 to 48.
pub const FULL_MATCH: f32 = 24.0;
/// Version of the note's form; another one is not read.
const VERSION: u32 = 1;

/// The shares of pairs at which a curve is kept.
const SHARES: [f32; 21] = [
    0.0005, 0.002, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99,
    0.995, 0.998, 0.999, 0.9995, 0.9998,
];

/// What a collection's scores are calibrated by.
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

/// How the cosines between any two pictures of a space lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// How many of the sample's points have a vector here.
    pub vectors: usize,
    /// Mean of the cosines.
    pub mean: f32,
    /// Their standard deviation.
    pub deviation: f32,
    /// For each of the shares of pairs, from low to high: below how many deviations above its
    /// picture's mean a cosine lies that often.
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

/// Where a query's ordinary cosines lie, in one space.
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
        // Pictures that are all the same have no background to stand out from.
        (level.deviation > 1e-4).then_some(level)
    }

    /// How many deviations above the mean a value lies.
    #[must_use]
    pub fn deviations(&self, value: f32) -> f32 {
        (value - self.mean) / self.deviation
    }
}

/// A query's own background: where the cosines of blindly chosen pictures lie, for this very query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryBackground {
    spaces: PerSpace<Option<(Level, Background)>>,
    /// The sample's cosines, for backgrounds of sums.
    cosines: Vec<PerSpace<Option<f32>>>,
}

impl QueryBackground {
    /// Where the ordinary cosines of a space lie.
    #[must_use]
    pub fn level(&self, space: Space) -> Option<Level> {
        self.spaces.get(space).as_ref().map(|(level, _)| *level)
    }

    /// The share of the collection whose cosine with the query is lower, in each space asked for
    /// that is calibrated.
    #[must_use]
    pub fn percentiles(&self, scores: PerSpace<Option<f32>>) -> PerSpace<Option<f32>> {
        PerSpace::from_fn(|space| {
            let (level, background) = self.spaces.get(space).as_ref()?;
            Some(background.percentile(level.deviations((*scores.get(space))?)))
        })
    }

    /// What cosines are worth in a ranking: how many deviations they lie above the query's own
    /// background, in parts of [`FULL_MATCH`]. A straight line in each space, so the order
    /// within a space stays, however far out.
    #[must_use]
    pub fn worth(&self, scores: PerSpace<Option<f32>>) -> PerSpace<Option<f32>> {
        PerSpace::from_fn(|space| {
            Some(self.level(space)?.deviations((*scores.get(space))?) / FULL_MATCH)
        })
    }

    /// What a difference of two cosines is worth, as in [`QueryBackground::worth`]; 0 where nothing
    /// is known.
    #[must_use]
    pub fn worth_of_difference(&self, space: Space, difference: f32) -> f32 {
        self.level(space)
            .map_or(0.0, |level| difference / level.deviation / FULL_MATCH)
    }

    /// The background of a sum of scores: what `total` makes of a point's cosines, over the sample.
    ///
    /// `weights` say how much each space has to do with it. `None` when no space with a weight is
    /// calibrated.
    #[must_use]
    pub fn of_total(
        &self,
        weights: PerSpace<f32>,
        total: impl Fn(PerSpace<Option<f32>>) -> f32,
    ) -> Option<TotalBackground> {
        let totals: Vec<f32> = self.cosines.iter().map(|cosines| total(*cosines)).collect();
        let level = Level::of(&totals)?;
        let curves: Vec<(f32, Background)> = self
            .spaces
            .iter()
            .filter_map(|(space, known)| Some((*weights.get(space), known.as_ref()?.1.clone())))
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        let sum = curves.iter().map(|(weight, _)| weight).sum::<f32>();
        (sum > 0.0).then_some(TotalBackground { level, curves, sum })
    }
}

/// Where the totals of ordinary pictures lie, for one query.
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
    /// The calibration that a note holds, with the vectors of its sample, as far as they are still
    /// there.
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
            measured(&of_space)
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

    /// The background of one query, from its unit vectors.
    #[must_use]
    pub fn background(&self, query: &Vectors) -> QueryBackground {
        let cosines: Vec<PerSpace<Option<f32>>> = self
            .vectors
            .iter()
            .map(|stored| {
                PerSpace::from_fn(|space| {
                    let (query, stored) = (query.get(space).as_ref()?, stored.get(space).as_ref()?);
                    // A collection that is another model's since a moment ago has no background
                    // until it is looked at.
                    (query.len() == stored.len()).then(|| product(query, stored))
                })
            })
            .collect();
        let spaces = PerSpace::from_fn(|space| {
            let background = self.calibration.spaces.get(space).clone()?;
            let known: Vec<f32> = cosines
                .iter()
                .filter_map(|cosines| *cosines.get(space))
                .collect();
            Some((Level::of(&known)?, background))
        });
        QueryBackground { spaces, cosines }
    }
}

impl Calibration {
    /// Reads a collection's note. One of another version, or that cannot be understood, is as good
    /// as none: it is made anew.
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

/// Chooses [`SAMPLE`] ids of many: those with the lowest hashes, which is as good as chance, and
/// the same wherever the collection is.
#[derive(Debug, Default)]
pub struct Draw {
    kept: Vec<(u64, PointId)>,
}

impl Draw {
    /// Some more ids to choose from.
    pub fn offer(&mut self, ids: impl Iterator<Item = PointId>) {
        self.kept.extend(ids.map(|id| (mixed(id), id)));
        self.kept.sort_unstable();
        self.kept.truncate(SAMPLE);
    }

    /// The chosen ones.
    #[must_use]
    pub fn chosen(self) -> Vec<PointId> {
        self.kept.into_iter().map(|(_, id)| id).collect()
    }
}

/// SplitMix64's finish over the bits of an id.
fn mixed(id: PointId) -> u64 {
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
fn measured(vectors: &[&[f32]]) -> Option<Background> {
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
mod tests {
    use super::*;

    /// Vectors that lie near an axis they share, some nearer than others, in a fan that is the same
    /// at every run.
    fn points(count: u64) -> Vec<Point> {
        (0..count)
            .map(|number| {
                let bits = mixed(PointId::Number(number));
                let mut vector: Vec<f32> = (0..8)
                    .map(|place| f32::from((bits >> (8 * place)) as u8) / 127.5 - 1.0)
                    .collect();
                vector[0] += 1.0;
                let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
                vector.iter_mut().for_each(|value| *value /= length);
                let text = (number % 3 == 0).then(|| vector.clone());
                Point {
                    id: PointId::Number(number),
                    vectors: PerSpace {
                        image: Some(vector),
                        edge: None,
                        text,
                    },
                    payload: Default::default(),
                }
            })
            .collect()
    }

    fn sampled() -> Sampled {
        Sampled::measure("model".to_owned(), 900, points(300)).expect("enough")
    }

    #[test]
    fn a_percentile_says_how_many_pictures_lie_lower() {
        let sampled = sampled();
        assert_eq!(sampled.calibration.spaces.edge, None);
        // Pictures that are not of the sample, as queries and as answers.
        let others = points(1_300).split_off(300);
        let mut worst = 0.0_f32;
        for query in others.iter().step_by(97) {
            let vectors = PerSpace {
                text: None,
                ..query.vectors.clone()
            };
            let background = sampled.background(&vectors);
            let mut cosines: Vec<f32> = others
                .iter()
                .map(|other| {
                    product(
                        vectors.image.as_ref().expect("all have one"),
                        other.vectors.image.as_ref().expect("all"),
                    )
                })
                .collect();
            cosines.sort_by(f32::total_cmp);
            for place in [50, 300, 500, 700, 900, 980] {
                let scores = PerSpace {
                    image: Some(cosines[place]),
                    edge: Some(0.3),
                    text: None,
                };
                let percentiles = background.percentiles(scores);
                assert_eq!(
                    (percentiles.edge, percentiles.text),
                    (None, None),
                    "nothing is known of these"
                );
                let share = place as f32 / cosines.len() as f32;
                worst = worst.max((percentiles.image.expect("known") - share).abs());
            }
        }
        assert!(worst < 0.12, "{worst}");
    }

    #[test]
    fn a_percentile_rises_with_its_cosine_and_never_leaves_0_to_1() {
        let background = sampled().calibration.spaces.image.expect("measured");
        let values: Vec<f32> = (-800..800)
            .map(|step| background.percentile(step as f32 / 100.0))
            .collect();
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(values.is_sorted());
        let middle = &values[550..1_100];
        assert!(
            middle.is_sorted_by(|left, right| left < right),
            "strictly, where pictures lie"
        );
        assert!(values[0] < 0.001 && values[1_599] > 0.9999);
    }

    #[test]
    fn totals_have_a_background_of_their_own() {
        let sampled = sampled();
        let query = points(301).pop().expect("one").vectors;
        let background = sampled.background(&query);
        let weights = PerSpace {
            image: 0.5,
            edge: 0.0,
            text: 0.5,
        };
        let sum = |scores: PerSpace<Option<f32>>| {
            0.5 * scores.image.unwrap_or(0.0) + 0.5 * scores.text.unwrap_or(0.0)
        };
        let totals = background.of_total(weights, sum).expect("known");
        let best = totals.percentile(1.0);
        let middle = totals.percentile(totals.level.mean);
        assert!(
            best > 0.98 && (0.35..0.65).contains(&middle),
            "{best} {middle}"
        );
        assert_eq!(
            background.of_total(
                PerSpace {
                    image: 0.0,
                    edge: 1.0,
                    text: 0.0
                },
                sum
            ),
            None
        );
    }

    #[test]
    fn a_note_comes_back_and_a_broken_one_is_none() {
        let calibration = sampled().calibration;
        let note = serde_json::to_value(&calibration).expect("JSON");
        assert!(note.to_string().len() < crate::gallery::LONGEST_NOTE / 2);
        assert_eq!(Calibration::read(note.clone()), Some(calibration.clone()));
        let mut flat = note.clone();
        flat["spaces"]["image"]["curve"][4] = flat["spaces"]["image"]["curve"][3].clone();
        let mut newer = note;
        newer["version"] = 99.into();
        for broken in [flat, newer, Value::Null, serde_json::json!({"sample": 3})] {
            assert_eq!(Calibration::read(broken), None);
        }
        assert!(
            !calibration.is_outgrown(1_000)
                && calibration.is_outgrown(1_100)
                && calibration.is_outgrown(100)
        );
    }

    #[test]
    fn too_few_or_equal_pictures_have_no_background() {
        assert_eq!(Sampled::measure("model".to_owned(), 3, points(3)), None);
        let same: Vec<Point> = (0..40)
            .map(|number| Point {
                id: PointId::Number(number),
                ..points(1).remove(0)
            })
            .collect();
        assert_eq!(Sampled::measure("model".to_owned(), 40, same), None);
    }

    #[test]
    fn a_draw_does_not_depend_on_the_order() {
        let ids: Vec<PointId> = (0..3_000).map(PointId::Number).collect();
        let mut forwards = Draw::default();
        ids.chunks(100)
            .for_each(|some| forwards.offer(some.iter().copied()));
        let mut backwards = Draw::default();
        backwards.offer(ids.iter().rev().copied());
        let chosen = forwards.chosen();
        assert_eq!(chosen.len(), SAMPLE);
        assert_eq!(chosen, backwards.chosen());
        let low = chosen
            .iter()
            .filter(|id| **id < PointId::Number(1_500))
            .count();
        assert!(
            (206..306).contains(&low),
            "{low} of {SAMPLE} are of the lower half"
        );
    }
}
