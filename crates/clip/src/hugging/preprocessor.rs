//! Reads `preprocessor_config.json` of a CLIP or SigLIP image processor.

use clippy_core::embedding::{ImageTransform, Interpolation, ResizeMode};
use serde_json::Value;

use super::config::Family;
use crate::error::{ClipError, Result};
use crate::preprocess::{channels, default_transform, siglip_transform};

/// Returns the transform for a model of this side; without a file, that of OpenAI's models or of
/// Google's SigLIP models.
///
/// # Errors
/// [`ClipError::UnsupportedConfig`] or [`ClipError::InvalidConfig`], naming the field.
pub fn from_json(json: Option<&Value>, family: Family, side: u32) -> Result<ImageTransform> {
    // Whether pictures are cropped if the file does not say it, and the name of the class, which
    // may end with `Fast` or `Pil`. `Siglip2ImageProcessor` is another one.
    let (mut transform, is_cropped, class) = match family {
        Family::Clip => (default_transform(side), true, "CLIP"),
        Family::Siglip => (siglip_transform(side), false, "Siglip"),
    };
    let Some(json) = json else {
        return Ok(transform);
    };
    let given = |field: &str| json.get(field).filter(|value| !value.is_null());
    let unsupported = |field: &str, why: &str| {
        let value = given(field).unwrap_or(&Value::Null);
        ClipError::UnsupportedConfig(format!("`{field}` is {value}: {why}"))
    };
    for field in ["image_processor_type", "feature_extractor_type"] {
        let kind = given(field).and_then(Value::as_str);
        let fits = |kind: &str| {
            ["ImageProcessor", "FeatureExtractor"]
                .iter()
                .any(|what| kind.starts_with(&format!("{class}{what}")))
        };
        if kind.is_some_and(|kind| !fits(kind)) {
            let only = format!("only {class}ImageProcessor is supported");
            return Err(unsupported(field, &only));
        }
    }
    for field in ["do_resize", "do_rescale"] {
        if given(field).is_some_and(|value| value.as_bool() != Some(true)) {
            return Err(unsupported(field, "only `true` is supported"));
        }
    }
    let scale = given("rescale_factor").map_or(Some(1.0 / 255.0), Value::as_f64);
    if scale.is_none_or(|scale| (scale * 255.0 - 1.0).abs() > 1e-6) {
        return Err(unsupported("rescale_factor", "only 1/255 is supported"));
    }
    if let Some(value) = given("image_mean") {
        transform.mean =
            channels(value).ok_or_else(|| unsupported("image_mean", "three numbers are needed"))?;
    }
    if let Some(value) = given("image_std") {
        transform.std = channels(value)
            .filter(|std| std.iter().all(|&channel| channel > 0.0))
            .ok_or_else(|| unsupported("image_std", "three numbers above 0 are needed"))?;
    }
    if given("do_normalize").and_then(Value::as_bool) == Some(false) {
        (transform.mean, transform.std) = ([0.0; 3], [1.0; 3]);
    }
    // Pillow's numbers.
    transform.interpolation = match given("resample").map(Value::as_i64) {
        None | Some(Some(3)) => Interpolation::Bicubic,
        Some(Some(2)) => Interpolation::Bilinear,
        _ => {
            return Err(unsupported(
                "resample",
                "only 2 (bilinear) and 3 (bicubic) are supported",
            ));
        }
    };
    let is_cropped =
        given("do_center_crop").map_or(is_cropped, |value| value.as_bool() == Some(true));
    let crop = given("crop_size").filter(|_| is_cropped);
    let whole = format!("only the model's {side} pixels are supported");
    if crop.is_some_and(|value| !is_side(value, side) && !is_square(value, side)) {
        return Err(unsupported("crop_size", &whole));
    }
    transform.resize_mode = match given("size") {
        Some(value) if is_square(value, side) => ResizeMode::Squash,
        None if family == Family::Siglip => ResizeMode::Squash,
        Some(value) if !is_side(value, side) && !is_side_named(value, side) => {
            return Err(unsupported("size", &whole));
        }
        _ if !is_cropped && family == Family::Siglip => {
            return Err(unsupported("size", "`height` and `width` are needed"));
        }
        _ if !is_cropped => {
            return Err(unsupported(
                "do_center_crop",
                "pictures must become squares",
            ));
        }
        _ => ResizeMode::Shortest,
    };
    Ok(transform)
}

fn is_side(value: &Value, side: u32) -> bool {
    value.as_u64() == Some(u64::from(side))
}

fn is_side_named(value: &Value, side: u32) -> bool {
    value
        .get("shortest_edge")
        .is_some_and(|edge| is_side(edge, side))
}

fn is_square(value: &Value, side: u32) -> bool {
    ["height", "width"]
        .iter()
        .all(|edge| value.get(*edge).is_some_and(|edge| is_side(edge, side)))
}
