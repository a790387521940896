//! The contract between those who ask for pictures and those who make them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::Result;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::error::GenerateError;
use crate::finding::Finding;
use crate::inputs::Generation;
use crate::paid_once::CallJournal;
use crate::receipt::{Receipt, plan};
use crate::request::{AspectRatio, GenerateRequest};
use crate::seen;

/// How well something is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Exactly as asked.
    Yes,
    /// In spirit: by words, or best effort.
    Approximate,
    /// Not at all.
    No,
}

/// The ratios a provider can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ratios {
    /// Any.
    Any,
    /// These; the nearest is taken for another.
    Listed(Vec<AspectRatio>),
}

/// What can be seen of the work while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressKind {
    /// A true fraction.
    Steps,
    /// Only the phase: nothing is known of how far it is.
    Phases,
}

/// What cancelling does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelKind {
    /// The work stops.
    Stops,
    /// The answer is thrown away, and may be billed all the same.
    DropsBilled,
}

/// What a provider takes and gives. Drives validation, the receipt and the web page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The provider's name.
    pub provider: String,
    /// The model, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// References of role `style`.
    pub style_references: Support,
    /// References of role `subject`.
    pub subject_references: Support,
    /// Weights of references.
    pub weights: Support,
    /// Most references in one picture.
    pub max_references: usize,
    /// Why references are only approximated.
    pub reference_note: String,
    /// A sketch as structure.
    pub sketch: Support,
    /// A picture to start from.
    pub base: Support,
    /// An edit that leaves everything outside of a mask as it was.
    pub mask: Support,
    /// How the mask is kept.
    pub mask_note: String,
    /// Words.
    pub prompt: Support,
    /// What the words do.
    pub prompt_note: String,
    /// A seed that makes the picture repeatable.
    pub seed: Support,
    /// A negative prompt.
    pub negative_prompt: Support,
    /// Ratios.
    pub ratios: Ratios,
    /// The recommended ways to mix references that it knows by name.
    pub presets: Vec<String>,
    /// The style tags that change something; empty means all of them.
    pub style_tags: Vec<String>,
    /// Most pictures of one call.
    pub images_per_call: u32,
    /// What can be seen while it works.
    pub progress: ProgressKind,
    /// Whether pictures come while it works.
    pub previews: bool,
    /// What cancelling does.
    pub cancel: CancelKind,
    /// Whether calls cost money.
    pub paid: bool,
}

impl Capabilities {
    /// Takes everything as asked; a beginning for a provider's own table.
    #[must_use]
    pub fn everything(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            model: None,
            style_references: Support::Yes,
            subject_references: Support::Yes,
            weights: Support::Yes,
            max_references: crate::request::MOST_REFERENCES,
            reference_note: "the provider takes references as a hint only".to_owned(),
            sketch: Support::Yes,
            base: Support::Yes,
            mask: Support::Yes,
            mask_note: "white is painted anew, every pixel outside stays as it is".to_owned(),
            prompt: Support::Yes,
            prompt_note: "the words as given".to_owned(),
            seed: Support::Yes,
            negative_prompt: Support::Yes,
            ratios: Ratios::Any,
            presets: Vec::new(),
            style_tags: Vec::new(),
            images_per_call: 1,
            progress: ProgressKind::Steps,
            previews: true,
            cancel: CancelKind::Stops,
            paid: false,
        }
    }
}

/// What a request would cost, before it is queued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The provider.
    pub provider: String,
    /// The model, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Paid calls.
    pub calls: u32,
    /// Pictures.
    pub images: u32,
    /// US dollars for all of it; absent when the price of a picture is not set. 0 for providers
    /// that cost nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// What the number rests on.
    pub note: String,
    /// What would be honoured.
    pub receipt: Receipt,
}

/// How far the work is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done: `analysing`, `painting`, `waiting`, …
    pub phase: String,
    /// 0 to 1 over all pictures; absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f32>,
    /// A line for a person.
    pub message: String,
}

/// A picture while it is being made.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Which of the pictures, from 0.
    pub index: u32,
    /// A small file.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
}

/// Where progress and previews go. Called from any thread; must not block.
pub trait ProgressSink: Send + Sync {
    /// How far the work is.
    fn progress(&self, progress: Progress);
    /// A picture while it is being made.
    fn preview(&self, preview: Preview);
}

/// A sink that nobody looks at.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl ProgressSink for NoProgress {
    fn progress(&self, _progress: Progress) {}
    fn preview(&self, _preview: Preview) {}
}

/// What a provider is given besides the request.
#[derive(Clone)]
pub struct GenerationContext {
    /// Stops the work.
    pub cancel: CancellationToken,
    /// Where progress and previews go.
    pub progress: Arc<dyn ProgressSink>,
    /// Remembers paid calls over a crash.
    pub journal: Arc<dyn CallJournal>,
    /// Keeps the calls of two jobs apart: the job's id, and how often a person has asked to buy
    /// again.
    pub scope: String,
    /// The seed of this job where none was asked for: another one for every job, and the same for
    /// all of its attempts.
    pub seed: u64,
}

/// A seed for a job, from the job's id. Below 2^30, so that every provider and every client takes
/// it as it is.
#[must_use]
pub fn seed_of(job: &str) -> u64 {
    let digits = crate::inputs::sha256_hex(format!("seed of {job}").as_bytes());
    digits
        .get(..8)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
        >> 2
}

