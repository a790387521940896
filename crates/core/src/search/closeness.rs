//! Whether a search by words found anything that is close to them.

use super::fusion::{Hit, Ranking};
use crate::gallery::ProbeKind;

/// Cosines of hits with words that mean something to the model lie more deviations above the
/// cosines of random pictures than this: docs/search.md has the measurement.
const CLOSE: f32 = 4.5;

impl Ranking {
    /// Whether none of the best hits of a query is close to its words: no tag matches, and no cosine
    /// is above those that words without a meaning get. `false` for queries with pictures, where
    /// scores are not calibrated, and if one of the hits is untagged: its cosine alone does not
    /// distinguish words with a meaning from words without one.
    #[must_use]
    pub fn nothing_is_close(&self, best: &[Hit]) -> bool {
        let is_of_words = |(_, kind): (usize, ProbeKind)| kind.is_of_words();
        if !(self.is_calibrated() && self.weighted_probes().all(is_of_words)) {
            return false;
        }
        let is_close = |hit: &Hit| {
            let may_match = hit.lexical.is_none_or(|lexical| lexical > 0.0);
            may_match
                || self
                    .deviations_of_words(hit)
                    .is_some_and(|most| most >= CLOSE)
        };
        !best.is_empty() && !best.iter().any(is_close)
    }

    /// How many deviations the closest comparison of a hit with the words lies above those of random
    /// pictures.
    fn deviations_of_words(&self, hit: &Hit) -> Option<f32> {
        let each = self.weighted_probes().filter_map(|(index, kind)| {
            let level = self.level(index)?;
            Some(level.deviations(*hit.scores.get(&kind)?))
        });
        each.max_by(f32::total_cmp)
    }
}
