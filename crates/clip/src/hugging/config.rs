//! Reads `config.json`: which model it is, and a `CLIPModel`'s fields. Missing fields have the
//! defaults of transformers.

use serde_json::Value;

use crate::config::{ModelConfig, TextConfig, VisionConfig, VisionNetwork};
use crate::error::{ClipError, Result};
use crate::tokenizer::{END_OF_TEXT, VOCABULARY_SIZE};

/// Far above every published model: a larger number means a damaged file.
pub(super) const MOST_LAYERS: i64 = 1024;
pub(super) const MOST_WIDTH: i64 = 1 << 20;

/// # Errors
/// [`ClipError::UnsupportedConfig`] or [`ClipError::InvalidConfig`], naming the field.
pub fn from_json(json: &Value) -> Result<ModelConfig> {
    let vision = Tower::new(json, "vision_config");
    let text = Tower::new(json, "text_config");
    let quick_gelu = vision.is_quick_gelu()?;
    if text.is_quick_gelu()? != quick_gelu {
        return Err(text.unsupported("hidden_act", "both towers must have the same"));
    }
    let whole = Tower {
        name: "config",
        fields: Some(json),
    };
    Ok(ModelConfig {
        embed_dim: whole.number("projection_dim", 512, MOST_WIDTH)?,
        quick_gelu,
        vision: vision_config(&vision)?,
        text: text_config(&text)?,
    })
}

/// The models of Hugging Face that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `CLIPModel`.
    Clip,
    /// `SiglipModel`: SigLIP, and SigLIP 2 for pictures of one size.
    Siglip,
}

impl Family {
    /// Reads which model it is.
    ///
    /// # Errors
    /// [`ClipError::UnsupportedConfig`], naming the model.
    pub fn of(json: &Value) -> Result<Self> {
        let refuse = |field: &str, found: &str| {
            let why = if found == "siglip2" || found.starts_with("Siglip2") {
                "this is SigLIP 2's NaFlex variant, for pictures of any shape. Use one for a fixed \
                 size, such as google/siglip2-base-patch16-224"
            } else {
                "of Hugging Face's models, only CLIPModel (`model_type` `clip`) and SiglipModel \
                 (`siglip`) are supported"
            };
            ClipError::UnsupportedConfig(format!("`{field}` is `{found}`: {why}"))
        };
        let (family, only) = match json.get("model_type").and_then(Value::as_str) {
            Some("clip") => (Self::Clip, "CLIPModel"),
            Some("siglip") => (Self::Siglip, "SiglipModel"),
            other => return Err(refuse("model_type", other.unwrap_or("missing"))),
        };
        let architectures = json.get("architectures").and_then(Value::as_array);
        for architecture in architectures.into_iter().flatten() {
            if architecture != only {
                return Err(refuse(
                    "architectures",
                    architecture.as_str().unwrap_or("no text"),
                ));
            }
        }
        Ok(family)
    }
}

fn vision_config(tower: &Tower<'_>) -> Result<VisionConfig> {
    tower.fixed("num_channels", 3)?;
    let (width, heads) = tower.width_and_heads(768, 12)?;
    let (image_size, patch_size) = tower.image_and_patch(224, 32)?;
    Ok(VisionConfig {
        image_size,
        width,
        head_width: width / heads,
        network: VisionNetwork::Transformer {
            layers: tower.number("num_hidden_layers", 12, MOST_LAYERS)?,
            patch_size,
            mlp_ratio: tower.mlp_ratio(width, 3072)?,
            layer_scale: false,
        },
    })
}

fn text_config(tower: &Tower<'_>) -> Result<TextConfig> {
    tower.fixed("vocab_size", VOCABULARY_SIZE)?;
    // transformers pools at the first token of this number. 2 stands in old files and means the
    // largest token, which is the end mark too.
    let end = tower.number("eos_token_id", END_OF_TEXT, i64::MAX)?;
    if end != 2 && end != END_OF_TEXT {
        return Err(tower.unsupported(
            "eos_token_id",
            "CLIP's end mark is 49407 (or 2, in old files)",
        ));
    }
    let (width, heads) = tower.width_and_heads(512, 8)?;
    let context_length = tower.number("max_position_embeddings", 77, MOST_WIDTH)?;
    if context_length < 2 {
        return Err(tower.invalid("max_position_embeddings", "at least 2, for the two marks"));
    }
    Ok(TextConfig {
        context_length,
        vocab_size: VOCABULARY_SIZE,
        width,
        heads,
        layers: tower.number("num_hidden_layers", 12, MOST_LAYERS)?,
        mlp_ratio: tower.mlp_ratio(width, 2048)?,
        layer_scale: false,
        siglip: None,
    })
}

