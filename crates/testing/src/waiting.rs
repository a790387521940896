//! Waiting for a condition. The time limit only ends a test that would otherwise hang.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// The default time limit of a condition. It is generous, since test machines are busy.
const LIMIT: Duration = Duration::from_secs(180);
/// The time between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(5);

/// Polls until the condition is true.
///
/// # Panics
/// When it is not true after three minutes; the message has `what`.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, is_true: impl FnMut() -> F) {
    wait_until_within(what, LIMIT, is_true).await;
}

/// Polls until the condition is true, with another time limit.
///
/// # Panics
/// When it is not true within the limit; the message has `what`.
pub async fn wait_until_within<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    mut is_true: impl FnMut() -> F,
) {
    wait_for_within(what, limit, || {
        let checked = is_true();
        async move { checked.await.then_some(()).ok_or("it is not true") }
    })
    .await;
}

/// Polls until there is a value, and returns it.
///
/// # Panics
/// When there is no value after three minutes; the message has `what` and the last reason.
pub async fn wait_for<T, E: Debug, F: Future<Output = Result<T, E>>>(
    what: &str,
    find: impl FnMut() -> F,
) -> T {
    wait_for_within(what, LIMIT, find).await
}

/// Polls until there is a value, with another time limit, and returns it.
///
/// # Panics
/// When there is no value within the limit; the message has `what` and the last reason.
pub async fn wait_for_within<T, E: Debug, F: Future<Output = Result<T, E>>>(
    what: &str,
    limit: Duration,
    mut find: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        match find().await {
            Ok(found) => return found,
            Err(reason) => assert!(
                start.elapsed() < limit,
                "waited {limit:?} for {what}: {reason:?}"
            ),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Polls until there is a value, and returns it. For tests without an async runtime.
///
/// # Panics
/// When there is no value within the limit; the message has `what`.
pub fn wait_for_blocking<T>(what: &str, limit: Duration, mut find: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(PAUSE);
    }
}
