//! One rate for all requests, and a common pause when the site asks for one.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct Throttle {
    gap: Duration,
    next: Mutex<Instant>,
}

impl Throttle {
    pub fn new(rate: f64) -> Self {
        Self {
            gap: Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::ZERO),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for the turn of the next request.
    pub async fn turn(&self) {
        let turn = {
            let mut next = self.next.lock();
            let turn = (*next).max(Instant::now());
            *next = turn + self.gap;
            turn
        };
        sleep_until(turn).await;
    }

    /// No request begins before this pause is over.
    pub fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut next = self.next.lock();
        *next = (*next).max(until);
    }
}
