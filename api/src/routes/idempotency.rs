//! Handles `Idempotency-Key`: requests with the same key and body create only one job.
//!
//! This holds whatever has changed between the requests. So the job is looked up before anything
//! else is checked, by a digest of the body as it was sent.

use std::io::Write;

use axum::http::{HeaderMap, HeaderName};
use clippy_core::{Error, Result};
use clippy_jobs::{Job, JobKind, NewJob};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// The header, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header, names("Idempotency-Key"))]
#[expect(dead_code, reason = "only its documentation is used")]
pub(crate) struct IdempotencyHeader(
    /// Requests with the same key and body create only one job, which is paid for once.
    Option<String>,
);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Returns the `Idempotency-Key` of a request, if it has one.
///
/// # Errors
/// [`clippy_core::ErrorCode::InvalidInput`] when it is not ASCII text.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    key.to_str()
        .map(Some)
        .map_err(|_| Error::invalid("The Idempotency-Key must be plain ASCII text"))
}

/// A key, and a digest of the body that it was sent with.
pub(crate) struct IdempotentRequest {
    key: String,
    digest: String,
}

impl IdempotentRequest {
    /// Computes the digest of a body that was sent with this key.
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

    /// Finds the job that the caller created with this key before.
    ///
    /// # Errors
    /// 422 when the key was sent with another body before, and the errors of the store.
    pub(crate) async fn find_job(
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
    pub(crate) fn apply_to(&self, new: NewJob) -> NewJob {
        new.idempotency_key(&self.key).digest(&self.digest)
    }
}

/// A writer that hashes its input, so that a large body is not copied.
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
