//! Paid calls, and the journal that records them.

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Identifies a paid call: a hash of the provider, the model, the job and the body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallFingerprint(String);

impl CallFingerprint {
    /// `scope` is [`super::GenerationContext::scope`], `index` the number of the call within the
    /// job, `body` what is sent.
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

/// The result of a call: the files of its pictures, and why others are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallPictures {
    /// Files as the provider sent them.
    pub pictures: Vec<Bytes>,
    /// Why pictures are missing.
    pub filtered: Vec<String>,
}

/// What the journal knows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// It was never sent, or it failed without costing anything.
    New,
    /// It was sent, and its outcome is not known.
    Unknown,
    /// It was sent, and this is its result.
    Done(CallPictures),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It gave these pictures.
    Pictures(CallPictures),
    /// It cost nothing, so it may be sent again.
    NotCharged,
}

/// Records paid calls.
#[async_trait]
pub trait CallJournal: Send + Sync + 'static {
    /// Claims a call. Only one caller gets [`CallState::New`]; from then on the call counts as
    /// sent. A journal that outlives the process must have this on disk when it returns, because
    /// the caller sends the call next.
    async fn claim(&self, fingerprint: &CallFingerprint) -> Result<CallState>;
    /// Records how a call ended. As with [`CallJournal::claim`], this must be on disk when it
    /// returns.
    async fn record_outcome(
        &self,
        fingerprint: &CallFingerprint,
        outcome: &CallOutcome,
    ) -> Result<()>;
}
