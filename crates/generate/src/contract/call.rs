//! Paid calls, and the journal that records them.

use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A hash of a call: of the provider, the model, the job and the body. It changes with every byte
/// that is sent, so it does not tell whether a call was bought; a [`CallKey`] does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallFingerprint(String);

impl CallFingerprint {
    /// Hashes a call. `scope` is [`super::GenerationContext::scope`], `index` the number of the
    /// call within the job, `body` what is sent.
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
        Self(hex::encode(hash.finalize()))
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The purpose of a paid call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallRole {
    /// It makes pictures.
    Picture,
    /// It describes a sketch.
    Description,
}

impl CallRole {
    /// The name in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Description => "description",
        }
    }

    /// Returns the role with this name in the journal.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Picture, Self::Description]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// The identity of a paid call in the journal: the job, the purpose and the number of the call. The
/// body is not a part of it, since it may change between two attempts of one job: by an upgrade, by
/// a setting, or because the picture at a URL has changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallKey {
    /// [`super::GenerationContext::scope`].
    pub scope: String,
    /// The purpose of the call.
    pub role: CallRole,
    /// The number of the call within the job and the role.
    pub index: u32,
    /// A hash of what is sent, for information. Earlier versions named a call's record by it, and
    /// those records are still found.
    pub sent_as: CallFingerprint,
}

/// A paid call that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct PaidCall<'a> {
    /// The provider.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// Its purpose.
    pub role: CallRole,
    /// The number of the call within the job and the role.
    pub index: u32,
    /// The body, without anything that comes from another paid call's answer.
    pub body: &'a [u8],
}

impl PaidCall<'_> {
    /// The call's identity within a scope.
    #[must_use]
    pub fn key(&self, scope: &str) -> CallKey {
        // The name that earlier versions used.
        let older = match self.role {
            CallRole::Picture => scope.to_owned(),
            CallRole::Description => format!("{scope} description"),
        };
        CallKey {
            scope: scope.to_owned(),
            role: self.role,
            index: self.index,
            sent_as: CallFingerprint::new(self.provider, self.model, &older, self.index, self.body),
        }
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

/// A call that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredCall {
    /// The purpose of the call.
    pub role: CallRole,
    /// The number of the call within the job and the role.
    pub index: u32,
    /// The result of the call.
    pub result: CallPictures,
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
    async fn claim(&self, call: &CallKey) -> Result<CallState>;
    /// Returns the state of a call, without claiming it.
    async fn look_up(&self, call: &CallKey) -> Result<CallState>;
    /// Whether any call of a scope was sent and may cost something. Records of earlier versions do
    /// not name their scope, so one made after `since`, the beginning of the scope, may belong to
    /// it.
    async fn has_calls(&self, scope: &str, since: SystemTime) -> Result<bool>;
    /// Lists the answered calls of a scope, without those that earlier versions recorded.
    async fn answered(&self, scope: &str) -> Result<Vec<AnsweredCall>>;
    /// Records how a call ended. As with [`CallJournal::claim`], this must be on disk when it
    /// returns.
    async fn record_outcome(&self, call: &CallKey, outcome: &CallOutcome) -> Result<()>;
}
