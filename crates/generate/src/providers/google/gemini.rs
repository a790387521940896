//! Gemini's image models. References are labelled in words, weights become words, masks are applied
//! by compositing, and each call gives one picture.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_common::run_blocking;
use clippy_core::Result;
use futures::StreamExt;
use image::{GrayImage, Rgb, RgbImage};
use serde_json::{Value, json};

use super::check::check;
use super::endpoint::GoogleClient;
use super::gemini_answer::parse_picture;
use super::models::GeminiSettings;
use crate::contract::{
    AspectRatio, CallPictures, CallRole, CancelKind, Capabilities, ExtraCall, FailureClass,
    Finding, FindingLevel, GenerateError, GenerateRequest, Generated, Generation,
    GenerationContext, GenerationMeta, Mode, PaidCall, ProgressKind, Provider, Ratios, Receipt,
    Role, Support, nearest_ratio,
};
use crate::money::pay_once;
use crate::providers::shared::describe::{Describer, describe_sketch, description_call};
use crate::providers::shared::outgoing::{EncodedPicture, finish_picture};
use crate::providers::shared::prompt::{BuiltPrompt, build_prompt, weight_word};

/// The longest side of a picture that is sent.
const SIDE: u32 = 1536;
/// The number of concurrent calls. Small projects have a low limit of requests per minute.
const AT_ONCE: usize = 2;
/// The ratios of all Gemini image models.
const RATIOS: [(u32, u32); 10] = [
    (1, 1),
    (3, 2),
    (2, 3),
    (3, 4),
    (4, 3),
    (4, 5),
    (5, 4),
    (9, 16),
    (16, 9),
    (21, 9),
];

/// Gemini, with an API key or through Vertex AI.
#[derive(Clone)]
pub struct GeminiProvider {
    client: GoogleClient,
    settings: GeminiSettings,
    describer: Option<Arc<dyn Describer>>,
}

/// The seed that is sent: Gemini's seeds are signed 32-bit numbers.
fn sent_seed(seed: u64, index: u64) -> u64 {
    seed.wrapping_add(index) & 0x7fff_ffff
}

fn ratios() -> Vec<AspectRatio> {
    RATIOS
        .map(|(width, height)| AspectRatio { width, height })
        .to_vec()
}

/// Tints the part of the base to edit magenta.
fn tint(base: &RgbImage, mask: &GrayImage) -> RgbImage {
    RgbImage::from_fn(base.width(), base.height(), |x, y| {
        let old = base.get_pixel(x, y).0;
        if mask.get_pixel(x, y).0[0] == 0 {
            return Rgb(old);
        }
        let blend = |own: u8, tint: u16| ((u16::from(own) * 2 + tint * 3) / 5) as u8;
        Rgb([blend(old[0], 255), blend(old[1], 0), blend(old[2], 255)])
    })
}

