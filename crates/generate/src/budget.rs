//! A daily budget for each API key: money is set aside before a paid job is queued, and settled
//! when it ends.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use clippy_core::{Error, ErrorCode, Result};

use crate::provider::Estimate;

/// Millionths of a US dollar: sums of prices stay exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MicroDollars(pub u64);

impl MicroDollars {
    /// Rounded up, so that many small prices never add up to less than they are. Nothing for what
    /// is no price.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Self {
        // The small subtraction keeps 0.1 from becoming 100,001 millionths.
        Self(if dollars.is_finite() && dollars > 0.0 {
            (dollars * 1e6 - 1e-4).ceil().max(0.0) as u64
        } else {
            0
        })
    }

    /// In dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// What has been spent or set aside, by key and by day (days since 1970 in UTC).
#[async_trait]
pub trait Spending: Send + Sync + 'static {
    /// Adds to what is spent, unless the sum would exceed the limit. All at once: two callers
    /// cannot both take the last dollar. Gives what was spent before, and whether it was added.
    async fn add_within(
        &self,
        key: &str,
        day: u64,
        amount: MicroDollars,
        limit: MicroDollars,
    ) -> Result<(MicroDollars, bool)>;
    /// Takes back what was set aside and not needed.
    async fn give_back(&self, key: &str, day: u64, amount: MicroDollars) -> Result<()>;
}

/// Why a request is not paid for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BudgetRefusal {
    /// It costs more than a whole day's budget (402): waiting does not help.
    #[error(
        "this request would cost about {cost:.2} USD, more than the daily budget of {budget:.2} \
         USD: ask for fewer pictures, or have the budget raised"
    )]
    LargerThanBudget {
        /// What it would cost, in dollars.
        cost: f64,
        /// The budget of a day.
        budget: f64,
    },
    /// The day's budget is used up (429): tomorrow helps.
    #[error(
        "{spent:.2} of {budget:.2} USD of today's budget are spent, and this request would cost \
         about {cost:.2} USD: try again after midnight UTC, or ask for fewer pictures"
    )]
    UsedUp {
        /// What it would cost, in dollars.
        cost: f64,
        /// What was spent today.
        spent: f64,
        /// The budget of a day.
        budget: f64,
        /// Until midnight in UTC.
        retry_after: Duration,
    },
    /// The price is not set, so that a budget cannot be kept (402).
    #[error(
        "the price of a picture from {provider} is not set, so the daily budget cannot be kept: \
         set its price, or the budget to nothing"
    )]
    PriceUnknown {
        /// The provider.
        provider: String,
    },
}

impl BudgetRefusal {
    /// The HTTP status that says it best: 402 or 429.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::LargerThanBudget { .. } | Self::PriceUnknown { .. } => 402,
            Self::UsedUp { .. } => 429,
        }
    }

    /// How long to wait, where waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::UsedUp { retry_after, .. } => Some(*retry_after),
            Self::LargerThanBudget { .. } | Self::PriceUnknown { .. } => None,
        }
    }
}

impl From<BudgetRefusal> for Error {
    fn from(refusal: BudgetRefusal) -> Self {
        let code = match refusal {
            BudgetRefusal::UsedUp { .. } => ErrorCode::Overloaded,
            BudgetRefusal::LargerThanBudget { .. } | BudgetRefusal::PriceUnknown { .. } => {
                ErrorCode::Forbidden
            }
        };
        Self::new(code, refusal.to_string()).with_source(refusal)
    }
}

/// Money set aside for one job. Plain data, so that it can travel with the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose.
    pub key: String,
    /// On which day: days since 1970.
    pub day: u64,
    /// How much.
    pub amount: MicroDollars,
}

/// So much a day for each key; without a limit nothing is refused.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DailyBudget {
    /// `GENERATION_DAILY_BUDGET_USD`.
    pub limit: Option<MicroDollars>,
}

impl DailyBudget {
    /// Sets aside what a request is estimated to cost; `None` where it costs nothing or there is no
    /// budget.
    ///
    /// # Errors
    /// [`BudgetRefusal`] inside of `Ok(Err(…))`; the outer error is the store's.
    pub async fn reserve(
        &self,
        spending: &dyn Spending,
        key: &str,
        estimate: &Estimate,
        now: SystemTime,
    ) -> Result<Result<Option<Reservation>, BudgetRefusal>> {
        let Some(limit) = self.limit else {
            return Ok(Ok(None));
        };
        let Some(usd) = estimate.usd else {
            return Ok(Err(BudgetRefusal::PriceUnknown {
                provider: estimate.provider.clone(),
            }));
        };
        let amount = MicroDollars::from_dollars(usd);
        if amount == MicroDollars(0) {
            return Ok(Ok(None));
        }
        let (cost, budget) = (amount.dollars(), limit.dollars());
        if amount > limit {
            return Ok(Err(BudgetRefusal::LargerThanBudget { cost, budget }));
        }
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let day = seconds / 86_400;
        let (spent, added) = spending.add_within(key, day, amount, limit).await?;
        if added {
            return Ok(Ok(Some(Reservation {
                key: key.to_owned(),
                day,
                amount,
            })));
        }
        let retry_after = Duration::from_secs(86_400 - seconds % 86_400);
        Ok(Err(BudgetRefusal::UsedUp {
            cost,
            spent: spent.dollars(),
            budget,
            retry_after,
        }))
    }

