//! What calls cost: a daily budget for each key, and a journal that keeps a call from being paid
//! for twice.

mod budget;
mod dollars;
mod file_journal;
mod file_spending;
mod memory_journal;
mod pay_once;
mod spending;

pub use budget::{BudgetRefusal, DailyBudget, Reservation, day_of};
pub use dollars::MicroDollars;
pub use file_journal::FileJournal;
pub use file_spending::FileSpending;
pub use memory_journal::MemoryJournal;
pub use pay_once::{count_bought, pay_once};
pub use spending::{MemorySpending, Spending};
