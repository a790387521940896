//! Paid once: every call that costs money is written down before it is sent.
//!
//! A journal survives the process. After a crash a call that was sent and has no outcome is never
//! sent again unasked: it ends as [`crate::FailureClass::MaybeCharged`]. A call with an outcome
//! gives its pictures again, unbought.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{FailureClass, GenerateError};

/// Tells one paid call from every other: a hash of who is called, for which job, with what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallFingerprint(String);

impl CallFingerprint {
    /// `scope` is the job and how often a person has asked to buy again, `index` the call within
    /// the job, `body` what is sent.
    #[must_use]
    pub fn new(provider: &str, model: &str, scope: &str, index: u32, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [
            provider.as_bytes(),
            model.as_bytes(),
            scope.as_bytes(),
            &index.to_le_bytes(),
            body,
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(
            hash.finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a call gave: the files of its pictures, and why others are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallPictures {
    /// Files as the provider sent them.
    pub pictures: Vec<Bytes>,
    /// Why pictures are missing.
    pub filtered: Vec<String>,
}

/// What is known of a call from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// It was never sent, or it ended without costing anything.
    New,
    /// It was sent, and nobody knows what came of it.
    Unknown,
    /// It was sent and gave this.
    Done(CallPictures),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// With these pictures.
    Pictures(CallPictures),
    /// Without costing anything: it may be sent again.
    NotCharged,
}

/// Remembers paid calls; the job layer keeps one that survives the process.
#[async_trait]
pub trait CallJournal: Send + Sync + 'static {
    /// What is known of this call. [`CallState::New`] is told to one caller only, and from then on
    /// the call counts as sent: that must be on disk when this returns, as the caller sends it
    /// next.
    async fn claim(&self, fingerprint: &CallFingerprint) -> Result<CallState>;
    /// How the call ended. Must be on disk when this returns.
    async fn outcome(&self, fingerprint: &CallFingerprint, outcome: &CallOutcome) -> Result<()>;
}

/// Sends a call at most once.
///
/// # Errors
/// [`FailureClass::MaybeCharged`] when an earlier attempt was sent and its outcome is not known;
/// else the call's own error. An error that is `charged` leaves the call unknown in the journal.
pub async fn paid_once<F>(
    journal: &dyn CallJournal,
    fingerprint: &CallFingerprint,
    call: impl FnOnce() -> F,
) -> Result<CallPictures, GenerateError>
where
    F: Future<Output = Result<CallPictures, GenerateError>>,
{
    match journal.claim(fingerprint).await? {
        CallState::Done(pictures) => return Ok(pictures),
        CallState::Unknown => {
            return Err(GenerateError::maybe_charged(
                "an earlier attempt sent this call and its outcome was lost, so it may have been \
                 charged. It is not sent again by itself: use retry to buy it again",
            ));
        }
        CallState::New => {}
    }
    match call().await {
        Ok(pictures) => {
            journal
                .outcome(fingerprint, &CallOutcome::Pictures(pictures.clone()))
                .await?;
            Ok(pictures)
        }
        Err(error) => {
            // A block or a filter is an outcome too; what it cost is the provider's word. Sending
            // it again is no use, but it is not unknown either.
            if !error.charged || error.class == FailureClass::Blocked {
                journal
                    .outcome(fingerprint, &CallOutcome::NotCharged)
                    .await?;
            }
            Err(error)
        }
    }
}

/// A journal that forgets with the process: for tests, and for providers that cost nothing.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    calls: Mutex<HashMap<CallFingerprint, CallState>>,
}

impl MemoryJournal {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<CallFingerprint, CallState>) -> T) -> T {
        // A panic elsewhere leaves the map whole: every change is one insert.
        let mut calls = self
            .calls
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&mut calls)
    }
}

#[async_trait]
impl CallJournal for MemoryJournal {
    async fn claim(&self, fingerprint: &CallFingerprint) -> Result<CallState> {
        // A call that was new is unknown from here on.
        Ok(self.with(
            |calls| match calls.insert(fingerprint.clone(), CallState::Unknown) {
                None => CallState::New,
                Some(known) => {
                    calls.insert(fingerprint.clone(), known.clone());
                    known
                }
            },
        ))
    }

    async fn outcome(&self, fingerprint: &CallFingerprint, outcome: &CallOutcome) -> Result<()> {
        self.with(|calls| match outcome {
            CallOutcome::Pictures(pictures) => {
                calls.insert(fingerprint.clone(), CallState::Done(pictures.clone()));
            }
            CallOutcome::NotCharged => {
                calls.remove(fingerprint);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn pictures() -> CallPictures {
        CallPictures {
            pictures: vec![Bytes::from_static(b"png")],
            filtered: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_call_is_bought_once_and_given_again() {
        let (journal, bought) = (MemoryJournal::default(), AtomicU32::new(0));
        let fingerprint = CallFingerprint::new("gemini", "m", "job", 0, b"body");
        for _ in 0..3 {
            let got = paid_once(&journal, &fingerprint, || async {
                bought.fetch_add(1, Ordering::SeqCst);
                Ok(pictures())
            });
            assert_eq!(got.await.expect("pictures"), pictures());
        }
        assert_eq!(bought.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_never_bought_again() {
        let journal = MemoryJournal::default();
        let fingerprint = CallFingerprint::new("gemini", "m", "job", 0, b"body");
        let lost = paid_once(&journal, &fingerprint, || async {
            Err(GenerateError::maybe_charged("cut off"))
        });
        assert_eq!(
            lost.await.expect_err("lost").class,
            FailureClass::MaybeCharged
        );
        let again = paid_once(&journal, &fingerprint, || async { panic!("bought twice") });
        assert_eq!(
            again.await.expect_err("refused").class,
            FailureClass::MaybeCharged
        );
        let asked_for = CallFingerprint::new("gemini", "m", "job, bought again 1", 0, b"body");
        paid_once(&journal, &asked_for, || async { Ok(pictures()) })
            .await
            .expect("a person asked for it");
    }

    #[tokio::test]
    async fn a_refusal_that_cost_nothing_may_be_sent_again() {
        let journal = MemoryJournal::default();
        let fingerprint = CallFingerprint::new("gemini", "m", "job", 0, b"body");
        let busy = paid_once(&journal, &fingerprint, || async {
            Err(GenerateError::transient("busy", None))
        });
        assert_eq!(busy.await.expect_err("busy").class, FailureClass::Transient);
        paid_once(&journal, &fingerprint, || async { Ok(pictures()) })
            .await
            .expect("sent again");
    }

    #[test]
    fn fingerprints_tell_every_part_apart() {
        let parts = [
            ("a", "b", "c", 0, "d"),
            ("ab", "", "c", 0, "d"),
            ("a", "b", "c", 1, "d"),
            ("a", "b", "c", 0, "e"),
        ];
        let all: std::collections::HashSet<CallFingerprint> = parts
            .iter()
            .map(|(p, m, s, i, b)| CallFingerprint::new(p, m, s, *i, b.as_bytes()))
            .collect();
        assert_eq!(all.len(), parts.len());
    }
}
