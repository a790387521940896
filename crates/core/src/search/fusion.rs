//! From the candidates' scores to a ranking.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::Value;

use super::calibration::{QueryBackground, TotalBackground};
use super::lexical::LexicalQuery;
use crate::gallery::{Candidate, Candidates, Payload, PerSpace, Space};
use crate::ids::PointId;
use crate::preferences::PreferenceRule;

/// Share of the literal match in the text score: `text = (1 - share) * cosine + share * lexical`.
pub const LEXICAL_SHARE: f32 = 0.5;

/// What the ranking depends on, besides the candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Weights that sum to 1 over the spaces asked for.
    pub weights: PerSpace<f32>,
    /// The query's words, when it has any.
    pub lexical: Option<LexicalQuery>,
    /// The words to stay away from, when there are any: what a picture's tags cover of them is
    /// taken off again.
    pub against: Option<LexicalQuery>,
    /// The artist's tag weights; empty when nothing is known or it was not asked for.
    pub tag_weights: HashMap<String, f64>,
    /// How tag weights bend a score.
    pub rule: PreferenceRule,
    /// What cosines are worth for this query, when the collection is calibrated.
    background: Option<QueryBackground>,
    /// What sums are worth, by the same sample.
    totals: Option<TotalBackground>,
    /// Whether weights act on what cosines are worth, rather than on the cosines.
    ranks_calibrated: bool,
}

/// A ranked point.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The point.
    pub id: PointId,
    /// What it is ranked by.
    pub score: f32,
    /// Raw cosine in each space asked for.
    pub scores: PerSpace<Option<f32>>,
    /// The share of the collection that lies lower, in each space asked for; `None` without
    /// calibration.
    pub percentiles: PerSpace<Option<f32>>,
    /// The share of the collection whose sum of weighted scores, words included and taste not, is
    /// lower.
    pub percentile: Option<f32>,
    /// How much of the words its tags cover, when the query has words.
    pub lexical: Option<f32>,
    /// Its payload, when the candidates brought it.
    pub payload: Payload,
    /// Pictures that look the same and were left out for it, best first.
    pub duplicates: Vec<PointId>,
}

/// The highest that a point outside of the candidates can reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnseenBound {
    /// Of [`Hit::score`].
    pub score: f32,
    /// Of [`Hit::percentile`].
    pub percentile: Option<f32>,
}

/// Best first, equal scores by id, so that pages never overlap.
pub(super) fn by_score(left: &Hit, right: &Hit) -> Ordering {
    right
        .score
        .partial_cmp(&left.score)
        .unwrap_or(Ordering::Equal)
        .then(left.id.cmp(&right.id))
}

