//! The words of a prompt that the built-in painter understands: names of colours, and parts of the
//! landscape that it paints when there is nothing to draw from.

use clippy_painter::names_colour;

use crate::contract::{GenerateRequest, Receipt, Role};

/// Words for what it paints without a drawing: layered hills under a sky with a sun.
const SCENERY: &[&str] = &[
    "abstract",
    "background",
    "color",
    "colored",
    "colorful",
    "colors",
    "colour",
    "coloured",
    "colourful",
    "colours",
    "field",
    "fields",
    "hill",
    "hills",
    "horizon",
    "land",
    "landscape",
    "layers",
    "scenery",
    "sun",
    "sunrise",
];

/// Words without a meaning of their own.
const SMALL: &[&str] = &[
    "a", "an", "and", "at", "behind", "by", "for", "from", "in", "into", "is", "of", "on", "or",
    "over", "some", "the", "their", "to", "under", "with",
];

/// From this weight on, the colours of a style reference hide those of the prompt.
const COVERS: f32 = 0.6;

/// The words of a prompt by kind.
#[derive(Debug, Default, PartialEq)]
struct PromptWords {
    /// Names of colours.
    colours: Vec<String>,
    /// Names of parts of the landscape.
    scenery: Vec<String>,
    /// Everything else.
    unknown: Vec<String>,
}

impl PromptWords {
    fn of(prompt: &str) -> Self {
        let mut words = Self::default();
        for word in prompt
            .to_lowercase()
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
        {
            let list = if names_colour(word) {
                &mut words.colours
            } else if SCENERY.contains(&word) {
                &mut words.scenery
            } else if SMALL.contains(&word) {
                continue;
            } else {
                &mut words.unknown
            };
            if !list.iter().any(|known| known == word) {
                list.push(word.to_owned());
            }
        }
        words
    }
}

/// The inputs of a request that the painter can use.
struct GivenInputs {
    sketch: bool,
    base: bool,
    mask: bool,
    subject: bool,
    /// The weight of the heaviest style reference.
    style: f32,
    tags: bool,
}

impl GivenInputs {
    fn of(request: &GenerateRequest) -> Self {
        let heaviest = |role: Role| {
            let weights = (0..request.refs.len())
                .filter(|index| request.role(*index).is_ok_and(|own| own == role));
            weights
                .map(|index| request.weight(index))
                .fold(0.0, f32::max)
        };
        Self {
            sketch: request.sketch.is_some(),
            base: request.base.is_some(),
            mask: request.mask.is_some(),
            subject: heaviest(Role::Subject) > 0.0,
            style: heaviest(Role::Style),
            tags: !request.style_tags.is_empty(),
        }
    }

    /// Says what determines the content of the picture.
    fn source_of_content(&self) -> &'static str {
        match self {
            Self { sketch: true, .. } => "what is shown comes from the sketch",
            Self { base: true, .. } => "what is shown comes from the base",
            Self { subject: true, .. } => "what is shown comes from the subject reference",
            _ => "without a sketch, a base or a subject reference it paints hills under a sky",
        }
    }
}

/// The words of a prompt that names a subject, if the request has no picture to paint it from.
pub(super) fn subject_to_find(request: &GenerateRequest) -> Option<String> {
    let given = GivenInputs::of(request);
    if given.sketch || given.base || given.subject {
        return None;
    }
    let prompt = request.prompt.as_deref()?.trim();
    let names_a_subject = !PromptWords::of(prompt).unknown.is_empty();
    names_a_subject.then(|| prompt.to_owned())
}

/// The reason to refuse a request because the picture could show nothing of it; `None` if it could.
pub(super) fn refusal(request: &GenerateRequest) -> Option<String> {
    const INSTEAD: &str = "or choose another provider";
    let given = GivenInputs::of(request);
    if given.mask && !(given.sketch || given.subject || given.style > 0.0 || given.tags) {
        return Some(format!(
            "the built-in painter cannot paint under a mask from words: add a sketch of what \
             belongs there, a reference or a style tag, {INSTEAD}"
        ));
    }
    if given.sketch || given.base || given.subject || given.style > 0.0 || given.tags {
        return None;
    }
    let words = PromptWords::of(request.prompt.as_deref().unwrap_or_default());
    if words.unknown.is_empty() && !(words.colours.is_empty() && words.scenery.is_empty()) {
        return None;
    }
    let named: Vec<String> = words
        .unknown
        .iter()
        .take(6)
        .map(|word| format!("\"{word}\""))
        .collect();
    let what = if named.is_empty() {
        "what these words name".to_owned()
    } else {
        named.join(", ")
    };
    Some(format!(
        "the built-in painter cannot paint {what} from words alone, only hills in the colours \
         that they name, and no picture of the gallery is close to the words: add a sketch, a base \
         or a reference, {INSTEAD}"
    ))
}

