//! What a graph can take, and what becomes of each input of a request.

use clippy_core::Result;

use super::preset::{Preset, PresetNumbers};
use super::provider::{ComfyUiSettings, size_for};
use super::template::{Template, When};
use super::weights::{MOST_ADAPTERS, shared};
use crate::provider::{CancelKind, Capabilities, ProgressKind, Ratios, Support};
use crate::receipt::Receipt;
use crate::request::{AspectRatio, GenerateRequest, MOST_REFERENCES, Role};
use crate::tags::{TOKENS, tokens};

/// Slots that the numbers of a preset fill.
const NUMBERS: [&str; 8] = [
    "steps",
    "cfg",
    "denoise",
    "weight",
    "control_strength",
    "control_end",
    "style_type",
    "subject_type",
];

/// What the graph takes. `describes`: whether somebody can put a sketch into words.
pub fn capabilities(settings: &ComfyUiSettings, describes: bool) -> Capabilities {
    let template = &settings.template;
    let slot = |name: &str| {
        if template.uses(name) {
            Support::Yes
        } else {
            Support::No
        }
    };
    let takes = |when| {
        if template.takes(when) {
            Support::Yes
        } else {
            Support::No
        }
    };
    let words = template.uses("prompt") || template.uses("sentences");
    let sketch = match (
        template.takes(When::Sketch),
        template.uses("control_strength"),
    ) {
        (true, true) => Support::Yes,
        (true, false) => Support::Approximate,
        (false, _) if describes && words => Support::Approximate,
        (false, _) => Support::No,
    };
    let room = template
        .room(Role::Style)
        .saturating_add(template.room(Role::Subject));
    Capabilities {
        model: model(settings),
        style_references: takes(When::Style),
        subject_references: takes(When::Subject),
        weights: slot("weight"),
        max_references: room.min(MOST_REFERENCES),
        sketch,
        base: takes(When::Base),
        mask: takes(When::Mask),
        mask_note: "a latent mask, and the result laid into the base there; outside every pixel \
                    stays"
            .to_owned(),
        prompt: if words { Support::Yes } else { Support::No },
        prompt_note: "the words as given, and tags for what else is asked".to_owned(),
        seed: slot("seed"),
        negative_prompt: slot("negative"),
        ratios: if template.uses("width") && template.uses("height") {
            Ratios::Any
        } else {
            Ratios::Listed(Vec::new())
        },
        progress: ProgressKind::Steps,
        previews: true,
        cancel: CancelKind::Stops,
        paid: false,
        presets: if NUMBERS.iter().any(|name| template.uses(name)) {
            Preset::ALL
                .iter()
                .map(|preset| preset.as_str().to_owned())
                .collect()
        } else {
            Vec::new()
        },
        ..Capabilities::everything("comfyui")
    }
}

/// The checkpoint: the setting's, or the one that the graph names by itself.
pub fn model(settings: &ComfyUiSettings) -> Option<String> {
    if settings.template.uses("checkpoint") {
        return Some(settings.checkpoint.clone());
    }
    settings.template.own_checkpoint().map(str::to_owned)
}

/// The weight that each reference is sent with; `None` for those that are not sent. A preset
/// changes weights only where it was asked for.
pub fn sent_weights(
    template: &Template,
    asked_for: Option<&PresetNumbers>,
    references: &[(Role, f32)],
) -> Vec<Option<f32>> {
    let mut sent = vec![None; references.len()];
    for role in [Role::Style, Role::Subject] {
        let scale = asked_for.map_or(1.0, |numbers| numbers.scale(role));
        let all = references.iter().enumerate();
        let taken = all
            .filter(|(_, (own, weight))| *own == role && *weight > 0.0)
            .take(template.room(role));
        let (places, scaled): (Vec<usize>, Vec<f32>) = taken
            .map(|(place, (_, weight))| (place, weight * scale))
            .unzip();
        let weights = if template.has_sets() {
            shared(&scaled)
        } else {
            scaled
        };
        for (place, weight) in places.into_iter().zip(weights) {
            sent[place] = Some(weight);
        }
    }
    sent
}

