//! The names of the tensors of open_clip's SigLIP models, whose towers for pictures are timm's.

use crate::model::weights::Stored;

const TRUNK: &str = "visual.trunk";

/// Says how open_clip stores a tensor that the loader has by this name.
pub fn stored(name: &str) -> Stored {
    let Some(name) = name.strip_prefix("visual.") else {
        return Stored::As(format!("text.{name}"));
    };
    match name {
        "positional_embedding" => return Stored::Batched(format!("{TRUNK}.pos_embed")),
        "attn_pool.probe" => return Stored::Batched(format!("{TRUNK}.attn_pool.latent")),
        _ => {}
    }
    if let Some(kind) = name.strip_prefix("attn_pool.attn.in_proj_") {
        let part = |of: &str, thirds| (format!("{TRUNK}.attn_pool.{of}.{kind}"), thirds);
        return Stored::Joined(vec![part("q", 1), part("kv", 2)]);
    }
    let name = name
        .replace("conv1.", "patch_embed.proj.")
        .replace("ln_post.", "norm.")
        .replace("transformer.resblocks.", "blocks.")
        .replace("attn_pool.attn.out_proj.", "attn_pool.proj.")
        .replace("attn_pool.ln.", "attn_pool.norm.")
        .replace("attn.in_proj_", "attn.qkv.")
        .replace("attn.out_proj.", "attn.proj.")
        .replace(".ln_", ".norm")
        .replace("mlp.c_fc.", "mlp.fc1.")
        .replace("mlp.c_proj.", "mlp.fc2.");
    Stored::As(format!("{TRUNK}.{name}"))
}
