//! One rate for all requests, and a common pause when the site asks for one.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

pub struct Throttle {
    gap: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the next request may begin.
    next: Instant,
    /// When the last announced pause is over.
    announced: Instant,
}

impl Throttle {
    pub fn new(rate: f64) -> Self {
        let now = Instant::now();
        Self {
            gap: Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::ZERO),
            state: Mutex::new(State {
                next: now,
                announced: now,
            }),
        }
    }

    /// Waits for the turn of the next request.
    pub async fn turn(&self) {
        let turn = {
            let mut state = self.state.lock();
            let turn = state.next.max(Instant::now());
            state.next = turn + self.gap;
            turn
        };
        sleep_until(turn).await;
    }

    /// No request begins before this pause is over. Returns whether it is to be announced: all
    /// requests that are under way may ask for it, and one of them is enough.
    pub fn pause(&self, pause: Duration) -> bool {
        let now = Instant::now();
        let until = now + pause;
        let mut state = self.state.lock();
        state.next = state.next.max(until);
        let is_new = state.announced <= now;
        if is_new {
            state.announced = until;
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_announced_once_while_it_lasts() {
        let throttle = Throttle::new(1000.0);
        assert!(throttle.pause(Duration::ZERO));
        assert!(throttle.pause(Duration::from_secs(3600)));
        assert!(!throttle.pause(Duration::from_secs(7200)));
        let wait = throttle.state.lock().next - Instant::now();
        assert!(wait > Duration::from_secs(3600), "the longer pause counts");
    }
}
