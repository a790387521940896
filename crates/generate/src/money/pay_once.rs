//! Sends paid calls at most once: every call is recorded before it is sent.
//!
//! The journal outlives the process. After a crash, a call that was sent and has no recorded
//! outcome is not sent again automatically: it fails with
//! [`crate::FailureClass::MaybeCharged`]. A call with a recorded outcome returns its pictures
//! without being paid for again, also when a person asks for a retry of the job: it failed for
//! another reason than this call.

use std::collections::HashSet;
use std::future::Future;

use clippy_imaging::probe;

use crate::contract::{
    CallJournal, CallKey, CallOutcome, CallPictures, CallRole, CallState, FailureClass,
    GenerateError, GenerationContext, PaidCall,
};

/// Sends a paid call at most once.
///
/// # Errors
/// [`FailureClass::MaybeCharged`] if an earlier attempt was sent and its outcome is not known;
/// otherwise the call's own error. After an error that may be charged, the journal keeps the
/// outcome as unknown.
pub async fn pay_once<F>(
    context: &GenerationContext,
    call: &PaidCall<'_>,
    send: impl FnOnce() -> F,
) -> Result<CallPictures, GenerateError>
where
    F: Future<Output = Result<CallPictures, GenerateError>>,
{
    if let Some(pictures) = find_bought_before_retry(context, call).await {
        return Ok(pictures);
    }
    let key = call.key(&context.scope);
    match context.journal.claim(&key).await? {
        CallState::Done(pictures) => return Ok(pictures),
        CallState::Unknown => {
            return Err(GenerateError::maybe_charged(
                "an earlier attempt sent this call and its outcome was lost, so it may have been \
                 charged. It is not sent again automatically: use retry to buy it again",
            ));
        }
        CallState::New => {}
    }
    match send().await {
        Ok(pictures) => {
            record(context, &key, &CallOutcome::Pictures(pictures.clone())).await;
            Ok(pictures)
        }
        Err(error) => {
            // A safety filter is a known outcome, even if the provider charges for it.
            if !error.charged || error.class == FailureClass::Blocked {
                record(context, &key, &CallOutcome::NotCharged).await;
            }
            Err(error)
        }
    }
}

/// Returns the result that this call had before a person asked for a retry. A result that is
/// unusable or cannot be read is ignored: the retry buys it again.
async fn find_bought_before_retry(
    context: &GenerationContext,
    call: &PaidCall<'_>,
) -> Option<CallPictures> {
    for scope in &context.earlier {
        match context.journal.look_up(&call.key(scope)).await {
            Ok(CallState::Done(pictures)) if is_usable(call.role, &pictures) => {
                return Some(pictures);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(scope, %error, "the result of an earlier paid call cannot be read");
            }
        }
    }
    None
}

/// Counts the different calls of a job that were answered in these scopes, and so are not bought
/// again. A call whose record cannot be read or used counts as not answered.
pub async fn count_bought(journal: &dyn CallJournal, scopes: &[String]) -> u32 {
    let mut bought = HashSet::new();
    for scope in scopes {
        match journal.answered(scope).await {
            Ok(answered) => {
                let usable = answered
                    .iter()
                    .filter(|call| is_usable(call.role, &call.result));
                bought.extend(usable.map(|call| (call.role, call.index)));
            }
            Err(error) => {
                tracing::warn!(scope, %error, "cannot read what an earlier attempt bought");
            }
        }
    }
    u32::try_from(bought.len()).unwrap_or(u32::MAX)
}

fn is_usable(role: CallRole, call: &CallPictures) -> bool {
    match role {
        CallRole::Picture => call.pictures.iter().any(|picture| probe(picture).is_ok()),
        CallRole::Description => true,
    }
}

