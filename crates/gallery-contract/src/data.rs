//! Random collections, and the results of brute force.

use std::collections::{HashMap, HashSet};

use clippy_core::embedding::{ImageTransform, Interpolation, ModelInfo, ResizeMode};
use clippy_core::gallery::{
    Candidates, Filter, GENERATED, ORIGIN_FIELD, Origin, Point, Probe, ProbeKind, RATING_FIELD,
    STYLE_GROUP_FIELD, Space, TAGS_FIELD, TagMode, Vectors,
};
use clippy_core::ids::PointId;
use serde_json::json;
use uuid::Uuid;

/// The length of the vectors that the checks use.
pub const DIMENSION: usize = 32;

const CLUSTERS: usize = 40;
pub(super) const TAGS: [&str; 8] = ["apple", "bear", "cat", "drum", "egg", "fish", "goat", "hat"];
const ORIGINS: [&str; 2] = [GENERATED, "scanned"];
const RATINGS: [&str; 3] = ["safe", "questionable", "explicit"];

/// Returns the model that an implementation's collections are opened for.
#[must_use]
pub fn model() -> ModelInfo {
    ModelInfo {
        name: "contract".to_owned(),
        pretrained: "none".to_owned(),
        dimension: DIMENSION,
        context_length: 77,
        transform: ImageTransform {
            side: 32,
            mean: [0.5; 3],
            std: [0.25; 3],
            interpolation: Interpolation::Bicubic,
            resize_mode: ResizeMode::Shortest,
        },
        fingerprint: "contract-32".to_owned(),
        style: None,
    }
}

/// Pseudo-random numbers, the same in every run (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Returns a number in 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Makes a unit vector near a cluster's centre.
    pub(super) fn vector(&mut self, space: Space, cluster: usize) -> Vec<f32> {
        let mut centre = Self((cluster as u64) << 8 | space as u64);
        let mut values: Vec<f64> = (0..DIMENSION)
            .map(|_| centre.normal() + 0.7 * self.normal())
            .collect();
        let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        values.iter_mut().for_each(|value| *value /= length);
        values.into_iter().map(|value| value as f32).collect()
    }

    /// Makes a probe near a cluster's centre.
    pub(super) fn probe(&mut self, kind: ProbeKind, cluster: usize) -> Probe {
        Probe {
            kind,
            vector: self.vector(kind.space(), cluster),
            weight: 0.05 + self.unit() as f32,
        }
    }

    /// Returns one probe or more, each near a random cluster, with random weights.
    pub(super) fn probes(&mut self) -> Vec<Probe> {
        loop {
            let mut probes = Vec::new();
            for kind in ProbeKind::ALL {
                if self.below(3) != 0 {
                    let cluster = self.below(CLUSTERS);
                    probes.push(self.probe(kind, cluster));
                }
            }
            if !probes.is_empty() {
                return probes;
            }
        }
    }

    /// Returns a probe of each kind, and two guesses.
    pub(super) fn all_probes(&mut self) -> Vec<Probe> {
        let kinds = ProbeKind::ALL.into_iter().chain([ProbeKind::Subject; 2]);
        kinds
            .map(|kind| {
                let cluster = self.below(CLUSTERS);
                self.probe(kind, cluster)
            })
            .collect()
    }

    fn some_tags(&mut self, most: usize) -> Vec<String> {
        let mut tags: Vec<String> = (0..self.below(most + 1))
            .map(|_| TAGS[self.below(TAGS.len())].to_owned())
            .collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// Makes a point; one in ten vectors is missing, and one id in seven is a UUID.
    pub(super) fn point(&mut self, number: u64) -> Point {
        let id = if number.is_multiple_of(7) {
            PointId::Uuid(Uuid::from_u128(
                u128::from(self.next()) << 64 | u128::from(number),
            ))
        } else {
            PointId::Number(number)
        };
        let vectors = Vectors::from_fn(|space| {
            let cluster = self.below(CLUSTERS);
            (self.below(10) != 0).then(|| self.vector(space, cluster))
        });
        let mut payload = json!({
            TAGS_FIELD: self.some_tags(4),
            RATING_FIELD: RATINGS[self.below(RATINGS.len())],
            "path": format!("{number}.png"),
            "score": number,
        });
        if self.below(5) == 0 {
            payload[ORIGIN_FIELD] = ORIGINS[self.below(ORIGINS.len())].into();
        }
        Point {
            id,
            vectors,
            payload: payload.as_object().cloned().unwrap_or_default(),
        }
    }

    pub(super) fn points(&mut self, count: u64) -> Vec<Point> {
        (1..=count).map(|number| self.point(number)).collect()
    }

    pub(super) fn filter(&mut self, points: &[Point]) -> Filter {
        let mut filter = Filter::default();
        if self.below(2) == 0 {
            filter.tags = self.some_tags(2);
            filter.tag_mode = if self.below(2) == 0 {
                TagMode::Any
            } else {
                TagMode::All
            };
        }
        if self.below(3) == 0 {
            filter.any_tags = self.some_tags(3);
        }
        if self.below(3) == 0 {
            filter.exclude_tags = self.some_tags(2);
        }
        if self.below(3) == 0 {
            filter.ratings = vec![
                RATINGS[self.below(3)].to_owned(),
                RATINGS[self.below(3)].to_owned(),
            ];
        }
        if self.below(4) == 0 {
            filter.exclude_ids = (0..50)
                .map(|_| points[self.below(points.len())].id)
                .collect();
        }
        if self.below(8) == 0 {
            filter.only_ids = Some(
                (0..400)
                    .map(|_| points[self.below(points.len())].id)
                    .collect(),
            );
        }
        filter.origin =
            [Origin::Any, Origin::Any, Origin::Gallery, Origin::Generated][self.below(4)];
        filter
    }
}