    /// When the job has ended: gives back what it did not cost. A job whose outcome is unknown
    /// keeps all of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn settle(
        &self,
        spending: &dyn Spending,
        reservation: &Reservation,
        actual_usd: f64,
    ) -> Result<()> {
        let actual = MicroDollars::from_dollars(actual_usd);
        let left = MicroDollars(reservation.amount.0.saturating_sub(actual.0));
        if left == MicroDollars(0) {
            Ok(())
        } else {
            spending
                .give_back(&reservation.key, reservation.day, left)
                .await
        }
    }
}

/// Spending that forgets with the process: for tests, and for one process alone.
#[derive(Debug, Default)]
pub struct MemorySpending {
    days: Mutex<HashMap<(String, u64), u64>>,
}

impl MemorySpending {
    fn with<T>(&self, key: &str, day: u64, work: impl FnOnce(&mut u64) -> T) -> T {
        let mut days = self
            .days
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Days before yesterday are settled.
        days.retain(|(_, old), _| *old + 1 >= day);
        work(days.entry((key.to_owned(), day)).or_default())
    }
}

#[async_trait]
impl Spending for MemorySpending {
    async fn add_within(
        &self,
        key: &str,
        day: u64,
        amount: MicroDollars,
        limit: MicroDollars,
    ) -> Result<(MicroDollars, bool)> {
        Ok(self.with(key, day, |spent| {
            let before = *spent;
            let fits = before.saturating_add(amount.0) <= limit.0;
            if fits {
                *spent += amount.0;
            }
            (MicroDollars(before), fits)
        }))
    }

    async fn give_back(&self, key: &str, day: u64, amount: MicroDollars) -> Result<()> {
        self.with(key, day, |spent| *spent = spent.saturating_sub(amount.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::Receipt;

    fn estimate(usd: Option<f64>) -> Estimate {
        Estimate {
            provider: "gemini".into(),
            model: None,
            calls: 1,
            images: 1,
            usd,
            note: String::new(),
            receipt: Receipt::new("gemini"),
        }
    }

    #[tokio::test]
    async fn a_day_s_budget_is_kept_for_each_key_and_comes_back_at_midnight() {
        let (budget, spending) = (
            DailyBudget {
                limit: Some(MicroDollars::from_dollars(0.1)),
            },
            MemorySpending::default(),
        );
        let noon = UNIX_EPOCH + Duration::from_secs(86_400 * 100 + 43_200);
        let ask = |key: &'static str, usd, now| {
            let (budget, spending) = (&budget, &spending);
            async move {
                budget
                    .reserve(spending, key, &estimate(Some(usd)), now)
                    .await
                    .expect("a store")
            }
        };
        let first = ask("a", 0.06, noon)
            .await
            .expect("fits")
            .expect("costs something");
        let refused = ask("a", 0.06, noon)
            .await
            .expect_err("too much for one day");
        assert_eq!(
            (refused.status(), refused.retry_after()),
            (429, Some(Duration::from_secs(43_200)))
        );
        assert!(refused.to_string().contains("0.06 of 0.10"), "{refused}");
        assert_eq!(Error::from(refused).code, ErrorCode::Overloaded);
        ask("b", 0.06, noon).await.expect("another key");
        ask("a", 0.06, noon + Duration::from_secs(43_200))
            .await
            .expect("another day");
        budget
            .settle(&spending, &first, 0.02)
            .await
            .expect("settled");
        ask("a", 0.08, noon)
            .await
            .expect("what was not needed came back");
        let refused = ask("a", 0.2, noon).await.expect_err("more than a day");
        assert_eq!(refused.status(), 402);
        assert_eq!(ask("a", 0.0, noon).await, Ok(None));
    }

    #[tokio::test]
    async fn without_a_price_there_is_no_budget_to_keep_and_without_a_budget_no_refusal() {
        let spending = MemorySpending::default();
        let kept = DailyBudget {
            limit: Some(MicroDollars(1)),
        };
        let refused = kept
            .reserve(&spending, "a", &estimate(None), UNIX_EPOCH)
            .await
            .expect("a store")
            .expect_err("no price");
        assert_eq!(refused.status(), 402);
        let open = DailyBudget::default();
        assert_eq!(
            open.reserve(&spending, "a", &estimate(None), UNIX_EPOCH)
                .await
                .expect("a store"),
            Ok(None)
        );
    }

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
