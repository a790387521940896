//! Whether the server has what each kind of input needs.

use serde_json::json;

use super::client::Client;
use super::preflight::Nodes;
use super::prepared::put_words;
use super::provider::ComfyUiSettings;
use super::template::{Fill, ReferenceSlots, When};
use crate::error::GenerateError;
use crate::finding::Finding;
use crate::inputs::Generation;

/// Kinds of inputs, and what they are called.
const KINDS: [(When, &str); 5] = [
    (When::Sketch, "sketch"),
    (When::Style, "style references"),
    (When::Subject, "subject references"),
    (When::Base, "base"),
    (When::Mask, "mask"),
];

/// Asks the server about the nodes and files of words alone, then about those that each kind of
/// input adds.
pub async fn check(client: &Client, settings: &ComfyUiSettings) -> Vec<Finding> {
    let mut nodes = Nodes::of(client);
    let words = match lacking(&mut nodes, settings, &fill(settings, None)).await {
        Ok(missing) => missing,
        Err(error) => return vec![Finding::fault("server", error.message)],
    };
    let mut findings = vec![Finding::ok(
        "server",
        format!("ComfyUI answers at {}", client.address()),
    )];
    findings.push(if words.is_empty() {
        Finding::ok("words", "nodes and files are there")
    } else {
        Finding::fault(
            "words",
            format!("ComfyUI at {} lacks {}", client.address(), words.join("; ")),
        )
    });
    for (kind, name) in KINDS {
        if !settings.template.takes(kind) {
            findings.push(Finding::warning(
                name,
                "the graph of COMFYUI_TEMPLATE has no place for it",
            ));
            continue;
        }
        match lacking(&mut nodes, settings, &fill(settings, Some(kind))).await {
            Ok(missing) => {
                let more: Vec<String> = missing
                    .into_iter()
                    .filter(|what| !words.contains(what))
                    .collect();
                findings.push(if more.is_empty() {
                    Finding::ok(name, "nodes and files are there")
                } else {
                    let message = format!(
                        "requests with it are refused, as ComfyUI lacks {}",
                        more.join("; ")
                    );
                    Finding::warning(name, message)
                });
            }
            Err(error) => findings.push(Finding::warning(name, error.message)),
        }
    }
    findings
}

async fn lacking(
    nodes: &mut Nodes<'_>,
    settings: &ComfyUiSettings,
    fill: &Fill,
) -> Result<Vec<String>, GenerateError> {
    let graph = settings.template.graph(fill)?;
    Ok(nodes.look(&settings.template, fill, &graph).await?.missing)
}

/// Values for every slot that this kind of input needs. A graph without sections needs all of its
/// slots, always.
fn fill(settings: &ComfyUiSettings, kind: Option<When>) -> Fill {
    let template = &settings.template;
    let mut fill = Fill::default();
    put_words(settings, &mut fill, &Generation::default(), None);
    for slot in [
        "seed",
        "steps",
        "cfg",
        "denoise",
        "width",
        "height",
        "control_strength",
        "control_end",
    ] {
        fill.values.insert(slot, json!(1));
    }
    fill.values.insert("checkpoint", json!(settings.checkpoint));
    fill.values.insert("controlnet", json!(settings.controlnet));
    if let Ok(numbers) = template.numbers(super::preset::Preset::StyleFirst) {
        fill.values.insert("style_type", json!(numbers.style_type));
        fill.values
            .insert("subject_type", json!(numbers.subject_type));
    }
    let picture = || "clippy.png".to_owned();
    let reference = || {
        vec![ReferenceSlots {
            image: picture(),
            weight: 1.0,
        }]
    };
    let plain = !template.has_sections();
    let wanted = |when| plain || kind == Some(when);
    for (when, slot) in [
        (When::Sketch, "sketch"),
        (When::Base, "base"),
        (When::Mask, "mask"),
    ] {
        if wanted(when) || (when == When::Base && kind == Some(When::Mask)) {
            fill.values.insert(slot, json!(picture()));
        }
    }
    if wanted(When::Style) {
        fill.styles = reference();
    }
    if wanted(When::Subject) {
        fill.subjects = reference();
    }
    fill
}