fn words<'a>(point: &'a Point, field: &str) -> HashSet<&'a str> {
    match point.payload.get(field) {
        Some(serde_json::Value::Array(values)) => {
            values.iter().filter_map(|value| value.as_str()).collect()
        }
        Some(serde_json::Value::String(value)) => HashSet::from([value.as_str()]),
        _ => HashSet::new(),
    }
}

/// Returns whether a filter selects a point.
pub(super) fn selects(filter: &Filter, point: &Point) -> bool {
    let tags = words(point, TAGS_FIELD);
    let has_tag = |tag: &String| tags.contains(tag.as_str());
    let tags_fit = filter.tags.is_empty()
        || match filter.tag_mode {
            TagMode::Any => filter.tags.iter().any(has_tag),
            TagMode::All => filter.tags.iter().all(has_tag),
        };
    let rating = words(point, RATING_FIELD);
    let groups = words(point, STYLE_GROUP_FIELD);
    let has_group = |wanted: &[String]| wanted.iter().any(|key| groups.contains(key.as_str()));
    tags_fit
        && (filter.any_tags.is_empty() || filter.any_tags.iter().any(has_tag))
        && !filter.exclude_tags.iter().any(has_tag)
        && (filter.ratings.is_empty()
            || filter
                .ratings
                .iter()
                .any(|wanted| rating.contains(wanted.as_str())))
        && !filter.exclude_ids.contains(&point.id)
        && match filter.origin {
            Origin::Any => true,
            Origin::Gallery => !words(point, ORIGIN_FIELD).contains(GENERATED),
            Origin::Generated => words(point, ORIGIN_FIELD).contains(GENERATED),
        }
        && filter
            .only_ids
            .as_ref()
            .is_none_or(|ids| ids.contains(&point.id))
        && (filter.missing_any.is_empty()
            || filter
                .missing_any
                .iter()
                .any(|space| point.vectors.get(*space).is_none()))
        && (filter.style_groups.is_empty() || has_group(&filter.style_groups))
        && (filter.outside_style_groups.is_empty()
            || point.vectors.style.is_some() && !has_group(&filter.outside_style_groups))
}

/// Returns the cosine of two unit vectors.
pub(super) fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| f64::from(*left) * f64::from(*right))
        .sum::<f64>() as f32
}

/// Returns the score of a point by each probe.
pub(super) fn scores(probes: &[Probe], point: &Point) -> Vec<Option<f32>> {
    let score = |probe: &Probe| {
        let stored = point.vectors.get(probe.space()).as_ref()?;
        Some(cosine(&probe.vector, stored))
    };
    probes.iter().map(score).collect()
}

/// Returns the weighted sum of scores; a probe without a score adds nothing.
pub(super) fn weighted(probes: &[Probe], scores: &[Option<f32>]) -> f32 {
    probes
        .iter()
        .zip(scores)
        .map(|(probe, score)| probe.weight * score.unwrap_or(0.0))
        .sum()
}

/// Returns the weighted scores of all selected points with a score, best first.
pub(super) fn brute_force(
    points: &[Point],
    probes: &[Probe],
    filter: &Filter,
) -> Vec<(PointId, f32)> {
    let mut ranked: Vec<_> = points
        .iter()
        .filter(|point| selects(filter, point))
        .map(|point| (point.id, scores(probes, point)))
        .filter(|(_, scores)| scores.iter().any(Option::is_some))
        .map(|(id, scores)| (id, weighted(probes, &scores)))
        .collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked
}

/// Returns the best candidates, and whether no other point can be among the best.
pub(super) fn best_of(
    candidates: &Candidates,
    probes: &[Probe],
    top: usize,
) -> (HashMap<PointId, f32>, bool) {
    let mut ranked: Vec<_> = candidates
        .hits
        .iter()
        .map(|hit| (hit.id, weighted(probes, &hit.scores)))
        .collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
    ranked.truncate(top);
    let exhausted = candidates.floors.iter().all(Option::is_none);
    let unseen = weighted(probes, &candidates.floors);
    let complete = exhausted
        || (ranked.len() == top && ranked.last().is_some_and(|(_, score)| *score >= unseen));
    (ranked.into_iter().collect(), complete)
}
