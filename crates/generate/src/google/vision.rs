//! A vision model of Gemini's as a describer of sketches.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::endpoint::GoogleClient;
use super::gemini_answer::{block, text};
use crate::analysis::{SketchAnalysis, instruction, response_schema};
use crate::describe::Describer;
use crate::error::{FailureClass, GenerateError};
use crate::outgoing::Outgoing;
use crate::paid_once::{CallFingerprint, CallPictures, paid_once};
use crate::provider::GenerationContext;
use crate::style::StyleTag;

/// Describes sketches by key or through Vertex AI.
#[derive(Clone)]
pub struct GeminiVision {
    client: GoogleClient,
    model: String,
    price: Option<f64>,
}

impl GeminiVision {
    /// With this client and `GEMINI_VISION_MODEL`. `price` is what one description costs, where
    /// that is known.
    #[must_use]
    pub fn new(client: &GoogleClient, model: String, price: Option<f64>) -> Self {
        Self {
            client: client.for_setting("GEMINI_VISION_MODEL"),
            model,
            price,
        }
    }

    fn body(&self, sketch: &Outgoing, styles: &[StyleTag]) -> Value {
        let thinking = if self.model.contains("2.5") {
            json!({"thinkingBudget": 0})
        } else {
            json!({"thinkingLevel": "LOW"})
        };
        json!({
            "contents": [{"role": "user", "parts": [
                {"text": instruction(styles)},
                {"inlineData": {"mimeType": sketch.media_type, "data": sketch.base64()}}
            ]}],
            "generationConfig": {
                "temperature": 0.1,
                "responseMimeType": "application/json",
                "responseSchema": response_schema(),
                "maxOutputTokens": 2048,
                "thinkingConfig": thinking,
            },
        })
    }
}

#[async_trait]
impl Describer for GeminiVision {
    fn model(&self) -> &str {
        &self.model
    }

    fn price(&self) -> Option<f64> {
        self.price
    }

    async fn describe(
        &self,
        sketch: &Outgoing,
        styles: &[StyleTag],
        context: &GenerationContext,
    ) -> Result<SketchAnalysis, GenerateError> {
        let body = self.body(sketch, styles);
        let scope = format!("{} description", context.scope);
        let fingerprint = CallFingerprint::new(
            "gemini",
            &self.model,
            &scope,
            0,
            body.to_string().as_bytes(),
        );
        let call = paid_once(&*context.journal, &fingerprint, || async {
            let answer = self
                .client
                .post(&self.model, "generateContent", &body, &context.cancel)
                .await?;
            if let Some(reason) = block(&answer) {
                return Err(GenerateError::new(FailureClass::Blocked, reason));
            }
            // Kept as it came: what cannot be read was paid for, too, and is not bought again.
            Ok(CallPictures {
                pictures: vec![text(&answer).into()],
                filtered: Vec::new(),
            })
        });
        let kept = call.await?.pictures.into_iter().next().unwrap_or_default();
        SketchAnalysis::parse(&String::from_utf8_lossy(&kept)).ok_or_else(|| {
            GenerateError::permanent("the description was cut off or empty").billed()
        })
    }
}
