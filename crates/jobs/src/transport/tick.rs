//! When a worker loop polls for work: at once when it is woken, and at intervals in any case.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use futures::task::AtomicWaker;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep};

/// Wakes one worker loop.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// The wake strategy of a worker loop.
///
/// apalis' own interval strategy may lose its timer, since it resets it without polling it. This
/// one polls its timers until they are pending, so that a waker is always registered.
pub struct Tick {
    interval: Interval,
    bell: Arc<Bell>,
    /// The timer of the next repetition. A wake-up during a fetch is lost, since the loop is not
    /// ready to poll yet, so each wake-up is repeated a few times.
    echo: Pin<Box<Sleep>>,
    /// How many repetitions are left.
    echoes: usize,
}

/// The delays between repetitions of a wake-up. A fetch may have to wait for its turn to write.
const ECHOES: [Duration; 4] = [
    Duration::from_millis(3),
    Duration::from_millis(50),
    Duration::from_millis(500),
    Duration::from_secs(3),
];

impl Tick {
    /// A strategy that polls at this interval and is never woken in between.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self::new(every, Arc::default())
    }

    pub(crate) fn new(every: Duration, bell: Arc<Bell>) -> Self {
        let mut interval = tokio::time::interval(every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            interval,
            bell,
            echo: Box::pin(tokio::time::sleep(Duration::ZERO)),
            echoes: 0,
        }
    }
}

impl fmt::Debug for Tick {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tick")
            .field("every", &self.interval.period())
            .finish()
    }
}

impl PollStrategy for Tick {
    fn poll_drive(&mut self, context: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        self.bell.waker.register(context.waker());
        let mut fired = self.bell.rung.swap(false, Ordering::AcqRel);
        if fired {
            self.echoes = ECHOES.len();
            self.echo.as_mut().reset(Instant::now() + ECHOES[0]);
        }
        while self.echoes > 0 && self.echo.as_mut().poll(context).is_ready() {
            fired = true;
            self.echoes -= 1;
            if self.echoes > 0 {
                self.echo
                    .as_mut()
                    .reset(Instant::now() + ECHOES[ECHOES.len() - self.echoes]);
            }
        }
        while self.interval.poll_tick(context).is_ready() {
            fired = true;
        }
        if fired {
            Poll::Ready(Some(()))
        } else {
            Poll::Pending
        }
    }
}
