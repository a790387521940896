//! Descriptions of sketches in words, for providers whose models cannot see a sketch or see only
//! its lines.
//!
//! A description is a paid call of its own. It is part of the estimate, and paid for at most once
//! per job.

use async_trait::async_trait;

use super::analysis::SketchAnalysis;
use super::outgoing::EncodedPicture;
use crate::contract::{
    ExtraCall, FailureClass, GenerateError, GenerateRequest, Generation, GenerationContext,
    StyleTag,
};

/// Describes sketches.
#[async_trait]
pub trait Describer: Send + Sync + 'static {
    /// The model's name.
    fn model(&self) -> &str;

    /// The price of a description in US dollars, if it is known.
    fn price(&self) -> Option<f64>;

    /// Describes a sketch, and how the chosen styles apply to it.
    ///
    /// # Errors
    /// Why there is no description. [`GenerateError::charged`] says whether the call may have been
    /// charged.
    async fn describe(
        &self,
        sketch: &EncodedPicture,
        styles: &[StyleTag],
        context: &GenerationContext,
    ) -> Result<SketchAnalysis, GenerateError>;
}

/// The result of describing a sketch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SketchDescription {
    /// The description, if there is one.
    pub analysis: Option<SketchAnalysis>,
    /// Why there is none although one was wanted.
    pub missing: Option<String>,
    /// The number of calls that were or may have been charged.
    pub calls: u32,
}

impl SketchDescription {
    /// The cost of the description in US dollars, if the price is known.
    pub(crate) fn usd(&self, describer: Option<&dyn Describer>) -> Option<f64> {
        match (self.calls, describer) {
            (0, _) | (_, None) => Some(0.0),
            (calls, Some(describer)) => describer.price().map(|price| price * f64::from(calls)),
        }
    }

    /// Marks a later failure of the same job as charged if a description was paid for.
    pub(crate) fn mark_charged(&self, error: GenerateError) -> GenerateError {
        if self.calls > 0 {
            error.mark_charged()
        } else {
            error
        }
    }
}

/// Describes the sketch of a generation, if there is one and a describer is set up.
///
/// # Errors
/// Only [`FailureClass::Cancelled`]: after any other failure the pictures are made without a
/// description.
pub(crate) async fn describe_sketch(
    describer: Option<&dyn Describer>,
    generation: &Generation,
    sketch: Option<&EncodedPicture>,
    context: &GenerationContext,
) -> Result<SketchDescription, GenerateError> {
    let (Some(describer), Some(sketch)) = (describer, sketch) else {
        return Ok(SketchDescription::default());
    };
    context.report("analysing", None, "a vision model reads the sketch");
    match describer
        .describe(sketch, &generation.style_tags, context)
        .await
    {
        Ok(analysis) => Ok(SketchDescription {
            analysis: Some(analysis),
            missing: None,
            calls: 1,
        }),
        Err(error) if error.class == FailureClass::Cancelled => Err(error),
        Err(error) => {
            tracing::warn!(model = describer.model(), reason = %error,
            "the sketch was not described");
            let calls = u32::from(error.charged);
            Ok(SketchDescription {
                analysis: None,
                missing: Some(error.message),
                calls,
            })
        }
    }
}

/// The paid call for describing a request's sketch, if it will be described.
pub(crate) fn description_call(
    describer: Option<&dyn Describer>,
    request: &GenerateRequest,
) -> Option<ExtraCall> {
    let describer = describer.filter(|_| request.sketch.is_some())?;
    Some(ExtraCall {
        what: format!("a description of the sketch by {}", describer.model()),
        usd: describer.price(),
    })
}
