//! ComfyUI behind the contract.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::Result;
use image::{DynamicImage, RgbImage, imageops};
use serde_json::json;
use uuid::Uuid;

use super::client::{Client, History, Stored};
use super::preflight;
use super::preset::{Preset, PresetNumbers};
use super::template::{Fill, ReferenceSlots, Template, When};
use super::watch::{Follow, Pace, open};
use crate::error::GenerateError;
use crate::inputs::{Generation, sha256_hex};
use crate::outgoing::{Outgoing, finished, scribble};
use crate::paid_once::CallFingerprint;
use crate::prompt::build_prompt;
use crate::provider::{
    CancelKind, Capabilities, Generated, GeneratedImage, GenerationContext, GenerationMeta, ProgressKind, Provider,
    Support,
};
use crate::receipt::Receipt;
use crate::request::{GenerateRequest, Role};

/// SDXL's own number of pixels.
const AREA: f32 = 1024.0 * 1024.0;
/// Longest side of a reference that is uploaded: the adapter looks at 224 pixels.
const REFERENCE_SIDE: u32 = 768;
/// Prompts of one picture that may have failed on the server before a retry finds a fresh id.
const MOST_RETRIES: u32 = 16;

/// Where the server is, and what it works with.
#[derive(Debug, Clone)]
pub struct ComfyUiSettings {
    /// `COMFYUI_URL`.
    pub url: String,
    /// `COMFYUI_CHECKPOINT`: an SDXL model in `models/checkpoints`.
    pub checkpoint: String,
    /// `COMFYUI_CONTROLNET`: a scribble ControlNet for SDXL in `models/controlnet`.
    pub controlnet: String,
    /// The graph.
    pub template: Template,
    /// How often the server is asked where there is no WebSocket.
    pub poll: Duration,
    /// The longest a picture may take.
    pub longest: Duration,
}

impl ComfyUiSettings {
    /// The built-in graph and the usual models, on this server.
    ///
    /// # Errors
    /// As [`Template::built_in`].
    pub fn at(url: &str) -> Result<Self> {
        Ok(Self {
            url: url.to_owned(),
            checkpoint: "sd_xl_base_1.0.safetensors".to_owned(),
            controlnet: "controlnet-scribble-sdxl-1.0.safetensors".to_owned(),
            template: Template::built_in()?,
            poll: Duration::from_secs(1),
            longest: Duration::from_secs(900),
        })
    }
}

/// SDXL on a ComfyUI server.
#[derive(Clone)]
pub struct ComfyUiProvider {
    client: Client,
    settings: ComfyUiSettings,
}

/// A request on its way: what goes into the graph, and what has to be uploaded before.
struct Prepared {
    fill: Fill,
    uploads: Vec<(String, Vec<u8>)>,
    numbers: PresetNumbers,
    preset: Preset,
}

/// Width and height near SDXL's area, multiples of 64.
fn size_for(ratio: f32) -> (u32, u32) {
    let side = |length: f32| ((length / 64.0).round() as u32 * 64).clamp(512, 2048);
    (side((AREA * ratio).sqrt()), side((AREA / ratio).sqrt()))
}

impl ComfyUiProvider {
    /// For this server.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when no HTTP client can be made.
    pub fn new(settings: ComfyUiSettings) -> Result<Self, GenerateError> {
        Ok(Self { client: Client::new(&settings.url, Duration::from_secs(60))?, settings })
    }

