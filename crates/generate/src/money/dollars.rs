//! Amounts of money.

/// An amount in millionths of a US dollar, so that sums of prices are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MicroDollars(pub u64);

impl MicroDollars {
    /// Converts from dollars, rounded up so that many small prices are never underestimated. Zero
    /// for anything that is not a positive number.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Self {
        // The small subtraction keeps 0.1 from becoming 100,001 millionths.
        Self(if dollars.is_finite() && dollars > 0.0 {
            (dollars * 1e6 - 1e-4).ceil().max(0.0) as u64
        } else {
            0
        })
    }

    /// The amount in dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_rounded_up_to_millionths() {
        for (dollars, micro) in [
            (0.1, 100_000),
            (0.039, 39_000),
            (0.000_000_4, 1),
            (0.0, 0),
            (f64::NAN, 0),
            (-1.0, 0),
        ] {
            assert_eq!(MicroDollars::from_dollars(dollars).0, micro, "{dollars}");
        }
    }
}
