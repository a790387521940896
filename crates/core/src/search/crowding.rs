//! Crowded places: pictures that are near to a lot of others are near to a lot of queries, whatever
//! is drawn.
//!
//! In spaces of hundreds of dimensions some points (*hubs*) are among the nearest neighbours of far
//! more queries than others. So of a picture's worth in a space a part of its *crowding* is taken
//! off: the mean cosine to the pictures that are nearest to it. It is the half of *cross-domain
//! similarity local scaling* (Conneau, Lample and others 2018) that depends on the picture; the
//! other half depends on the query alone and orders nothing. docs/search.md tells what was
//! measured.

use super::fusion::{Hit, Ranking, by_score};
use crate::gallery::{Crowding, Space};

/// The spaces of pictures. Tags are crowded because several pictures show the same thing, which is
/// no fault.
pub const SPACES: [Space; 2] = [Space::Image, Space::Edge];
/// How many nearest neighbours of a picture are looked at.
pub const NEIGHBOURS: usize = 10;
/// How many of the best hits are ordered anew: as many as matter for the first page. It is the same
/// number whatever page is asked for, so that pages fit together.
pub const POOL: usize = 48;
/// The part of the crowding that is taken off.
pub const STRENGTH: f32 = 0.4;

impl Ranking {
    /// Whether the best hits are ordered anew by how crowded it is around them: where weights act
    /// on calibrated scores, of queries that have to do with a space of pictures.
    #[must_use]
    pub fn heeds_crowding(&self) -> bool {
        self.ranks_calibrated() && SPACES.iter().any(|space| *self.weights.get(*space) > 0.0)
    }

    /// Takes off the first [`POOL`] of these sorted hits what they have for being in a crowded
    /// place, compared with the others of the pool, and sorts all of them again. `crowding` is
    /// that of the pool's hits, in their order; where it is not known, nothing is taken off.
    pub fn heed(&self, crowding: &[Crowding], hits: &mut [Hit]) {
        for space in SPACES {
            let known: Vec<f32> = crowding
                .iter()
                .filter_map(|crowding| *crowding.get(space))
                .collect();
            if known.is_empty() {
                continue;
            }
            let mean = known.iter().sum::<f32>() / known.len() as f32;
            for (hit, crowding) in hits.iter_mut().take(POOL).zip(crowding) {
                // A hit without a vector there gets nothing from the space, and nothing is to be
                // taken off.
                if let (Some(crowding), Some(_)) = (crowding.get(space), hit.scores.get(space)) {
                    hit.score -= STRENGTH * self.worth_of_difference(space, crowding - mean);
                }
            }
        }
        hits.sort_unstable_by(by_score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{Candidate, Payload, PerSpace, Point, Vectors};
    use crate::ids::PointId;
    use crate::search::calibration::Sampled;

    /// A ranking by pictures and words, calibrated by a ring of pictures.
    fn ranking(weights: PerSpace<f32>) -> Ranking {
        let on_a_ring = |number: u64| {
            let angle = number as f32 * 0.37;
            let vector = vec![angle.cos(), angle.sin()];
            let vectors = Vectors {
                image: Some(vector.clone()),
                edge: None,
                text: Some(vector),
            };
            Point {
                id: PointId::Number(number),
                vectors,
                payload: Payload::new(),
            }
        };
        let sampled = Sampled::measure("model".to_owned(), 40, (0..40).map(on_a_ring).collect())
            .expect("enough");
        let query = Vectors {
            image: Some(vec![1.0, 0.0]),
            edge: None,
            text: Some(vec![1.0, 0.0]),
        };
        Ranking::new(weights).calibrated_by(sampled.background(&query), true)
    }

    fn ranked(ranking: &Ranking, images: &[f32]) -> Vec<Hit> {
        let candidate = |(place, image): (usize, &f32)| Candidate {
            id: PointId::Number(place as u64),
            scores: PerSpace {
                image: Some(*image),
                edge: None,
                text: Some(0.5),
            },
            payload: Payload::new(),
        };
        ranking.rank(images.iter().enumerate().map(candidate).collect())
    }

    fn around(image: f32) -> Crowding {
        Crowding {
            image: Some(image),
            ..Crowding::default()
        }
    }

    const PICTURES: PerSpace<f32> = PerSpace {
        image: 1.0,
        edge: 0.0,
        text: 0.0,
    };

    #[test]
    fn who_stands_in_a_crowd_falls_behind_who_is_as_near_alone() {
        let ranking = ranking(PICTURES);
        let mut hits = ranked(&ranking, &[0.80, 0.79, 0.5]);
        let before: f32 = hits.iter().map(|hit| hit.score).sum();
        ranking.heed(&[around(0.9), around(0.7), Crowding::default()], &mut hits);
        assert_eq!(
            hits.iter().map(|hit| hit.id).collect::<Vec<_>>(),
            [1, 0, 2].map(PointId::Number)
        );
        let after: f32 = hits.iter().map(|hit| hit.score).sum();
        assert!(
            (before - after).abs() < 1e-5,
            "what one loses the others win"
        );
    }

    #[test]
    fn who_is_not_of_the_pool_keeps_the_score() {
        let ranking = ranking(PICTURES);
        let images: Vec<f32> = (0..60).map(|place| 0.9 - place as f32 / 100.0).collect();
        let mut hits = ranked(&ranking, &images);
        let before = hits.clone();
        let crowding: Vec<Crowding> = (0..POOL)
            .map(|place| around(if place % 2 == 0 { 0.9 } else { 0.5 }))
            .collect();
        ranking.heed(&crowding, &mut hits);
        for hit in &before[POOL..] {
            let same = hits
                .iter()
                .find(|found| found.id == hit.id)
                .expect("nobody is lost");
            assert_eq!(hit.score.to_bits(), same.score.to_bits());
        }
        assert!(hits.is_sorted_by(|left, right| left.score >= right.score));
        assert_ne!(hits[0].id, before[0].id);
    }

    #[test]
    fn cosines_and_words_alone_are_left_as_they_are() {
        assert!(ranking(PICTURES).heeds_crowding());
        assert!(!Ranking::new(PICTURES).heeds_crowding(), "raw cosines");
        assert!(
            !ranking(PerSpace {
                image: 0.0,
                edge: 0.0,
                text: 1.0
            })
            .heeds_crowding(),
            "words"
        );
    }
}
