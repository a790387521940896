//! Waits for a provider that is unavailable or busy, with pauses that grow to minutes.
//!
//! Between the calls, the job occupies no worker, and waiting does not count as an attempt. So a
//! job does not fail because a server needs half a minute to start, or because a quota is renewed
//! only after a quarter of an hour.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clippy_core::ErrorCode;
use clippy_generate::{FailureClass, GenerateError, seed_of};
use clippy_jobs::{JobContext, JobError, JobProgress, LogLevel};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::job_error;

/// How long a job waits for a provider that is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderPatience {
    /// The limit for all pauses together. After it, failures count as attempts.
    pub longest: Duration,
    /// The first pause; each next one is twice as long.
    pub first: Duration,
    /// The upper bound of a pause.
    pub most: Duration,
}

impl ProviderPatience {
    /// Waits up to `longest` in all, with pauses from five seconds to five minutes.
    #[must_use]
    pub fn of(longest: Duration) -> Self {
        Self {
            longest,
            first: Duration::from_secs(5),
            most: Duration::from_secs(300),
        }
    }

    /// Returns the next pause after `tries` pauses. It is up to a quarter shorter or longer,
    /// depending on the job, so that jobs do not all call again at once.
    fn pause(&self, tries: u32, job: &str) -> Duration {
        let whole = self
            .first
            .saturating_mul(2_u32.saturating_pow(tries.min(16)))
            .min(self.most);
        let spread = (seed_of(&format!("{job} {tries}")) % 1_000) as f64 / 1_000.0;
        whole.mul_f64(0.75 + 0.5 * spread)
    }
}

/// The record of an outage in a job's checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Outage {
    /// When it began, in milliseconds since 1970.
    since: u64,
    /// When a call last failed.
    seen: u64,
    /// When the provider is called again. Missing in records of earlier versions.
    #[serde(default)]
    next: u64,
    /// How many pauses there were so far.
    tries: u32,
    /// The job's `retries` at the time. Once they change, this record is ignored.
    retries: u32,
}

/// When a failure comes this long after the next call was due, plus the longest pause, it belongs
/// to another outage.
const OUTAGE_GAP: Duration = Duration::from_secs(600);

impl Outage {
    /// Whether a failure at the time `now` belongs to this outage.
    fn includes(&self, now: u64, patience: ProviderPatience) -> bool {
        let next = if self.next > 0 {
            self.next
        } else {
            self.seen.saturating_add(millis(patience.most))
        };
        now < next.saturating_add(millis(patience.most + OUTAGE_GAP))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Decides what a job does after its provider failed: pause and call again, or fail.
pub(super) async fn handle_failure(
    context: &JobContext,
    patience: ProviderPatience,
    error: GenerateError,
) -> JobError {
    if error.class != FailureClass::Transient {
        return job_error(error);
    }
    let job = context.job();
    let now = millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    );
    let before = context
        .last_checkpoint()
        .and_then(|checkpoint| Outage::deserialize(&checkpoint["away"]).ok())
        .filter(|outage| outage.retries == job.retries)
        .filter(|outage| outage.includes(now, patience));
    let outage = before.unwrap_or(Outage {
        since: now,
        seen: now,
        next: now,
        tries: 0,
        retries: job.retries,
    });
    let waited = Duration::from_millis(now.saturating_sub(outage.since));
    let left = patience.longest.saturating_sub(waited);
    if left.is_zero() {
        return job_error(error);
    }
    if let Some(wait) = error.retry_after.filter(|wait| *wait > left) {
        let message = format!(
            "{}. It may be called again in {} min, which is longer than the limit \
             (GENERATION_WAIT_SECS): retry the job then",
            error.message,
            wait.as_secs().div_ceil(60)
        );
        return JobError::permanent(ErrorCode::Unavailable, message);
    }
    let pause = patience
        .pause(outage.tries, &job.id.to_string())
        .max(error.retry_after.unwrap_or_default());
    let message = format!(
        "{}. Retrying in {} s, for up to another {} min",
        error.message,
        pause.as_secs().max(1),
        left.as_secs().div_ceil(60)
    );
    context.log(LogLevel::Warning, message.as_str()).await;
    context.progress(JobProgress {
        stage: "waiting".to_owned(),
        message,
        ..JobProgress::default()
    });
    let next = Outage {
        seen: now,
        next: now.saturating_add(millis(pause)),
        tries: outage.tries + 1,
        ..outage
    };
    match context.remember(json!({"away": next})).await {
        Ok(()) => JobError::Snooze(pause),
        Err(stopped) => stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_after_a_long_pause_belongs_to_the_same_outage() {
        let patience = ProviderPatience::of(Duration::from_secs(4 * 3_600));
        let hour = 3_600_000;
        let outage = Outage {
            since: hour,
            seen: hour,
            next: 2 * hour,
            tries: 1,
            retries: 0,
        };
        assert!(
            outage.includes(2 * hour + 1, patience),
            "the pause is part of the outage"
        );
        assert!(!outage.includes(3 * hour, patience), "another outage");
        // A record of an earlier version, without `next`.
        let older: Outage = serde_json::from_value(json!({
            "since": hour, "seen": hour, "tries": 1, "retries": 0,
        }))
        .expect("readable");
        assert!(older.includes(hour + 1_000_000, patience));
        assert!(!older.includes(2 * hour, patience));
    }

    #[test]
    fn pauses_grow_up_to_their_limit() {
        let patience = ProviderPatience::of(Duration::from_secs(1800));
        let pauses: Vec<f64> = (0..12)
            .map(|tries| patience.pause(tries, "a job").as_secs_f64())
            .collect();
        assert!(pauses[0] >= 3.75 && pauses[0] <= 6.25, "{pauses:?}");
        assert!(
            pauses[..4].iter().sum::<f64>() > 40.0,
            "a server that needs 22 s to start is waited for: {pauses:?}"
        );
        assert!(
            pauses.iter().all(|pause| *pause <= 375.0) && pauses[11] >= 225.0,
            "{pauses:?}"
        );
        assert_ne!(patience.pause(3, "a job"), patience.pause(3, "another job"));
    }
}
