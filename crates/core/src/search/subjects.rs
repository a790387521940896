//! Several guesses at what was drawn.
//!
//! A drawing may be taken for several things, and a collection that has each thing in six styles
//! would fill the first places with six pictures of two guesses. So a picture that shows what a
//! better one shows already stands back by a fixed step: where guesses lie close the first places
//! hold several of them, where one is far ahead its pictures stay together. The best guess of all
//! keeps its pictures anyway, when it is ahead at all. It is maximal marginal relevance (Carbonell,
//! Goldstein 1998; see [`super::diversity`]) with tags in place of vectors: two styles of one
//! subject do not look alike, but are called the same. docs/search.md tells what was measured.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde_json::Value;

use super::calibration::FULL_MATCH;
use super::fusion::{Hit, tags_of};
use crate::gallery::Payload;

/// How many of the best hits are ordered anew: as many as matter for the first page, whatever page
/// is asked for, so that pages fit together.
pub const POOL: usize = 48;
/// How far a picture stands back: half a deviation, in the unit of calibrated scores.
pub const STEP: f32 = 0.5 / FULL_MATCH;
/// How far the best picture must be ahead of the best of another subject for its subject to keep
/// its places.
pub const LEAD: f32 = 0.1 / FULL_MATCH;
/// The share of their tags that two pictures of one subject have in common, at least (Jaccard's
/// index, styles aside).
pub const SAME: f32 = 0.7;

/// The order in which to show these sorted hits. They must have their payloads, and calibrated
/// scores, which they keep.
#[must_use]
pub fn order(hits: &[Hit]) -> Vec<usize> {
    let pool = &hits[..hits.len().min(POOL)];
    let state = RandomState::new();
    let subjects: Vec<Vec<u64>> = pool
        .iter()
        .map(|hit| subject_of(&hit.payload, &state))
        .collect();
    let same = |left: usize, right: usize| same(&subjects[left], &subjects[right]);
    let second = (1..pool.len()).find(|place| !same(0, *place));
    let leads = second.is_none_or(|second| pool[0].score - pool[second].score >= LEAD);
    let stands_back =
        |place: usize| !(leads && same(0, place)) && (0..place).any(|better| same(better, place));
    let worth: Vec<f32> = pool
        .iter()
        .enumerate()
        .map(|(place, hit)| hit.score - if stands_back(place) { STEP } else { 0.0 })
        .collect();
    let mut order: Vec<usize> = (0..hits.len()).collect();
    // Stable: equal worth keeps the order of the ranking.
    order[..pool.len()].sort_by(|left, right| worth[*right].total_cmp(&worth[*left]));
    order
}

/// The tags that say what is shown, as sorted hashes: those that say how (`matched_tags`) are left
/// out.
fn subject_of(payload: &Payload, state: &RandomState) -> Vec<u64> {
    let styles = payload
        .get("matched_tags")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let is_style = |tag: &str| styles.iter().any(|style| style.as_str() == Some(tag));
    let mut subject: Vec<u64> = tags_of(payload)
        .filter(|tag| !is_style(tag))
        .map(|tag| state.hash_one(tag))
        .collect();
    subject.sort_unstable();
    subject.dedup();
    subject
}

/// Whether two pictures show the same, by their tags. Nobody knows what a picture without tags
/// shows.
fn same(left: &[u64], right: &[u64]) -> bool {
    let (mut common, mut at) = (0_usize, 0);
    for tag in left {
        at += right[at..].partition_point(|other| other < tag);
        common += usize::from(right.get(at) == Some(tag));
    }
    common > 0 && common as f32 >= SAME * (left.len() + right.len() - common) as f32
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gallery::PerSpace;
    use crate::ids::PointId;

    fn hit(deviations: f32, tags: &[&str]) -> Hit {
        let payload = json!({ "tags_all": tags, "matched_tags": ["ink", "oil"] });
        Hit {
            id: PointId::Number(0),
            score: deviations / FULL_MATCH,
            scores: PerSpace::default(),
            percentiles: PerSpace::default(),
            percentile: None,
            lexical: None,
            payload: payload.as_object().cloned().expect("an object"),
            duplicates: Vec::new(),
        }
    }

    #[test]
    fn who_shows_what_was_shown_stands_a_step_back() {
        let hits = [
            hit(4.0, &["fox", "animal", "ink"]),
            hit(3.95, &["dog", "animal", "ink"]),
            hit(3.9, &["fox", "animal", "oil"]),
            hit(3.8, &["dog", "animal", "oil"]),
            hit(3.7, &["fox", "animal"]),
            hit(3.35, &["cat", "animal", "ink"]),
        ];
        assert_eq!(order(&hits), [0, 1, 2, 5, 3, 4]);
    }

    #[test]
    fn a_guess_that_is_ahead_keeps_its_pictures_together() {
        let hits = [
            hit(4.0, &["fox"]),
            hit(3.8, &["fox"]),
            hit(3.7, &["dog"]),
            hit(3.69, &["dog"]),
            hit(3.3, &["cat"]),
        ];
        assert_eq!(order(&hits), [0, 1, 2, 4, 3]);
        let hits = [
            hit(4.0, &["fox"]),
            hit(3.95, &["dog"]),
            hit(3.9, &["dog"]),
            hit(3.5, &["fox"]),
            hit(3.3, &["cat"]),
        ];
        assert_eq!(order(&hits), [0, 1, 2, 4, 3], "far ahead of a third guess");
    }

    #[test]
    fn nobody_knows_what_pictures_without_tags_show() {
        let hits = [
            hit(4.0, &["ink"]),
            hit(3.95, &["ink"]),
            hit(3.9, &[]),
            hit(3.7, &["dog"]),
        ];
        assert_eq!(order(&hits), [0, 1, 2, 3]);
    }

    #[test]
    fn a_tag_in_common_is_not_a_subject_in_common() {
        let tags = |name| ["animal", "mammal", "pet", name];
        let hits = [
            hit(4.0, &tags("fox")),
            hit(3.95, &tags("dog")),
            hit(3.9, &tags("cat")),
        ];
        assert_eq!(order(&hits), [0, 1, 2], "three of five tags");
        let more = |name| ["animal", "mammal", "pet", "wild", "tail", "fur", name];
        let hits = [
            hit(4.0, &["cow"]),
            hit(3.95, &more("fox")),
            hit(3.9, &more("vixen")),
            hit(3.8, &tags("cat")),
        ];
        assert_eq!(order(&hits), [0, 1, 3, 2], "six of eight");
    }

    #[test]
    fn who_is_not_of_the_pool_keeps_the_place() {
        let mut hits: Vec<Hit> = (0..POOL)
            .map(|place| hit(3.9 - place as f32 / 1_000.0, &["fox"]))
            .collect();
        hits[0] = hit(4.0, &["cat"]);
        hits.push(hit(3.8, &["dog"]));
        assert_eq!(order(&hits), (0..=POOL).collect::<Vec<_>>());
    }
}
