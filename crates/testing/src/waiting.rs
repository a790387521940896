//! Waiting for a condition. Nothing here waits for a time: the limit only ends a test that would
//! never end.

use std::time::{Duration, Instant};

/// How long a condition may take. Far more than any should, since test machines are busy.
const LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Polls until the condition is true.
///
/// # Panics
/// When it is not true after a minute; the message says what was waited for.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, is_true: impl FnMut() -> F) {
    wait_until_within(what, LIMIT, is_true).await;
}

/// Like [`wait_until`], with a limit of the caller's.
///
/// # Panics
/// When it is not true within the limit; the message says what was waited for.
pub async fn wait_until_within<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    mut is_true: impl FnMut() -> F,
) {
    let begun = Instant::now();
    while !is_true().await {
        assert!(begun.elapsed() < limit, "waited {limit:?} for {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Polls until there is a value, and gives it. For tests without a runtime.
///
/// # Panics
/// When there is no value within the limit; the message says what was waited for.
pub fn wait_for_blocking<T>(what: &str, limit: Duration, mut find: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(PAUSE);
    }
}
