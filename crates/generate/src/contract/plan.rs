//! Plans what becomes of each input of a request, from the provider's capabilities.

use clippy_core::{Error, ErrorCode, Result};

use super::capabilities::{Capabilities, Ratios, Support};
use super::ratio::AspectRatio;
use super::receipt::Receipt;
use super::request::{GenerateRequest, Role};

/// Plans what a provider with these capabilities will do with a request, before anything is
/// fetched or queued.
///
/// # Errors
/// [`ErrorCode::Unsupported`] for a mask when the provider cannot edit under one. That is refused
/// even without `strict`.
pub fn plan(request: &GenerateRequest, capabilities: &Capabilities) -> Result<Receipt> {
    let mut receipt = Receipt::new(&capabilities.provider);
    plan_references(request, capabilities, &mut receipt)?;
    if request.mask.is_some() {
        match capabilities.mask {
            Support::No => {
                let message = format!(
                    "{} cannot edit under a mask: choose another provider",
                    capabilities.provider
                );
                return Err(Error::new(ErrorCode::Unsupported, message));
            }
            support => add_line(&mut receipt, "mask", support, &capabilities.mask_note),
        }
    }
    if request.base.is_some() {
        add_line(
            &mut receipt,
            "base",
            capabilities.base,
            "the picture to start from",
        );
    }
    if request.sketch.is_some() {
        let weight = request.sketch_weight.unwrap_or(0.8);
        add_line(
            &mut receipt,
            "sketch",
            capabilities.sketch,
            &format!("structure, weight {weight}"),
        );
    }
    match request.seed {
        Some(seed) => add_line(&mut receipt, "seed", capabilities.seed, &seed.to_string()),
        None => receipt.add_honoured("seed", "a different one for every job"),
    }
    if request
        .negative_prompt
        .as_ref()
        .is_some_and(|text| !text.trim().is_empty())
    {
        add_line(
            &mut receipt,
            "negative_prompt",
            capabilities.negative_prompt,
            "the words as given",
        );
    }
    if request
        .prompt
        .as_ref()
        .is_some_and(|text| !text.trim().is_empty())
    {
        add_line(
            &mut receipt,
            "prompt",
            capabilities.prompt,
            &capabilities.prompt_note,
        );
    }
    if let Some(ratio) = &request.aspect_ratio {
        plan_ratio(ratio.parse()?, request, capabilities, &mut receipt);
    }
    for (index, tag) in request.styles()?.into_iter().enumerate() {
        let input = format!("style_tags[{index}]");
        if capabilities.style_tags.is_empty()
            || capabilities
                .style_tags
                .iter()
                .any(|known| known == tag.name())
        {
            receipt.add_honoured(input, tag.hint());
        } else {
            receipt.add_dropped(
                input,
                format!("{} has no finish for {}", capabilities.provider, tag.name()),
            );
        }
    }
    if let Some(preset) = &request.preset {
        if capabilities.presets.contains(preset) {
            receipt.add_honoured("preset", preset.clone());
        } else {
            receipt.add_dropped(
                "preset",
                format!("{} has no presets", capabilities.provider),
            );
        }
    }
    let calls = request.count.div_ceil(capabilities.images_per_call.max(1));
    receipt.add_honoured(
        "count",
        format!("{} pictures in {calls} calls", request.count),
    );
    Ok(receipt)
}

fn plan_references(
    request: &GenerateRequest,
    capabilities: &Capabilities,
    receipt: &mut Receipt,
) -> Result<()> {
    let mut room = capabilities.max_references;
    for index in 0..request.refs.len() {
        let input = format!("refs[{index}]");
        let (role, weight) = (request.role(index)?, request.weight(index));
        let support = match role {
            Role::Style => capabilities.style_references,
            Role::Subject => capabilities.subject_references,
        };
        if support == Support::No {
            receipt.add_dropped(
                input,
                format!(
                    "{} takes no {} references",
                    capabilities.provider,
                    role.as_str()
                ),
            );
        } else if room == 0 {
            let reason = format!(
                "{} takes at most {} references",
                capabilities.provider, capabilities.max_references
            );
            receipt.add_dropped(input, reason);
        } else if weight == 0.0 {
            receipt.add_honoured(
                input,
                format!("{} reference of weight 0: not used", role.as_str()),
            );
        } else {
            room -= 1;
            let sent = format!("{} reference, weight {weight}", role.as_str());
            match (support, capabilities.weights) {
                (Support::Yes, Support::Yes) => receipt.add_honoured(input, sent),
                (Support::Yes, Support::No) => {
                    receipt.add_approximated(input, sent, "weights are not supported")
                }
                _ => receipt.add_approximated(input, sent, capabilities.reference_note.clone()),
            }
        }
    }
    Ok(())
}

