//! The hubness penalty: pictures that are close to many others are close to many queries, whatever
//! is drawn.
//!
//! In spaces of hundreds of dimensions some points (*hubs*) are among the nearest neighbours of far
//! more queries than others. So part of a picture's *crowding*, the mean cosine to its nearest
//! neighbours, is subtracted from its score. This is the half of *cross-domain similarity local
//! scaling* (Conneau, Lample and others 2018) that depends on the picture; the other half depends
//! on the query alone and does not change the order. docs/search.md has the measurements.

use super::fusion::{Hit, Ranking, by_score};
use crate::gallery::{Crowding, ProbeKind, Space};

/// The spaces of pictures. The text space is left out: sentences are close to each other because
/// several pictures show the same subject, which must not be penalised.
pub const SPACES: [Space; 2] = [Space::Image, Space::Edge];
/// The number of nearest neighbours of a picture.
pub const NEIGHBOURS: usize = 10;
/// How many of the best hits are corrected: those that matter for the first page. It does not
/// depend on the page, so that pages do not overlap.
pub const POOL: usize = 48;
/// The part of the crowding that is subtracted.
pub const STRENGTH: f32 = 0.4;

impl Ranking {
    /// Whether the best hits are corrected for crowding: when weights act on calibrated scores and
    /// some probe is made of pictures.
    #[must_use]
    pub fn corrects_crowding(&self) -> bool {
        self.is_calibrated() && self.crowded_probes().next().is_some()
    }

    /// Subtracts a penalty for crowding from the first [`POOL`] of these sorted hits, relative to
    /// the mean of the pool, and sorts all hits again. `crowding` belongs to the hits of the pool,
    /// in their order; where it is unknown, nothing is subtracted.
    pub fn correct_crowding(&self, crowding: &[Crowding], hits: &mut [Hit]) {
        for (probe, kind) in self.crowded_probes() {
            let of_probe = |crowding: &Crowding| *crowding.get(kind.space());
            let known: Vec<f32> = crowding.iter().filter_map(of_probe).collect();
            if known.is_empty() {
                continue;
            }
            let mean = known.iter().sum::<f32>() / known.len() as f32;
            for (hit, crowding) in hits.iter_mut().take(POOL).zip(crowding) {
                // A hit without a vector has no score from this probe, so nothing to correct.
                if let (Some(crowding), Some(_)) = (of_probe(crowding), hit.scores.get(&kind)) {
                    hit.score -= STRENGTH * self.worth_of_difference(probe, crowding - mean);
                }
            }
        }
        hits.sort_unstable_by(by_score);
    }

    /// The weighted probes of pictures, whose scores are corrected, with their indexes.
    fn crowded_probes(&self) -> impl Iterator<Item = (usize, ProbeKind)> {
        let of_pictures = |kind| matches!(kind, ProbeKind::Image | ProbeKind::Edge);
        self.weighted_probes()
            .filter(move |(_, kind)| of_pictures(*kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{Candidate, Payload, Point, Probe, Vectors};
    use crate::ids::PointId;
    use crate::search::calibration::Sampled;
    use crate::search::fusion::{RankingParts, Taste};
    use crate::search::words::Words;

    /// A ranking by one probe. Its calibration sample is a ring of pictures around the origin.
    fn ranking(kind: ProbeKind, calibrated: bool) -> Ranking {
        let on_a_ring = |number: u64| {
            let angle = number as f32 * 0.37;
            let vector = vec![angle.cos(), angle.sin()];
            let vectors = Vectors {
                image: Some(vector.clone()),
                edge: None,
                text: Some(vector),
                style: None,
            };
            Point {
                id: PointId::Number(number),
                vectors,
                payload: Payload::new(),
            }
        };
        let sampled = Sampled::measure("model".to_owned(), 40, (0..40).map(on_a_ring).collect())
            .expect("enough");
        let probe = Probe {
            kind,
            vector: vec![1.0, 0.0],
            weight: 1.0,
        };
        Ranking::new(RankingParts {
            probes: &[probe],
            guesses: None,
            words: Words::default(),
            taste: Taste::default(),
            sampled: Some(&sampled),
            calibrated,
        })
    }

    fn ranked(ranking: &Ranking, images: &[f32]) -> Vec<Hit> {
        let candidate = |(place, image): (usize, &f32)| Candidate {
            id: PointId::Number(place as u64),
            scores: vec![Some(*image)],
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

    #[test]
    fn a_hub_ranks_below_an_isolated_picture_that_is_as_close() {
        let ranking = ranking(ProbeKind::Image, true);
        let mut hits = ranked(&ranking, &[0.80, 0.79, 0.5]);
        let before: f32 = hits.iter().map(|hit| hit.score).sum();
        ranking.correct_crowding(&[around(0.9), around(0.7), Crowding::default()], &mut hits);
        assert_eq!(
            hits.iter().map(|hit| hit.id).collect::<Vec<_>>(),
            [1, 0, 2].map(PointId::Number)
        );
        let after: f32 = hits.iter().map(|hit| hit.score).sum();
        assert!(
            (before - after).abs() < 1e-5,
            "the sum of the scores does not change"
        );
    }

    #[test]
    fn hits_outside_of_the_pool_keep_their_scores() {
        let ranking = ranking(ProbeKind::Image, true);
        let images: Vec<f32> = (0..60).map(|place| 0.9 - place as f32 / 100.0).collect();
        let mut hits = ranked(&ranking, &images);
        let before = hits.clone();
        let crowding: Vec<Crowding> = (0..POOL)
            .map(|place| around(if place % 2 == 0 { 0.9 } else { 0.5 }))
            .collect();
        ranking.correct_crowding(&crowding, &mut hits);
        for hit in &before[POOL..] {
            let same = hits
                .iter()
                .find(|found| found.id == hit.id)
                .expect("no hit is lost");
            assert_eq!(hit.score.to_bits(), same.score.to_bits());
        }
        assert!(hits.is_sorted_by(|left, right| left.score >= right.score));
        assert_ne!(hits[0].id, before[0].id);
    }

    #[test]
    fn cosines_and_sentences_are_not_corrected() {
        assert!(ranking(ProbeKind::Image, true).corrects_crowding());
        assert!(!ranking(ProbeKind::Image, false).corrects_crowding());
        assert!(!ranking(ProbeKind::Text, true).corrects_crowding());
    }
}
