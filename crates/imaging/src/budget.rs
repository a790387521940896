//! How much memory decoded pictures may take in this process, all of them together.
//!
//! Separate budgets, so that work that lasts cannot starve work that somebody waits for:
//! [`Budget::of_decoding`] for a picture from its file's bytes until the thread that works on it
//! ends, with one of its own for usual pictures, which do not wait behind huge ones; and
//! [`Budget::of_jobs`] for what a generation keeps while it runs. Whoever holds a part of a
//! budget of decoding must not wait for another one: a job takes its part of the jobs' budget
//! first, then decodes one picture after the other.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::{Duration, Instant};

use clippy_core::{Error, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one unit of a budget.
const UNIT: u64 = 1024;

/// All pictures that are being decoded and worked on: one of 8192 x 8192 pixels in RGB with its
/// edge map, and a little.
const DECODING: u64 = 416 << 20;
/// The pictures among them that are small, and what counts as small: four megapixels with their
/// edge map.
const SMALL_PICTURES: u64 = 72 << 20;
const SMALL: u64 = 24 << 20;
/// What generations keep: an edit of 20 megapixels with sixteen references, or the usual pictures
/// of many jobs.
const JOBS: u64 = 320 << 20;

static OF_DECODING: LazyLock<Budget> = LazyLock::new(|| Budget::new(DECODING));
static OF_SMALL_PICTURES: LazyLock<Budget> = LazyLock::new(|| Budget::new(SMALL_PICTURES));
static OF_JOBS: LazyLock<Budget> = LazyLock::new(|| Budget::new(JOBS));

/// Bytes that are given out and come back. Whoever asks first is served first, so that a large
/// picture is not kept waiting by small ones.
#[derive(Debug)]
pub struct Budget {
    free: Arc<Semaphore>,
    total: u64,
}

/// A part of a budget; it goes back when this is dropped.
#[derive(Debug)]
pub struct Permit {
    part: OwnedSemaphorePermit,
}

/// Why a budget gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// More than there is, however long one waits.
    #[error(
        "it takes {bytes} bytes of memory, more than the {total} that all pictures together may \
         take"
    )]
    TooMuch {
        /// Bytes asked for.
        bytes: u64,
        /// Bytes there are.
        total: u64,
    },
    /// Others held too much for too long.
    #[error(
        "other pictures took all the memory that is set aside for pictures for {} s: try again in a moment",
        waited.as_secs()
    )]
    Busy {
        /// How long it waited.
        waited: Duration,
    },
}

impl From<BudgetError> for Error {
    /// `TooLarge` for what never fits, `Unavailable` for what may fit later.
    fn from(error: BudgetError) -> Self {
        let code = match error {
            BudgetError::TooMuch { .. } => ErrorCode::TooLarge,
            BudgetError::Busy { .. } => ErrorCode::Unavailable,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

impl Budget {
    /// A budget of so many bytes.
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

    /// The process's budget for a picture that takes so many bytes while it is being decoded and
    /// worked on.
    #[must_use]
    pub fn of_decoding(bytes: u64) -> &'static Self {
        if bytes <= SMALL {
            &OF_SMALL_PICTURES
        } else {
            &OF_DECODING
        }
    }

    /// The process's budget for the pictures of running generations.
    #[must_use]
    pub fn of_jobs() -> &'static Self {
        &OF_JOBS
    }

    /// All bytes of this budget, given out or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that nobody holds now.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.free.available_permits() as u64 * UNIT
    }

    /// Takes `bytes`, and waits for them on this thread for at most `patience`.
    ///
    /// # Errors
    /// [`BudgetError::TooMuch`] at once, [`BudgetError::Busy`] after the wait.
    pub fn acquire(&self, bytes: u64, patience: Duration) -> Result<Permit, BudgetError> {
        let units = self.units(bytes)?;
        // A task's share of turns does not count here: this thread sleeps.
        let taken = tokio::task::unconstrained(Arc::clone(&self.free).acquire_many_owned(units));
        permitted(wait_for(taken, patience), patience)
    }

    /// As [`Budget::acquire`], without a thread that sleeps meanwhile. Needs a runtime of tokio
    /// with its timer.
    ///
    /// # Errors
    /// As [`Budget::acquire`].
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

    /// Whole units, at least one.
    fn units(&self, bytes: u64) -> Result<u32, BudgetError> {
        let too_much = BudgetError::TooMuch {
            bytes,
            total: self.total,
        };
        if bytes > self.total {
            return Err(too_much);
        }
        // Rounded down at the top, so that the whole budget can be asked for.
        let units = bytes.div_ceil(UNIT).clamp(1, (self.total / UNIT).max(1));
        u32::try_from(units).map_err(|_| too_much)
    }
}

/// The semaphore of a budget is never closed, so that its only other answer is that the time is
/// over.
fn permitted<E>(
    taken: Option<Result<OwnedSemaphorePermit, E>>,
    patience: Duration,
) -> Result<Permit, BudgetError> {
    match taken {
        Some(Ok(part)) => Ok(Permit { part }),
        Some(Err(_)) | None => Err(BudgetError::Busy { waited: patience }),
    }
}

impl Permit {
    /// Bytes that are held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.part.num_permits() as u64 * UNIT
    }

    /// Gives back what is beyond `bytes`.
    pub fn shrink_to(&mut self, bytes: u64) {
        let kept = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX);
        if let Some(beyond) = self.part.num_permits().checked_sub(kept) {
            drop(self.part.split(beyond));
        }
    }
}

/// Wakes a thread that sleeps until a future is ready.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread; `None` when it is not ready in time.
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
            // Longer than a clock can tell.
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
    fn what_is_taken_comes_back_and_what_never_fits_is_refused_at_once() {
        let budget = Budget::new(10 * UNIT);
        let mut first = budget.acquire(6 * UNIT, SHORT).expect("there is room");
        assert_eq!((first.bytes(), budget.free()), (6 * UNIT, 4 * UNIT));
        assert_eq!(
            budget.acquire(5 * UNIT, SHORT).expect_err("full"),
            BudgetError::Busy { waited: SHORT }
        );
        assert_eq!(budget.free(), 4 * UNIT, "who gave up holds nothing");
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
    fn a_thread_that_waits_goes_on_when_there_is_room() {
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
    async fn a_task_that_waits_goes_on_when_there_is_room_and_gives_up_in_time() {
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
