//! Reads a `SiglipModel`'s `config.json`. Missing fields have the defaults of transformers.

use serde_json::Value;

use super::config::{MOST_LAYERS, MOST_WIDTH, Tower};
use crate::config::{ModelConfig, SiglipText, TextConfig, VisionConfig, VisionNetwork};
use crate::error::Result;
use crate::tokenizer::Cleaning;

/// `cleaning` is what the tokenizer's class does to a text.
///
/// # Errors
/// [`crate::ClipError::UnsupportedConfig`] or [`crate::ClipError::InvalidConfig`], naming the field.
pub fn from_json(json: &Value, cleaning: Cleaning) -> Result<ModelConfig> {
    let vision = Tower::new(json, "vision_config");
    let text = Tower::new(json, "text_config");
    let vision_config = vision_config(&vision)?;
    let text_config = text_config(&text, cleaning)?;
    let embed_dim = vision_config.width;
    let projected = text.number("projection_size", text_config.width, MOST_WIDTH)?;
    if projected != embed_dim {
        let field = match text.given("projection_size") {
            Some(_) => "projection_size",
            None => "hidden_size",
        };
        return Err(text.invalid(field, &format!("that of the pictures' tower, {embed_dim}")));
    }
    Ok(ModelConfig {
        embed_dim,
        quick_gelu: false,
        vision: vision_config,
        text: text_config,
    })
}

fn vision_config(tower: &Tower<'_>) -> Result<VisionConfig> {
    tower.fixed("num_channels", 3)?;
    if tower
        .given("vision_use_head")
        .is_some_and(|value| value.as_bool() != Some(true))
    {
        return Err(tower.unsupported("vision_use_head", "only `true` is supported"));
    }
    let (width, heads) = tower.width_and_heads(768, 12)?;
    let (image_size, patch_size) = tower.image_and_patch(224, 16)?;
    Ok(VisionConfig {
        image_size,
        width,
        head_width: width / heads,
        network: VisionNetwork::Siglip {
            layers: tower.number("num_hidden_layers", 12, MOST_LAYERS)?,
            patch_size,
            mlp_ratio: tower.mlp_ratio(width, 3072)?,
            is_tanh: is_tanh(tower)?,
        },
    })
}

fn text_config(tower: &Tower<'_>, cleaning: Cleaning) -> Result<TextConfig> {
    let (width, heads) = tower.width_and_heads(768, 12)?;
    Ok(TextConfig {
        context_length: tower.number("max_position_embeddings", 64, MOST_WIDTH)?,
        vocab_size: tower.number("vocab_size", 32000, 1 << 30)?,
        width,
        heads,
        layers: tower.number("num_hidden_layers", 12, MOST_LAYERS)?,
        mlp_ratio: tower.mlp_ratio(width, 3072)?,
        layer_scale: false,
        siglip: Some(SiglipText {
            is_tanh: is_tanh(tower)?,
            cleaning,
            is_projected: true,
        }),
    })
}

fn is_tanh(tower: &Tower<'_>) -> Result<bool> {
    tower.check_epsilon(1e-6)?;
    match tower.given("hidden_act").map(Value::as_str) {
        None | Some(Some("gelu_pytorch_tanh")) => Ok(true),
        Some(Some("gelu")) => Ok(false),
        _ => Err(tower.unsupported(
            "hidden_act",
            "only `gelu_pytorch_tanh` and `gelu` are supported",
        )),
    }
}
