//! The order of a page.

use clippy_core::search::fusion::Ranking;
use clippy_core::search::{diversity, subjects};

use crate::query::SearchQuery;

/// The order in which a query's hits are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PageOrder {
    /// As they are ranked.
    Likeness,
    /// Several guesses at what was drawn come first.
    Guesses,
    /// Hits that differ from each other come first: the share of diversity, above 0.
    Diverse(f32),
}

impl PageOrder {
    /// Returns the order of a query. Without an explicit one, a sketch alone gets several guesses,
    /// since it is ambiguous. Guesses are compared by calibrated scores.
    pub(crate) fn of(query: &SearchQuery, ranking: &Ranking) -> Self {
        match query.diversity {
            Some(share) if share > 0.0 => Self::Diverse(share),
            None if query.is_a_sketch_alone() && ranking.is_calibrated() => Self::Guesses,
            _ => Self::Likeness,
        }
    }

    /// Returns how many of the best hits are reordered. It does not depend on the page, so that
    /// pages do not overlap.
    pub(crate) fn pool(self) -> usize {
        match self {
            Self::Likeness => 0,
            Self::Guesses => subjects::POOL,
            Self::Diverse(_) => diversity::POOL,
        }
    }
}
