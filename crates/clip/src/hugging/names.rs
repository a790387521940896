//! Hugging Face's names of the tensors of a `CLIPModel` and a `SiglipModel`.

use crate::model::weights::Stored;

/// Says how a `CLIPModel` stores a tensor that open_clip has by this name.
pub fn stored(name: &str) -> Stored {
    match name {
        "visual.proj" => return Stored::Transposed("visual_projection.weight".to_owned()),
        "text_projection" => return Stored::Transposed("text_projection.weight".to_owned()),
        _ => {}
    }
    let (tower, rest) = match name.strip_prefix("visual.") {
        Some(rest) => ("vision_model", rest),
        None => ("text_model", name),
    };
    let whole = match rest {
        "conv1.weight" => "embeddings.patch_embedding.weight",
        "class_embedding" => "embeddings.class_embedding",
        "positional_embedding" => "embeddings.position_embedding.weight",
        "token_embedding.weight" => "embeddings.token_embedding.weight",
        "ln_pre.weight" => "pre_layrnorm.weight",
        "ln_pre.bias" => "pre_layrnorm.bias",
        "ln_post.weight" => "post_layernorm.weight",
        "ln_post.bias" => "post_layernorm.bias",
        "ln_final.weight" => "final_layer_norm.weight",
        "ln_final.bias" => "final_layer_norm.bias",
        _ => return of_block(tower, rest),
    };
    Stored::As(format!("{tower}.{whole}"))
}

/// `transformer.resblocks.<n>.<part>`.
fn of_block(tower: &str, rest: &str) -> Stored {
    let block = rest.strip_prefix("transformer.resblocks.");
    let Some((number, part)) = block.and_then(|block| block.split_once('.')) else {
        return Stored::As(format!("{tower}.{rest}"));
    };
    let prefix = format!("{tower}.encoder.layers.{number}");
    if let Some(kind) = part.strip_prefix("attn.in_proj_") {
        let part = |of: &str| (format!("{prefix}.self_attn.{of}_proj.{kind}"), 1);
        return Stored::Joined(["q", "k", "v"].map(part).into());
    }
    let part = part
        .replace("attn.out_proj", "self_attn.out_proj")
        .replace("ln_", "layer_norm")
        .replace("c_fc", "fc1")
        .replace("c_proj", "fc2");
    Stored::As(format!("{prefix}.{part}"))
}

/// Says how a `SiglipModel` stores a tensor that the loader has by this name.
pub fn stored_by_siglip(name: &str) -> Stored {
    const POOL: &str = "visual.attn_pool.";
    const HEAD: &str = "vision_model.head";
    if let Some(bias_or_weight) = name.strip_prefix("text_projection.") {
        return Stored::As(format!("text_model.head.{bias_or_weight}"));
    }
    let Some(part) = name.strip_prefix(POOL) else {
        return match name {
            "visual.conv1.bias" => {
                Stored::As("vision_model.embeddings.patch_embedding.bias".to_owned())
            }
            _ => stored(name),
        };
    };
    if part == "probe" {
        return Stored::Batched(format!("{HEAD}.probe"));
    }
    let part = part
        .replace("attn.", "attention.")
        .replace("ln.", "layernorm.")
        .replace("c_fc", "fc1")
        .replace("c_proj", "fc2");
    Stored::As(format!("{HEAD}.{part}"))
}
