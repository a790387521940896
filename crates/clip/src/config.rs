//! open_clip's model configuration: what is read, what is accepted as harmless, what is refused.
//!
//! The fields and their defaults are those of `CLIPVisionCfg` and `CLIPTextCfg` in open_clip 3.3's
//! `model.py`. A field that would change the arithmetic is either computed here or refused by name:
//! a model that is quietly computed differently fills a collection with vectors that match nothing.

mod siglip;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{ClipError, Result};
use crate::tokenizer::Cleaning;

/// A CLIP model with two towers whose outputs share one space.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelConfig {
    /// Length of an embedding.
    pub embed_dim: i64,
    /// OpenAI's `x * sigmoid(1.702 x)` in place of the exact GELU.
    pub quick_gelu: bool,
    /// The tower for pictures.
    pub vision: VisionConfig,
    /// The tower for words.
    pub text: TextConfig,
}

/// The tower for pictures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VisionConfig {
    /// Side of the square input, in pixels.
    pub image_size: i64,
    /// Width of the residual stream (transformer) or of the stem (ResNet).
    pub width: i64,
    /// Width of one attention head.
    pub head_width: i64,
    /// Which network it is.
    pub network: VisionNetwork,
}

/// The networks for pictures: two that open_clip itself defines, and SigLIP's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum VisionNetwork {
    /// A vision transformer.
    Transformer {
        /// Number of blocks.
        layers: i64,
        /// Side of a patch, in pixels.
        patch_size: i64,
        /// Hidden width of a block's perceptron over its width.
        mlp_ratio: f64,
        /// Whether each branch is scaled by a learnt vector (`ls_init_value` is given).
        layer_scale: bool,
    },
    /// OpenAI's ResNet with a three-layer stem, antialiased strides and attention pooling.
    ModifiedResNet {
        /// Number of blocks of each of the four stages.
        layers: [i64; 4],
    },
    /// SigLIP's vision transformer: no class token, and a pooling that attends to all patches.
    Siglip {
        /// Number of blocks.
        layers: i64,
        /// Side of a patch, in pixels.
        patch_size: i64,
        /// Hidden width of a perceptron over the width.
        mlp_ratio: f64,
        /// The tanh approximation of GELU in place of the exact one.
        is_tanh: bool,
    },
}

/// The tower for words: CLIP's causal transformer, whose output at the end mark is the embedding,
/// or SigLIP's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextConfig {
    /// Most tokens that one text may have, marks included.
    pub context_length: i64,
    /// Number of tokens that there are.
    pub vocab_size: i64,
    /// Width of the residual stream.
    pub width: i64,
    /// Number of attention heads.
    pub heads: i64,
    /// Number of blocks.
    pub layers: i64,
    /// Hidden width of a block's perceptron over its width.
    pub mlp_ratio: f64,
    /// Whether each branch is scaled by a learnt vector (`ls_init_value` is given).
    pub layer_scale: bool,
    /// What SigLIP's tower has of its own; `None` for CLIP's. CLIP's must be serialised as before
    /// SigLIP was supported: a model's fingerprint depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub siglip: Option<SiglipText>,
}

/// What distinguishes SigLIP's tower for words: every token sees all others, a text is padded to
/// the whole context, and the output at the last place is the embedding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SiglipText {
    /// The tanh approximation of GELU in place of the exact one.
    pub is_tanh: bool,
    /// What is done to a text before its tokenizer sees it.
    pub cleaning: Cleaning,
    /// Whether the output goes through a linear layer. Without one its width is the embedding's.
    pub is_projected: bool,
}

impl VisionConfig {
    /// Returns the number of attention heads, of the transformer or of the ResNet's pooling.
    #[must_use]
    pub fn heads(&self) -> i64 {
        match self.network {
            VisionNetwork::Transformer { .. } | VisionNetwork::Siglip { .. } => {
                self.width / self.head_width
            }
            VisionNetwork::ModifiedResNet { .. } => self.width * 32 / self.head_width,
        }
    }
}

/// The largest number of a configuration. Far above those of every published model, and products
/// of a few of them still fit.
const MOST: i64 = 1 << 20;

/// Whether a value asks for what is computed anyway.
type IsNeutral = fn(&Value) -> bool;

