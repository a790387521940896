//! A daily budget for each API key: money is set aside before a paid job is queued, and settled
//! when it ends.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clippy_core::{Error, ErrorCode, Result};

use super::dollars::MicroDollars;
use super::spending::Spending;
use crate::contract::Estimate;

/// Why the budget refuses a request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BudgetRefusal {
    /// It costs more than the budget of a whole day, so waiting does not help.
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
    /// Today's budget is used up; tomorrow the request may pass.
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
        /// The time until midnight UTC.
        retry_after: Duration,
    },
    /// The price is not configured, so the budget cannot be enforced.
    #[error(
        "the price of a picture from {provider} is not set, so the daily budget cannot be \
         enforced: set the price, or remove the budget"
    )]
    PriceUnknown {
        /// The provider.
        provider: String,
    },
}

impl BudgetRefusal {
    /// How long to wait, if waiting helps.
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
        Self::new(ErrorCode::OverBudget, refusal.to_string()).with_source(refusal)
    }
}

/// Money reserved for one job. It is stored in the job's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose budget.
    pub key: String,
    /// The day, in days since 1970 UTC.
    pub day: u64,
    /// The amount.
    pub amount: MicroDollars,
}

/// The day of a budget that a time since 1970 is in, and how long that day lasts from then on.
#[must_use]
pub fn day_of(since_1970: Duration) -> (u64, Duration) {
    const SECONDS: u64 = 86_400;
    let seconds = since_1970.as_secs();
    let left = Duration::from_secs(SECONDS - seconds % SECONDS);
    (seconds / SECONDS, left)
}

/// The budget of one day for each API key.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DailyBudget {
    /// `GENERATION_DAILY_BUDGET_USD`; without it nothing is refused.
    pub limit: Option<MicroDollars>,
}

impl DailyBudget {
    /// Reserves the estimated cost of a request; `None` if it costs nothing or there is no budget.
    ///
    /// # Errors
    /// The inner error is the budget's refusal, the outer one a failure of the store.
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
        let (day, left) = day_of(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        let (spent, added) = spending.add_within(key, day, amount, limit).await?;
        if added {
            return Ok(Ok(Some(Reservation {
                key: key.to_owned(),
                day,
                amount,
            })));
        }
        Ok(Err(BudgetRefusal::UsedUp {
            cost,
            spent: spent.dollars(),
            budget,
            retry_after: left,
        }))
    }

    /// Returns the unused part of a reservation when the job has ended. The caller passes the full
    /// amount as `actual_usd` if the cost is unknown.
    ///
    /// # Errors
    /// Failures of the store.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Receipt;
    use crate::money::MemorySpending;

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
    async fn each_key_has_a_daily_budget_that_renews_at_midnight() {
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
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(43_200)));
        assert!(refused.to_string().contains("0.06 of 0.10"), "{refused}");
        assert_eq!(Error::from(refused).code, ErrorCode::OverBudget);
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
            .expect("the unused part was returned");
        let refused = ask("a", 0.2, noon).await.expect_err("more than a day");
        assert_eq!(refused.retry_after(), None);
        assert_eq!(Error::from(refused).code, ErrorCode::OverBudget);
        assert_eq!(ask("a", 0.0, noon).await, Ok(None));
    }

    #[tokio::test]
    async fn an_unknown_price_is_refused_only_with_a_budget() {
        let spending = MemorySpending::default();
        let kept = DailyBudget {
            limit: Some(MicroDollars(1)),
        };
        let refused = kept
            .reserve(&spending, "a", &estimate(None), UNIX_EPOCH)
            .await
            .expect("a store")
            .expect_err("no price");
        assert_eq!(refused.retry_after(), None);
        assert!(matches!(refused, BudgetRefusal::PriceUnknown { .. }));
        let open = DailyBudget::default();
        assert_eq!(
            open.reserve(&spending, "a", &estimate(None), UNIX_EPOCH)
                .await
                .expect("a store"),
            Ok(None)
        );
    }
}
