//! Timing of the runner in tests.

use std::time::Duration;

use clippy_jobs::{Backoff, Timing};

/// Returns times that are short and fit together, so that the jobs of a killed worker continue
/// within seconds.
pub fn short_timing() -> Timing {
    Timing {
        lease: Duration::from_secs(2),
        beat: Duration::from_millis(200),
        poll: Duration::from_millis(50),
        sweep: Duration::from_millis(200),
        dead_after: Duration::from_secs(1),
        backoff: Backoff {
            base: Duration::from_millis(10),
            cap: Duration::from_millis(50),
        },
        ..Timing::default()
    }
}
