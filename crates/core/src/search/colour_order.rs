//! Ranks pictures by the colours that the words of a query name.

use super::colours::{is_colour_word, share_of};
use super::duplicates::Appearance;
use super::fusion::{Hit, Ranking, by_score};
use crate::gallery::{ProbeKind, tags_of};

/// How many of the best hits are compared by colour. It is always the same number, so that pages fit
/// together.
pub const POOL: usize = 200;
/// How much a picture that is all of the wanted colour gains, in units of a ranking whose weight is
/// all on the words: docs/search.md has the measurement.
const WORTH: f32 = 0.12;

impl Ranking {
    /// Whether the query has words alone, and they name colours. Beside a drawing, what it shows
    /// counts more than its colours: a line drawing has none.
    #[must_use]
    pub fn compares_colours(&self) -> bool {
        let mut kinds = self.weighted_probes().map(|(_, kind)| kind);
        !self.colours().is_empty() && kinds.all(ProbeKind::is_of_words)
    }

    /// Moves pictures of the colours that the words name up among the first [`POOL`] hits. If tags
    /// match the words, pictures whose tags do not match gain nothing: a red strawberry is no red
    /// car.
    pub fn prefer_colours(&self, hits: &mut [Hit]) {
        let (wanted, weight) = (self.colours(), WORTH * self.words_weight());
        let pool = hits.len().min(POOL);
        let pool = &mut hits[..pool];
        // A tag such as "red" matches the colour, and says nothing about the thing.
        let things = self.wanted().map(|wanted| wanted.without(is_colour_word));
        let matches = |hit: &Hit| {
            let things = things.as_ref()?;
            hit.lexical?;
            Some(things.score(tags_of(&hit.payload)) > 0.0)
        };
        let some_match = pool.iter().any(|hit| matches(hit) == Some(true));
        for hit in pool.iter_mut() {
            if some_match && matches(hit) == Some(false) {
                continue;
            }
            let appearance = Appearance::of(&hit.payload);
            let share = appearance.and_then(|appearance| share_of(appearance.colours(), wanted));
            hit.score += weight * share.unwrap_or(0.0);
        }
        pool.sort_by(by_score);
    }
}