impl GenerationContext {
    /// The error of a cancelled generation, when it has been cancelled.
    ///
    /// # Errors
    /// [`crate::FailureClass::Cancelled`].
    pub fn check(&self) -> Result<(), GenerateError> {
        if self.cancel.is_cancelled() {
            Err(GenerateError::cancelled())
        } else {
            Ok(())
        }
    }

    /// Says how far the work is.
    pub fn say(&self, phase: &str, fraction: Option<f32>, message: impl Into<String>) {
        self.progress.progress(Progress {
            phase: phase.to_owned(),
            fraction,
            message: message.into(),
        });
    }
}

/// A finished picture.
#[derive(Debug, Clone)]
pub struct GeneratedImage {
    /// The whole file.
    pub bytes: Bytes,
    /// Its media type, told by its content.
    pub media_type: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The seed that makes this picture again, where there is one.
    pub seed: Option<u64>,
}

/// What is known of a generation besides its pictures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GenerationMeta {
    /// The provider.
    pub provider: String,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `edit`, `subject`, `style` or `generate`.
    pub mode: String,
    /// The prompt that was really sent.
    pub constructed_prompt: String,
    /// The negative prompt that was really sent.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub negative_prompt: String,
    /// Why pictures are missing, one reason a picture.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub filtered: Vec<String>,
    /// Paid calls that were made.
    pub calls: u32,
    /// What the calls cost in US dollars at most, where the price is set: calls whose outcome is
    /// unknown count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
}

/// Pictures, what is known of them, and the receipt.
#[derive(Debug, Clone)]
pub struct Generated {
    /// At least one picture.
    pub images: Vec<GeneratedImage>,
    /// What is known of them.
    pub meta: GenerationMeta,
    /// What became of each input.
    pub receipt: Receipt,
}

/// A paid call that is made beside those for the pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// What it is for.
    pub what: String,
    /// US dollars; `None` when the price is not set.
    pub usd: Option<f64>,
}

/// Somebody who makes pictures.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What it takes and gives.
    fn capabilities(&self) -> Capabilities;

    /// What it will do with each input of a request, before anything is fetched or queued.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Unsupported`] when it cannot be done at all.
    fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
        plan(request, &self.capabilities())
    }

    /// US dollars for one picture; `None` when it is not set.
    fn price_per_image(&self) -> Option<f64>;

    /// A paid call beside those for the pictures, such as a description of the sketch.
    fn beside(&self, _request: &GenerateRequest) -> Option<Beside> {
        None
    }

    /// Asks the provider whether its key works, its models exist, and each kind of input could be
    /// used. Costs nothing.
    async fn check(&self) -> Vec<Finding> {
        match self.ready().await {
            Ok(()) => vec![Finding::ok("provider", "ready")],
            Err(error) => vec![Finding::fault("provider", error.message)],
        }
    }

    /// Whether it could make a picture now. Costs nothing.
    ///
    /// # Errors
    /// What is missing, and the mend.
    async fn ready(&self) -> Result<(), GenerateError>;

    /// Makes the pictures.
    ///
    /// # Errors
    /// [`GenerateError`], whose class says what can be done.
    async fn generate(
        &self,
        generation: Arc<Generation>,
        receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError>;
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

/// Checks a request once more, has its pictures made, and looks at them: the receipt says what can
/// be seen.
///
/// # Errors
/// As [`admit`] and [`Provider::generate`].
pub async fn make(
    provider: &dyn Provider,
    request: &GenerateRequest,
    generation: &Arc<Generation>,
    context: &GenerationContext,
) -> Result<Generated, GenerateError> {
    let receipt = admit(provider, request)?;
    let mut generated = provider
        .generate(Arc::clone(generation), receipt, context)
        .await?;
    seen::look(generation, &mut generated).await;
    Ok(generated)
}

/// What a request would cost and what would be honoured.
///
/// # Errors
/// As [`GenerateRequest::validate`] and [`Provider::plan`].
pub fn estimate(provider: &dyn Provider, request: &GenerateRequest) -> Result<Estimate> {
    request.validate()?;
    let capabilities = provider.capabilities();
    let receipt = provider.plan(request)?;
    let (mut usd, mut note) = match (capabilities.paid, provider.price_per_image()) {
        (false, _) => (Some(0.0), "this provider costs nothing".to_owned()),
        (true, Some(price)) => {
            let note = format!("{price} USD a picture, as set; the provider's own bill decides");
            (Some(price * f64::from(request.count)), note)
        }
        (true, None) => (
            None,
            "the price of a picture is not set, so the cost is not known".to_owned(),
        ),
    };
    let mut calls = if capabilities.paid {
        request.count.div_ceil(capabilities.images_per_call.max(1))
    } else {
        0
    };
    if let Some(Beside { what, usd: price }) = provider.beside(request) {
        calls += 1;
        usd = usd.zip(price).map(|(pictures, beside)| pictures + beside);
        let priced = price.map_or("whose price is not set".to_owned(), |price| {
            format!("{price} USD, as set")
        });
        note = format!("{note}; {what}: {priced}");
    }
    let Capabilities {
        provider, model, ..
    } = capabilities;
    Ok(Estimate {
        provider,
        model,
        calls,
        images: request.count,
        usd,
        note,
        receipt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_a_seed_of_its_own_which_stays() {
        let seeds: std::collections::HashSet<u64> =
            (0..1_000).map(|job| seed_of(&job.to_string())).collect();
        assert_eq!(seeds.len(), 1_000);
        assert!(seeds.iter().all(|seed| *seed < 1 << 30));
        assert_eq!(seed_of("a"), seed_of("a"));
    }
}
