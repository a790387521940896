//! The durations that a runner works with, and whether they fit together.

use std::time::Duration;

use clippy_core::{Error, Result};

use crate::failure::Backoff;
use crate::transport::SweepSettings;

/// The durations of a runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a claim holds without a heartbeat.
    pub lease: Duration,
    /// How often a running job renews its lease.
    pub beat: Duration,
    /// How often a worker loop polls for work. Notices wake it at once; this is the delay if one is
    /// lost.
    pub poll: Duration,
    /// Whether no other process uses the store. Then no notice can be lost, since they stay in this
    /// process, and polling is only a safeguard.
    pub only_process: bool,
    /// How often the side loop runs.
    pub sweep: Duration,
    /// Silence after which a worker loop is considered dead.
    pub dead_after: Duration,
    /// Time in the queue after which a job is checked for a lost task.
    pub rescue_after: Duration,
    /// Progress is written no more often than this.
    pub progress: Duration,
    /// How long a handler may take to stop on request; then it is dropped.
    pub grace: Duration,
    /// Delays between attempts.
    pub backoff: Backoff,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            // Carries a cancellation whose notice was lost: within a second, as promised.
            beat: Duration::from_secs(1),
            poll: Duration::from_secs(1),
            only_process: false,
            sweep: Duration::from_secs(2),
            dead_after: Duration::from_secs(10),
            rescue_after: Duration::from_secs(60),
            progress: Duration::from_millis(500),
            grace: Duration::from_secs(5),
            backoff: Backoff::default(),
        }
    }
}

impl Timing {
    /// For the only process that uses a store, such as a server with the embedded queue: it does
    /// almost nothing while there are no jobs.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            poll: Duration::from_secs(30),
            sweep: Duration::from_secs(3),
            only_process: true,
            ..Self::default()
        }
    }

    /// The longest that a job may lie after its worker was killed, as promised.
    pub const PROMISED_RECOVERY: Duration = Duration::from_secs(20);

    /// The longest that a job lies after its worker was killed, while another worker is alive and
    /// has room: the lease (or the silence of the loop, for a job that was fetched and not yet
    /// claimed), one sweep, and one poll where the sweep's notice may be lost. (After a time in
    /// which no worker at all was alive, or the store was away, the silence allowed is waited out
    /// once more.)
    #[must_use]
    pub fn recovery_bound(&self) -> Duration {
        let poll = if self.only_process {
            Duration::ZERO
        } else {
            self.poll
        };
        self.lease.max(self.dead_after) + self.sweep + poll
    }

    /// Refuses durations that do not fit together.
    ///
    /// # Errors
    /// `InvalidInput`, saying which two do not fit.
    pub fn check(&self) -> Result<()> {
        let rules = [
            (
                self.beat.is_zero()
                    || self.poll.is_zero()
                    || self.sweep.is_zero()
                    || self.progress.is_zero(),
                "beat, poll, sweep and progress must be more than nothing",
            ),
            (
                self.beat * 3 > self.lease,
                "the lease must last three beats at least, or one lost beat loses the job",
            ),
            (
                self.sweep * 3 > self.dead_after,
                "a worker loop says that it lives once a sweep: three sweeps must fit before it \
                 is taken for dead",
            ),
            (
                !self.only_process && self.poll > self.sweep,
                "looking for work must not be rarer than the sweep",
            ),
            (
                self.backoff.base > self.backoff.cap,
                "the first delay between attempts is above the longest",
            ),
        ];
        if let Some((_, rule)) = rules.iter().find(|(broken, _)| *broken) {
            return Err(Error::invalid(format!(
                "The runner's times do not add up: {rule} ({self:?})"
            )));
        }
        let bound = self.recovery_bound();
        if bound > Self::PROMISED_RECOVERY {
            let promised = Self::PROMISED_RECOVERY;
            return Err(Error::invalid(format!(
                "The runner's times do not add up: a job could lie for {bound:?} after a kill, \
                 more than {promised:?}"
            )));
        }
        Ok(())
    }

    pub(crate) fn sweep_settings(&self) -> SweepSettings {
        SweepSettings {
            dead_after: self.dead_after,
            rescue_after: self.rescue_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_recover_in_time() {
        for timing in [Timing::default(), Timing::embedded()] {
            timing.check().expect("the defaults");
            eprintln!(
                "recovery after a kill: at most {:?}",
                timing.recovery_bound()
            );
            assert!(timing.recovery_bound() <= Timing::PROMISED_RECOVERY);
        }
    }

    #[test]
    fn times_that_do_not_add_up_are_refused() {
        let second = Duration::from_secs(1);
        for wrong in [
            Timing {
                beat: 6 * second,
                ..Timing::default()
            },
            Timing {
                lease: 30 * second,
                ..Timing::default()
            },
            Timing {
                sweep: 5 * second,
                ..Timing::default()
            },
            Timing {
                poll: 3 * second,
                ..Timing::default()
            },
            Timing {
                poll: Duration::ZERO,
                ..Timing::default()
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
