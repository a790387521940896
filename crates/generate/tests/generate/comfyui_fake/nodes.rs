//! The server's descriptions of its nodes.

use serde_json::{Value, json};

/// Frames and answers of a real server.
pub fn transcript() -> Value {
    serde_json::from_str(include_str!("../data/comfyui-transcript.json")).expect("JSON")
}

/// The `/object_info` of a node on a server that has every model file.
pub fn node(class: &str) -> Option<Value> {
    let known = &transcript()["object_info of the built-in template's nodes"][class];
    let mut info = match class {
        "PreviewImage" => {
            json!({"input": {"required": {"images": ["IMAGE"]}}, "output": [], "name": class})
        }
        "ImageBatch" => {
            json!({"input": {"required": {"image1": ["IMAGE"], "image2": ["IMAGE"]}},
            "output": ["IMAGE"], "name": class})
        }
        _ if known.is_object() => known.clone(),
        _ => return None,
    };
    let files = match class {
        "CheckpointLoaderSimple" => (
            "ckpt_name",
            json!([["other.safetensors", "sd_xl_base_1.0.safetensors"], {}]),
        ),
        // The newer form.
        "ControlNetLoader" => (
            "control_net_name",
            json!(["COMBO", {"options": ["controlnet-scribble-sdxl-1.0.safetensors"]}]),
        ),
        "CLIPVisionLoader" => (
            "clip_name",
            json!([["CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"]]),
        ),
        "IPAdapterModelLoader" => (
            "ipadapter_file",
            json!([["sdxl/ip-adapter-plus_sdxl_vit-h.bin"]]),
        ),
        _ => return Some(info),
    };
    info["input"]["required"][files.0] = files.1;
    Some(info)
}
