//! What a provider gets in addition to the request.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::CallJournal;
use super::error::GenerateError;
use super::progress::{GenerationProgress, GenerationProgressSink};
use crate::digest::sha256_hex;

/// What a provider gets in addition to the request.
#[derive(Clone)]
pub struct GenerationContext {
    /// Cancelled when a person cancels the generation: its pictures are no longer wanted.
    pub cancel: CancellationToken,
    /// Cancelled when this run must end and another run will continue the generation. A paid call
    /// in progress is still waited for, so that its outcome is recorded. Nothing new is started,
    /// and everything else is left for the other run.
    pub hand_over: CancellationToken,
    /// Receives progress and previews.
    pub progress: Arc<dyn GenerationProgressSink>,
    /// Records paid calls, so that a crash does not lead to paying twice.
    pub journal: Arc<dyn CallJournal>,
    /// Distinguishes the calls of different jobs: the job's id, and how often a person has asked
    /// for a retry.
    pub scope: String,
    /// The scopes before a person asked for a retry, oldest first. What was bought in them is used
    /// before anything is bought again.
    pub earlier: Vec<String>,
    /// The seed of this job if the request names none: different for every job, and the same for
    /// all attempts of one job.
    pub seed: u64,
}

/// Returns the scope of a job's calls after `retries` retries by a person.
#[must_use]
pub fn scope_of(job: &str, retries: u32) -> String {
    format!("{job} {retries}")
}

/// Derives a job's seed from the job's id. It is below 2^30, so every provider and every client
/// can use it unchanged.
#[must_use]
pub fn seed_of(job: &str) -> u64 {
    let digits = sha256_hex(format!("seed of {job}").as_bytes());
    digits
        .get(..8)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
        >> 2
}

impl GenerationContext {
    /// Waits until this run of the generation must end, for whatever reason.
    pub async fn stopped(&self) {
        tokio::select! {
            () = self.cancel.cancelled() => {}
            () = self.hand_over.cancelled() => {}
        }
    }

    /// Fails when this run of the generation must end.
    ///
    /// # Errors
    /// [`super::FailureClass::Cancelled`].
    pub fn check(&self) -> Result<(), GenerateError> {
        if self.cancel.is_cancelled() || self.hand_over.is_cancelled() {
            Err(GenerateError::cancelled())
        } else {
            Ok(())
        }
    }

    /// Reports progress.
    pub fn report(&self, phase: &str, fraction: Option<f32>, message: impl Into<String>) {
        self.progress.progress(GenerationProgress {
            phase: phase.to_owned(),
            fraction,
            message: message.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_a_stable_seed_of_its_own() {
        let seeds: std::collections::HashSet<u64> =
            (0..1_000).map(|job| seed_of(&job.to_string())).collect();
        assert_eq!(seeds.len(), 1_000);
        assert!(seeds.iter().all(|seed| *seed < 1 << 30));
        assert_eq!(seed_of("a"), seed_of("a"));
    }
}