    /// Fills the template's slots. Files are named by their content, so that two jobs never overwrite each other's.
    fn prepared(&self, generation: &Generation) -> Result<Prepared, GenerateError> {
        let preset = Preset::of(generation);
        let numbers = self.settings.template.numbers(preset)?;
        let built = build_prompt(generation, None);
        let (width, height) = size_for(generation.ratio());
        let mut uploads: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |kind: &str, picture: &RgbImage| -> Result<String, GenerateError> {
            let bytes = Outgoing::png(picture)?.bytes;
            let name = format!("{kind}_{}.png", &sha256_hex(&bytes)[..24]);
            uploads.push((name.clone(), bytes));
            Ok(name)
        };
        let mut fill = Fill::default();
        for reference in generation.references.iter().filter(|reference| reference.weight > 0.0) {
            let (kind, scale, list) = match reference.role {
                Role::Style => ("style", numbers.style_weight, &mut fill.styles),
                Role::Subject => ("subject", numbers.subject_weight, &mut fill.subjects),
            };
            let image = add(kind, &crate::outgoing::scaled(&reference.picture, REFERENCE_SIDE))?;
            // Rounded, as 0.8f32 * 0.3f32 would be written with nine digits.
            let weight = f64::from((reference.weight * scale * 1000.0).round()) / 1000.0;
            list.push(ReferenceSlots { image, weight });
        }
        let exact = |picture: &RgbImage| imageops::resize(picture, width, height, imageops::FilterType::Lanczos3);
        if let Some(sketch) = &generation.sketch {
            // Fitted, not stretched: the sketch's own proportions stay.
            fill.values.insert("sketch", json!(add("sketch", &scribble(&fitted(sketch, width, height)))?));
        }
        let first_subject = || generation.with_role(Role::Subject).next().map(|subject| &subject.picture);
        let base = generation.base.as_ref().or_else(|| if preset == Preset::Img2img { first_subject() } else { None });
        if let Some(base) = base {
            fill.values.insert("base", json!(add("base", &exact(base))?));
        }
        if let (Some(_), Some(mask)) = (&generation.base, &generation.mask) {
            fill.values.insert("mask", json!(add("mask", &exact(&DynamicImage::ImageLuma8(mask.clone()).to_rgb8()))?));
        }
        let rounded = |value: f32| json!(f64::from((value * 1000.0).round()) / 1000.0);
        let denoise = if base.is_some() { numbers.denoise } else { 1.0 };
        for (slot, value) in [
            ("prompt", json!(built.prompt)),
            ("negative", json!(built.negative)),
            ("steps", json!(numbers.steps)),
            ("cfg", rounded(numbers.cfg)),
            ("denoise", rounded(denoise)),
            ("width", json!(width)),
            ("height", json!(height)),
            ("checkpoint", json!(self.settings.checkpoint)),
            ("controlnet", json!(self.settings.controlnet)),
            ("control_strength", rounded(numbers.control_strength * generation.sketch_weight)),
            ("control_end", rounded(numbers.control_end)),
            ("style_type", json!(numbers.style_type)),
            ("subject_type", json!(numbers.subject_type)),
        ] {
            fill.values.insert(slot, value);
        }
        Ok(Prepared { fill, uploads, numbers, preset })
    }

    async fn one(
        &self,
        fill: &Fill,
        index: u32,
        count: u32,
        context: &GenerationContext,
    ) -> Result<Vec<Stored>, GenerateError> {
        let graph = self.settings.template.graph(fill)?;
        let follow = |prompt| Follow {
            client: &self.client,
            prompt,
            index,
            count,
            pace: Pace { poll: self.settings.poll, longest: self.settings.longest },
            context,
        };
        // The id follows from what is asked for: a retry after a crash finds the picture instead of painting it again.
        for attempt in 0..MOST_RETRIES {
            let body = format!("{attempt}\n{graph}");
            let fingerprint =
                CallFingerprint::new("comfyui", &self.settings.checkpoint, &context.scope, index, body.as_bytes());
            let prompt = uuid_of(&fingerprint);
            match self.client.history(prompt).await? {
                History::Done(pictures) => return Ok(pictures),
                History::Failed(_) => continue,
                History::Open => {}
            }
            // Before the prompt, or its first frames would be missed.
            let client_id = Uuid::new_v4();
            let socket = open(&self.client, client_id).await;
            context.check()?;
            if self.client.waiting_before(prompt).await?.is_none() {
                self.client.prompt(&graph, client_id, prompt).await?;
            }
            return follow(prompt).wait(socket).await;
        }
        Err(GenerateError::permanent("this picture has failed too often at ComfyUI: change something, or see its log"))
    }
}

