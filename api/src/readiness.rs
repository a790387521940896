//! Whether the server is ready. The state is damped, so that a load balancer does not remove the
//! server because of one slow answer.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use clippy_core::gallery::GalleryReader;

/// This many failures in a row turn readiness off; one success turns it on again.
const FAILURES: u32 = 2;
/// A collection that takes longer to answer counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(2);

/// The damped state behind `/readyz`. The server is not ready before the first success, nor after
/// it was withdrawn.
#[derive(Debug, Default)]
pub struct Readiness {
    ready: AtomicBool,
    withdrawn: AtomicBool,
    failures: AtomicU32,
}

impl Readiness {
    /// Whether the server should get requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) && !self.withdrawn.load(Ordering::Relaxed)
    }

    /// Records the outcome of one check.
    pub fn observe(&self, healthy: bool) {
        if healthy {
            self.failures.store(0, Ordering::Relaxed);
            if !self.ready.swap(true, Ordering::Relaxed) {
                tracing::info!("ready");
            }
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
            && self.ready.swap(false, Ordering::Relaxed)
        {
            tracing::warn!("not ready: the collection does not answer");
        }
    }

    /// Turns readiness off permanently, since the server is stopping.
    pub fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Relaxed);
    }

    /// Checks the collection at this interval. Never returns.
    pub(crate) async fn watch(&self, gallery: &dyn GalleryReader, every: Duration) {
        loop {
            let healthy = match tokio::time::timeout(PATIENCE, gallery.info()).await {
                Ok(Ok(_)) => true,
                Ok(Err(error)) => {
                    tracing::warn!(
                        code = %error.code, %error,
                        "the readiness check of the collection failed"
                    );
                    false
                }
                Err(_) => {
                    tracing::warn!(
                        patience_secs = PATIENCE.as_secs(),
                        "the readiness check of the collection timed out"
                    );
                    false
                }
            };
            self.observe(healthy);
            tokio::time::sleep(every).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_failures_turn_readiness_off_and_one_success_turns_it_on() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready(), "nothing is known yet");
        readiness.observe(true);
        readiness.observe(false);
        assert!(readiness.is_ready(), "one failure is no outage");
        readiness.observe(true);
        readiness.observe(false);
        assert!(readiness.is_ready(), "failures count in a row only");
        readiness.observe(false);
        assert!(!readiness.is_ready());
        readiness.observe(true);
        assert!(readiness.is_ready());
        readiness.withdraw();
        readiness.observe(true);
        assert!(!readiness.is_ready(), "a stopping server is not ready");
    }
}
