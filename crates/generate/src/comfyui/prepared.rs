//! A generation on its way into a graph: what goes into slots, and what is uploaded before.

use bytes::Bytes;
use clippy_core::Result;
use image::{DynamicImage, RgbImage, imageops};
use serde_json::{Value, json};

use super::planning::sent_weights;
use super::preset::Preset;
use super::provider::{ComfyUiSettings, size_for};
use super::template::{Fill, ReferenceSlots};
use crate::analysis::SketchAnalysis;
use crate::error::GenerateError;
use crate::inputs::{Generation, sha256_hex};
use crate::outgoing::{Outgoing, scribble};
use crate::prompt::{BuiltPrompt, build_prompt};
use crate::request::Role;
use crate::tags::build_tags;

/// Longest side of a reference that is uploaded: the adapter looks at 224 pixels.
const REFERENCE_SIDE: u32 = 768;
/// Longest side of a sketch that is described.
const LOOKED_AT: u32 = 1536;

/// A picture that the graph names.
#[derive(Debug, Clone)]
pub struct Upload {
    /// By its content, so that two pictures never have one name.
    pub name: String,
    /// The file.
    pub png: Bytes,
}

/// A generation as a graph takes it.
pub struct Prepared {
    /// Everything but words and seed.
    pub fill: Fill,
    /// What is uploaded before.
    pub uploads: Vec<Upload>,
    /// The sketch, to be described.
    pub sketch: Option<Outgoing>,
}

impl Prepared {
    /// Scales pictures and writes them: it takes its time.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when a picture cannot be written.
    pub fn of(
        settings: &ComfyUiSettings,
        generation: &Generation,
        describes: bool,
    ) -> Result<Self, GenerateError> {
        let preset = Preset::of(generation);
        let numbers = settings.template.numbers(preset)?;
        let (width, height) = size_for(generation.ratio());
        let mut uploads: Vec<Upload> = Vec::new();
        let mut add = |kind: &str, picture: &RgbImage| -> Result<String, GenerateError> {
            let png = Bytes::from(Outgoing::png(picture)?.bytes);
            let name = format!("{kind}_{}.png", &sha256_hex(&png)[..24]);
            if uploads.iter().all(|upload| upload.name != name) {
                uploads.push(Upload {
                    name: name.clone(),
                    png,
                });
            }
            Ok(name)
        };
        let mut fill = Fill::default();
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
                weight: rounded(weight),
            });
        }
        let exact = |picture: &RgbImage| clippy_imaging::resized(picture, width, height);
        if let Some(sketch) = &generation.sketch {
            // Fitted, not stretched: the sketch's own proportions stay.
            fill.values.insert(
                "sketch",
                json!(add("sketch", &scribble(&fitted(sketch, width, height)))?),
            );
        }
        let first_subject = || {
            generation
                .with_role(Role::Subject)
                .next()
                .map(|subject| &subject.picture)
        };
        let base = generation.base.as_ref().or_else(|| {
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
                    &exact(&DynamicImage::ImageLuma8(mask.clone()).to_rgb8())
                )?),
            );
        }
        let denoise = if base.is_some() { numbers.denoise } else { 1.0 };
        let number = |value: f32| json!(rounded(value));
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
            Some(sketch) if describes => Some(Outgoing::new(sketch, LOOKED_AT)?),
            _ => None,
        };
        Ok(Self {
            fill,
            uploads,
            sketch,
        })
    }
}

/// Puts the words into their slots: tags for SDXL, sentences for graphs of models that read them.
/// Gives what was sent.
pub fn put_words(
    settings: &ComfyUiSettings,
    fill: &mut Fill,
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

/// The server chooses the name of an upload.
pub fn rename(fill: &mut Fill, from: &str, to: &str) {
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

/// 0.8f32 * 0.3f32 would be written with nine digits.
fn rounded(value: f32) -> f64 {
    f64::from((value * 1000.0).round()) / 1000.0
}

/// The sketch on a canvas of this size, as large as it fits, its paper around it.
fn fitted(sketch: &RgbImage, width: u32, height: u32) -> RgbImage {
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