/// One object of the configuration, with its name for messages.
pub(super) struct Tower<'a> {
    name: &'static str,
    fields: Option<&'a Value>,
}

impl<'a> Tower<'a> {
    /// Old files have a second object, `<name>_dict`, which counts for transformers.
    pub(super) fn new(json: &'a Value, name: &'static str) -> Self {
        let object = |name: &str| json.get(name).filter(|value| value.is_object());
        Self {
            name,
            fields: object(&format!("{name}_dict")).or_else(|| object(name)),
        }
    }

    pub(super) fn given(&self, field: &str) -> Option<&'a Value> {
        self.fields?.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn invalid(&self, field: &str, should_be: &str) -> ClipError {
        ClipError::InvalidConfig(format!("`{}.{field}` must be {should_be}", self.name))
    }

    pub(super) fn unsupported(&self, field: &str, why: &str) -> ClipError {
        let value = self.given(field).unwrap_or(&Value::Null);
        ClipError::UnsupportedConfig(format!("`{}.{field}` is {value}: {why}", self.name))
    }

    pub(super) fn number(&self, field: &str, default: i64, most: i64) -> Result<i64> {
        self.given(field)
            .map_or(Some(default), Value::as_i64)
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| self.invalid(field, &format!("a whole number from 1 to {most}")))
    }

    pub(super) fn fixed(&self, field: &str, only: i64) -> Result<()> {
        if self.number(field, only, i64::MAX)? != only {
            return Err(self.unsupported(field, &format!("only {only} is supported")));
        }
        Ok(())
    }

    /// Refuses layer norms that add another number to variances.
    pub(super) fn check_epsilon(&self, only: f64) -> Result<()> {
        let epsilon = self
            .given("layer_norm_eps")
            .map_or(Some(only), Value::as_f64);
        if epsilon != Some(only) {
            return Err(self.unsupported("layer_norm_eps", &format!("only {only:e} is supported")));
        }
        Ok(())
    }

    /// The sides of pictures and of patches, in pixels.
    pub(super) fn image_and_patch(&self, image: i64, patch: i64) -> Result<(i64, i64)> {
        let image = self.number("image_size", image, 1 << 14)?;
        let patch = self.number("patch_size", patch, 1 << 14)?;
        if patch > image {
            return Err(self.invalid("patch_size", "no larger than `image_size`"));
        }
        Ok((image, patch))
    }

    fn is_quick_gelu(&self) -> Result<bool> {
        self.check_epsilon(1e-5)?;
        match self.given("hidden_act").map(Value::as_str) {
            None | Some(Some("quick_gelu")) => Ok(true),
            Some(Some("gelu")) => Ok(false),
            _ => Err(self.unsupported("hidden_act", "only `quick_gelu` and `gelu` are supported")),
        }
    }

    pub(super) fn width_and_heads(&self, width: i64, heads: i64) -> Result<(i64, i64)> {
        let width = self.number("hidden_size", width, MOST_WIDTH)?;
        let heads = self.number("num_attention_heads", heads, MOST_WIDTH)?;
        if width % heads != 0 {
            return Err(self.invalid("num_attention_heads", "a divisor of `hidden_size`"));
        }
        Ok((width, heads))
    }

    /// The hidden width of a perceptron over `width`. The model rounds their product down, so the
    /// middle of the next whole number is aimed at where the ratio is no whole number.
    pub(super) fn mlp_ratio(&self, width: i64, default: i64) -> Result<f64> {
        let hidden = self.number("intermediate_size", default, MOST_WIDTH)?;
        if hidden % width == 0 {
            return Ok((hidden / width) as f64);
        }
        Ok((hidden as f64 + 0.5) / width as f64)
    }
}