/// A UUID from the beginning of a fingerprint.
fn uuid_of(fingerprint: &CallFingerprint) -> Uuid {
    let number =
        fingerprint.as_str().get(..32).and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or_default();
    uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

/// The sketch on a canvas of this size, as large as it fits, its paper around it.
fn fitted(sketch: &RgbImage, width: u32, height: u32) -> RgbImage {
    let scale = (width as f32 / sketch.width() as f32).min(height as f32 / sketch.height() as f32);
    let side = |length: u32, most: u32| ((length as f32 * scale).round() as u32).clamp(1, most);
    let (wide, high) = (side(sketch.width(), width), side(sketch.height(), height));
    let small = imageops::resize(sketch, wide, high, imageops::FilterType::Lanczos3);
    let mut canvas = RgbImage::from_pixel(width, height, *sketch.get_pixel(0, 0));
    imageops::replace(&mut canvas, &small, i64::from((width - wide) / 2), i64::from((height - high) / 2));
    canvas
}

#[async_trait]
impl Provider for ComfyUiProvider {
    fn capabilities(&self) -> Capabilities {
        let template = &self.settings.template;
        let takes = |when| if template.takes(when) { Support::Yes } else { Support::No };
        Capabilities {
            model: Some(self.settings.checkpoint.clone()),
            style_references: takes(When::Style),
            subject_references: takes(When::Subject),
            sketch: takes(When::Sketch),
            base: takes(When::Base),
            mask: takes(When::Mask),
            mask_note: "a latent mask, and the result laid into the base there; outside every pixel stays".to_owned(),
            progress: ProgressKind::Steps,
            previews: true,
            cancel: CancelKind::Stops,
            paid: false,
            presets: Preset::ALL.iter().map(|preset| preset.as_str().to_owned()).collect(),
            ..Capabilities::everything("comfyui")
        }
    }

    fn plan(&self, request: &GenerateRequest) -> Result<Receipt> {
        let mut receipt = crate::receipt::plan(request, &self.capabilities())?;
        if let Some(ratio) = request.aspect_ratio.as_deref().filter(|_| request.mask.is_none()) {
            let ratio: crate::request::AspectRatio = ratio.parse()?;
            let (width, height) = size_for(ratio.value());
            if (width as f32 / height as f32 / ratio.value() - 1.0).abs() > 0.005 {
                receipt.approximated("aspect_ratio", format!("{width}x{height}"), "sides are multiples of 64 pixels");
            }
        }
        Ok(receipt)
    }

    fn price_per_image(&self) -> Option<f64> {
        Some(0.0)
    }

    async fn ready(&self) -> Result<(), GenerateError> {
        let probe = Generation { prompt: "probe".to_owned(), ..Generation::default() };
        let mut fill = self.prepared(&probe)?.fill;
        fill.values.insert("seed", json!(0));
        // A template of the user's own may need more than words: then its nodes are looked at when they are used.
        match self.settings.template.graph(&fill) {
            Ok(graph) => preflight::check(&self.client, &self.settings.template, &fill, &graph).await,
            Err(_) => self.client.node("KSampler").await.map(|_| ()),
        }
    }

    async fn generate(
        &self,
        generation: Arc<Generation>,
        mut receipt: Receipt,
        context: &GenerationContext,
    ) -> Result<Generated, GenerateError> {
        context.check()?;
        let seed = generation.chosen_seed();
        let for_pictures = generation.clone();
        let prepared = tokio::task::spawn_blocking({
            let provider = self.clone();
            move || provider.prepared(&for_pictures)
        });
        let Prepared { mut fill, uploads, numbers, preset } = prepared
            .await
            .map_err(|error| GenerateError::permanent(format!("the pictures could not be made ready: {error}")))??;
        fill.values.insert("seed", json!(seed));
        context.say("checking", None, "looking at ComfyUI's nodes and models");
        let graph = self.settings.template.graph(&fill)?;
        preflight::check(&self.client, &self.settings.template, &fill, &graph).await?;
        context.say("uploading", None, format!("sending {} pictures to ComfyUI", uploads.len()));
        for (name, bytes) in uploads {
            context.check()?;
            let stored = self.client.upload(&name, bytes).await?;
            rename(&mut fill, &name, &stored);
        }
        let mut images: Vec<GeneratedImage> = Vec::new();
        for index in 0..generation.count {
            context.check()?;
            let seed = seed.wrapping_add(u64::from(index));
            fill.values.insert("seed", json!(seed));
            for stored in self.one(&fill, index, generation.count, context).await? {
                images.push(finished(&generation, self.client.view(&stored).await?, Some(seed)).await?);
            }
        }
        if images.is_empty() {
            return Err(GenerateError::permanent(
                "ComfyUI finished without a picture: the template needs a SaveImage node whose pictures are kept",
            ));
        }
        for (index, reference) in
            generation.references.iter().enumerate().filter(|(_, reference)| reference.weight > 0.0)
        {
            let (scale, kind) = match reference.role {
                Role::Style => (numbers.style_weight, &numbers.style_type),
                Role::Subject => (numbers.subject_weight, &numbers.subject_type),
            };
            let sent =
                format!("IP-Adapter, weight {:.2} ({kind}), preset {}", reference.weight * scale, preset.as_str());
            receipt.honoured(format!("refs[{index}]"), sent);
        }
        let built = build_prompt(&generation, None);
        let meta = GenerationMeta {
            provider: "comfyui".to_owned(),
            model: Some(self.settings.checkpoint.clone()),
            mode: generation.mode().as_str().to_owned(),
            constructed_prompt: built.prompt,
            negative_prompt: built.negative,
            usd: Some(0.0),
            ..GenerationMeta::default()
        };
        Ok(Generated { images, meta, receipt })
    }
}

/// The server may have chosen another name for an upload.
fn rename(fill: &mut Fill, from: &str, to: &str) {
    for value in fill.values.values_mut().filter(|value| value.as_str() == Some(from)) {
        *value = json!(to);
    }
    for reference in fill.styles.iter_mut().chain(&mut fill.subjects).filter(|reference| reference.image == from) {
        to.clone_into(&mut reference.image);
    }
}
