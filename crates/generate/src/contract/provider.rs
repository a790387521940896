//! The contract between callers and the providers that make pictures.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::Result;

use super::capabilities::Capabilities;
use super::context::GenerationContext;
use super::error::GenerateError;
use super::finding::Finding;
use super::generated::Generated;
use super::generation::Generation;
use super::plan::plan;
use super::receipt::Receipt;
use super::request::GenerateRequest;
use super::subject::NamedSubject;

/// A paid call in addition to those for the pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtraCall {
    /// What it is for, for the note of an estimate.
    pub what: String,
    /// US dollars; `None` when the price is not set.
    pub usd: Option<f64>,
}

/// A provider: makes pictures from requests.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What it accepts and produces.
    fn capabilities(&self) -> Capabilities;

    /// Plans what becomes of each input of a request, before anything is fetched or queued.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Unsupported`] when the request cannot be served at all.
    fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
        plan(request, &self.capabilities())
    }

    /// The subject that has to be found in the gallery, since the provider cannot paint what the
    /// words name and the request has nothing else to paint. `None` if no subject is needed.
    fn subject_to_find(&self, _request: &GenerateRequest) -> Option<NamedSubject> {
        None
    }

    /// US dollars for one picture of a paid provider; `None` when it is not set.
    fn price_per_image(&self) -> Option<f64> {
        None
    }

    /// How long it would take, in words, if the provider knows its own pace.
    fn expected_time(&self, _request: &GenerateRequest) -> Option<String> {
        None
    }

    /// A paid call in addition to those for the pictures, such as a description of the sketch.
    fn extra_call(&self, _request: &GenerateRequest) -> Option<ExtraCall> {
        None
    }

    /// Checks that its key works, that its models exist, and which kinds of input could be used.
    /// Costs nothing.
    async fn check(&self) -> Vec<Finding> {
        match self.ready().await {
            Ok(()) => vec![Finding::ok("provider", "ready")],
            Err(error) => vec![Finding::fault("provider", error.message)],
        }
    }

    /// Checks that it could make a picture now. Costs nothing. A provider without requirements is
    /// always ready.
    ///
    /// # Errors
    /// What is missing, and how to provide it.
    async fn ready(&self) -> Result<(), GenerateError> {
        Ok(())
    }

    /// Makes the pictures.
    ///
    /// # Errors
    /// [`GenerateError`], whose class says what can be done about it.
    async fn generate(
        &self,
        generation: Arc<Generation>,
        receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError>;

    /// Removes what runs of a generation left with the provider for the next run. Called when the
    /// generation was cancelled between two runs, so that no run follows. `scope` is
    /// [`GenerationContext::scope`].
    ///
    /// # Errors
    /// [`GenerateError`], if something is left there.
    async fn withdraw(&self, _scope: &str) -> Result<(), GenerateError> {
        Ok(())
    }
}

/// Checks a request against a provider before it is queued: the body, the capabilities, `strict`.
///
/// # Errors
/// As [`GenerateRequest::validate`], [`Provider::plan`] and [`Receipt::refuse_unless_honoured`].
pub fn admit(provider: &dyn Provider, request: &GenerateRequest) -> Result<Receipt> {
    request.validate()?;
    let receipt = provider.plan(request)?;
    if request.strict {
        receipt.refuse_unless_honoured()?;
    }
    Ok(receipt)
}