fn plan_ratio(
    ratio: AspectRatio,
    request: &GenerateRequest,
    capabilities: &Capabilities,
    receipt: &mut Receipt,
) {
    if request.mask.is_some() {
        let reason = "an edit under a mask keeps the size of its base";
        return receipt.add_dropped("aspect_ratio", reason);
    }
    match &capabilities.ratios {
        Ratios::Any => receipt.add_honoured("aspect_ratio", ratio.to_string()),
        Ratios::Listed(list) => match nearest_ratio(list, ratio.value()) {
            Some(nearest)
                if ratio.long_side().is_none()
                    && (nearest.value() - ratio.value()).abs() < 1e-3 =>
            {
                receipt.add_honoured("aspect_ratio", nearest.to_string());
            }
            Some(nearest) => receipt.add_approximated(
                "aspect_ratio",
                nearest.to_string(),
                format!("{ratio} is not offered"),
            ),
            None => receipt.add_dropped("aspect_ratio", "the provider chooses the ratio"),
        },
    }
}

/// The ratio of the list that is nearest to the wanted one on a logarithmic scale.
#[must_use]
pub fn nearest_ratio(list: &[AspectRatio], wanted: f32) -> Option<AspectRatio> {
    let distance = |ratio: &AspectRatio| (ratio.value() / wanted).ln().abs();
    list.iter()
        .copied()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn add_line(receipt: &mut Receipt, input: &str, support: Support, sent: &str) {
    match support {
        Support::Yes => receipt.add_honoured(input, sent),
        Support::Approximate => {
            receipt.add_approximated(input, sent, "the provider uses it as a hint only")
        }
        Support::No => receipt.add_dropped(input, "the provider does not support it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ReferenceInput, Treatment};

    fn reference(role: &str, weight: f32) -> ReferenceInput {
        ReferenceInput {
            role: role.into(),
            weight: Some(weight),
            id: Some(1.into()),
            ..ReferenceInput::default()
        }
    }

    fn request() -> GenerateRequest {
        GenerateRequest {
            prompt: Some("a cat".into()),
            refs: vec![
                reference("style", 0.5),
                reference("subject", 0.5),
                reference("style", 0.5),
            ],
            seed: Some(7),
            aspect_ratio: Some("5:7".into()),
            ..GenerateRequest::default()
        }
    }

    fn capabilities() -> Capabilities {
        Capabilities {
            max_references: 1,
            subject_references: Support::No,
            seed: Support::Approximate,
            ratios: Ratios::Listed(vec![
                AspectRatio {
                    width: 1,
                    height: 1,
                },
                AspectRatio {
                    width: 3,
                    height: 4,
                },
            ]),
            ..Capabilities::everything("test")
        }
    }

    #[test]
    fn every_input_has_a_line_with_its_treatment() {
        let receipt = plan(&request(), &capabilities()).expect("a plan");
        let treatment = |input: &str| {
            receipt
                .line(input)
                .unwrap_or_else(|| panic!("{input}"))
                .treatment
        };
        assert_eq!(treatment("refs[0]"), Treatment::Honoured);
        assert_eq!(treatment("refs[1]"), Treatment::Dropped);
        assert_eq!(treatment("refs[2]"), Treatment::Dropped);
        assert_eq!(treatment("seed"), Treatment::Approximated);
        assert_eq!(treatment("aspect_ratio"), Treatment::Approximated);
        assert_eq!(
            receipt.line("aspect_ratio").map(|line| line.sent.as_str()),
            Some("3:4")
        );
        assert!(receipt.line("mask").is_none());
    }

    #[test]
    fn strict_refuses_and_names_the_inputs() {
        let receipt = plan(&request(), &capabilities()).expect("a plan");
        let error = receipt
            .refuse_unless_honoured()
            .expect_err("not everything is honoured");
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(
            error.message.contains("refs[1]") && error.message.contains("seed"),
            "{}",
            error.message
        );
        plan(&request(), &Capabilities::everything("all"))
            .expect("a plan")
            .refuse_unless_honoured()
            .expect("everything is honoured");
    }

    #[test]
    fn a_mask_is_never_dropped() {
        let request = GenerateRequest {
            base: Some("AA".into()),
            mask: Some("AA".into()),
            ..request()
        };
        let error = plan(
            &request,
            &Capabilities {
                mask: Support::No,
                ..capabilities()
            },
        )
        .expect_err("no mask");
        assert_eq!(error.code, ErrorCode::Unsupported);
    }
}
