//! The receipt: for every input, whether it was honoured, approximated or dropped, what was sent,
//! and why.

use clippy_core::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use crate::provider::{Capabilities, Ratios, Support};
use crate::request::{AspectRatio, GenerateRequest, Role};

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// As asked.
    Honoured,
    /// In spirit: by words, rounded, or best effort.
    Approximated,
    /// Not used at all.
    Dropped,
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// The input: `refs[0]`, `sketch`, `base`, `mask`, `seed`, `negative_prompt`, `aspect_ratio`,
    /// `count`, `style_tags[0]`.
    pub input: String,
    /// What became of it.
    pub treatment: Treatment,
    /// What is really sent or done.
    pub sent: String,
    /// Why it is not as asked; empty when honoured.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
}

/// What a provider does with each input of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The provider.
    pub provider: String,
    /// One line for each input that was given.
    pub lines: Vec<ReceiptLine>,
}

impl Receipt {
    /// An empty receipt.
    #[must_use]
    pub fn new(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            lines: Vec::new(),
        }
    }

    /// Says that an input is used as asked.
    pub fn honoured(&mut self, input: impl Into<String>, sent: impl Into<String>) {
        self.put(
            input.into(),
            Treatment::Honoured,
            sent.into(),
            String::new(),
        );
    }

    /// Says that an input is used in spirit, and why not as asked.
    pub fn approximated(
        &mut self,
        input: impl Into<String>,
        sent: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.put(
            input.into(),
            Treatment::Approximated,
            sent.into(),
            reason.into(),
        );
    }

    /// Says that an input is not used, and why.
    pub fn dropped(&mut self, input: impl Into<String>, reason: impl Into<String>) {
        self.put(
            input.into(),
            Treatment::Dropped,
            "nothing".to_owned(),
            reason.into(),
        );
    }

    /// A later word on the same input replaces the earlier one.
    fn put(&mut self, input: String, treatment: Treatment, sent: String, reason: String) {
        let line = ReceiptLine {
            input,
            treatment,
            sent,
            reason,
        };
        match self.lines.iter_mut().find(|old| old.input == line.input) {
            Some(old) => *old = line,
            None => self.lines.push(line),
        }
    }

    /// The line of one input.
    #[must_use]
    pub fn line(&self, input: &str) -> Option<&ReceiptLine> {
        self.lines.iter().find(|line| line.input == input)
    }

    /// For `strict`: refuses when anything is not as asked.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] (422) that lists what cannot be honoured and why.
    pub fn refuse_unless_honoured(&self) -> Result<()> {
        let faults: Vec<String> = self
            .lines
            .iter()
            .filter(|line| line.treatment != Treatment::Honoured)
            .map(|line| match line.treatment {
                Treatment::Dropped => format!("{} would be dropped ({})", line.input, line.reason),
                _ => format!("{} would be approximated ({})", line.input, line.reason),
            })
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} cannot honour everything, and strict was asked for: {}",
            self.provider,
            faults.join("; ")
        );
        Err(Error::new(ErrorCode::Unsupported, message))
    }
}

/// What a provider with these capabilities will do with a request, before anything is fetched or
/// queued.
///
/// # Errors
/// [`ErrorCode::Unsupported`] when nothing would be left of the request: a mask that cannot be
/// edited under, or words alone for a provider that needs a picture. Those are refused whether or
/// not `strict` was asked for.
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
            support => say(&mut receipt, "mask", support, &capabilities.mask_note),
        }
    }
    if request.base.is_some() {
        say(
            &mut receipt,
            "base",
            capabilities.base,
            "the picture to start from",
        );
    }
    if request.sketch.is_some() {
        let weight = request.sketch_weight.unwrap_or(0.8);
        say(
            &mut receipt,
            "sketch",
            capabilities.sketch,
            &format!("structure, weight {weight}"),
        );
    }
    match request.seed {
        Some(seed) => say(&mut receipt, "seed", capabilities.seed, &seed.to_string()),
        None => receipt.honoured("seed", "another one for every job"),
    }
    if request
        .negative_prompt
        .as_ref()
        .is_some_and(|text| !text.trim().is_empty())
    {
        say(
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
        say(
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
            receipt.honoured(input, tag.hint());
        } else {
            receipt.dropped(
                input,
                format!("{} has no finish for {}", capabilities.provider, tag.name()),
            );
        }
    }
    if let Some(preset) = &request.preset {
        if capabilities.presets.contains(preset) {
            receipt.honoured("preset", preset.clone());
        } else {
            receipt.dropped(
                "preset",
                format!("{} has no presets", capabilities.provider),
            );
        }
    }
    let calls = request.count.div_ceil(capabilities.images_per_call.max(1));
    receipt.honoured(
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
            receipt.dropped(
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
            receipt.dropped(input, reason);
        } else if weight == 0.0 {
            receipt.honoured(
                input,
                format!("{} reference of weight 0: not used", role.as_str()),
            );
        } else {
            room -= 1;
            let sent = format!("{} reference, weight {weight}", role.as_str());
            match (support, capabilities.weights) {
                (Support::Yes, Support::Yes) => receipt.honoured(input, sent),
                (Support::Yes, Support::No) => {
                    receipt.approximated(input, sent, "weights are not taken")
                }
                _ => receipt.approximated(input, sent, capabilities.reference_note.clone()),
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
        return receipt.dropped("aspect_ratio", reason);
    }
    match &capabilities.ratios {
        Ratios::Any => receipt.honoured("aspect_ratio", ratio.to_string()),
        Ratios::Listed(list) => match nearest_ratio(list, ratio.value()) {
            Some(nearest) if (nearest.value() - ratio.value()).abs() < 1e-3 => {
                receipt.honoured("aspect_ratio", nearest.to_string());
            }
            Some(nearest) => receipt.approximated(
                "aspect_ratio",
                nearest.to_string(),
                format!("{ratio} is not offered"),
            ),
            None => receipt.dropped("aspect_ratio", "the provider chooses the ratio"),
        },
    }
}

/// The ratio of the list that is nearest on a logarithmic scale.
#[must_use]
pub fn nearest_ratio(list: &[AspectRatio], wanted: f32) -> Option<AspectRatio> {
    let distance = |ratio: &AspectRatio| (ratio.value() / wanted).ln().abs();
    list.iter()
        .copied()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn say(receipt: &mut Receipt, input: &str, support: Support, sent: &str) {
    match support {
        Support::Yes => receipt.honoured(input, sent),
        Support::Approximate => {
            receipt.approximated(input, sent, "the provider takes it as a hint only")
        }
        Support::No => receipt.dropped(input, "the provider does not take it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ReferenceInput;

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
    fn every_input_has_a_line_that_says_what_becomes_of_it() {
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
    fn strict_refuses_and_says_what() {
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
            .expect("all of it");
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
