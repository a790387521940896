//! The input of a graph: the values of its slots, and the pictures to upload first.

use bytes::Bytes;
use clippy_core::Result;
use image::{DynamicImage, RgbImage, imageops};
use serde_json::{Value, json};

use super::planning::sent_weights;
use super::preset::preset_of;
use super::settings::ComfyUiSettings;
use super::size::size_for;
use super::tags::build_tags;
use super::template::{ReferenceSlots, SlotValues};
use crate::contract::{GenerateError, Generation, Preset, Role};
use crate::digest::sha256_hex;
use crate::providers::shared::analysis::SketchAnalysis;
use crate::providers::shared::outgoing::{EncodedPicture, scribble};
use crate::providers::shared::prompt::{BuiltPrompt, build_prompt};

/// The longest side of an uploaded reference. The adapter uses 224 pixels.
const REFERENCE_SIDE: u32 = 768;
/// The longest side of a sketch for the vision model.
const VISION_SIDE: u32 = 1536;

/// A picture that is uploaded.
#[derive(Debug, Clone)]
pub struct Upload {
    /// A name derived from its content, so that different pictures have different names.
    pub name: String,
    /// The file.
    pub png: Bytes,
}

/// The input of a graph.
pub struct GraphInput {
    /// The values of all slots except those for words and seed.
    pub fill: SlotValues,
    /// The pictures to upload first.
    pub uploads: Vec<Upload>,
    /// The sketch, to be described.
    pub sketch: Option<EncodedPicture>,
}

impl GraphInput {
    /// Prepares the input of a generation. Scales and encodes pictures, so it must run on a
    /// blocking thread.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when a picture cannot be encoded.
    pub fn of(
        settings: &ComfyUiSettings,
        generation: &Generation,
        describes: bool,
    ) -> Result<Self, GenerateError> {
        let preset = preset_of(generation);
        let numbers = settings.template.numbers(preset)?;
        let (width, height) = size_for(generation.ratio());
        let mut uploads: Vec<Upload> = Vec::new();
        let mut add = |kind: &str, picture: &RgbImage| -> Result<String, GenerateError> {
            let png = Bytes::from(EncodedPicture::png(picture)?.bytes);
            let name = format!("{kind}_{}.png", &sha256_hex(&png)[..24]);
            if uploads.iter().all(|upload| upload.name != name) {
                uploads.push(Upload {
                    name: name.clone(),
                    png,
                });
            }
            Ok(name)
        };
        let mut fill = SlotValues::default();
        let asked: Vec<(Role, f32)> = generation
            .references
            .iter()
            .map(|reference| (reference.role, reference.weight))
            .collect();
        let sent = sent_weights(
            &settings.template,
            generation.preset.map(|_| &numbers),
            &asked,
        );
        for (reference, weight) in generation.references.iter().zip(sent) {
            let Some(weight) = weight else { continue };
            let (kind, list) = match reference.role {
                Role::Style => ("style", &mut fill.styles),
                Role::Subject => ("subject", &mut fill.subjects),
            };
            let image = add(
                kind,
                &clippy_imaging::scaled_to(&reference.picture, REFERENCE_SIDE),
            )?;
            list.push(ReferenceSlots {
                image,
                weight: round_weight(weight),
            });
        }
        let exact = |picture: &RgbImage| clippy_imaging::resized(picture, width, height);
        if let Some(sketch) = &generation.sketch {
            // Fitted, not stretched: the sketch's own proportions stay.
            fill.values.insert(
                "sketch",
                json!(add("sketch", &scribble(&fit_into(sketch, width, height)))?),
            );
        }
        let first_subject = || {
            generation
                .with_role(Role::Subject)
                .next()
                .map(|subject| &subject.picture)
        };
        let base = generation.base.as_deref().or_else(|| {
            if preset == Preset::Img2img {
                first_subject()
            } else {
                None
            }
        });
        if let Some(base) = base {
            fill.values
                .insert("base", json!(add("base", &exact(base))?));
        }
        if let (Some(_), Some(mask)) = (&generation.base, &generation.mask) {
            fill.values.insert(
                "mask",
                json!(add(
                    "mask",
                    &exact(&DynamicImage::ImageLuma8(mask.as_ref().clone()).to_rgb8())
                )?),
            );
        }
        let denoise = if base.is_some() { numbers.denoise } else { 1.0 };
        let number = |value: f32| json!(round_weight(value));
        for (slot, value) in [
            ("steps", json!(numbers.steps)),
            ("cfg", number(numbers.cfg)),
            ("denoise", number(denoise)),
            ("width", json!(width)),
            ("height", json!(height)),
            ("checkpoint", json!(settings.checkpoint)),
            ("controlnet", json!(settings.controlnet)),
            (
                "control_strength",
                number(numbers.control_strength * generation.sketch_weight),
            ),
            ("control_end", number(numbers.control_end)),
            ("style_type", json!(numbers.style_type)),
            ("subject_type", json!(numbers.subject_type)),
        ] {
            fill.values.insert(slot, value);
        }
        let sketch = match &generation.sketch {
            Some(sketch) if describes => Some(EncodedPicture::new(sketch, VISION_SIDE)?),
            _ => None,
        };
        Ok(Self {
            fill,
            uploads,
            sketch,
        })
    }
}

