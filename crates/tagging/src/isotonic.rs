//! Isotonic regression: a rising curve from the odds of a regression to how often they are right.

use serde::{Deserialize, Serialize};

use crate::logistic::probability;

/// The width of a bin of log odds.
const BIN: f64 = 0.25;
/// Odds beyond these are counted with them.
const EDGE: f64 = 7.0;
/// How many imagined examples of each bin agree with the regression. They keep bins with few
/// examples from stating a certainty.
const PRIOR: f64 = 4.0;

/// A rising curve, as its corners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Isotonic {
    /// Log odds and probabilities; both rise.
    corners: Vec<(f64, f64)>,
}

#[derive(Clone, Copy)]
struct Block {
    odds: f64,
    right: f64,
    count: f64,
}

impl Block {
    fn rate(&self) -> f64 {
        self.right / self.count
    }
}

impl Isotonic {
    /// Fits the curve to log odds, and whether the tag was right. The odds must be of examples that
    /// the regression was not fitted to.
    pub(crate) fn fit(examples: &[(f64, bool)]) -> Self {
        let bins = (2.0 * EDGE / BIN) as usize;
        let mut blocks: Vec<Block> = Vec::new();
        let mut binned: Vec<Vec<(f64, bool)>> = vec![Vec::new(); bins];
        for (odds, right) in examples {
            let bounded = odds.clamp(-EDGE, EDGE - 1e-9);
            binned[((bounded + EDGE) / BIN) as usize].push((bounded, *right));
        }
        for bin in binned.into_iter().filter(|bin| !bin.is_empty()) {
            let count = bin.len() as f64;
            let odds = bin.iter().map(|(odds, _)| odds).sum::<f64>() / count;
            let right = bin.iter().filter(|(_, right)| *right).count() as f64;
            blocks.push(Block {
                odds,
                right: right + PRIOR * probability(odds),
                count: count + PRIOR,
            });
            // Neighbours that fall are pooled.
            while let [.., before, last] = blocks[..]
                && before.rate() > last.rate()
            {
                let count = before.count + last.count;
                blocks.truncate(blocks.len() - 2);
                blocks.push(Block {
                    odds: (before.odds * before.count + last.odds * last.count) / count,
                    right: before.right + last.right,
                    count,
                });
            }
        }
        Self {
            corners: blocks
                .iter()
                .map(|block| (block.odds, block.rate()))
                .collect(),
        }
    }

    /// The probability of these log odds.
    pub(crate) fn probability(&self, odds: f64) -> f64 {
        let above = self.corners.partition_point(|(corner, _)| *corner <= odds);
        match (
            above
                .checked_sub(1)
                .and_then(|below| self.corners.get(below)),
            self.corners.get(above),
        ) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (odds - x0) / (x1 - x0),
            (Some((_, y)), None) | (None, Some((_, y))) => *y,
            (None, None) => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_and_follows_the_examples() {
        // Odds that state too much: what they call 0.95 is right in half of all cases.
        let examples: Vec<(f64, bool)> = (0..2000)
            .map(|n| (f64::from(n % 20) * 0.3 - 3.0, n % 40 >= 20 && n % 20 > 8))
            .collect();
        let curve = Isotonic::fit(&examples);
        let mut last = 0.0;
        for step in -40..40 {
            let stated = curve.probability(f64::from(step) * 0.2);
            assert!(stated >= last - 1e-12 && (0.0..=1.0).contains(&stated));
            last = stated;
        }
        assert!((curve.probability(2.7) - 0.5).abs() < 0.05);
        assert_eq!(Isotonic::fit(&[]).probability(3.0), 0.0);
    }
}