/// Records an outcome. If that fails, the caller still gets the outcome; the call then counts as
/// sent, and is not sent again automatically.
async fn record(context: &GenerationContext, key: &CallKey, outcome: &CallOutcome) {
    if let Err(error) = context.journal.record_outcome(key, outcome).await {
        tracing::error!(scope = key.scope, index = key.index, %error,
        "the outcome of a paid call could not be recorded");
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Borrow;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::SystemTime;

    use bytes::Bytes;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::contract::{AnsweredCall, CallFingerprint, NoProgress};
    use crate::money::MemoryJournal;

    fn picture() -> Bytes {
        let picture = image::RgbImage::new(2, 2);
        clippy_imaging::encode(&picture, clippy_imaging::Encoding::Png)
            .expect("a picture")
            .into()
    }

    fn pictures() -> CallPictures {
        CallPictures {
            pictures: vec![picture()],
            filtered: Vec::new(),
        }
    }

    fn context(journal: impl CallJournal) -> GenerationContext {
        GenerationContext {
            cancel: CancellationToken::new(),
            hand_over: CancellationToken::new(),
            progress: Arc::new(NoProgress),
            journal: Arc::new(journal),
            scope: "job 0".to_owned(),
            earlier: Vec::new(),
            seed: 1,
        }
    }

    fn retried(context: &GenerationContext) -> GenerationContext {
        GenerationContext {
            scope: "job 1".to_owned(),
            earlier: vec!["job 0".to_owned()],
            ..context.clone()
        }
    }

    fn call(body: &[u8]) -> PaidCall<'_> {
        PaidCall {
            provider: "gemini",
            model: "m",
            role: CallRole::Picture,
            index: 0,
            body,
        }
    }

    async fn paid<F>(
        context: impl Borrow<GenerationContext>,
        body: &[u8],
        send: impl FnOnce() -> F,
    ) -> Result<CallPictures, GenerateError>
    where
        F: Future<Output = Result<CallPictures, GenerateError>>,
    {
        pay_once(context.borrow(), &call(body), send).await
    }

    /// A journal that can be written before a call but not after it.
    #[derive(Default)]
    struct FullAfterCall(MemoryJournal);

    #[async_trait::async_trait]
    impl CallJournal for FullAfterCall {
        async fn claim(&self, call: &CallKey) -> clippy_core::Result<CallState> {
            self.0.claim(call).await
        }

        async fn look_up(&self, call: &CallKey) -> clippy_core::Result<CallState> {
            self.0.look_up(call).await
        }

        async fn has_calls(&self, scope: &str, since: SystemTime) -> clippy_core::Result<bool> {
            self.0.has_calls(scope, since).await
        }

        async fn answered(&self, scope: &str) -> clippy_core::Result<Vec<AnsweredCall>> {
            self.0.answered(scope).await
        }

        async fn record_outcome(&self, _: &CallKey, _: &CallOutcome) -> clippy_core::Result<()> {
            Err(clippy_core::Error::internal("no room is left"))
        }
    }

    #[tokio::test]
    async fn a_call_is_bought_once_even_if_its_body_changes() {
        let (context, bought) = (context(MemoryJournal::default()), AtomicU32::new(0));
        for body in [b"body", b"what", b"else"] {
            let got = paid(&context, body, || async {
                bought.fetch_add(1, Ordering::SeqCst);
                Ok(pictures())
            });
            assert_eq!(got.await.expect("pictures"), pictures());
        }
        assert_eq!(bought.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_bought_again_only_on_request() {
        let context = context(MemoryJournal::default());
        let lost = paid(&context, b"body", || async {
            Err(GenerateError::maybe_charged("cut off"))
        });
        assert_eq!(
            lost.await.expect_err("lost").class,
            FailureClass::MaybeCharged
        );
        let again = paid(&context, b"body", || async { panic!("bought twice") });
        assert_eq!(
            again.await.expect_err("refused").class,
            FailureClass::MaybeCharged
        );
        paid(retried(&context), b"body", || async { Ok(pictures()) })
            .await
            .expect("a person asked for it");
    }

    #[tokio::test]
    async fn a_retry_uses_what_was_bought_before_it() {
        let context = context(MemoryJournal::default());
        let bought = paid(&context, b"body", || async { Ok(pictures()) });
        bought.await.expect("pictures");
        let again = paid(retried(&context), b"body", || async {
            panic!("bought twice")
        });
        assert_eq!(again.await.expect("pictures"), pictures());
    }

    #[tokio::test]
    async fn answered_calls_before_and_after_a_retry_are_counted_once() {
        let context = context(MemoryJournal::default());
        let scopes = ["job 0".to_owned(), "job 1".to_owned()];
        let counted = async || count_bought(&*context.journal, &scopes).await;
        assert_eq!(counted().await, 0);
        let lost = paid(&context, b"body", || async {
            Err(GenerateError::maybe_charged("cut off"))
        });
        lost.await.expect_err("lost");
        assert_eq!(counted().await, 0, "its outcome is not known");
        let bought = paid(retried(&context), b"body", || async { Ok(pictures()) });
        bought.await.expect("pictures");
        assert_eq!(counted().await, 1);
        let useless = CallPictures {
            pictures: vec![Bytes::from_static(b"no picture")],
            filtered: Vec::new(),
        };
        let other = PaidCall {
            index: 1,
            ..call(b"body")
        };
        let bought = pay_once(&context, &other, || async { Ok(useless) });
        bought.await.expect("bytes");
        assert_eq!(counted().await, 1, "it is bought again");
    }

    #[tokio::test]
    async fn a_retry_buys_an_unusable_result_again() {
        let context = context(MemoryJournal::default());
        let useless = CallPictures {
            pictures: vec![Bytes::from_static(b"no picture")],
            filtered: Vec::new(),
        };
        let bought = paid(&context, b"body", || async { Ok(useless) });
        bought.await.expect("bytes");
        let again = paid(retried(&context), b"body", || async { Ok(pictures()) });
        assert_eq!(again.await.expect("pictures"), pictures());
    }

    #[tokio::test]
    async fn a_journal_that_fails_after_the_call_loses_no_picture() {
        let context = context(FullAfterCall::default());
        let bought = paid(&context, b"body", || async { Ok(pictures()) });
        assert_eq!(bought.await.expect("pictures"), pictures());
        let again = paid(&context, b"body", || async { panic!("bought twice") });
        assert_eq!(
            again.await.expect_err("unknown").class,
            FailureClass::MaybeCharged
        );
    }

    #[tokio::test]
    async fn a_refusal_that_cost_nothing_may_be_sent_again() {
        let context = context(MemoryJournal::default());
        let busy = paid(&context, b"body", || async {
            Err(GenerateError::transient("busy", None))
        });
        assert_eq!(busy.await.expect_err("busy").class, FailureClass::Transient);
        paid(&context, b"body", || async { Ok(pictures()) })
            .await
            .expect("sent again");
    }

    #[test]
    fn fingerprints_depend_on_every_part() {
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
