//! open_clip's `preprocess_cfg`: the transform of a picture to a model's input.

use clippy_core::embedding::{ImageTransform, Interpolation, ResizeMode};
use serde_json::Value;

use crate::error::{ClipError, Result};

/// Mean of each channel of OpenAI's training pictures, on values in 0..1 (open_clip's
/// `OPENAI_DATASET_MEAN`).
pub const OPENAI_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Standard deviation of each channel of OpenAI's training pictures (open_clip's
/// `OPENAI_DATASET_STD`).
pub const OPENAI_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Returns open_clip's default for a model of this side, in pixels.
#[must_use]
pub fn default_transform(side: u32) -> ImageTransform {
    ImageTransform {
        side,
        mean: OPENAI_MEAN,
        std: OPENAI_STD,
        interpolation: Interpolation::Bicubic,
        resize_mode: ResizeMode::Shortest,
    }
}

/// Returns open_clip's and transformers' default for a SigLIP model of this side, in pixels.
#[must_use]
pub fn siglip_transform(side: u32) -> ImageTransform {
    ImageTransform {
        side,
        mean: [0.5; 3],
        std: [0.5; 3],
        interpolation: Interpolation::Bicubic,
        resize_mode: ResizeMode::Squash,
    }
}

/// Returns the transform that a `preprocess_cfg` describes, for a model of this side. Missing
/// fields have open_clip's defaults; the model's own side overrides `size`, as in open_clip.
///
/// # Errors
/// [`ClipError::UnsupportedConfig`] or [`ClipError::InvalidConfig`], naming the field.
pub fn transform_from_json(value: Option<&Value>, side: u32) -> Result<ImageTransform> {
    let mut transform = default_transform(side);
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(transform);
    };
    let fields = value
        .as_object()
        .ok_or_else(|| ClipError::InvalidConfig("`preprocess_cfg` is not an object".to_owned()))?;
    for (field, value) in fields {
        let invalid = |should_be: &str| {
            ClipError::InvalidConfig(format!(
                "`preprocess_cfg.{field}` is {value}: it must be {should_be}"
            ))
        };
        match field.as_str() {
            "mean" => transform.mean = channels(value).ok_or_else(|| invalid("three numbers"))?,
            "std" => {
                transform.std = channels(value)
                    .filter(|std| std.iter().all(|&channel| channel > 0.0))
                    .ok_or_else(|| invalid("three numbers above 0"))?;
            }
            "interpolation" => {
                transform.interpolation = serde_json::from_value(value.clone()).map_err(|_| {
                    ClipError::UnsupportedConfig(invalid("`bicubic` or `bilinear`").to_string())
                })?;
            }
            "resize_mode" => {
                transform.resize_mode = serde_json::from_value(value.clone()).map_err(|_| {
                    ClipError::UnsupportedConfig(
                        invalid("`shortest`, `longest` or `squash`").to_string(),
                    )
                })?;
            }
            "mode" if value == "RGB" => {}
            "fill_color" if value.as_f64() == Some(0.0) => {}
            "mode" | "fill_color" => {
                return Err(ClipError::UnsupportedConfig(
                    invalid("the default (RGB, 0)").to_string(),
                ));
            }
            "size" => {}
            // Some published configurations have fields of other programs.
            _ => tracing::warn!(field, "ignored an unknown field of `preprocess_cfg`"),
        }
    }
    Ok(transform)
}

/// Reads three numbers, one a channel.
pub(crate) fn channels(value: &Value) -> Option<[f32; 3]> {
    let numbers: Option<Vec<f32>> = value
        .as_array()?
        .iter()
        .map(|number| number.as_f64().map(|number| number as f32))
        .collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn missing_fields_have_openais_defaults() {
        assert_eq!(
            transform_from_json(None, 224).unwrap(),
            default_transform(224)
        );
        assert_eq!(
            transform_from_json(Some(&json!({})), 96).unwrap(),
            default_transform(96)
        );
    }

    #[test]
    fn fields_replace_the_defaults() {
        let json = json!({"size": [224, 224], "mode": "RGB", "mean": [0.5, 0.4, 0.3], "std": [0.1,
        0.2, 0.3],
            "interpolation": "bilinear", "resize_mode": "squash", "fill_color": 0});
        let transform = transform_from_json(Some(&json), 336).unwrap();
        assert_eq!(transform.side, 336);
        assert_eq!(transform.mean, [0.5, 0.4, 0.3]);
        assert_eq!(transform.std, [0.1, 0.2, 0.3]);
        assert_eq!(transform.interpolation, Interpolation::Bilinear);
        assert_eq!(transform.resize_mode, ResizeMode::Squash);
    }

    #[test]
    fn an_error_names_the_unsupported_field() {
        for (field, value) in [
            ("interpolation", json!("random")),
            ("resize_mode", json!("stretch")),
            ("mode", json!("L")),
            ("fill_color", json!(255)),
            ("mean", json!([0.5])),
            ("std", json!([0.0, 1.0, 1.0])),
        ] {
            let error = transform_from_json(Some(&json!({ field: value })), 224).expect_err(field);
            assert!(error.to_string().contains(field), "{error}");
        }
    }
}
