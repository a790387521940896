//! A provider that is away or busy is waited for, with pauses that grow to minutes.
//!
//! The job lets go of its place meanwhile, and waiting counts as no attempt: a server that takes
//! half a minute to start, or a quota that comes back within a quarter of an hour, fails nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clippy_core::ErrorCode;
use clippy_generate::{FailureClass, GenerateError, seed_of};
use clippy_jobs::{JobContext, JobError, LogLevel, Progress};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::failure::job_error;

/// How long a provider is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderPatience {
    /// In all; after that the job's attempts are used up as for any failure that may pass.
    pub longest: Duration,
    /// The first pause; each next one is twice as long.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
}

impl ProviderPatience {
    /// So long in all, with pauses from five seconds to five minutes.
    #[must_use]
    pub fn of(longest: Duration) -> Self {
        Self {
            longest,
            first: Duration::from_secs(5),
            most: Duration::from_secs(300),
        }
    }

    /// The pause after so many others, spread a little so that jobs do not come back all at once.
    fn pause(&self, tries: u32, job: &str) -> Duration {
        let whole = self
            .first
            .saturating_mul(2_u32.saturating_pow(tries.min(16)))
            .min(self.most);
        let spread = (seed_of(&format!("{job} {tries}")) % 1_000) as f64 / 1_000.0;
        whole.mul_f64(0.75 + 0.5 * spread)
    }
}

/// What a job remembers of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Away {
    /// When it began, in milliseconds since 1970.
    since: u64,
    /// When it was last seen.
    seen: u64,
    /// When the provider is asked again. Missing in records of earlier versions.
    #[serde(default)]
    next: u64,
    /// Pauses so far.
    tries: u32,
    /// How often a person had asked for the job again.
    retries: u32,
}

/// An outage is over when it is not seen for so long after the provider should have been asked
/// again. Another one is waited for anew.
const OVER: Duration = Duration::from_secs(600);

impl Away {
    /// Whether a failure that is seen now belongs to this outage.
    fn lasts(&self, now: u64, patience: ProviderPatience) -> bool {
        let next = if self.next > 0 {
            self.next
        } else {
            self.seen.saturating_add(millis(patience.most))
        };
        now < next.saturating_add(millis(patience.most + OVER))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What becomes of a job whose provider failed.
pub(super) async fn after(
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
        .and_then(|checkpoint| Away::deserialize(&checkpoint["away"]).ok())
        .filter(|away| away.retries == job.retries)
        .filter(|away| away.lasts(now, patience));
    let away = before.unwrap_or(Away {
        since: now,
        seen: now,
        next: now,
        tries: 0,
        retries: job.retries,
    });
    let waited = Duration::from_millis(now.saturating_sub(away.since));
    let left = patience.longest.saturating_sub(waited);
    if left.is_zero() {
        return job_error(error);
    }
    if let Some(wait) = error.retry_after.filter(|wait| *wait > left) {
        let message = format!(
            "{}. It asks to be left alone for {} min, longer than it is waited for \
             (GENERATION_WAIT_SECS): retry the job then",
            error.message,
            wait.as_secs().div_ceil(60)
        );
        return JobError::permanent(ErrorCode::Unavailable, message);
    }
    let pause = patience
        .pause(away.tries, &job.id.to_string())
        .max(error.retry_after.unwrap_or_default());
    let message = format!(
        "{}. It is asked again in {} s, for another {} min",
        error.message,
        pause.as_secs().max(1),
        left.as_secs().div_ceil(60)
    );
    context.log(LogLevel::Warning, message.as_str()).await;
    context.progress(Progress {
        stage: "waiting".to_owned(),
        message,
        ..Progress::default()
    });
    let next = Away {
        seen: now,
        next: now.saturating_add(millis(pause)),
        tries: away.tries + 1,
        ..away
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
    fn an_outage_lasts_through_its_own_pause_however_long() {
        let patience = ProviderPatience::of(Duration::from_secs(4 * 3_600));
        let hour = 3_600_000;
        let away = Away {
            since: hour,
            seen: hour,
            next: 2 * hour,
            tries: 1,
            retries: 0,
        };
        assert!(
            away.lasts(2 * hour + 1, patience),
            "the pause is a part of it"
        );
        assert!(!away.lasts(3 * hour, patience), "another outage");
        // As an earlier version wrote it.
        let older: Away = serde_json::from_value(json!({
            "since": hour, "seen": hour, "tries": 1, "retries": 0,
        }))
        .expect("readable");
        assert!(older.lasts(hour + 1_000_000, patience));
        assert!(!older.lasts(2 * hour, patience));
    }

    #[test]
    fn pauses_grow_to_minutes_and_no_further() {
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
