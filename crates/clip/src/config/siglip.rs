//! open_clip's configurations of SigLIP and SigLIP 2: a tower of timm, and a text tower without a
//! causal mask.

use serde_json::{Value, json};

use super::{ModelConfig, Section, SiglipText, TextConfig, VisionConfig, VisionNetwork};
use crate::error::Result;
use crate::tokenizer::Cleaning;

/// A tower of timm. Its patch, its side and its activation depend on its name.
struct Size {
    name: &'static str,
    width: i64,
    layers: i64,
    heads: i64,
    mlp_ratio: f64,
}

const fn size(name: &'static str, width: i64, layers: i64, heads: i64, mlp_ratio: f64) -> Size {
    Size {
        name,
        width,
        layers,
        heads,
        mlp_ratio,
    }
}

/// The sizes of `vit_<size>_patch<patch>_siglip_<side>` in timm 1.0. Only fixtures use the tiny one.
const SIZES: [Size; 5] = [
    size("base", 768, 12, 12, 4.0),
    size("large", 1024, 24, 16, 4.0),
    size("so400m", 1152, 27, 16, 3.7362),
    size("giantopt", 1536, 40, 16, 4.0),
    size("test", 32, 3, 2, 3.7362),
];
/// The patch and the side of each tower of timm, and whether it has the tanh approximation of GELU.
const TOWERS: [(&str, i64, i64, bool); 18] = [
    ("base", 32, 256, true),
    ("base", 16, 224, false),
    ("base", 16, 256, false),
    ("base", 16, 384, false),
    ("base", 16, 512, false),
    ("large", 16, 256, false),
    ("large", 16, 384, false),
    ("large", 16, 512, true),
    ("so400m", 14, 224, false),
    ("so400m", 14, 378, false),
    ("so400m", 14, 384, false),
    ("so400m", 16, 256, true),
    ("so400m", 16, 384, true),
    ("so400m", 16, 512, true),
    ("giantopt", 16, 256, true),
    ("giantopt", 16, 384, true),
    ("test", 8, 32, false),
    ("test", 8, 35, true),
];

/// Reads a configuration that names a tower of timm.
///
/// # Errors
/// [`crate::ClipError::UnsupportedConfig`] or [`crate::ClipError::InvalidConfig`], naming the field.
pub(super) fn from_sections(
    whole: &Section<'_>,
    vision: &Section<'_>,
    text: &Section<'_>,
) -> Result<ModelConfig> {
    let vision_config = vision_config(vision)?;
    let text_config = text_config(text, vision_config.width)?;
    whole.refuse_others(&["embed_dim", "vision_cfg", "text_cfg", "custom_text"], &[])?;
    if whole.given("custom_text") == Some(&Value::Bool(false)) {
        return Err(whole.unsupported("custom_text", "SigLIP's weights need `true`"));
    }
    let embed_dim = whole.positive("embed_dim", None)?;
    if embed_dim != vision_config.width {
        let width = vision_config.width;
        return Err(whole.invalid("embed_dim", &format!("the tower's width, {width}")));
    }
    Ok(ModelConfig {
        embed_dim,
        quick_gelu: false,
        vision: vision_config,
        text: text_config,
    })
}

fn vision_config(section: &Section<'_>) -> Result<VisionConfig> {
    const NAME: &str = "timm_model_name";
    let name = section.given(NAME).and_then(Value::as_str).unwrap_or("");
    let tower = TOWERS
        .iter()
        .find(|(size, patch, side, _)| name == format!("vit_{size}_patch{patch}_siglip_{side}"));
    let sized = tower.and_then(|tower| {
        let size = SIZES.iter().find(|size| size.name == tower.0)?;
        Some((size, tower))
    });
    let Some((size, &(_, patch_size, image_size, is_tanh))) = sized else {
        return Err(section.unsupported(NAME, "of timm's towers, only SigLIP's are supported"));
    };
    section.refuse_others(
        &[NAME, "image_size", "timm_pool", "timm_proj"],
        &[("timm_pool", "map"), ("timm_proj", "none")],
    )?;
    for field in ["timm_pool", "timm_proj"] {
        section.required(field)?;
    }
    if section.square_side("image_size", 224)? != image_size {
        let why = format!("{name} takes {image_size} pixels");
        return Err(section.unsupported("image_size", &why));
    }
    Ok(VisionConfig {
        image_size,
        width: size.width,
        head_width: size.width / size.heads,
        network: VisionNetwork::Siglip {
            layers: size.layers,
            patch_size,
            mlp_ratio: size.mlp_ratio,
            is_tanh,
        },
    })
}

