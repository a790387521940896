//! The body of a call to Imagen.

use clippy_imaging::scaled_to;
use image::{DynamicImage, GrayImage, RgbImage};
use serde_json::{Value, json};

use super::limits::{MOST_REFERENCES, ratios, sent_seed};
use super::square;
use crate::contract::{GenerateError, Generation, Mode, Reference, Role, nearest_ratio};
use crate::providers::google::models::ImagenSettings;
use crate::providers::shared::analysis::SketchAnalysis;
use crate::providers::shared::outgoing::{EncodedPicture, scribble};
use crate::providers::shared::prompt::{BuiltPrompt, build_edit_prompt, build_prompt};

/// A call that is ready to be sent.
pub struct ImagenCall {
    /// The model to call.
    pub model: String,
    /// What is sent.
    pub body: Value,
    /// The words in it.
    pub words: BuiltPrompt,
    /// The body, with a prompt that leaves out the description of the sketch. Earlier versions
    /// named the call in the journal by it.
    pub identity: String,
}

/// The pictures of a call, and how the prompt names them.
#[derive(Default)]
struct References {
    sent: Vec<Value>,
    cited: Vec<String>,
    edit_mode: Option<&'static str>,
}

impl ImagenCall {
    /// Builds call `number` of a generation, for `count` pictures. Scales and encodes pictures, so
    /// it must run on a blocking thread.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when a picture cannot be encoded.
    pub fn new(
        settings: &ImagenSettings,
        generation: &Generation,
        analysis: Option<&SketchAnalysis>,
        number: u32,
        count: u32,
    ) -> Result<Self, GenerateError> {
        let References {
            sent,
            cited,
            edit_mode,
        } = match (generation.mode(), &generation.base, &generation.mask) {
            (Mode::Edit, Some(base), Some(mask)) => edit_references(settings, base, mask)?,
            _ => references(settings, generation)?,
        };
        let model = if sent.is_empty() {
            &settings.text_model
        } else {
            &settings.model
        };
        let words = words(generation, analysis, &cited);
        let mut instance = json!({"prompt": words.prompt});
        if !sent.is_empty() {
            instance["referenceImages"] = Value::Array(sent);
        }
        let mut body = json!({
            "instances": [instance],
            "parameters": parameters(generation, model, edit_mode, &words.negative, number, count),
        });
        let undescribed = self::words(generation, None, &cited).prompt;
        let prompt = std::mem::replace(&mut body["instances"][0]["prompt"], json!(undescribed));
        let identity = body.to_string();
        body["instances"][0]["prompt"] = prompt;
        Ok(Self {
            model: model.clone(),
            body,
            words,
            identity,
        })
    }
}

/// The prompt of a call. An edit has a prompt of its own, which does not mention pictures that are
/// not sent.
fn words(
    generation: &Generation,
    analysis: Option<&SketchAnalysis>,
    cited: &[String],
) -> BuiltPrompt {
    let mut words = match generation.mode() {
        Mode::Edit => build_edit_prompt(generation, analysis),
        _ => build_prompt(generation, analysis),
    };
    if !cited.is_empty() {
        words.prompt = format!("Generate an image {}. {}", cited.join(", "), words.prompt);
    }
    words
}

fn encoded(settings: &ImagenSettings, picture: &RgbImage) -> Result<Value, GenerateError> {
    Ok(json!({"bytesBase64Encoded": EncodedPicture::new(picture, settings.max_side)?.base64()}))
}

/// The references of an edit: exactly the base and a mask of the same size.
fn edit_references(
    settings: &ImagenSettings,
    base: &RgbImage,
    mask: &GrayImage,
) -> Result<References, GenerateError> {
    let mask = DynamicImage::ImageLuma8(mask.clone()).to_rgb8();
    let square = |picture| square::pad(settings.autosquare, &scaled_to(picture, settings.max_side));
    let base = encoded(settings, &square(base))?;
    let mask = encoded(settings, &square(&mask))?;
    Ok(References {
        sent: vec![
            json!({"referenceType": "REFERENCE_TYPE_RAW", "referenceId": 1,
            "referenceImage": base}),
            json!({
                "referenceType": "REFERENCE_TYPE_MASK", "referenceId": 2, "referenceImage": mask,
                "maskImageConfig": {"maskMode": "MASK_MODE_USER_PROVIDED", "dilation": 0.01},
            }),
        ],
        edit_mode: Some("EDIT_MODE_INPAINT_INSERTION"),
        ..References::default()
    })
}

/// Style and subject references up to the limit, then the sketch.
fn references(
    settings: &ImagenSettings,
    generation: &Generation,
) -> Result<References, GenerateError> {
    let mut all = References::default();
    let mut styles = 0;
    let room = MOST_REFERENCES - usize::from(generation.sketch.is_some());
    for reference in generation
        .references
        .iter()
        .filter(|reference| reference.weight > 0.0)
    {
        let is_style = reference.role == Role::Style;
        if all.sent.len() >= room || (is_style && styles >= settings.style_max) {
            continue;
        }
        styles += usize::from(is_style);
        add_reference(&mut all, settings, generation, reference)?;
    }
    if let Some(sketch) = &generation.sketch {
        let id = all.sent.len() + 1;
        if all.sent.is_empty() {
            all.edit_mode = Some("EDIT_MODE_CONTROLLED_EDITING");
        }
        all.cited.push(format!("following the scribble [{id}]"));
        all.sent.push(json!({
            "referenceType": "REFERENCE_TYPE_CONTROL", "referenceId": id,
            "referenceImage": encoded(settings, &scribble(sketch))?,
            "controlImageConfig": {"controlType": "CONTROL_TYPE_SCRIBBLE"},
        }));
    }
    Ok(all)
}

fn add_reference(
    all: &mut References,
    settings: &ImagenSettings,
    generation: &Generation,
    reference: &Reference,
) -> Result<(), GenerateError> {
    let id = all.sent.len() + 1;
    let image = encoded(settings, &reference.picture)?;
    let (cited, sent) = match reference.role {
        Role::Style => (
            format!("in the style of [{id}]"),
            json!({
                "referenceType": "REFERENCE_TYPE_STYLE", "referenceId": id, "referenceImage": image,
                "styleImageConfig": {"styleDescription": style_words(generation)},
            }),
        ),
        Role::Subject => (
            format!("showing the subject [{id}]"),
            json!({
                "referenceType": "REFERENCE_TYPE_SUBJECT", "referenceId": id,
                "referenceImage": image,
                "subjectImageConfig": {
                    "subjectType": subject_type(generation),
                    "subjectDescription": subject_words(generation),
                },
            }),
        ),
    };
    all.cited.push(cited);
    all.sent.push(sent);
    all.edit_mode = Some("EDIT_MODE_DEFAULT");
    Ok(())
}

fn parameters(
    generation: &Generation,
    model: &str,
    edit_mode: Option<&'static str>,
    negative: &str,
    number: u32,
    count: u32,
) -> Value {
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
        // A seed is accepted only without the watermark.
        parameters["seed"] = json!(sent_seed(seed, number));
        parameters["addWatermark"] = json!(false);
    }
    // The newer text models refuse a negative prompt.
    if !(model.contains("generate-002") || model.contains("4.0")) {
        parameters["negativePrompt"] = json!(negative);
    }
    parameters
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