/// Fields that are accepted only where they ask for what is computed anyway. `null` is always
/// accepted.
const NEUTRAL: &[(&str, IsNeutral)] = &[
    ("custom_text", is_false),
    ("multimodal_cfg", never),
    ("nonscalar_logit_scale", anything),
    ("init_logit_bias", anything),
    ("init_logit_scale", anything),
    ("timm_model_name", never),
    // Settings of a timm model, which do not apply without `timm_model_name`.
    ("timm_model_pretrained", anything),
    ("timm_pool", anything),
    ("timm_proj", anything),
    ("timm_proj_bias", anything),
    ("timm_drop", anything),
    ("timm_drop_path", anything),
    // Drops patches in training only.
    ("patch_dropout", anything),
    ("attentional_pool", is_false),
    ("attn_pooler_queries", anything),
    ("attn_pooler_heads", anything),
    ("no_ln_pre", is_false),
    // Both kinds are stored in the weights, and added in the same way.
    ("pos_embed_type", anything),
    ("final_ln_after_pool", is_false),
    ("output_tokens", is_false),
    ("act_kwargs", is_empty),
    ("norm_kwargs", is_empty),
    ("block_type", is_default_block),
    ("qk_norm", is_false),
    ("scaled_cosine_attn", is_false),
    ("scale_heads", is_false),
    ("scale_attn_inner", is_false),
    ("scale_attn", is_false),
    ("scale_fc", is_false),
    ("hf_tokenizer_name", never),
    ("tokenizer_mode", never),
    ("tokenizer_kwargs", is_empty),
    ("hf_model_name", never),
    ("hf_model_pretrained", anything),
    ("hf_proj_type", anything),
    ("hf_pooler_type", anything),
    ("embed_cls", is_false),
    ("pad_id", is_zero),
    // Read for `pool_type: eos` only, which is refused.
    ("eos_id", anything),
    ("no_causal_mask", is_false),
    ("proj_bias", is_false),
    ("proj_type", is_linear),
];

fn anything(_: &Value) -> bool {
    true
}
fn never(_: &Value) -> bool {
    false
}
fn is_false(value: &Value) -> bool {
    value == &Value::Bool(false)
}
fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}
fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}
fn is_linear(value: &Value) -> bool {
    value == "linear"
}
fn is_default_block(value: &Value) -> bool {
    value == "default"
}

impl ModelConfig {
    /// Reads open_clip's `model_cfg` (an entry of its `model_configs`, or that part of an
    /// `open_clip_config.json`).
    ///
    /// [`ClipError::UnsupportedConfig`] names the field that asks for something that is not
    /// computed here, [`ClipError::InvalidConfig`] the one that is missing or of the wrong kind.
    pub fn from_json(value: &Value) -> Result<Self> {
        let whole = Section::new("model_cfg", value)?;
        let vision = Section::new("vision_cfg", whole.required("vision_cfg")?)?;
        let text = Section::new("text_cfg", whole.required("text_cfg")?)?;
        if vision.given("timm_model_name").is_some() {
            return siglip::from_sections(&whole, &vision, &text);
        }
        whole.refuse_others(&["embed_dim", "quick_gelu", "vision_cfg", "text_cfg"], &[])?;
        let config = Self {
            embed_dim: whole.positive("embed_dim", None)?,
            quick_gelu: whole.boolean("quick_gelu")?,
            vision: VisionConfig::from_section(&vision)?,
            text: TextConfig::from_section(&text)?,
        };
        Ok(config)
    }
}

impl VisionConfig {
    fn from_section(section: &Section<'_>) -> Result<Self> {
        section.refuse_others(
            &[
                "layers",
                "width",
                "head_width",
                "mlp_ratio",
                "patch_size",
                "image_size",
                "ls_init_value",
                "pool_type",
            ],
            &[("pool_type", "tok")],
        )?;
        let image_size = section.square_side("image_size", 224)?;
        let width = section.positive("width", Some(768))?;
        let head_width = section.positive("head_width", Some(64))?;
        let layer_scale = section.given("ls_init_value").is_some();
        let network = match section.given("layers") {
            Some(Value::Array(stages)) => {
                let stages: Option<Vec<i64>> = stages.iter().map(Value::as_i64).collect();
                let layers = stages
                    .and_then(|stages| <[i64; 4]>::try_from(stages).ok())
                    .filter(|stages| stages.iter().all(|blocks| (1..=MOST).contains(blocks)))
                    .ok_or_else(|| {
                        section.invalid("layers", "a number, or four numbers for a ResNet")
                    })?;
                if layer_scale {
                    return Err(section.unsupported("ls_init_value", "a ResNet has none"));
                }
                if image_size % 32 != 0 {
                    return Err(
                        section.unsupported("image_size", "a ResNet's side is a multiple of 32")
                    );
                }
                VisionNetwork::ModifiedResNet { layers }
            }
            _ => {
                let patch_size = section.square_side("patch_size", 16)?;
                if patch_size > image_size {
                    return Err(section.invalid("patch_size", "no larger than `image_size`"));
                }
                VisionNetwork::Transformer {
                    layers: section.positive("layers", Some(12))?,
                    patch_size,
                    mlp_ratio: section.ratio("mlp_ratio")?,
                    layer_scale,
                }
            }
        };
        let config = Self {
            image_size,
            width,
            head_width,
            network,
        };
        let attended = match config.network {
            VisionNetwork::ModifiedResNet { .. } => width * 32,
            _ => width,
        };
        if config.heads() < 1 || attended % config.heads() != 0 {
            return Err(section.invalid("head_width", "a divisor of the width"));
        }
        Ok(config)
    }
}

