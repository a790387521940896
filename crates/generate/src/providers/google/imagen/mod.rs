//! Imagen 3 on Vertex AI, for projects that still have access to it: typed references, scribble
//! control and masks.

mod answer;
mod call;
mod limits;
mod square;

use std::sync::Arc;

use async_trait::async_trait;
use clippy_common::run_blocking;
use clippy_core::Result;

use self::answer::parse_pictures;
use self::call::ImagenCall;
use self::limits::{MOST_REFERENCES, PICTURES_PER_CALL, ratios, sent_seed};
use super::check::check;
use super::endpoint::{Endpoint, GoogleClient};
use super::models::ImagenSettings;
use crate::contract::{
    CallRole, CancelKind, Capabilities, ExtraCall, FailureClass, Finding, FindingLevel,
    GenerateError, GenerateRequest, Generated, Generation, GenerationContext, GenerationMeta, Mode,
    PaidCall, ProgressKind, Provider, Ratios, Receipt, Role, Support,
};
use crate::money::pay_once;
use crate::providers::shared::describe::{Describer, describe_sketch, description_call};
use crate::providers::shared::outgoing::{EncodedPicture, finish_picture};
use crate::providers::shared::prompt::BuiltPrompt;

/// The longest side of a sketch for the vision model.
const VISION_SIDE: u32 = 1536;

/// Imagen through Vertex AI.
#[derive(Clone)]
pub struct ImagenProvider {
    client: GoogleClient,
    settings: ImagenSettings,
    describer: Option<Arc<dyn Describer>>,
}

impl ImagenProvider {
    /// A provider with this client and these models.
    #[must_use]
    pub fn new(client: GoogleClient, settings: ImagenSettings) -> Self {
        Self {
            client,
            settings,
            describer: None,
        }
    }

    /// Sets the describer of sketches.
    #[must_use]
    pub fn with_describer(mut self, describer: Option<Arc<dyn Describer>>) -> Self {
        self.describer = describer;
        self
    }
}

