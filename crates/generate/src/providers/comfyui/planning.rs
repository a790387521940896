//! The capabilities of a graph, and how it uses each input of a request.

use clippy_core::Result;

use super::adapters::{MOST_ADAPTERS, merge_weights};
use super::preset::{PresetNumbers, preset_of_request};
use super::settings::ComfyUiSettings;
use super::size::size_for;
use super::tags::{TOKENS, tokens};
use super::template::{Condition, Template};
use crate::contract::{
    AspectRatio, CancelKind, Capabilities, GenerateRequest, MOST_REFERENCES, Preset, ProgressKind,
    Ratios, Receipt, Role, Support,
};

/// The slots that are filled with the numbers of a preset.
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

/// The capabilities of the graph. `describes` says whether sketches can be described in words.
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
        template.takes(Condition::Sketch),
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
        style_references: takes(Condition::Style),
        subject_references: takes(Condition::Subject),
        weights: slot("weight"),
        max_references: room.min(MOST_REFERENCES),
        sketch,
        base: takes(Condition::Base),
        mask: takes(Condition::Mask),
        mask_note:
            "a latent mask; the result is composited into the base, and every pixel outside \
                    of the mask stays unchanged"
                .to_owned(),
        prompt: if words { Support::Yes } else { Support::No },
        prompt_note: "the words as given, and tags for other inputs".to_owned(),
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

/// The checkpoint: from the settings, or the one in the graph.
pub fn model(settings: &ComfyUiSettings) -> Option<String> {
    if settings.template.uses("checkpoint") {
        return Some(settings.checkpoint.clone());
    }
    settings.template.own_checkpoint().map(str::to_owned)
}

/// The denoise from which on a base can no longer be recognised in the result.
const REPAINTED: f32 = 0.95;

/// The weight with which each reference is sent; `None` if it is not sent. A preset changes weights
/// only if the request names it.
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
            merge_weights(&scaled)
        } else {
            scaled
        };
        for (place, weight) in places.into_iter().zip(weights) {
            sent[place] = Some(weight);
        }
    }
    sent
}

/// Plans how the graph uses each input, as a receipt.
///
/// # Errors
/// As [`crate::plan`].
pub fn plan(
    settings: &ComfyUiSettings,
    describes: bool,
    request: &GenerateRequest,
) -> Result<Receipt> {
    let template = &settings.template;
    let mut receipt = crate::contract::plan(request, &capabilities(settings, describes))?;
    plan_references(template, request, &mut receipt)?;
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
        receipt.add_approximated("prompt", "the words as given", reason);
    }
    if request.sketch.is_some()
        && !template.takes(Condition::Sketch)
        && receipt.line("sketch").is_some_and(used)
    {
        receipt.add_approximated(
            "sketch",
            "a description in words",
            "the graph has no slot for a sketch",
        );
    } else if request.sketch.is_some()
        && template.takes(Condition::Sketch)
        && !template.uses("control_strength")
    {
        receipt.add_approximated(
            "sketch",
            "the lines, as strong as the graph says",
            "the graph has no slot for its weight",
        );
    }
    plan_repainted_base(template, request, &mut receipt)?;
    if request.seed.is_none() && !template.uses("seed") {
        receipt.add_honoured("seed", "the graph's own");
    }
    if request.count > 1 && !template.uses("seed") {
        let reason = "the graph has no slot for a seed, so it would paint the same picture again";
        receipt.add_approximated("count", "the pictures of one run", reason);
    }
    for (index, tag) in request.styles()?.into_iter().enumerate() {
        let input = format!("style_tags[{index}]");
        if template.uses("prompt") || template.uses("sentences") {
            receipt.add_honoured(
                input,
                format!("\"{}\" in the prompt", tag.name().replace('_', " ")),
            );
        } else {
            receipt.add_dropped(input, "the graph has no slot for words");
        }
    }
    if receipt.line("aspect_ratio").is_some_and(used)
        && let Some(ratio) = request.aspect_ratio.as_deref()
    {
        let ratio: AspectRatio = ratio.parse()?;
        let (width, height) = size_for(ratio.value());
        if (width as f32 / height as f32 / ratio.value() - 1.0).abs() > 0.005 {
            receipt.add_approximated(
                "aspect_ratio",
                format!("{width}x{height}"),
                "sides are multiples of 64 pixels",
            );
        }
    }
    Ok(receipt)
}

fn used(line: &crate::contract::ReceiptLine) -> bool {
    line.treatment != crate::contract::Treatment::Dropped
}

/// Notes in the receipt that a base has almost no effect when the preset repaints all of it.
fn plan_repainted_base(
    template: &Template,
    request: &GenerateRequest,
    receipt: &mut Receipt,
) -> Result<()> {
    let whole = request.base.is_some() && request.mask.is_none();
    if !whole || !template.uses("denoise") || receipt.line("base").is_none_or(|line| !used(line)) {
        return Ok(());
    }
    let preset = preset_of_request(request)?;
    let denoise = template.numbers(preset)?.denoise;
    if denoise >= REPAINTED {
        let reason = format!(
            "preset {} repaints all of it (denoise {denoise}): use img2img to keep more",
            preset.as_str()
        );
        receipt.add_approximated("base", "only its shape", reason);
    }
    Ok(())
}

fn plan_references(
    template: &Template,
    request: &GenerateRequest,
    receipt: &mut Receipt,
) -> Result<()> {
    let preset = preset_of_request(request)?;
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
            receipt.add_dropped(input, reason);
            continue;
        };
        if !template.uses("weight") {
            let sent_as = format!("{} reference, as strong as the graph says", role.as_str());
            receipt.add_approximated(input, sent_as, "the graph has no slot for a weight");
            continue;
        }
        let sent_as = format!(
            "IP-Adapter, weight {} ({kind}), preset {}",
            short(*weight),
            preset.as_str()
        );
        if (weight - asked).abs() < 0.001 {
            receipt.add_honoured(input, sent_as);
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
        receipt.add_approximated(input, sent_as, reasons.join("; "));
    }
    Ok(())
}

/// A weight with at most three digits.
fn short(weight: f32) -> f32 {
    (weight * 1000.0).round() / 1000.0
}
