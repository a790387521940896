//! Limits the memory of all decoded pictures in this process.
//!
//! There are separate budgets, so that long work cannot starve short work. [`Budget::of_decoding`]
//! is for a picture while it is decoded and processed; small pictures have a separate one, so that
//! they do not wait for huge ones. [`Budget::of_jobs`] is for the pictures that a generation keeps
//! while it runs. To avoid deadlocks, code that holds a part of a decoding budget must not wait for
//! another part: a job takes its part of the jobs' budget first, then decodes its pictures one
//! after the other.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::{Duration, Instant};

use clippy_core::{Error, ErrorCode};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one unit of a budget.
const UNIT: u64 = 1024;

/// For all pictures that are being decoded and processed: enough for one picture of 8192 x 8192
/// pixels in RGB with its edge map.
const DECODING: u64 = 416 << 20;
/// For small pictures: enough for one of four megapixels with its edge map.
const SMALL_PICTURES: u64 = 72 << 20;
const SMALL: u64 = 24 << 20;
/// For running generations: enough for an edit of 20 megapixels with sixteen references, or for the
/// usual pictures of many jobs.
const JOBS: u64 = 320 << 20;

static OF_DECODING: LazyLock<Budget> = LazyLock::new(|| Budget::new(DECODING));
static OF_SMALL_PICTURES: LazyLock<Budget> = LazyLock::new(|| Budget::new(SMALL_PICTURES));
static OF_JOBS: LazyLock<Budget> = LazyLock::new(|| Budget::new(JOBS));

/// A budget of bytes. Requests are granted in order, so that small pictures cannot keep a large one
/// waiting.
#[derive(Debug)]
pub struct Budget {
    free: Arc<Semaphore>,
    total: u64,
}

/// A part of a budget. Dropping it gives the part back.
#[derive(Debug)]
pub struct Permit {
    part: Mutex<OwnedSemaphorePermit>,
}

/// Why a budget gave no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// More than the whole budget: waiting does not help.
    #[error(
        "it takes {bytes} bytes of memory, more than the {total} that all pictures together may \
         take"
    )]
    TooMuch {
        /// The requested bytes.
        bytes: u64,
        /// The bytes of the whole budget.
        total: u64,
    },
    /// Not enough became free in time.
    #[error(
        "other pictures took all the memory that is set aside for pictures for {} s: try again in \
         a moment",
        waited.as_secs()
    )]
    Busy {
        /// How long it waited.
        waited: Duration,
    },
}

impl From<BudgetError> for Error {
    /// `TooLarge` for what can never fit, `Unavailable` for what may fit later.
    fn from(error: BudgetError) -> Self {
        let code = match error {
            BudgetError::TooMuch { .. } => ErrorCode::TooLarge,
            BudgetError::Busy { .. } => ErrorCode::Unavailable,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

impl Budget {
    /// Makes a budget of this many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes / UNIT)
            .unwrap_or(Semaphore::MAX_PERMITS)
            .min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(units)),
            total: bytes,
        }
    }

    /// Returns the process's budget for a picture that needs this many bytes for decoding and
    /// processing.
    #[must_use]
    pub fn of_decoding(bytes: u64) -> &'static Self {
        if bytes <= SMALL {
            &OF_SMALL_PICTURES
        } else {
            &OF_DECODING
        }
    }

    /// Returns the process's budget for the pictures of running generations.
    #[must_use]
    pub fn of_jobs() -> &'static Self {
        &OF_JOBS
    }

    /// Returns the size of this budget in bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the bytes that are free now.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.free.available_permits() as u64 * UNIT
    }

    /// Takes `bytes`. Blocks this thread for at most `patience` until that many are free.
    ///
    /// # Errors
    /// [`BudgetError::TooMuch`] at once, [`BudgetError::Busy`] after the wait.
    pub fn acquire(&self, bytes: u64, patience: Duration) -> Result<Permit, BudgetError> {
        let units = self.units(bytes)?;
        // Without tokio's cooperative budget, since this thread blocks anyway.
        let taken = tokio::task::unconstrained(Arc::clone(&self.free).acquire_many_owned(units));
        permitted(wait_for(taken, patience), patience)
    }

    /// Like [`Budget::acquire`], without blocking the thread. Needs a tokio runtime with timers.
    ///
    /// # Errors
    /// Like [`Budget::acquire`].
    pub async fn acquire_async(
        &self,
        bytes: u64,
        patience: Duration,
    ) -> Result<Permit, BudgetError> {
        let units = self.units(bytes)?;
        let taken =
            tokio::time::timeout(patience, Arc::clone(&self.free).acquire_many_owned(units)).await;
        permitted(taken.ok(), patience)
    }

    /// Converts bytes to whole units, at least one.
    fn units(&self, bytes: u64) -> Result<u32, BudgetError> {
        let too_much = BudgetError::TooMuch {
            bytes,
            total: self.total,
        };
        if bytes > self.total {
            return Err(too_much);
        }
        // Rounded down at the top, so that the whole budget can be requested.
        let units = bytes.div_ceil(UNIT).clamp(1, (self.total / UNIT).max(1));
        u32::try_from(units).map_err(|_| too_much)
    }
}

