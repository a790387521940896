//! Hugging Face's names of open_clip's tensors.

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
        return Stored::Joined(
            ["q", "k", "v"].map(|of| format!("{prefix}.self_attn.{of}_proj.{kind}")),
        );
    }
    let part = part
        .replace("attn.out_proj", "self_attn.out_proj")
        .replace("ln_", "layer_norm")
        .replace("c_fc", "fc1")
        .replace("c_proj", "fc2");
    Stored::As(format!("{prefix}.{part}"))
}