#[async_trait]
impl Provider for ImagenProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            model: Some(self.settings.model.clone()),
            weights: Support::No,
            max_references: MOST_REFERENCES,
            sketch: Support::Approximate,
            base: Support::No,
            seed: Support::Approximate,
            ratios: Ratios::Listed(ratios()),
            images_per_call: PICTURES_PER_CALL,
            progress: ProgressKind::Phases,
            previews: false,
            cancel: CancelKind::DropsBilled,
            paid: true,
            ..Capabilities::everything("imagen")
        }
    }

    fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
        let mut capabilities = self.capabilities();
        if request.mask.is_some() {
            // An edit accepts only the base and the mask.
            capabilities.base = Support::Yes;
            capabilities.sketch = Support::No;
            capabilities.style_references = Support::No;
            capabilities.subject_references = Support::No;
        }
        capabilities.max_references -= usize::from(request.sketch.is_some());
        let mut receipt = crate::contract::plan(request, &capabilities)?;
        if let Some(seed) = request.seed {
            receipt.add_approximated(
                "seed",
                sent_seed(seed, 0).to_string(),
                "the model takes it as a hint only",
            );
        }
        if request.mask.is_some() && request.sketch.is_some() && self.describer.is_some() {
            receipt.add_approximated(
                "sketch",
                "a description in words",
                "an edit takes no picture other than its base and mask",
            );
        }
        let mut styles = 0;
        for index in 0..request.refs.len() {
            if request.mask.is_none()
                && request.role(index)? == Role::Style
                && request.weight(index) > 0.0
            {
                styles += 1;
                if styles > self.settings.style_max {
                    let reason = format!(
                        "at most {} style references are sent (IMAGEN_STYLE_MAX)",
                        self.settings.style_max
                    );
                    receipt.add_dropped(format!("refs[{index}]"), reason);
                }
            }
        }
        Ok(receipt)
    }

    fn price_per_image(&self) -> Option<f64> {
        self.settings.price
    }

    fn extra_call(&self, request: &GenerateRequest) -> Option<ExtraCall> {
        description_call(self.describer.as_deref(), request)
    }

    async fn check(&self) -> Vec<Finding> {
        if let Err(error) = self.ready().await {
            return vec![Finding::fault("token", error.message)];
        }
        let text = &self.settings.text_model;
        let models = [
            (self.settings.model.as_str(), "IMAGEN_MODEL"),
            (text, "IMAGEN_TEXT_MODEL"),
        ];
        let mut findings = check(&self.client, &models).await;
        // It is used only for requests without pictures, so a missing one is only a warning.
        for finding in findings
            .iter_mut()
            .filter(|finding| finding.subject == format!("model {text}"))
        {
            finding.level = finding.level.min(FindingLevel::Warning);
        }
        findings
    }

    async fn ready(&self) -> Result<(), GenerateError> {
        match &self.client.endpoint {
            Endpoint::Vertex { tokens, .. } => tokens.token(false).await.map(|_| ()),
            Endpoint::ApiKey { .. } => Err(GenerateError::permanent(
                "Imagen needs Vertex AI: set GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION",
            )),
        }
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        mut receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        context.check()?;
        let shown = generation.clone();
        let sketch = run_blocking(
            move || {
                shown
                    .sketch
                    .as_ref()
                    .map(|sketch| EncodedPicture::new(sketch, VISION_SIDE))
                    .transpose()
            },
            |error| GenerateError::permanent(format!("the sketch could not be prepared: {error}")),
        )
        .await?;
        let described = describe_sketch(
            self.describer.as_deref(),
            &generation,
            sketch.as_ref(),
            context,
        )
        .await?;
        if let Some(reason) = &described.missing {
            if generation.mode() == Mode::Edit {
                receipt.add_dropped("sketch", reason.as_str());
            } else {
                receipt.add_approximated(
                    "sketch",
                    "its lines, without a description",
                    reason.as_str(),
                );
            }
        }
        context.report(
            "waiting",
            None,
            format!("the model paints {} pictures", generation.count),
        );
        let (mut images, mut filtered, mut calls) = (Vec::new(), Vec::new(), 0);
        let (mut built, mut used_model) = (BuiltPrompt::default(), String::new());
        let (mut first_error, mut paid) = (None, 0);
        let mut left = generation.count;
        while left > 0 {
            context
                .check()
                .map_err(|error| described.mark_charged(error))?;
            let count = left.min(PICTURES_PER_CALL);
            left -= count;
            let (settings, shown, analysis) = (
                self.settings.clone(),
                generation.clone(),
                described.analysis.clone(),
            );
            let ImagenCall {
                model,
                body,
                words,
                identity,
            } = run_blocking(
                move || ImagenCall::new(&settings, &shown, analysis.as_ref(), calls, count),
                |error| {
                    GenerateError::permanent(format!("the pictures could not be prepared: {error}"))
                },
            )
            .await?;
            words.log("imagen");
            let paid_call = PaidCall {
                provider: "imagen",
                model: &model,
                role: CallRole::Picture,
                index: calls,
                body: identity.as_bytes(),
            };
            calls += 1;
            let client = if model == self.settings.text_model {
                self.client.for_setting("IMAGEN_TEXT_MODEL")
            } else {
                self.client.clone()
            };
            let answer = pay_once(context, &paid_call, || async {
                let answer = client.post(&model, "predict", &body, context).await?;
                parse_pictures(&answer, count)
            });
            match answer.await {
                Ok(call) => {
                    for bytes in call.pictures {
                        paid += 1;
                        let made = match square::crop(self.settings.autosquare, &generation, bytes)
                            .await
                        {
                            Ok(bytes) => finish_picture(&generation, bytes, None).await,
                            Err(error) => Err(error),
                        };
                        match made {
                            Ok(image) => images.push(image),
                            // If one cannot be read, the others are still good.
                            Err(error) => {
                                filtered.push(error.message.clone());
                                first_error = Some(error);
                            }
                        }
                    }
                    filtered.extend(call.filtered);
                }
                Err(error) if error.class == FailureClass::Cancelled => return Err(error),
                Err(error) => {
                    paid += if error.charged { count } else { 0 };
                    filtered.push(error.message.clone());
                    first_error = Some(error);
                    left = 0;
                }
            }
            (built, used_model) = (words, model);
        }
        if let Some(error) = first_error.filter(|_| images.is_empty()) {
            return Err(described.mark_charged(error));
        }
        if (images.len() as u32) < generation.count {
            receipt.add_approximated(
                "count",
                format!("{} pictures", images.len()),
                filtered.join("; "),
            );
        }
        let meta = GenerationMeta {
            provider: "imagen".to_owned(),
            model: Some(used_model),
            mode: generation.mode().as_str().to_owned(),
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            filtered,
            calls: calls + described.calls,
            usd: self
                .settings
                .price
                .zip(described.usd(self.describer.as_deref()))
                .map(|(price, description)| price * f64::from(paid) + description),
        };
        Ok(Generated {
            images,
            meta,
            receipt,
        })
    }
}