impl GeminiProvider {
    /// A provider with this client and these models.
    #[must_use]
    pub fn new(client: GoogleClient, settings: GeminiSettings) -> Self {
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

    /// The largest number of pictures in a call: 2.5 models accept three, later ones fourteen.
    fn most_references(&self) -> usize {
        if self.settings.image_model.contains("2.5") {
            3
        } else {
            14
        }
    }

    /// The pictures that are sent, each with its label. Scales and encodes them, so it must run on
    /// a blocking thread.
    fn label_pictures(
        &self,
        generation: &Generation,
    ) -> Result<Vec<(String, EncodedPicture)>, GenerateError> {
        let mut labelled = Vec::new();
        let mut add = |label: &str, image: &RgbImage| -> Result<(), GenerateError> {
            let outgoing = EncodedPicture::new(image, SIDE)?;
            labelled.push((format!("Image {} is {label}", labelled.len() + 1), outgoing));
            Ok(())
        };
        let mut room = self.most_references();
        if let Some(sketch) = &generation.sketch {
            let label = "the ROUGH SKETCH: keep its layout, silhouette, pose and framing; ignore \
                         its stroke colour and paper.";
            add(label, sketch)?;
            room = room.saturating_sub(1);
        }
        if let Some(base) = &generation.base {
            add(
                "the BASE picture: keep its composition, size and framing.",
                base,
            )?;
            room = room.saturating_sub(1);
            if let Some(mask) = &generation.mask {
                let label = "the BASE picture with the part to repaint tinted MAGENTA: change \
                             only that part, and leave no magenta.";
                add(label, &tint(base, mask))?;
                room = room.saturating_sub(1);
            }
        }
        for reference in generation
            .references
            .iter()
            .filter(|reference| reference.weight > 0.0)
            .take(room)
        {
            let word = weight_word(reference.weight);
            let label = match reference.role {
                Role::Style => format!(
                    "a STYLE reference ({word}): copy medium, palette, line quality, texture and \
                     lighting. Do not copy its objects."
                ),
                Role::Subject => {
                    format!(
                        "the SUBJECT reference ({word}): preserve identity and distinctive \
                         features."
                    )
                }
            };
            add(&label, &reference.picture)?;
        }
        Ok(labelled)
    }

    /// The parts of the message: labels and pictures, then the task.
    fn parts(labelled: &[(String, EncodedPicture)], built: &BuiltPrompt) -> Vec<Value> {
        let mut parts = Vec::new();
        for (label, outgoing) in labelled {
            parts.push(json!({"text": label}));
            parts.push(
                json!({"inlineData": {"mimeType": outgoing.media_type, "data": outgoing.base64()}}),
            );
        }
        parts.push(json!({"text": format!("Task: {} Avoid: {}.", built.prompt, built.negative)}));
        parts
    }

    fn body(&self, call: &Call<'_>, built: &BuiltPrompt, seed: u64) -> Value {
        let generation = call.generation;
        let mut image_config = json!({});
        if generation.mode() != Mode::Edit {
            let wanted = generation.ratio();
            if let Some(ratio) = nearest_ratio(&ratios(), wanted) {
                image_config["aspectRatio"] = json!(ratio.to_string());
            }
        }
        if !self.settings.image_model.contains("2.5") {
            image_config["imageSize"] = json!(self.settings.image_size);
        }
        if self.client.endpoint.is_vertex() {
            image_config["personGeneration"] = json!("ALLOW_ADULT");
            image_config["imageOutputOptions"] = json!({"mimeType": "image/png"});
        }
        let mut config = json!({"responseModalities": ["IMAGE"], "candidateCount": 1,
        "imageConfig": image_config});
        config["seed"] = json!(seed);
        if self.settings.image_model.contains("3.1-flash-image") {
            config["thinkingConfig"] = json!({"thinkingLevel": "MINIMAL"});
        }
        json!({
            "systemInstruction": {"parts": [{"text": "Always answer with exactly one image and no \
             text."}]},
            "contents": [{"role": "user", "parts": Self::parts(call.labelled, built)}],
            "generationConfig": config,
        })
    }

    async fn make_picture(
        &self,
        call: &Call<'_>,
        index: u32,
        context: &GenerationContext,
    ) -> Result<CallPictures, GenerateError> {
        context.check()?;
        let seed = sent_seed(call.seed, u64::from(index));
        let body = self.body(call, call.built, seed);
        // The body without the vision model's answer, by which earlier versions named the call.
        let stable = self
            .body(call, &build_prompt(call.generation, None), seed)
            .to_string();
        let model = &self.settings.image_model;
        let paid = PaidCall {
            provider: "gemini",
            model,
            role: CallRole::Picture,
            index,
            body: stable.as_bytes(),
        };
        pay_once(context, &paid, || async {
            let answer = self
                .client
                .post(model, "generateContent", &body, context)
                .await?;
            parse_picture(&answer)
        })
        .await
    }
}

/// The common input of the calls of one generation.
struct Call<'a> {
    generation: &'a Generation,
    labelled: &'a [(String, EncodedPicture)],
    built: &'a BuiltPrompt,
    seed: u64,
}

#[async_trait]
impl Provider for GeminiProvider {
    fn capabilities(&self) -> Capabilities {
        let note = "the model has no typed references: role and weight are described in words \
                    (strong, moderate, subtle)";
        Capabilities {
            model: Some(self.settings.image_model.clone()),
            style_references: Support::Approximate,
            subject_references: Support::Approximate,
            weights: Support::Approximate,
            max_references: self.most_references(),
            reference_note: note.to_owned(),
            sketch: Support::Approximate,
            base: Support::Approximate,
            mask_note: "the model is shown the part to edit; its picture is composited in there, \
                        and every pixel outside of the mask stays unchanged"
                .to_owned(),
            seed: Support::Approximate,
            negative_prompt: Support::Approximate,
            ratios: Ratios::Listed(ratios()),
            progress: ProgressKind::Phases,
            previews: false,
            cancel: CancelKind::DropsBilled,
            paid: true,
            ..Capabilities::everything("gemini")
        }
    }

    fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
        let mut capabilities = self.capabilities();
        let taken = usize::from(request.sketch.is_some())
            + usize::from(request.base.is_some())
            + usize::from(request.mask.is_some());
        capabilities.max_references = capabilities.max_references.saturating_sub(taken);
        let mut receipt = crate::contract::plan(request, &capabilities)?;
        if let Some(seed) = request.seed {
            receipt.add_approximated(
                "seed",
                sent_seed(seed, 0).to_string(),
                "the model takes it as a hint only",
            );
        }
        Ok(receipt)
    }

    fn extra_call(&self, request: &GenerateRequest) -> Option<ExtraCall> {
        description_call(self.describer.as_deref(), request)
    }

    async fn check(&self) -> Vec<Finding> {
        let mut models = vec![(self.settings.image_model.as_str(), "GEMINI_IMAGE_MODEL")];
        if let Some(vision) = &self.settings.vision_model {
            models.push((vision, "GEMINI_VISION_MODEL"));
        }
        let mut findings = check(&self.client, &models).await;
        // Pictures can be made without a description, so this is only a warning.
        for finding in findings.iter_mut().skip(1).filter(|finding| {
            self.settings
                .vision_model
                .as_ref()
                .is_some_and(|model| finding.subject == format!("model {model}"))
        }) {
            finding.level = finding.level.min(FindingLevel::Warning);
        }
        findings
    }

    fn price_per_image(&self) -> Option<f64> {
        self.settings.price
    }

    async fn ready(&self) -> Result<(), GenerateError> {
        match &self.client.endpoint {
            super::endpoint::Endpoint::ApiKey { .. } => Ok(()),
            super::endpoint::Endpoint::Vertex { tokens, .. } => {
                tokens.token(false).await.map(|_| ())
            }
        }
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        mut receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        context.check()?;
        let (provider, pictures) = (self.clone(), generation.clone());
        let labelled = run_blocking(
            move || provider.label_pictures(&pictures),
            |error| {
                GenerateError::permanent(format!("the pictures could not be prepared: {error}"))
            },
        )
        .await?;
        // The sketch is the first picture.
        let sketch = labelled
            .first()
            .filter(|_| generation.sketch.is_some())
            .map(|(_, sketch)| sketch);
        let described =
            describe_sketch(self.describer.as_deref(), &generation, sketch, context).await?;
        if let Some(reason) = &described.missing {
            receipt.add_approximated(
                "sketch",
                "the sketch itself, without a description",
                reason.as_str(),
            );
        }
        context
            .check()
            .map_err(|error| described.mark_charged(error))?;
        let built = build_prompt(&generation, described.analysis.as_ref());
        built.log("gemini");
        context.report(
            "waiting",
            None,
            format!("the model paints {} pictures", generation.count),
        );
        let seed = generation.seed.unwrap_or(context.seed);
        let call = Call {
            generation: &generation,
            labelled: &labelled,
            built: &built,
            seed,
        };
        let calls = (0..generation.count).map(|index| self.make_picture(&call, index, context));
        let answers: Vec<_> = futures::stream::iter(calls)
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut answers = answers;
        if let Some(stopped) = answers.iter().position(
            |answer| matches!(answer, Err(error) if error.class == FailureClass::Cancelled),
        ) {
            // Paid results are in the journal, for the run that continues.
            answers.swap_remove(stopped)?;
        }
        let (mut images, mut filtered, mut first_error, mut paid) =
            (Vec::new(), Vec::new(), None, 0);
        for (index, answer) in answers.into_iter().enumerate() {
            let seed = Some(sent_seed(seed, index as u64));
            let made = match answer {
                // One picture per call. If it cannot be read, the others are still good.
                Ok(call) => match call.pictures.into_iter().next() {
                    Some(bytes) => finish_picture(&generation, bytes, seed).await,
                    None => continue,
                },
                Err(error) => Err(error),
            };
            match made {
                Ok(image) => {
                    paid += 1;
                    images.push(image);
                }
                Err(error) => {
                    paid += u32::from(error.charged);
                    filtered.push(error.message.clone());
                    // An unknown outcome takes precedence over a refusal.
                    let unknown = |error: &GenerateError| error.class == FailureClass::MaybeCharged;
                    if first_error
                        .as_ref()
                        .is_none_or(|old| !unknown(old) && unknown(&error))
                    {
                        first_error = Some(error);
                    }
                }
            }
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
            provider: "gemini".to_owned(),
            model: Some(self.settings.image_model.clone()),
            mode: generation.mode().as_str().to_owned(),
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            filtered,
            calls: generation.count + described.calls,
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
