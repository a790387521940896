//! The intervals and time limits of a runner, and a check that they fit together.

use std::time::Duration;

use clippy_core::{Error, Result};

use crate::failure::Backoff;
use crate::transport::SweepSettings;

/// The intervals and time limits of a runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a claim holds without a heartbeat.
    pub lease: Duration,
    /// How often a running job renews its lease.
    pub beat: Duration,
    /// How often a worker loop polls for work. Notices wake it at once; this is the delay if one is
    /// lost.
    pub poll: Duration,
    /// Whether no other process uses the store. Then notices stay in this process and cannot be
    /// lost, and polling is only a safeguard.
    pub only_process: bool,
    /// How often the side loop runs.
    pub sweep: Duration,
    /// Silence after which a worker loop is considered dead.
    pub dead_after: Duration,
    /// Time in the queue after which a job is checked for a lost task.
    pub rescue_after: Duration,
    /// Progress is written no more often than this.
    pub progress: Duration,
    /// How long a handler may take to stop when it is asked to. Then it is dropped.
    pub grace: Duration,
    /// Delays between attempts.
    pub backoff: Backoff,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            // A heartbeat also delivers a cancellation whose notice was lost, within a second.
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
    /// For the only process that uses a store, such as a server with the embedded queue. Such a
    /// process is almost idle while there are no jobs.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            poll: Duration::from_secs(30),
            sweep: Duration::from_secs(3),
            only_process: true,
            ..Self::default()
        }
    }

    /// The longest time that a job may wait after its worker was killed, as documented.
    pub const PROMISED_RECOVERY: Duration = Duration::from_secs(20);

    /// The longest time that a job waits after its worker was killed, while another worker is alive
    /// and has room. It is the sum of the lease (or `dead_after`, for a job that was fetched and
    /// not yet claimed), one sweep, and one poll if the sweep's notice may be lost. After a time
    /// without any live worker, or without the store, `dead_after` is added once more.
    #[must_use]
    pub fn recovery_bound(&self) -> Duration {
        let poll = if self.only_process {
            Duration::ZERO
        } else {
            self.poll
        };
        self.lease.max(self.dead_after) + self.sweep + poll
    }

    /// Checks that the durations fit together.
    ///
    /// # Errors
    /// `InvalidInput`, naming the rule that is broken.
    pub fn check(&self) -> Result<()> {
        let rules = [
            (
                self.beat.is_zero()
                    || self.poll.is_zero()
                    || self.sweep.is_zero()
                    || self.progress.is_zero(),
                "beat, poll, sweep and progress must be above zero",
            ),
            (
                self.beat * 3 > self.lease,
                "the lease must be at least three beats long, or one lost beat loses the job",
            ),
            (
                self.sweep * 3 > self.dead_after,
                "a worker loop reports that it is alive once per sweep, so dead_after must be at \
                 least three sweeps long",
            ),
            (
                !self.only_process && self.poll > self.sweep,
                "poll must not be longer than sweep",
            ),
            (
                self.backoff.base > self.backoff.cap,
                "the base of the delay between attempts must not be above its cap",
            ),
        ];
        if let Some((_, rule)) = rules.iter().find(|(broken, _)| *broken) {
            return Err(Error::invalid(format!(
                "The runner's timing is inconsistent: {rule} ({self:?})"
            )));
        }
        let bound = self.recovery_bound();
        if bound > Self::PROMISED_RECOVERY {
            let promised = Self::PROMISED_RECOVERY;
            return Err(Error::invalid(format!(
                "The runner's timing is inconsistent: a job could wait {bound:?} after its worker \
                 was killed, more than {promised:?}"
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
    fn the_defaults_recover_within_the_documented_time() {
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
    fn inconsistent_timing_is_refused() {
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
