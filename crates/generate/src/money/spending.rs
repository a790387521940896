//! What has been spent, by key and by day.

use std::collections::HashMap;

use async_trait::async_trait;
use clippy_core::Result;
use parking_lot::Mutex;

use super::dollars::MicroDollars;

/// What has been spent or reserved, by key and by day (in days since 1970 UTC).
#[async_trait]
pub trait Spending: Send + Sync + 'static {
    /// Adds an amount unless the sum would exceed the limit. This is atomic: two callers cannot
    /// both spend the last dollar. Returns the sum before, and whether the amount was added.
    async fn add_within(
        &self,
        key: &str,
        day: u64,
        amount: MicroDollars,
        limit: MicroDollars,
    ) -> Result<(MicroDollars, bool)>;
    /// Subtracts a reserved amount that was not needed.
    async fn give_back(&self, key: &str, day: u64, amount: MicroDollars) -> Result<()>;
}

/// Spending in memory, for tests and for a single process.
#[derive(Debug, Default)]
pub struct MemorySpending {
    days: Mutex<HashMap<(String, u64), u64>>,
}

impl MemorySpending {
    fn with<T>(&self, key: &str, day: u64, work: impl FnOnce(&mut u64) -> T) -> T {
        let mut days = self.days.lock();
        // Jobs of earlier days are settled: only yesterday and today can still change.
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
