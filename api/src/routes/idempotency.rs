//! `Idempotency-Key`: the same key and body are one job, whatever has become of the world
//! meanwhile. So the job is looked for before anything else is checked, by a digest of the body as
//! it was sent.

use std::io::Write;

use axum::http::{HeaderMap, HeaderName};
use clippy_core::{Error, Result};
use clippy_jobs::{Job, JobKind, NewJob};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key that was sent.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when it is no text.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    key.to_str()
        .map(Some)
        .map_err(|_| Error::invalid("The Idempotency-Key must be plain ASCII text"))
}

/// A key, and a digest of the body that it was sent with.
pub(crate) struct Once {
    key: String,
    digest: String,
}

impl Once {
    /// A key that was sent with this body.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] for a body that cannot be written as JSON.
    pub(crate) fn new<B: Serialize>(kind: JobKind, key: &str, body: &B) -> Result<Self> {
        let mut digest = Sha256::new();
        digest.update(kind.as_str().as_bytes());
        digest.update([0]);
        serde_json::to_writer(Digested(&mut digest), body).map_err(|error| {
            Error::internal("a body cannot be written as JSON again").with_source(error)
        })?;
        Ok(Self {
            key: key.to_owned(),
            digest: hex::encode(digest.finalize()),
        })
    }

    /// Finds the job that the caller made with this key before.
    ///
    /// # Errors
    /// 422 when the key was used with another body; what the store reports.
    pub(crate) async fn made(
        &self,
        state: &AppState,
        caller: &Caller,
    ) -> Result<Option<Job>, Problem> {
        state
            .jobs()
            .find_by_key(caller.name(), &self.key, &self.digest)
            .await
            .map_err(Problem::of_job)
    }

    /// Adds the key to a new job, so that it can be found again.
    pub(crate) fn of(&self, new: NewJob) -> NewJob {
        new.idempotency_key(&self.key).digest(&self.digest)
    }
}

/// Hashes what is written to it, so that a large body need not be copied.
struct Digested<'a>(&'a mut Sha256);

impl Write for Digested<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
