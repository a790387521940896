//! Imagen 3 on Vertex AI, for projects that still have it: typed references, scribble control,
//! masks.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::Result;
use image::{DynamicImage, RgbImage, imageops};
use serde_json::{Value, json};

use super::base64::paid_picture;
use super::check::check;
use super::endpoint::{Endpoint, GoogleClient};
use crate::analysis::SketchAnalysis;
use crate::describe::{Describer, beside, described};
use crate::error::{FailureClass, GenerateError};
use crate::finding::{Finding, FindingLevel};
use crate::inputs::{Generation, Mode};
use crate::outgoing::{Outgoing, finished, scribble};
use crate::paid_once::{CallFingerprint, CallPictures, paid_once};
use crate::prompt::{BuiltPrompt, build_edit_prompt, build_prompt};
use crate::provider::{
    Beside, CancelKind, Capabilities, Generated, GenerationContext, GenerationMeta, ProgressKind,
    Provider, Ratios, Support,
};
use crate::receipt::{Receipt, nearest_ratio};
use crate::request::{AspectRatio, GenerateRequest, Role};
use crate::settings::Autosquare;

const RATIOS: [(u32, u32); 5] = [(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];
/// References of one call, the sketch and the base among them.
const MOST: usize = 4;
const PICTURES_A_CALL: u32 = 4;
/// Longest side of a sketch that is described.
const LOOKED_AT: u32 = 1536;

/// Models, limits, price.
#[derive(Debug, Clone)]
pub struct ImagenSettings {
    /// `IMAGEN_MODEL`: takes references.
    pub model: String,
    /// Makes pictures of words alone.
    pub text_model: String,
    /// `IMAGEN_MAX_SIDE`.
    pub max_side: u32,
    /// `IMAGEN_STYLE_MAX`: most style references.
    pub style_max: usize,
    /// US dollars a picture, where it is known.
    pub price: Option<f64>,
    /// `IMAGEN_AUTOSQUARE`.
    pub autosquare: Autosquare,
}

impl Default for ImagenSettings {
    fn default() -> Self {
        Self {
            model: "imagen-3.0-capability-001".to_owned(),
            text_model: "imagen-3.0-generate-001".to_owned(),
            max_side: 1024,
            style_max: 3,
            price: None,
            autosquare: Autosquare::Expand,
        }
    }
}

/// Imagen through Vertex AI.
#[derive(Clone)]
pub struct ImagenProvider {
    client: GoogleClient,
    settings: ImagenSettings,
    describer: Option<Arc<dyn Describer>>,
}

/// A call that is ready to be sent.
struct Prepared {
    model: String,
    body: Value,
    built: BuiltPrompt,
    /// The prompt as it would be without a description of the sketch: what tells this call from
    /// others must not depend on what a vision model said this time.
    stable: String,
}

/// Seeds there are from 1 to 2^31 - 1.
fn sent_seed(seed: u64, call: u32) -> u64 {
    (seed.wrapping_add(u64::from(call * PICTURES_A_CALL)) & 0x7fff_ffff).max(1)
}

fn ratios() -> Vec<AspectRatio> {
    RATIOS
        .map(|(width, height)| AspectRatio { width, height })
        .to_vec()
}

impl ImagenProvider {
    /// With this client and these models.
    #[must_use]
    pub fn new(client: GoogleClient, settings: ImagenSettings) -> Self {
        Self {
            client,
            settings,
            describer: None,
        }
    }

    /// With somebody who describes sketches.
    #[must_use]
    pub fn described_by(mut self, describer: Option<Arc<dyn Describer>>) -> Self {
        self.describer = describer;
        self
    }

    fn image(&self, picture: &RgbImage) -> Result<Value, GenerateError> {
        Ok(json!({"bytesBase64Encoded": Outgoing::new(picture, self.settings.max_side)?.base64()}))
    }

    /// Call `number`, for `count` pictures.
    fn prepared(
        &self,
        generation: &Generation,
        analysis: Option<&SketchAnalysis>,
        number: u32,
        count: u32,
    ) -> Result<Prepared, GenerateError> {
        let words = |analysis| match generation.mode() {
            // Words about pictures that are not sent would only confuse.
            Mode::Edit => build_edit_prompt(generation, analysis),
            _ => build_prompt(generation, analysis),
        };
        let (mut built, mut stable) = (words(analysis), words(None).prompt);
        let mut references = Vec::new();
        let mut cited = Vec::new();
        let mut edit_mode = None;
        if let (Mode::Edit, Some(base), Some(mask)) =
            (generation.mode(), &generation.base, &generation.mask)
        {
            // Exactly a raw picture and a mask of its size.
            let side = self.settings.max_side;
            let mask =
                clippy_imaging::scaled_to(&DynamicImage::ImageLuma8(mask.clone()).to_rgb8(), side);
            let (base, mask) = (
                self.squared(&clippy_imaging::scaled_to(base, side)),
                self.squared(&mask),
            );
            references.push(
                json!({"referenceType": "REFERENCE_TYPE_RAW", "referenceId": 1, "referenceImage": self.image(&base)?}),
            );
            references.push(json!({
                "referenceType": "REFERENCE_TYPE_MASK", "referenceId": 2, "referenceImage": self.image(&mask)?,
                "maskImageConfig": {"maskMode": "MASK_MODE_USER_PROVIDED", "dilation": 0.01},
            }));
            edit_mode = Some("EDIT_MODE_INPAINT_INSERTION");
        } else {
            let mut styles = 0;
            let room = MOST - usize::from(generation.sketch.is_some());
            for reference in generation
                .references
                .iter()
                .filter(|reference| reference.weight > 0.0)
            {
                if references.len() >= room
                    || (reference.role == Role::Style && styles >= self.settings.style_max)
                {
                    continue;
                }
                let id = references.len() + 1;
                let image = self.image(&reference.picture)?;
                match reference.role {
                    Role::Style => {
                        styles += 1;
                        cited.push(format!("in the style of [{id}]"));
                        references.push(json!({
                            "referenceType": "REFERENCE_TYPE_STYLE", "referenceId": id, "referenceImage": image,
                            "styleImageConfig": {"styleDescription": style_words(generation)},
                        }));
                    }
                    Role::Subject => {
                        cited.push(format!("showing the subject [{id}]"));
                        references.push(json!({
                            "referenceType": "REFERENCE_TYPE_SUBJECT", "referenceId": id, "referenceImage": image,
                            "subjectImageConfig": {"subjectType": subject_type(generation), "subjectDescription": subject_words(generation)},
                        }));
                    }
                }
                edit_mode = Some("EDIT_MODE_DEFAULT");
            }
            if let Some(sketch) = &generation.sketch {
                let id = references.len() + 1;
                if references.is_empty() {
                    edit_mode = Some("EDIT_MODE_CONTROLLED_EDITING");
                }
                cited.push(format!("following the scribble [{id}]"));
                references.push(json!({
                    "referenceType": "REFERENCE_TYPE_CONTROL", "referenceId": id,
                    "referenceImage": self.image(&scribble(sketch))?,
                    "controlImageConfig": {"controlType": "CONTROL_TYPE_SCRIBBLE"},
                }));
            }
        }
        if !cited.is_empty() {
            let cited = cited.join(", ");
            built.prompt = format!("Generate an image {cited}. {}", built.prompt);
            stable = format!("Generate an image {cited}. {stable}");
        }
        let mut parameters = json!({
            "sampleCount": count,
            "includeRaiReason": true,
            "outputOptions": {"mimeType": "image/png"},
        });
        if let Some(mode) = edit_mode {
            parameters["editMode"] = json!(mode);
        }
        if generation.mode() != Mode::Edit
            && let Some(ratio) = nearest_ratio(&ratios(), generation.ratio())
        {
            parameters["aspectRatio"] = json!(ratio.to_string());
        }
        if let Some(seed) = generation.seed {
            // A seed is taken only without the watermark.
            parameters["seed"] = json!(sent_seed(seed, number));
            parameters["addWatermark"] = json!(false);
        }
        let model = if references.is_empty() {
            &self.settings.text_model
        } else {
            &self.settings.model
        };
        // The newer text models refuse a negative prompt.
        if !(model.contains("generate-002") || model.contains("4.0")) {
            parameters["negativePrompt"] = json!(built.negative);
        }
        let mut instance = json!({"prompt": built.prompt});
        if !references.is_empty() {
            instance["referenceImages"] = Value::Array(references);
        }
        let body = json!({"instances": [instance], "parameters": parameters});
        Ok(Prepared {
            model: model.clone(),
            body,
            built,
            stable,
        })
    }
}

impl ImagenProvider {
    /// Padded with black to a square, the picture in its middle: black is what a mask keeps.
    fn squared(&self, picture: &RgbImage) -> RgbImage {
        let side = picture.width().max(picture.height());
        if self.settings.autosquare == Autosquare::Off || picture.width() == picture.height() {
            return picture.clone();
        }
        let mut square = RgbImage::new(side, side);
        let (x, y) = ((side - picture.width()) / 2, (side - picture.height()) / 2);
        imageops::replace(&mut square, picture, i64::from(x), i64::from(y));
        square
    }

    /// An edit's answer without the padding.
    async fn unsquared(
        &self,
        generation: &Generation,
        bytes: bytes::Bytes,
    ) -> Result<bytes::Bytes, GenerateError> {
        let Some(base) = generation
            .base
            .as_ref()
            .filter(|_| generation.mask.is_some())
        else {
            return Ok(bytes);
        };
        if self.settings.autosquare == Autosquare::Off || base.width() == base.height() {
            return Ok(bytes);
        }
        let (width, height) = base.dimensions();
        let work = tokio::task::spawn_blocking(move || {
            let square = clippy_imaging::decode(&bytes, &clippy_imaging::DecodeLimits::bulk())
                .map_err(|error| {
                    GenerateError::maybe_charged(format!(
                        "the provider sent no readable picture ({error})"
                    ))
                })?;
            let side = square.width().min(square.height());
            let length = |own: u32| {
                ((u64::from(side) * u64::from(own) / u64::from(width.max(height))) as u32).max(1)
            };
            let (wide, high) = (length(width), length(height));
            let (x, y) = ((square.width() - wide) / 2, (square.height() - high) / 2);
            let part = imageops::crop_imm(&*square, x, y, wide, high).to_image();
            Ok(bytes::Bytes::from(Outgoing::png(&part)?.bytes))
        });
        work.await.map_err(|error| {
            GenerateError::permanent(format!("the picture could not be cut: {error}"))
        })?
    }
}

fn style_words(generation: &Generation) -> String {
    let names: Vec<&str> = generation.style_tags.iter().map(|tag| tag.hint()).collect();
    if names.is_empty() {
        "the style of this picture".to_owned()
    } else {
        names.join("; ")
    }
}

fn subject_words(generation: &Generation) -> String {
    let words: String = generation.prompt.chars().take(200).collect();
    if words.is_empty() {
        "the subject of this picture".to_owned()
    } else {
        words
    }
}

fn subject_type(generation: &Generation) -> &'static str {
    let kind = generation
        .subject_type
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    match kind.trim_start_matches("subject_type_") {
        "person" => "SUBJECT_TYPE_PERSON",
        "animal" => "SUBJECT_TYPE_ANIMAL",
        "product" => "SUBJECT_TYPE_PRODUCT",
        _ => "SUBJECT_TYPE_DEFAULT",
    }
}

