//! Chooses the order in which a page shows its hits.

use clippy_core::search::fusion::Ranking;
use clippy_core::search::{diversity, per_style, subjects};

use crate::query::{AskedOrder, SearchQuery};

/// The share of diversity if a query asks for diverse hits without naming a share.
const DIVERSITY: f32 = 0.5;

/// The order in which a query's hits are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PageOrder {
    /// As they are ranked.
    Likeness,
    /// Several guesses at what was drawn come first.
    Guesses,
    /// Hits that differ from each other come first. The value is the share of diversity, above 0.
    Diverse(f32),
    /// The best few of each style come first.
    PerStyle,
}

impl PageOrder {
    /// Returns the order that a query asks for. If it asks for none, a sketch alone gets several
    /// guesses, since it is ambiguous. Guesses need calibrated scores: without them, hits stay as
    /// they are ranked.
    pub(crate) fn of(query: &SearchQuery, ranking: &Ranking) -> Self {
        let share = query.diversity.filter(|share| *share > 0.0);
        match query.order {
            Some(AskedOrder::Likeness) => Self::Likeness,
            Some(AskedOrder::PerStyle) => Self::PerStyle,
            Some(AskedOrder::Diverse) => Self::Diverse(share.unwrap_or(DIVERSITY)),
            Some(AskedOrder::Guesses) if ranking.is_calibrated() => Self::Guesses,
            Some(AskedOrder::Guesses) => Self::Likeness,
            None => match (query.diversity, share) {
                (_, Some(share)) => Self::Diverse(share),
                (None, _) if query.is_a_sketch_alone() && ranking.is_calibrated() => Self::Guesses,
                _ => Self::Likeness,
            },
        }
    }

    /// Returns how many of the best hits are reordered. The number does not depend on the page, so
    /// that pages do not overlap.
    pub(crate) fn pool(self) -> usize {
        match self {
            Self::Likeness => 0,
            Self::Guesses => subjects::POOL,
            Self::Diverse(_) => diversity::POOL,
            Self::PerStyle => per_style::POOL,
        }
    }
}
