//! Descriptions of sketches by a Gemini vision model.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::endpoint::GoogleClient;
use super::gemini_answer::{block_reason, text};
use crate::contract::{
    CallPictures, CallRole, FailureClass, GenerateError, GenerationContext, PaidCall, StyleTag,
};
use crate::money::pay_once;
use crate::providers::shared::analysis::{SketchAnalysis, instruction, response_schema};
use crate::providers::shared::describe::Describer;
use crate::providers::shared::outgoing::EncodedPicture;

/// Describes sketches, with an API key or through Vertex AI.
#[derive(Clone)]
pub struct GeminiVision {
    client: GoogleClient,
    model: String,
    price: Option<f64>,
}

impl GeminiVision {
    /// Uses this client and model (`GEMINI_VISION_MODEL`). `price` is the cost of a description in
    /// US dollars, if it is known.
    #[must_use]
    pub fn new(client: &GoogleClient, model: String, price: Option<f64>) -> Self {
        Self {
            client: client.for_setting("GEMINI_VISION_MODEL"),
            model,
            price,
        }
    }

    fn body(&self, sketch: &EncodedPicture, styles: &[StyleTag]) -> Value {
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
        sketch: &EncodedPicture,
        styles: &[StyleTag],
        context: &GenerationContext,
    ) -> Result<SketchAnalysis, GenerateError> {
        let body = self.body(sketch, styles);
        let text_of_body = body.to_string();
        let paid = PaidCall {
            provider: "gemini",
            model: &self.model,
            role: CallRole::Description,
            index: 0,
            body: text_of_body.as_bytes(),
        };
        let call = pay_once(context, &paid, || async {
            let answer = self
                .client
                .post(&self.model, "generateContent", &body, context)
                .await?;
            if let Some(reason) = block_reason(&answer) {
                return Err(GenerateError::new(FailureClass::Blocked, reason));
            }
            // The raw answer is recorded, because an answer that cannot be parsed has been paid
            // for, too, and must not be paid for again.
            Ok(CallPictures {
                pictures: vec![text(&answer).into()],
                filtered: Vec::new(),
            })
        });
        let kept = call.await?.pictures.into_iter().next().unwrap_or_default();
        SketchAnalysis::parse(&String::from_utf8_lossy(&kept)).ok_or_else(|| {
            GenerateError::permanent("the description was truncated or empty").mark_charged()
        })
    }
}
