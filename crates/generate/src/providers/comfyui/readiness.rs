//! Checks whether the server has what each kind of input needs.

use serde_json::json;

use super::client::Client;
use super::graph_input::fill_words;
use super::preflight::NodeCatalogue;
use super::settings::ComfyUiSettings;
use super::template::{Condition, ReferenceSlots, SlotValues};
use crate::contract::{Finding, GenerateError, Generation, Preset};

/// Kinds of inputs with their names.
const KINDS: [(Condition, &str); 5] = [
    (Condition::Sketch, "sketch"),
    (Condition::Style, "style references"),
    (Condition::Subject, "subject references"),
    (Condition::Base, "base"),
    (Condition::Mask, "mask"),
];

/// Checks the nodes and files for a prompt alone, then those that each kind of input adds.
pub async fn check(client: &Client, settings: &ComfyUiSettings) -> Vec<Finding> {
    let mut nodes = NodeCatalogue::new(client);
    let words = match missing_parts(&mut nodes, settings, &fill(settings, None)).await {
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
        match missing_parts(&mut nodes, settings, &fill(settings, Some(kind))).await {
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

async fn missing_parts(
    nodes: &mut NodeCatalogue<'_>,
    settings: &ComfyUiSettings,
    fill: &SlotValues,
) -> Result<Vec<String>, GenerateError> {
    let graph = settings.template.graph(fill)?;
    Ok(nodes
        .inspect(&settings.template, fill, &graph)
        .await?
        .missing)
}

/// Example values for every slot that this kind of input needs. A graph without sections always
/// needs all of its slots.
fn fill(settings: &ComfyUiSettings, kind: Option<Condition>) -> SlotValues {
    let template = &settings.template;
    let mut fill = SlotValues::default();
    fill_words(settings, &mut fill, &Generation::default(), None);
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
    if let Ok(numbers) = template.numbers(Preset::StyleFirst) {
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
        (Condition::Sketch, "sketch"),
        (Condition::Base, "base"),
        (Condition::Mask, "mask"),
    ] {
        if wanted(when) || (when == Condition::Base && kind == Some(Condition::Mask)) {
            fill.values.insert(slot, json!(picture()));
        }
    }
    if wanted(Condition::Style) {
        fill.styles = reference();
    }
    if wanted(Condition::Subject) {
        fill.subjects = reference();
    }
    fill
}
