//! A sketch in words, for providers whose models cannot see it or see nothing but its lines.
//!
//! A description is a paid call of its own: it is part of the estimate, and it is bought at most
//! once for a job.

use async_trait::async_trait;

use crate::analysis::SketchAnalysis;
use crate::error::{FailureClass, GenerateError};
use crate::inputs::Generation;
use crate::outgoing::Outgoing;
use crate::provider::{Beside, GenerationContext};
use crate::request::GenerateRequest;
use crate::style::StyleTag;

/// Somebody who describes sketches.
#[async_trait]
pub trait Describer: Send + Sync + 'static {
    /// The model that looks at the sketch.
    fn model(&self) -> &str;

    /// US dollars for one description; `None` when it is not known.
    fn price(&self) -> Option<f64>;

    /// The sketch in words, with what the chosen styles mean for it.
    ///
    /// # Errors
    /// Why there are no words. [`GenerateError::charged`] says whether the call may have cost
    /// something.
    async fn describe(
        &self,
        sketch: &Outgoing,
        styles: &[StyleTag],
        context: &GenerationContext,
    ) -> Result<SketchAnalysis, GenerateError>;
}

/// What became of a description.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Described {
    /// The words, where there are any.
    pub analysis: Option<SketchAnalysis>,
    /// Why there are none, where some were asked for.
    pub missing: Option<String>,
    /// Calls that cost something, or may have.
    pub calls: u32,
}

impl Described {
    /// What was paid for descriptions, where the price is known.
    pub(crate) fn usd(&self, describer: Option<&dyn Describer>) -> Option<f64> {
        match (self.calls, describer) {
            (0, _) | (_, None) => Some(0.0),
            (calls, Some(describer)) => describer.price().map(|price| price * f64::from(calls)),
        }
    }

    /// A failure of the same job: if a description was bought before it, the job was not free.
    pub(crate) fn counted(&self, error: GenerateError) -> GenerateError {
        if self.calls > 0 {
            error.billed()
        } else {
            error
        }
    }
}

/// Has the sketch of a generation described, when there is one and somebody to do it.
///
/// # Errors
/// [`FailureClass::Cancelled`] alone: without a description the picture is made all the same.
pub(crate) async fn described(
    describer: Option<&dyn Describer>,
    generation: &Generation,
    sketch: Option<&Outgoing>,
    context: &GenerationContext,
) -> Result<Described, GenerateError> {
    let (Some(describer), Some(sketch)) = (describer, sketch) else {
        return Ok(Described::default());
    };
    context.say("analysing", None, "a vision model reads the sketch");
    match describer
        .describe(sketch, &generation.style_tags, context)
        .await
    {
        Ok(analysis) => Ok(Described {
            analysis: Some(analysis),
            missing: None,
            calls: 1,
        }),
        Err(error) if error.class == FailureClass::Cancelled => Err(error),
        Err(error) => {
            tracing::warn!(model = describer.model(), reason = %error, "the sketch was not described");
            let calls = u32::from(error.charged);
            Ok(Described {
                analysis: None,
                missing: Some(error.message),
                calls,
            })
        }
    }
}

/// What a description of this request's sketch adds to its price.
pub(crate) fn beside(
    describer: Option<&dyn Describer>,
    request: &GenerateRequest,
) -> Option<Beside> {
    let describer = describer.filter(|_| request.sketch.is_some())?;
    Some(Beside {
        what: format!("a description of the sketch by {}", describer.model()),
        usd: describer.price(),
    })
}
