//! A circuit breaker: a server that does not answer gets no calls for a while, instead of making
//! every caller wait for a timeout.

use std::time::{Duration, Instant};

/// How many failures in a row open the circuit.
const FAILURES: u32 = 5;
/// The first pause; doubled each time, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);

/// Decides whether calls go through, from the outcomes of the last ones. Times are arguments, for
/// the tests.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// While the circuit is open: until when, and the length of the pause.
    open: Option<(Instant, Duration)>,
    /// Whether one call was let through to test the server.
    probing: bool,
}

impl Breaker {
    /// Asks to make a call. `Err` says how long the circuit stays open.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        let Some((until, pause)) = self.open else {
            return Ok(());
        };
        if now < until {
            return Err(until - now);
        }
        if self.probing {
            // Another call is testing the server. If its outcome is never reported, the next call
            // may test after a pause.
            self.open = Some((now + pause, pause));
            return Err(pause);
        }
        self.probing = true;
        Ok(())
    }

    /// Reports that the server answered, with or without an error.
    pub(super) fn record_success(&mut self) {
        *self = Self::default();
    }

    /// Reports that the server did not answer. Returns whether that opened the circuit.
    pub(super) fn record_failure(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        let pause = match self.open {
            Some((_, pause)) if self.probing => (pause * 2).min(LONGEST),
            // A call from before the circuit was opened.
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
            assert!(!breaker.record_failure(start));
        }
        breaker.record_success();
        for _ in 1..FAILURES {
            assert!(
                !breaker.record_failure(start),
                "only failures in a row count"
            );
        }
        assert!(breaker.record_failure(start));
        assert_eq!(breaker.admit(start), Err(SHORTEST));
        let later = start + SHORTEST;
        assert_eq!(breaker.admit(later), Ok(()), "one call may test the server");
        assert!(breaker.admit(later).is_err(), "and only one");
        breaker.record_success();
        assert_eq!(breaker.admit(later), Ok(()));
    }

    #[test]
    fn a_failed_test_call_opens_it_for_longer_up_to_a_limit() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            breaker.record_failure(now);
        }
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let wait = breaker.admit(now).expect_err("open");
            pauses.push(wait);
            now += wait;
            assert_eq!(breaker.admit(now), Ok(()));
            assert!(breaker.record_failure(now));
        }
        assert!(
            pauses.is_sorted() && pauses[0] == SHORTEST && pauses[7] == LONGEST,
            "{pauses:?}"
        );
    }

    #[test]
    fn a_test_call_without_an_outcome_does_not_keep_it_open_forever() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            breaker.record_failure(start);
        }
        let later = start + SHORTEST;
        assert_eq!(breaker.admit(later), Ok(()));
        let pause = breaker.admit(later).expect_err("another call is testing");
        breaker.probing = false;
        assert_eq!(breaker.admit(later + pause), Ok(()));
    }
}