fn text_config(section: &Section<'_>, embed_dim: i64) -> Result<TextConfig> {
    section.refuse_others(
        &[
            "context_length",
            "vocab_size",
            "width",
            "heads",
            "layers",
            "mlp_ratio",
            "hf_tokenizer_name",
            "tokenizer_kwargs",
            "no_causal_mask",
            "proj_bias",
            "proj_type",
            "norm_kwargs",
            "act_kwargs",
        ],
        &[("pool_type", "last")],
    )?;
    section.required("pool_type")?;
    let is_projected = match section.given("proj_type").map(Value::as_str) {
        None | Some(Some("linear")) => true,
        Some(Some("none")) => false,
        _ => return Err(section.unsupported("proj_type", "only `linear` and `none` are known")),
    };
    if is_projected && section.required("proj_bias")? != &json!(true) {
        return Err(section.unsupported("proj_bias", "only true is supported"));
    }
    for (field, only) in [
        ("no_causal_mask", json!(true)),
        ("norm_kwargs", json!({"eps": 1e-6})),
    ] {
        if section.required(field)? != &only {
            return Err(section.unsupported(field, &format!("only {only} is supported")));
        }
    }
    let is_tanh = match section.given("act_kwargs") {
        None => false,
        Some(value) if value == &json!({}) || value == &json!({"approximate": "none"}) => false,
        Some(value) if value == &json!({"approximate": "tanh"}) => true,
        _ => return Err(section.unsupported("act_kwargs", "only GELU's `approximate` is known")),
    };
    let config = TextConfig {
        context_length: section.positive("context_length", Some(77))?,
        vocab_size: section.positive("vocab_size", Some(49408))?,
        width: section.positive("width", Some(512))?,
        heads: section.positive("heads", Some(8))?,
        layers: section.positive("layers", Some(12))?,
        mlp_ratio: section.ratio("mlp_ratio")?,
        layer_scale: false,
        siglip: Some(SiglipText {
            is_tanh,
            cleaning: cleaning(section)?,
            is_projected,
        }),
    };
    if !is_projected && config.width != embed_dim {
        return Err(section.unsupported("proj_type", "the towers differ in width"));
    }
    if config.width % config.heads != 0 {
        return Err(section.invalid("heads", "a divisor of the width"));
    }
    Ok(config)
}

fn cleaning(section: &Section<'_>) -> Result<Cleaning> {
    const FIELD: &str = "tokenizer_kwargs";
    // open_clip's default for a tokenizer of Hugging Face.
    let Some(value) = section.given(FIELD) else {
        return Ok(Cleaning::Whitespace);
    };
    let refused = || {
        section.unsupported(
            FIELD,
            "only `clean` is known: canonicalize, lower, whitespace",
        )
    };
    let fields = value.as_object().ok_or_else(refused)?;
    if fields.keys().any(|name| name != "clean") {
        return Err(refused());
    }
    match fields.get("clean").map(Value::as_str) {
        None | Some(Some("whitespace")) => Ok(Cleaning::Whitespace),
        Some(Some("lower")) => Ok(Cleaning::Lower),
        Some(Some("canonicalize")) => Ok(Cleaning::Canonical),
        _ => Err(refused()),
    }
}