/// Fills the slots for words: tags for SDXL, sentences for models that understand them. Returns the
/// prompt that the graph will use.
pub fn fill_words(
    settings: &ComfyUiSettings,
    fill: &mut SlotValues,
    generation: &Generation,
    analysis: Option<&SketchAnalysis>,
) -> BuiltPrompt {
    let (tags, sentences) = (
        build_tags(generation, analysis),
        build_prompt(generation, analysis),
    );
    fill.values.insert("prompt", json!(tags.prompt));
    fill.values.insert("sentences", json!(sentences.prompt));
    fill.values.insert("negative", json!(tags.negative));
    let prompt = match (
        settings.template.uses("prompt"),
        settings.template.uses("sentences"),
    ) {
        (true, _) => tags.prompt,
        (false, true) => sentences.prompt,
        (false, false) => String::new(),
    };
    let negative = if settings.template.uses("negative") {
        tags.negative
    } else {
        String::new()
    };
    BuiltPrompt { prompt, negative }
}

/// Replaces the name of an upload by the one that the server chose.
pub fn rename(fill: &mut SlotValues, from: &str, to: &str) {
    for value in fill
        .values
        .values_mut()
        .filter(|value| value.as_str() == Some(from))
    {
        *value = Value::from(to);
    }
    for reference in fill
        .styles
        .iter_mut()
        .chain(&mut fill.subjects)
        .filter(|reference| reference.image == from)
    {
        to.clone_into(&mut reference.image);
    }
}

/// Returns the names of the uploads in this folder that a graph uses.
pub fn uploads_in(graph: &Value, folder: &str) -> Vec<String> {
    let inputs = graph
        .as_object()
        .into_iter()
        .flat_map(|nodes| nodes.values())
        .filter_map(|node| node["inputs"].as_object())
        .flat_map(|inputs| inputs.values());
    inputs
        .filter_map(|input| {
            let name = input.as_str()?.strip_prefix(folder)?.strip_prefix('/')?;
            // The name is followed by the type of the folder.
            Some(name.split(" [").next()?.to_owned())
        })
        .collect()
}

/// Rounds to three digits; otherwise JSON would show `f32` rounding errors.
fn round_weight(value: f32) -> f64 {
    f64::from((value * 1000.0).round()) / 1000.0
}

/// Scales a sketch to fit into this size, and fills the rest with its paper colour.
fn fit_into(sketch: &RgbImage, width: u32, height: u32) -> RgbImage {
    let scale = (width as f32 / sketch.width() as f32).min(height as f32 / sketch.height() as f32);
    let side = |length: u32, most: u32| ((length as f32 * scale).round() as u32).clamp(1, most);
    let (wide, high) = (side(sketch.width(), width), side(sketch.height(), height));
    let small = clippy_imaging::resized(sketch, wide, high);
    let mut canvas = RgbImage::from_pixel(width, height, *sketch.get_pixel(0, 0));
    imageops::replace(
        &mut canvas,
        &small,
        i64::from((width - wide) / 2),
        i64::from((height - high) / 2),
    );
    canvas
}
