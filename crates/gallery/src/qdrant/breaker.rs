//! A circuit breaker: a server that does not answer is left alone for a while, instead of letting
//! every caller wait for its time-out.

use std::time::{Duration, Instant};

/// So many failures in a row open the circuit.
const FAILURES: u32 = 5;
/// For how long at first; doubled each time, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// Whether calls go through, by how the last ones ended. Times are arguments, so that it can be
/// tested.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// While it is open: until when, and for how long it was opened.
    open: Option<(Instant, Duration)>,
    /// Whether a call was let through to see.
    probing: bool,
}

impl Breaker {
    /// Asks for a call. `Err` says how long the circuit stays open yet.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let Some((until, pause)) = self.open else {
            return Ok(());
        };
        if now < until {
            return Err(until - now);
        }
        if self.probing {
            // Somebody looks already; should nobody say how that ended, the next one may look after
            // a pause.
            self.open = Some((now + pause, pause));
            return Err(pause);
        }
        self.probing = true;
        Ok(())
    }

    /// The server answered, whatever it said.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The server did not answer. Says whether that opened the circuit.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        let pause = match self.open {
            Some((_, pause)) if self.probing => (pause * 2).min(LONGEST),
            // A straggler from before it was opened.
            Some(_) => return false,
            None if self.failures >= FAILURES => SHORTEST,
            None => return false,
        };
        self.probing = false;
        self.open = Some((now + pause, pause));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_open_it_and_one_success_closes_it() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 1..FAILURES {
            assert!(!breaker.failed(start));
        }
        breaker.succeeded();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(start), "it counts in a row only");
        }
        assert!(breaker.failed(start));
        assert_eq!(breaker.admit(start), Err(SHORTEST));
        let later = start + SHORTEST;
        assert_eq!(breaker.admit(later), Ok(()), "one may look");
        assert!(breaker.admit(later).is_err(), "and only one");
        breaker.succeeded();
        assert_eq!(breaker.admit(later), Ok(()));
    }

    #[test]
    fn a_failed_look_opens_it_for_longer_up_to_a_limit() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            breaker.failed(now);
        }
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let wait = breaker.admit(now).expect_err("open");
            pauses.push(wait);
            now += wait;
            assert_eq!(breaker.admit(now), Ok(()));
            assert!(breaker.failed(now));
        }
        assert!(
            pauses.is_sorted() && pauses[0] == SHORTEST && pauses[7] == LONGEST,
            "{pauses:?}"
        );
    }

    #[test]
    fn a_look_that_nobody_reports_on_does_not_keep_it_shut_for_ever() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            breaker.failed(start);
        }
        let later = start + SHORTEST;
        assert_eq!(breaker.admit(later), Ok(()));
        let pause = breaker.admit(later).expect_err("somebody looks");
        breaker.probing = false;
        assert_eq!(breaker.admit(later + pause), Ok(()));
    }
}
