//! Sends paid calls at most once: every call is recorded before it is sent.
//!
//! The journal outlives the process. After a crash, a call that was sent and has no recorded
//! outcome is not sent again automatically: it fails with
//! [`crate::FailureClass::MaybeCharged`]. A call with a recorded outcome returns its pictures
//! without being paid for again.

use std::future::Future;

use crate::contract::{
    CallFingerprint, CallJournal, CallOutcome, CallPictures, CallState, FailureClass, GenerateError,
};

/// Sends a paid call at most once.
///
/// # Errors
/// [`FailureClass::MaybeCharged`] if an earlier attempt was sent and its outcome is not known;
/// otherwise the call's own error. After an error that may be charged, the journal keeps the
/// outcome as unknown.
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
                .record_outcome(fingerprint, &CallOutcome::Pictures(pictures.clone()))
                .await?;
            Ok(pictures)
        }
        Err(error) => {
            // A safety filter is a known outcome, even if the provider charges for it.
            if !error.charged || error.class == FailureClass::Blocked {
                journal
                    .record_outcome(fingerprint, &CallOutcome::NotCharged)
                    .await?;
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use bytes::Bytes;

    use super::*;
    use crate::money::MemoryJournal;

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