/// What becomes of each input.
///
/// # Errors
/// As [`crate::plan`].
pub fn plan(
    settings: &ComfyUiSettings,
    describes: bool,
    request: &GenerateRequest,
) -> Result<Receipt> {
    let template = &settings.template;
    let mut receipt = crate::receipt::plan(request, &capabilities(settings, describes))?;
    references(template, request, &mut receipt)?;
    let has_prompt = request
        .prompt
        .as_ref()
        .is_some_and(|text| !text.trim().is_empty());
    let length = request.prompt.as_deref().map_or(0, tokens);
    if has_prompt && template.uses("prompt") && length > TOKENS {
        let reason = format!(
            "SDXL reads {TOKENS} tokens at once, and these are about {length}: the rest counts \
             less"
        );
        receipt.approximated("prompt", "the words as given", reason);
    }
    if request.sketch.is_some()
        && !template.takes(When::Sketch)
        && receipt.line("sketch").is_some_and(used)
    {
        receipt.approximated(
            "sketch",
            "a description in words",
            "the graph has no slot for a sketch",
        );
    } else if request.sketch.is_some()
        && template.takes(When::Sketch)
        && !template.uses("control_strength")
    {
        receipt.approximated(
            "sketch",
            "the lines, as strong as the graph says",
            "the graph has no slot for its weight",
        );
    }
    if request.seed.is_none() && !template.uses("seed") {
        receipt.honoured("seed", "the graph's own");
    }
    if request.count > 1 && !template.uses("seed") {
        let reason =
            "the graph has no slot for a seed, so that it would paint the same picture again";
        receipt.approximated("count", "the pictures of one run", reason);
    }
    for (index, tag) in request.styles()?.into_iter().enumerate() {
        let input = format!("style_tags[{index}]");
        if template.uses("prompt") || template.uses("sentences") {
            receipt.honoured(
                input,
                format!("\"{}\" in the prompt", tag.name().replace('_', " ")),
            );
        } else {
            receipt.dropped(input, "the graph has no slot for words");
        }
    }
    if receipt.line("aspect_ratio").is_some_and(used)
        && let Some(ratio) = request.aspect_ratio.as_deref()
    {
        let ratio: AspectRatio = ratio.parse()?;
        let (width, height) = size_for(ratio.value());
        if (width as f32 / height as f32 / ratio.value() - 1.0).abs() > 0.005 {
            receipt.approximated(
                "aspect_ratio",
                format!("{width}x{height}"),
                "sides are multiples of 64 pixels",
            );
        }
    }
    Ok(receipt)
}

fn used(line: &crate::receipt::ReceiptLine) -> bool {
    line.treatment != crate::receipt::Treatment::Dropped
}

fn references(template: &Template, request: &GenerateRequest, receipt: &mut Receipt) -> Result<()> {
    let preset = Preset::of_request(request)?;
    let numbers = template.numbers(preset)?;
    let asked: Vec<(Role, f32)> = (0..request.refs.len())
        .map(|index| Ok((request.role(index)?, request.weight(index))))
        .collect::<Result<_>>()?;
    let asked_for = request.preset.as_ref().map(|_| &numbers);
    let sent = sent_weights(template, asked_for, &asked);
    for (index, ((role, asked), sent)) in asked.iter().zip(&sent).enumerate() {
        let input = format!("refs[{index}]");
        if *asked == 0.0 || receipt.line(&input).is_none_or(|line| !used(line)) {
            continue;
        }
        let kind = numbers.kind(*role);
        let Some(weight) = sent else {
            let reason = format!(
                "the graph has a place for {} {} reference",
                template.room(*role),
                role.as_str()
            );
            receipt.dropped(input, reason);
            continue;
        };
        if !template.uses("weight") {
            let said = format!("{} reference, as strong as the graph says", role.as_str());
            receipt.approximated(input, said, "the graph has no slot for a weight");
            continue;
        }
        let said = format!(
            "IP-Adapter, weight {} ({kind}), preset {}",
            short(*weight),
            preset.as_str()
        );
        if (weight - asked).abs() < 0.001 {
            receipt.honoured(input, said);
            continue;
        }
        let scale = asked_for.map_or(1.0, |numbers| numbers.scale(*role));
        let mut reasons = Vec::new();
        if scale != 1.0 {
            let preset = preset.as_str();
            reasons.push(format!(
                "{preset} multiplies the weights of {} references by {scale}",
                role.as_str()
            ));
        }
        if (weight - asked * scale).abs() >= 0.001 {
            reasons.push(format!(
                "{} references have at most {MOST_ADAPTERS} different weights, as each takes \
                 gigabytes there",
                role.as_str()
            ));
        }
        receipt.approximated(input, said, reasons.join("; "));
    }
    Ok(())
}

/// A weight as a person writes it.
fn short(weight: f32) -> f32 {
    (weight * 1000.0).round() / 1000.0
}