/// Returns the permit, or the error for a wait that was too long. The semaphore is never closed, so
/// there is no other failure.
fn permitted<E>(
    taken: Option<Result<OwnedSemaphorePermit, E>>,
    patience: Duration,
) -> Result<Permit, BudgetError> {
    match taken {
        Some(Ok(part)) => Ok(Permit {
            part: Mutex::new(part),
        }),
        Some(Err(_)) | None => Err(BudgetError::Busy { waited: patience }),
    }
}

impl Permit {
    /// Returns the bytes of this part.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.part().num_permits() as u64 * UNIT
    }

    /// Gives back what is beyond `bytes`.
    pub fn shrink_to(&self, bytes: u64) {
        let kept = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX);
        let mut part = self.part();
        if let Some(beyond) = part.num_permits().checked_sub(kept) {
            drop(part.split(beyond));
        }
    }

    fn part(&self) -> MutexGuard<'_, OwnedSemaphorePermit> {
        // A poisoned lock is safe to use: every change is a single split.
        self.part.lock()
    }
}

/// Wakes a thread that waits for a future.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks this thread until a future is ready; `None` when it is not ready in time.
fn wait_for<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let end = Instant::now().checked_add(patience);
    let waker = Arc::new(Sleeper(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
            return Some(outcome);
        }
        match end.map(|end| end.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return None,
            Some(left) => std::thread::park_timeout(left),
            // The deadline is beyond what the clock can represent.
            None => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_dropped_part_is_free_again_and_an_oversized_one_is_refused_at_once() {
        let budget = Budget::new(10 * UNIT);
        let first = budget.acquire(6 * UNIT, SHORT).expect("there is room");
        assert_eq!((first.bytes(), budget.free()), (6 * UNIT, 4 * UNIT));
        assert_eq!(
            budget.acquire(5 * UNIT, SHORT).expect_err("full"),
            BudgetError::Busy { waited: SHORT }
        );
        assert_eq!(budget.free(), 4 * UNIT, "a failed request holds nothing");
        first.shrink_to(5 * UNIT - 1);
        let second = budget.acquire(5 * UNIT, SHORT).expect("there is room now");
        drop((first, second));
        assert_eq!(budget.free(), 10 * UNIT);
        assert!(matches!(
            budget.acquire(10 * UNIT + 1, LONG),
            Err(BudgetError::TooMuch { .. })
        ));
        drop(budget.acquire(10 * UNIT, SHORT).expect("all of it"));
        assert_eq!(
            Error::from(BudgetError::Busy { waited: LONG }).code,
            ErrorCode::Unavailable
        );
    }

    #[test]
    fn a_waiting_thread_continues_when_memory_is_free() {
        let budget = Arc::new(Budget::new(4 * UNIT));
        let held = budget.acquire(4 * UNIT, SHORT).expect("there is room");
        let (started, begun) = mpsc::channel();
        let waiting = std::thread::spawn({
            let budget = Arc::clone(&budget);
            move || {
                started.send(()).expect("heard");
                budget.acquire(3 * UNIT, LONG).map(|permit| permit.bytes())
            }
        });
        begun.recv().expect("started");
        drop(held);
        assert_eq!(waiting.join().expect("no panic"), Ok(3 * UNIT));
    }

    #[tokio::test]
    async fn a_waiting_task_continues_when_memory_is_free_or_fails_in_time() {
        let budget = Arc::new(Budget::new(4 * UNIT));
        let held = budget
            .acquire_async(4 * UNIT, LONG)
            .await
            .expect("there is room");
        let refused = budget.acquire_async(UNIT, SHORT).await.expect_err("full");
        assert_eq!(refused, BudgetError::Busy { waited: SHORT });
        let waiting = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.acquire_async(UNIT, LONG).await.is_ok() }
        });
        drop(held);
        assert!(waiting.await.expect("no panic"));
    }
}
