//! From the candidates' scores to a ranking.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::Value;

use super::lexical::LexicalQuery;
use crate::gallery::{Candidate, Candidates, Payload, PerSpace};
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
    /// The artist's tag weights; empty when nothing is known or it was not asked for.
    pub tag_weights: HashMap<String, f64>,
    /// How tag weights bend a score.
    pub rule: PreferenceRule,
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
    /// How much of the words its tags cover, when the query has words.
    pub lexical: Option<f32>,
    /// Its payload, when the candidates brought it.
    pub payload: Payload,
}

/// The tags of a payload.
pub fn tags_of(payload: &Payload) -> impl Iterator<Item = &str> {
    payload.get("tags_all").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

impl Ranking {
    /// Whether candidates must bring their payloads.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        self.lexical.is_some() || !self.tag_weights.is_empty()
    }

    /// Scores every candidate and sorts: best first, equal scores by id, so that pages never overlap.
    #[must_use]
    pub fn rank(&self, candidates: Vec<Candidate>) -> Vec<Hit> {
        let mut hits: Vec<Hit> = candidates.into_iter().map(|candidate| self.hit(candidate)).collect();
        hits.sort_unstable_by(|left, right| {
            right.score.partial_cmp(&left.score).unwrap_or(Ordering::Equal).then(left.id.cmp(&right.id))
        });
        hits
    }

    fn hit(&self, candidate: Candidate) -> Hit {
        let Candidate { id, scores, payload } = candidate;
        let lexical = self.lexical.as_ref().map(|query| query.score(tags_of(&payload)));
        let base = self.base(scores, lexical);
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = self.rule.factor(&self.tag_weights, tags_of(&payload)) as f32;
        Hit { id, score: base * factor, scores, lexical, payload }
    }

    /// A point without a vector in a space gets nothing from that space.
    fn base(&self, scores: PerSpace<Option<f32>>, lexical: Option<f32>) -> f32 {
        let text = match lexical {
            Some(lexical) => (1.0 - LEXICAL_SHARE) * scores.text.unwrap_or(0.0) + LEXICAL_SHARE * lexical,
            None => scores.text.unwrap_or(0.0),
        };
        self.weights.image * scores.image.unwrap_or(0.0)
            + self.weights.edge * scores.edge.unwrap_or(0.0)
            + self.weights.text * text
    }

    /// The highest score that a point outside of these candidates can have; `None` when there is no such point.
    ///
    /// This is the stopping rule of the threshold algorithm (Fagin, Lotem, Naor 2001): a point that no space has
    /// shown yet scores at most its floor in each. A space that is exhausted has shown all of its points, so an unseen
    /// point has no vector there and gets 0 from it.
    #[must_use]
    pub fn unseen_bound(&self, candidates: &Candidates) -> Option<f32> {
        let floors = candidates.floors;
        if floors.iter().all(|(_, floor)| floor.is_none()) {
            return None;
        }
        let without_match = self.base(floors, self.lexical.as_ref().map(|_| 0.0));
        let with_match = candidates
            .lexical_floor
            .filter(|_| self.lexical.is_some())
            .map(|floor| self.base(PerSpace { text: Some(floor), ..floors }, Some(1.0)));
        let bound = with_match.map_or(without_match, |bound| bound.max(without_match));
        let strongest = self.tag_weights.values().copied().fold(0.0, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a factor near 1")]
        let factor = (1.0 + self.rule.alpha * strongest) as f32;
        Some(bound.max(bound * factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(weights: PerSpace<f32>) -> Ranking {
        Ranking { weights, lexical: None, tag_weights: HashMap::new(), rule: PreferenceRule::default() }
    }

    fn candidate(id: u64, image: f32, text: Option<f32>, tags: &[&str]) -> Candidate {
        let mut payload = Payload::new();
        payload.insert("tags_all".to_owned(), tags.to_vec().into());
        Candidate { id: PointId::Number(id), scores: PerSpace { image: Some(image), edge: None, text }, payload }
    }

    const HALF: PerSpace<f32> = PerSpace { image: 0.5, edge: 0.0, text: 0.5 };

    #[test]
    fn the_score_is_the_weighted_sum_and_ties_go_by_id() {
        let hits = ranking(HALF).rank(vec![
            candidate(9, 0.4, Some(0.6), &[]),
            candidate(3, 0.6, Some(0.4), &[]),
            candidate(5, 0.9, Some(0.9), &[]),
        ]);
        assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [5, 3, 9].map(PointId::Number));
        assert!((hits[0].score - 0.9).abs() < 1e-6);
    }

    #[test]
    fn what_the_artist_likes_moves_up() {
        let mut ranking = ranking(HALF);
        ranking.tag_weights.insert("cat".to_owned(), 1.0);
        let hits = ranking.rank(vec![candidate(1, 0.5, Some(0.5), &["dog"]), candidate(2, 0.45, Some(0.45), &["Cat"])]);
        assert_eq!(hits[0].id, PointId::Number(2));
        assert!((hits[0].score - 0.45 * 1.2).abs() < 1e-6);
    }

    #[test]
    fn the_bound_covers_every_unseen_point() {
        let ranking = ranking(HALF);
        let floors = PerSpace { image: Some(0.5), edge: None, text: Some(0.2) };
        let candidates = Candidates { hits: vec![], floors, lexical_floor: None };
        assert!((ranking.unseen_bound(&candidates).expect("points remain") - 0.35).abs() < 1e-6);
        let exhausted = Candidates::default();
        assert_eq!(ranking.unseen_bound(&exhausted), None);
    }
}