/// Plans what becomes of the prompt: its colours are used if they will be visible.
pub(super) fn plan_prompt(request: &GenerateRequest, receipt: &mut Receipt) {
    let prompt = request.prompt.as_deref().unwrap_or_default().trim();
    if prompt.is_empty() {
        return;
    }
    let given = GivenInputs::of(request);
    let words = PromptWords::of(prompt);
    if let Some(id) = request.found_subject {
        return receipt.add_approximated(
            "prompt",
            format!("the picture {id} of the gallery as the subject"),
            "the built-in painter cannot paint from words; this picture is the closest to them",
        );
    }
    let drawn = given.sketch || !(given.base || given.subject);
    let covered = given.sketch && given.style >= COVERS;
    let hills = !(given.sketch || given.base || given.subject);
    let reason = format!(
        "the built-in painter cannot paint from words; {}",
        given.source_of_content()
    );
    if drawn && !covered && !words.colours.is_empty() {
        return receipt.add_approximated(
            "prompt",
            format!("the colours {}", words.colours.join(", ")),
            reason,
        );
    }
    if hills && !words.scenery.is_empty() {
        return receipt.add_approximated("prompt", words.scenery.join(", "), reason);
    }
    let colours = match (words.colours.is_empty(), covered) {
        (false, true) => ", and the colours from the style references",
        (false, false) => ", in its own colours",
        (true, _) => "",
    };
    receipt.add_dropped("prompt", format!("{reason}{colours}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ReferenceInput, Treatment};

    fn asking(prompt: &str) -> GenerateRequest {
        GenerateRequest {
            prompt: Some(prompt.to_owned()),
            ..GenerateRequest::default()
        }
    }

    fn with(role: &str, weight: f32, request: GenerateRequest) -> GenerateRequest {
        let reference = ReferenceInput {
            role: role.into(),
            weight: Some(weight),
            id: Some(1.into()),
            ..ReferenceInput::default()
        };
        GenerateRequest {
            refs: vec![reference],
            ..request
        }
    }

    #[test]
    fn prompts_that_cannot_be_painted_are_refused_in_one_sentence() {
        let apple = "a red apple on a wooden table";
        let reason = refusal(&asking(apple)).expect("no hills for an apple");
        assert!(
            reason.contains("\"apple\", \"wooden\", \"table\"") && reason.contains("add a sketch"),
            "{reason}"
        );
        assert!(
            refusal(&with("style", 0.0, asking(apple))).is_some(),
            "a reference of weight 0 gives nothing"
        );
        assert!(refusal(&asking("a")).is_some());
        for prompt in [
            "a red sunset",
            "hills at night",
            "Abstract: blue, and gold!",
        ] {
            assert_eq!(refusal(&asking(prompt)), None, "{prompt}");
        }
        let picture = || Some("AA".to_owned());
        let edit = GenerateRequest {
            base: picture(),
            mask: picture(),
            ..asking("a red hat")
        };
        assert!(
            refusal(&edit)
                .expect("words do not paint")
                .contains("under a mask")
        );
        for painted in [
            GenerateRequest {
                sketch: picture(),
                ..asking(apple)
            },
            GenerateRequest {
                base: picture(),
                ..asking(apple)
            },
            GenerateRequest {
                style_tags: vec!["pixel_art".into()],
                ..asking(apple)
            },
            with("style", 0.5, asking(apple)),
            with("subject", 0.5, asking(apple)),
            with("style", 0.5, edit.clone()),
            GenerateRequest {
                sketch: picture(),
                ..edit
            },
        ] {
            assert_eq!(refusal(&painted), None, "{painted:?}");
        }
    }

    #[test]
    fn a_subject_is_looked_for_when_only_words_name_it() {
        let apple = || asking(" a red apple ");
        assert_eq!(subject_to_find(&apple()).as_deref(), Some("a red apple"));
        let styled = GenerateRequest {
            style_tags: vec!["pixel_art".into()],
            ..with("style", 0.9, apple())
        };
        assert!(subject_to_find(&styled).is_some());
        let drawn = GenerateRequest {
            sketch: Some("AA".into()),
            ..apple()
        };
        for enough in [
            drawn,
            with("subject", 0.5, apple()),
            asking("blue hills"),
            GenerateRequest::default(),
        ] {
            assert_eq!(subject_to_find(&enough), None, "{enough:?}");
        }

        let found = GenerateRequest {
            found_subject: Some(7.into()),
            ..with("subject", 0.8, apple())
        };
        let mut receipt = Receipt::new("local");
        plan_prompt(&found, &mut receipt);
        let line = receipt.line("prompt").expect("a line");
        assert_eq!(line.treatment, Treatment::Approximated);
        assert!(format!("{line:?}").contains("picture 7"), "{line:?}");
    }

    #[test]
    fn colour_words_count_only_where_they_can_be_seen() {
        let sketch = |prompt: &str| GenerateRequest {
            sketch: Some("AA".into()),
            ..asking(prompt)
        };
        let base = GenerateRequest {
            base: Some("AA".into()),
            ..asking("a red cat")
        };
        for (request, treatment, reason) in [
            (
                sketch("a red cat"),
                Treatment::Approximated,
                "from the sketch",
            ),
            (sketch("a cat"), Treatment::Dropped, "from the sketch"),
            (
                with("style", 0.8, sketch("a red cat")),
                Treatment::Dropped,
                "from the style references",
            ),
            (
                with("style", 0.2, sketch("a red cat")),
                Treatment::Approximated,
                "from the sketch",
            ),
            (base, Treatment::Dropped, "from the base"),
            (
                with("subject", 0.7, asking("a red cat")),
                Treatment::Dropped,
                "from the subject reference",
            ),
            (
                with("style", 0.7, asking("a red cat")),
                Treatment::Approximated,
                "hills under a sky",
            ),
            (
                with("style", 0.7, asking("a cat")),
                Treatment::Dropped,
                "hills under a sky",
            ),
            (
                asking("wide hills"),
                Treatment::Approximated,
                "hills under a sky",
            ),
        ] {
            let mut receipt = Receipt::new("local");
            plan_prompt(&request, &mut receipt);
            let line = receipt.line("prompt").expect("a line");
            assert!(
                line.treatment == treatment && line.reason.contains(reason),
                "{request:?}: {line:?}"
            );
        }
        let mut receipt = Receipt::new("local");
        plan_prompt(
            &GenerateRequest {
                sketch: Some("AA".into()),
                ..asking("  ")
            },
            &mut receipt,
        );
        assert!(receipt.lines.is_empty());
    }
}
