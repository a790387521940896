//! Whether the server has the nodes and the model files that a graph needs, before anything is queued.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::template::{Fill, Template};
use crate::error::GenerateError;

/// Asks the server about every node of the graph.
///
/// # Errors
/// [`crate::FailureClass::Permanent`] that names every node and file that is missing, and where to get it or put it.
pub async fn check(client: &Client, template: &Template, fill: &Fill, graph: &Value) -> Result<(), GenerateError> {
    let mut known: BTreeMap<String, Option<Value>> = BTreeMap::new();
    let mut missing = Vec::new();
    for node in graph.as_object().into_iter().flat_map(|nodes| nodes.values()) {
        let class = node["class_type"].as_str().unwrap_or_default();
        if !known.contains_key(class) {
            let info = client.node(class).await?;
            if info.is_none() {
                missing.push(format!("the node {class} ({})", source_of(class)));
            }
            known.insert(class.to_owned(), info);
        }
        let Some(Some(info)) = known.get(class) else { continue };
        if class.starts_with("LoadImage") {
            // Lists the files of the input folder as they were before our upload.
            continue;
        }
        for (input, value) in node["inputs"].as_object().into_iter().flatten() {
            let (Some(value), Some(choices)) = (value.as_str(), choices(info, input)) else { continue };
            if !choices.iter().any(|choice| choice == value) {
                missing.push(format!("\"{value}\" as {input} of {class} ({})", offered(class, &choices)));
            }
        }
    }
    for need in template.needs(fill) {
        // A server without the node that lists these files cannot be asked; the graph's own nodes will say it.
        let Some(info) = client.node(&need.class).await? else { continue };
        let listed = choices(&info, &need.input).unwrap_or_default();
        if !listed.iter().any(|choice| choice.rsplit(['/', '\\']).next() == Some(&need.file)) {
            missing.push(format!("the file {} (put it into {}, named exactly so)", need.file, need.folder));
        }
    }
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(GenerateError::permanent(format!("ComfyUI at {} lacks {}", client.base(), missing.join("; "))))
}

fn source_of(class: &str) -> &'static str {
    if class.starts_with("IPAdapter") || class == "PrepImageForClipVision" {
        "install the custom nodes ComfyUI_IPAdapter_plus"
    } else {
        "update ComfyUI, or install the custom nodes that bring it"
    }
}

fn offered(class: &str, choices: &[String]) -> String {
    let place = match class {
        "CheckpointLoaderSimple" => "put it into models/checkpoints or set COMFYUI_CHECKPOINT; ",
        "ControlNetLoader" => "put it into models/controlnet or set COMFYUI_CONTROLNET; ",
        _ => "",
    };
    if choices.is_empty() {
        return format!("{place}it has none");
    }
    let few: Vec<&str> = choices.iter().take(8).map(String::as_str).collect();
    format!("{place}it has {}{}", few.join(", "), if choices.len() > 8 { ", …" } else { "" })
}

/// The values that an input may have, in the older form (`[["a","b"]]`) or the newer (`["COMBO",{"options":[…]}]`).
fn choices(info: &Value, input: &str) -> Option<Vec<String>> {
    let spec = [&info["input"]["required"][input], &info["input"]["optional"][input]]
        .into_iter()
        .find(|spec| spec.is_array())?;
    let list = spec[0].as_array().or_else(|| spec[1]["options"].as_array())?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
