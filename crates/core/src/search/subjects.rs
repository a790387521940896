//! Several guesses at what was drawn.
//!
//! A sketch is ambiguous, and in a collection that has each subject in six styles the first places
//! would show only one or two of the possible subjects. So a picture with the same subject as a
//! better one gets a fixed penalty: when the subjects are close, the first places show several of
//! them; when one is far ahead, its pictures stay together. The subject of the very best picture
//! gets no penalty if it is clearly ahead. This is maximal marginal relevance (Carbonell, Goldstein
//! 1998; see [`super::diversity`]) with tags instead of vectors: two styles of one subject do not
//! look alike, but have the same tags. docs/search.md has the measurements.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::calibration::FULL_MATCH;
use super::fusion::Hit;
use crate::gallery::{Payload, style_tags_of, tags_of};

/// How many of the best hits are reordered: those that matter for the first page. It does not
/// depend on the page, so that pages do not overlap.
pub const POOL: usize = 48;
/// The penalty for a subject that was shown already: half a deviation, in the unit of calibrated
/// scores.
pub const PENALTY: f32 = 0.5 / FULL_MATCH;
/// How far the best picture must be ahead of the best one with another subject, so that its
/// subject gets no penalty.
pub const LEAD: f32 = 0.1 / FULL_MATCH;
/// Two pictures have the same subject when they share at least this part of their tags (Jaccard
/// index, without style tags).
pub const SAME: f32 = 0.7;

/// The order in which to show these sorted hits. They need payloads and calibrated scores; the
/// scores stay as they are.
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
    let is_penalised =
        |place: usize| !(leads && same(0, place)) && (0..place).any(|better| same(better, place));
    let values: Vec<f32> = pool
        .iter()
        .enumerate()
        .map(|(place, hit)| hit.score - if is_penalised(place) { PENALTY } else { 0.0 })
        .collect();
    let mut order: Vec<usize> = (0..hits.len()).collect();
    // The sort is stable: equal values keep the order of the ranking.
    order[..pool.len()].sort_by(|left, right| values[*right].total_cmp(&values[*left]));
    order
}

/// The tags of the subject, as sorted hashes: style tags are left out.
fn subject_of(payload: &Payload, state: &RandomState) -> Vec<u64> {
    let is_style = |tag: &str| style_tags_of(payload).any(|style| style == tag);
    let mut subject: Vec<u64> = tags_of(payload)
        .filter(|tag| !is_style(tag))
        .map(|tag| state.hash_one(tag))
        .collect();
    subject.sort_unstable();
    subject.dedup();
    subject
}

/// Whether two pictures have the same subject, by their tags. Pictures without tags have no known
/// subject.
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
    use crate::ids::PointId;

    fn hit(deviations: f32, tags: &[&str]) -> Hit {
        let payload = json!({ "tags_all": tags, "matched_tags": ["ink", "oil"] });
        Hit {
            payload: payload.as_object().cloned().expect("an object"),
            ..Hit::bare(PointId::Number(0), deviations / FULL_MATCH)
        }
    }

    #[test]
    fn a_subject_that_was_shown_gets_a_penalty() {
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
    fn pictures_without_tags_get_no_penalty() {
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
    fn hits_outside_of_the_pool_keep_their_places() {
        let mut hits: Vec<Hit> = (0..POOL)
            .map(|place| hit(3.9 - place as f32 / 1_000.0, &["fox"]))
            .collect();
        hits[0] = hit(4.0, &["cat"]);
        hits.push(hit(3.8, &["dog"]));
        assert_eq!(order(&hits), (0..=POOL).collect::<Vec<_>>());
    }
}