/// The tags of a payload.
pub fn tags_of(payload: &Payload) -> impl Iterator<Item = &str> {
    payload
        .get("tags_all")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

impl Ranking {
    /// A ranking by the cosines of these spaces alone.
    #[must_use]
    pub fn new(weights: PerSpace<f32>) -> Self {
        Self {
            weights,
            lexical: None,
            against: None,
            tag_weights: HashMap::new(),
            rule: PreferenceRule::default(),
            background: None,
            totals: None,
            ranks_calibrated: false,
        }
    }

    /// The same with percentiles; and ranked by them, when that is asked for and every space with a
    /// weight has a background: cosines and percentiles do not mix. The words must have been
    /// set before.
    #[must_use]
    pub fn calibrated_by(mut self, background: QueryBackground, ranks: bool) -> Self {
        let known = |space| *self.weights.get(space) == 0.0 || background.level(space).is_some();
        self.ranks_calibrated = ranks && Space::ALL.into_iter().all(known);
        self.background = Some(background);
        let words = self.has_words().then_some(0.0);
        let totals = self.background.as_ref().and_then(|background| {
            background.of_total(self.weights, |scores| self.base(scores, words))
        });
        self.totals = totals;
        self
    }

    /// Whether candidates must bring their payloads.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        self.has_words() || !self.tag_weights.is_empty()
    }

    /// Whether weights act on percentiles.
    #[must_use]
    pub fn ranks_calibrated(&self) -> bool {
        self.ranks_calibrated
    }

    /// Whether hits have a percentile.
    #[must_use]
    pub fn has_percentiles(&self) -> bool {
        self.totals.is_some()
    }

    fn has_words(&self) -> bool {
        self.lexical.is_some() || self.against.is_some()
    }

    /// Scores every candidate and sorts.
    #[must_use]
    pub fn rank(&self, candidates: Vec<Candidate>) -> Vec<Hit> {
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .map(|candidate| self.hit(candidate))
            .collect();
        hits.sort_unstable_by(by_score);
        hits
    }

    /// What a difference of two cosines in a space makes of a difference of scores.
    pub(super) fn worth_of_difference(&self, space: Space, difference: f32) -> f32 {
        let worth = match &self.background {
            Some(background) if self.ranks_calibrated => {
                background.worth_of_difference(space, difference)
            }
            _ => difference,
        };
        self.weights.get(space) * worth
    }

    fn hit(&self, candidate: Candidate) -> Hit {
        let Candidate {
            id,
            scores,
            payload,
        } = candidate;
        let lexical = self
            .lexical
            .as_ref()
            .map(|query| query.score(tags_of(&payload)));
        let against = self
            .against
            .as_ref()
            .map(|query| query.score(tags_of(&payload)));
        let words = self
            .has_words()
            .then(|| lexical.unwrap_or(0.0) - against.unwrap_or(0.0));
        let base = self.base(scores, words);
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = self.rule.factor(&self.tag_weights, tags_of(&payload)) as f32;
        let percentiles = self
            .background
            .as_ref()
            .map(|background| background.percentiles(scores))
            .unwrap_or_default();
        let percentile = self.totals.as_ref().map(|totals| totals.percentile(base));
        Hit {
            id,
            score: base * factor,
            scores,
            percentiles,
            percentile,
            lexical,
            payload,
            duplicates: Vec::new(),
        }
    }

    /// A point without a vector in a space gets nothing from that space.
    fn base(&self, scores: PerSpace<Option<f32>>, words: Option<f32>) -> f32 {
        self.weighted(self.worth(scores), words)
    }

    fn worth(&self, scores: PerSpace<Option<f32>>) -> PerSpace<f32> {
        let worth = match &self.background {
            Some(background) if self.ranks_calibrated => background.worth(scores),
            _ => scores,
        };
        PerSpace::from_fn(|space| worth.get(space).unwrap_or(0.0))
    }

    fn weighted(&self, worth: PerSpace<f32>, words: Option<f32>) -> f32 {
        let text = match words {
            Some(words) => (1.0 - LEXICAL_SHARE) * worth.text + LEXICAL_SHARE * words,
            None => worth.text,
        };
        self.weights.image * worth.image + self.weights.edge * worth.edge + self.weights.text * text
    }

    /// The highest that a point outside of these candidates can reach; `None` when there is no such
    /// point.
    ///
    /// This is the stopping rule of the threshold algorithm (Fagin, Lotem, Naor 2001): a point that
    /// no space has shown yet scores at most its floor in each, and what a cosine is worth
    /// rises with it. A space that is exhausted has shown all of its points, so an unseen point
    /// has no vector there and gets 0 from it. Words to stay away from only lower a score.
    #[must_use]
    pub fn unseen_bound(&self, candidates: &Candidates) -> Option<UnseenBound> {
        let floors = candidates.floors;
        if floors.iter().all(|(_, floor)| floor.is_none()) {
            return None;
        }
        // Below 0 a point without a vector there, which gets 0, is the better one.
        let most = |floors, words| {
            let worth = self.worth(floors);
            self.weighted(PerSpace::from_fn(|space| worth.get(space).max(0.0)), words)
        };
        let without_match = most(floors, self.has_words().then_some(0.0));
        let with_match = candidates
            .lexical_floor
            .filter(|_| self.lexical.is_some())
            .map(|floor| {
                most(
                    PerSpace {
                        text: Some(floor),
                        ..floors
                    },
                    Some(1.0),
                )
            });
        let base = with_match.map_or(without_match, |bound| bound.max(without_match));
        let strongest = self.tag_weights.values().copied().fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = (1.0 + self.rule.alpha * strongest) as f32;
        let percentile = self.totals.as_ref().map(|totals| totals.percentile(base));
        Some(UnseenBound {
            score: base.max(base * factor),
            percentile,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(weights: PerSpace<f32>) -> Ranking {
        Ranking::new(weights)
    }

    fn candidate(id: u64, image: f32, text: Option<f32>, tags: &[&str]) -> Candidate {
        let mut payload = Payload::new();
        payload.insert("tags_all".to_owned(), tags.to_vec().into());
        Candidate {
            id: PointId::Number(id),
            scores: PerSpace {
                image: Some(image),
                edge: None,
                text,
            },
            payload,
        }
    }

    const HALF: PerSpace<f32> = PerSpace {
        image: 0.5,
        edge: 0.0,
        text: 0.5,
    };

    #[test]
    fn the_score_is_the_weighted_sum_and_ties_go_by_id() {
        let hits = ranking(HALF).rank(vec![
            candidate(9, 0.4, Some(0.6), &[]),
            candidate(3, 0.6, Some(0.4), &[]),
            candidate(5, 0.9, Some(0.9), &[]),
        ]);
        assert_eq!(
            hits.iter().map(|hit| hit.id).collect::<Vec<_>>(),
            [5, 3, 9].map(PointId::Number)
        );
        assert!((hits[0].score - 0.9).abs() < 1e-6);
    }

    #[test]
    fn what_the_artist_likes_moves_up() {
        let mut ranking = ranking(HALF);
        ranking.tag_weights.insert("cat".to_owned(), 1.0);
        let hits = ranking.rank(vec![
            candidate(1, 0.5, Some(0.5), &["dog"]),
            candidate(2, 0.45, Some(0.45), &["Cat"]),
        ]);
        assert_eq!(hits[0].id, PointId::Number(2));
        assert!((hits[0].score - 0.45 * 1.2).abs() < 1e-6);
    }

    #[test]
    fn the_bound_covers_every_unseen_point() {
        let ranking = ranking(HALF);
        let floors = PerSpace {
            image: Some(0.5),
            edge: None,
            text: Some(0.2),
        };
        let candidates = Candidates {
            hits: vec![],
            floors,
            lexical_floor: None,
        };
        assert!(
            (ranking
                .unseen_bound(&candidates)
                .expect("points remain")
                .score
                - 0.35)
                .abs()
                < 1e-6
        );
        let below = PerSpace {
            text: Some(-0.4),
            ..floors
        };
        let candidates = Candidates {
            floors: below,
            ..candidates
        };
        let bound = ranking
            .unseen_bound(&candidates)
            .expect("points remain")
            .score;
        assert!(
            (bound - 0.25).abs() < 1e-6,
            "a point without words gets 0 from them: {bound}"
        );
        let exhausted = Candidates::default();
        assert_eq!(ranking.unseen_bound(&exhausted), None);
    }
}