impl TextConfig {
    fn from_section(section: &Section<'_>) -> Result<Self> {
        section.refuse_others(
            &[
                "context_length",
                "vocab_size",
                "width",
                "heads",
                "layers",
                "mlp_ratio",
                "ls_init_value",
                "pool_type",
            ],
            &[("pool_type", "argmax")],
        )?;
        let config = Self {
            context_length: section.positive("context_length", Some(77))?,
            vocab_size: section.positive("vocab_size", Some(49408))?,
            width: section.positive("width", Some(512))?,
            heads: section.positive("heads", Some(8))?,
            layers: section.positive("layers", Some(12))?,
            mlp_ratio: section.ratio("mlp_ratio")?,
            layer_scale: section.given("ls_init_value").is_some(),
            siglip: None,
        };
        if config.width % config.heads != 0 {
            return Err(section.invalid("heads", "a divisor of the width"));
        }
        if config.context_length < 2 {
            return Err(section.invalid("context_length", "at least 2, for the two marks"));
        }
        if config.vocab_size < crate::tokenizer::VOCABULARY_SIZE {
            return Err(section.unsupported("vocab_size", "the tokenizer makes 49408 tokens"));
        }
        Ok(config)
    }
}

/// One JSON object of the configuration, with its name for messages.
struct Section<'a> {
    name: &'static str,
    fields: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    fn new(name: &'static str, value: &'a Value) -> Result<Self> {
        let fields = value
            .as_object()
            .ok_or_else(|| ClipError::InvalidConfig(format!("`{name}` is no object")))?;
        Ok(Self { name, fields })
    }

    /// Returns the field's value, if it exists and is not `null`.
    fn given(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    fn required(&self, field: &str) -> Result<&'a Value> {
        self.given(field)
            .ok_or_else(|| self.invalid(field, "there"))
    }

    fn invalid(&self, field: &str, should_be: &str) -> ClipError {
        ClipError::InvalidConfig(format!("`{}.{field}` must be {should_be}", self.name))
    }

    fn unsupported(&self, field: &str, why: &str) -> ClipError {
        let value = self.fields.get(field).unwrap_or(&Value::Null);
        ClipError::UnsupportedConfig(format!("`{}.{field}` is {value}: {why}", self.name))
    }

    fn positive(&self, field: &str, default: Option<i64>) -> Result<i64> {
        let value = match (self.given(field), default) {
            (Some(value), _) => value.as_i64(),
            (None, default) => default,
        };
        value
            .filter(|number| (1..=MOST).contains(number))
            .ok_or_else(|| self.invalid(field, &format!("a whole number from 1 to {MOST}")))
    }

    fn boolean(&self, field: &str) -> Result<bool> {
        self.given(field).map_or(Ok(false), |value| {
            value
                .as_bool()
                .ok_or_else(|| self.invalid(field, "true or false"))
        })
    }

    fn ratio(&self, field: &str) -> Result<f64> {
        let value = self.given(field).map_or(Some(4.0), Value::as_f64);
        value
            .filter(|&ratio| ratio > 0.0)
            .ok_or_else(|| self.invalid(field, "a number above 0"))
    }

    /// Reads a side that is given as one number or as two equal ones.
    fn square_side(&self, field: &str, default: i64) -> Result<i64> {
        if let Some(Value::Array(sides)) = self.given(field) {
            return match sides.as_slice() {
                [height, width] if height == width => height
                    .as_i64()
                    .filter(|side| (1..=MOST).contains(side))
                    .ok_or_else(|| self.invalid(field, &format!("two numbers from 1 to {MOST}"))),
                _ => Err(self.unsupported(field, "only squares are supported")),
            };
        }
        self.positive(field, Some(default))
    }

    /// Refuses every field that is neither read nor harmless. `fixed` are fields with the one value
    /// they may have.
    fn refuse_others(&self, read: &[&str], fixed: &[(&str, &str)]) -> Result<()> {
        for (field, value) in self.fields {
            if value.is_null() {
                continue;
            }
            if let Some((_, wanted)) = fixed.iter().find(|(name, _)| name == field) {
                if value != wanted {
                    return Err(self.unsupported(field, &format!("only `{wanted}` is supported")));
                }
                continue;
            }
            if read.contains(&field.as_str()) {
                continue;
            }
            match NEUTRAL.iter().find(|(name, _)| name == field) {
                Some((_, is_neutral)) if is_neutral(value) => {}
                Some(_) => return Err(self.unsupported(field, "this is not computed here")),
                None => return Err(self.unsupported(field, "this field is not known")),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