/// The pictures of an answer, and why others were filtered.
fn pictures(answer: &Value, asked: u32) -> Result<CallPictures, GenerateError> {
    let mut call = CallPictures::default();
    for prediction in answer["predictions"].as_array().into_iter().flatten() {
        if let Some(data) = prediction["bytesBase64Encoded"].as_str() {
            call.pictures.push(paid_picture(data)?);
        } else if let Some(reason) = prediction["raiFilteredReason"].as_str() {
            call.filtered.push(reason.to_owned());
        }
    }
    if call.pictures.is_empty() {
        let reason = if call.filtered.is_empty() {
            "no reason was given".to_owned()
        } else {
            call.filtered.join("; ")
        };
        let message = format!(
            "all {asked} pictures were filtered ({reason}). Change the prompt or the references"
        );
        return Err(GenerateError::new(FailureClass::Blocked, message));
    }
    Ok(call)
}

#[async_trait]
impl Provider for ImagenProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            model: Some(self.settings.model.clone()),
            weights: Support::No,
            max_references: MOST,
            sketch: Support::Approximate,
            base: Support::No,
            seed: Support::Approximate,
            ratios: Ratios::Listed(ratios()),
            images_per_call: PICTURES_A_CALL,
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
            // An edit takes the base and the mask, and nothing else.
            capabilities.base = Support::Yes;
            capabilities.sketch = Support::No;
            capabilities.style_references = Support::No;
            capabilities.subject_references = Support::No;
        }
        capabilities.max_references -= usize::from(request.sketch.is_some());
        let mut receipt = crate::receipt::plan(request, &capabilities)?;
        if let Some(seed) = request.seed {
            receipt.approximated(
                "seed",
                sent_seed(seed, 0).to_string(),
                "the model takes it as a hint only",
            );
        }
        if request.mask.is_some() && request.sketch.is_some() && self.describer.is_some() {
            receipt.approximated(
                "sketch",
                "a description in words",
                "an edit takes no picture beside its base and mask",
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
                    receipt.dropped(format!("refs[{index}]"), reason);
                }
            }
        }
        Ok(receipt)
    }

    fn price_per_image(&self) -> Option<f64> {
        self.settings.price
    }

    fn beside(&self, request: &GenerateRequest) -> Option<Beside> {
        beside(self.describer.as_deref(), request)
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
        // It makes pictures of words alone; the other one makes all others.
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
        let sketch = tokio::task::spawn_blocking(move || {
            shown
                .sketch
                .as_ref()
                .map(|sketch| Outgoing::new(sketch, LOOKED_AT))
                .transpose()
        });
        let sketch = sketch.await.map_err(|error| {
            GenerateError::permanent(format!("the sketch could not be made ready: {error}"))
        })??;
        let described = described(
            self.describer.as_deref(),
            &generation,
            sketch.as_ref(),
            context,
        )
        .await?;
        if let Some(reason) = &described.missing {
            if generation.mode() == Mode::Edit {
                receipt.dropped("sketch", reason.as_str());
            } else {
                receipt.approximated(
                    "sketch",
                    "its lines, without a description",
                    reason.as_str(),
                );
            }
        }
        context.say(
            "waiting",
            None,
            format!("the model paints {} pictures", generation.count),
        );
        let (mut images, mut filtered, mut calls) = (Vec::new(), Vec::new(), 0);
        let (mut built, mut used_model) = (BuiltPrompt::default(), String::new());
        let (mut first_error, mut paid) = (None, 0);
        let mut left = generation.count;
        while left > 0 {
            context.check().map_err(|error| described.counted(error))?;
            let count = left.min(PICTURES_A_CALL);
            left -= count;
            let (provider, shown, analysis) =
                (self.clone(), generation.clone(), described.analysis.clone());
            let made = tokio::task::spawn_blocking(move || {
                let mut prepared = provider.prepared(&shown, analysis.as_ref(), calls, count)?;
                let sent = std::mem::replace(
                    &mut prepared.body["instances"][0]["prompt"],
                    json!(prepared.stable),
                );
                let stable = prepared.body.to_string();
                prepared.body["instances"][0]["prompt"] = sent;
                Ok::<_, GenerateError>((prepared, stable))
            });
            let (
                Prepared {
                    model,
                    body,
                    built: words,
                    ..
                },
                stable,
            ) = made.await.map_err(|error| {
                GenerateError::permanent(format!("the pictures could not be made ready: {error}"))
            })??;
            words.log("imagen");
            let fingerprint =
                CallFingerprint::new("imagen", &model, &context.scope, calls, stable.as_bytes());
            calls += 1;
            let client = if model == self.settings.text_model {
                self.client.for_setting("IMAGEN_TEXT_MODEL")
            } else {
                self.client.clone()
            };
            let answer = paid_once(&*context.journal, &fingerprint, || async {
                let answer = client
                    .post(&model, "predict", &body, &context.cancel)
                    .await?;
                pictures(&answer, count)
            });
            match answer.await {
                Ok(call) => {
                    for bytes in call.pictures {
                        paid += 1;
                        let made = match self.unsquared(&generation, bytes).await {
                            Ok(bytes) => finished(&generation, bytes, None).await,
                            Err(error) => Err(error),
                        };
                        match made {
                            Ok(image) => images.push(image),
                            // That one cannot be read spoils no other.
                            Err(error) => {
                                filtered.push(error.message.clone());
                                first_error = Some(error);
                            }
                        }
                    }
                    filtered.extend(call.filtered);
                }
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
            return Err(described.counted(error));
        }
        if (images.len() as u32) < generation.count {
            receipt.approximated(
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
                .map(|(price, beside)| price * f64::from(paid) + beside),
        };
        Ok(Generated {
            images,
            meta,
            receipt,
        })
    }
}
