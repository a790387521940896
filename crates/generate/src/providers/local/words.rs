//! The words of a prompt that the built-in painter understands: names of colours, and parts of the
//! landscape that it paints when there is nothing to draw from.

use clippy_painter::{leads_elsewhere, mask_colour, may_lead, names_colour, subject_colour};

use crate::contract::{GenerateRequest, NamedSubject, Receipt, Role};

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

/// From this weight on, the colours of a reference hide those that a prompt names for a sketch.
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
        Self::sorted(Self::split(prompt))
    }

    /// The words of a prompt, in lower case.
    fn split(prompt: &str) -> impl Iterator<Item = String> {
        let words: Vec<String> = prompt
            .to_lowercase()
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.into_iter()
    }

    fn sorted(all: impl Iterator<Item = String>) -> Self {
        let mut words = Self::default();
        for word in all {
            let list = if names_colour(&word) {
                &mut words.colours
            } else if SCENERY.contains(&word.as_str()) {
                &mut words.scenery
            } else if SMALL.contains(&word.as_str()) {
                continue;
            } else {
                &mut words.unknown
            };
            if !list.contains(&word) {
                list.push(word);
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
    /// The weight of the heaviest subject reference.
    subject: f32,
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
            subject: heaviest(Role::Subject),
            style: heaviest(Role::Style),
            tags: !request.style_tags.is_empty(),
        }
    }

    /// Whether there is nothing to paint under the mask with: then it only recolours.
    fn recolours(&self) -> bool {
        // With a base, a subject has no effect.
        let paints = self.sketch || self.style > 0.0 || self.tags;
        self.base && self.mask && !paints
    }

    /// Says what determines the content of the picture.
    fn source_of_content(&self) -> &'static str {
        match self {
            Self { sketch: true, .. } => "what is shown comes from the sketch",
            Self { base: true, .. } => "what is shown comes from the base",
            Self { subject, .. } if *subject > 0.0 => {
                "what is shown comes from the subject reference"
            }
            _ => "without a sketch, a base or a subject reference it paints hills under a sky",
        }
    }
}

/// The words of a prompt that may name its subject, the likeliest first: in "pixel art of an old
/// knight in the snow" it is "knight". A word such as "sitting" may follow the name.
fn names_of(prompt: &str) -> Vec<String> {
    let words: Vec<String> = PromptWords::split(prompt).collect();
    let is_end = |word: &String| leads_elsewhere(word) && word != "of";
    let before = words.split(is_end).find(|part| !part.is_empty());
    let part = before
        .unwrap_or_default()
        .rsplit(|word| word == "of")
        .next();
    let unknown = &PromptWords::sorted(part.unwrap_or_default().iter().cloned()).unknown;
    let mut names = unknown.iter().rev();
    match (names.next(), names.next()) {
        (Some(last), Some(before)) if last.len() > 5 && last.ends_with("ing") => {
            vec![last.clone(), before.clone()]
        }
        (last, _) => last.into_iter().cloned().collect(),
    }
}

/// The subject that a prompt names, if the request has no picture to paint it from.
pub(super) fn subject_to_find(request: &GenerateRequest) -> Option<NamedSubject> {
    let given = GivenInputs::of(request);
    if given.sketch || given.base || given.subject > 0.0 {
        return None;
    }
    let prompt = request.prompt.as_deref()?.trim();
    let unknown = PromptWords::of(prompt).unknown;
    let last = unknown.last()?;
    let mut names = names_of(prompt);
    if names.is_empty() {
        names.push(last.clone());
    }
    Some(NamedSubject {
        prompt: prompt.to_owned(),
        names,
    })
}

/// The reason to refuse a request because the picture could show nothing of it; `None` if it could.
pub(super) fn refusal(request: &GenerateRequest) -> Option<String> {
    const INSTEAD: &str = "or choose another provider";
    let given = GivenInputs::of(request);
    if given.recolours() {
        let prompt = request.prompt.as_deref().unwrap_or_default();
        return mask_colour(prompt).is_none().then(|| {
            format!(
                "the built-in painter cannot paint under a mask from words: name a colour, and it \
                 recolours what is there; or add a sketch of what belongs there, a style \
                 reference or a style tag, {INSTEAD}"
            )
        });
    }
    let shows = given.sketch || given.base || given.subject > 0.0;
    if shows || given.style > 0.0 || given.tags {
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
    let in_colour =
        subject_colour(prompt).map_or_else(String::new, |named| format!(" in {}", named.name));
    if let Some(id) = request.found_subject {
        return receipt.add_approximated(
            "prompt",
            format!("the picture {id} of the gallery as the subject{in_colour}"),
            "the built-in painter cannot paint from words; this picture is the closest to them",
        );
    }
    if given.recolours()
        && let Some(named) = mask_colour(prompt)
    {
        return receipt.add_approximated(
            "prompt",
            format!("what is under the mask in {}", named.name),
            "the built-in painter cannot paint from words; with a base and a mask alone it \
             recolours what is under the mask",
        );
    }
    let subject = given.subject > 0.0;
    let drawn = given.sketch || !(given.base || subject);
    let covered = given.sketch && given.style.max(given.subject) >= COVERS;
    let hills = !(given.sketch || given.base || subject);
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
    let shown = subject && !(given.sketch || given.base);
    if shown && !in_colour.is_empty() {
        return receipt.add_approximated("prompt", format!("the subject{in_colour}"), reason);
    }
    if hills && !words.scenery.is_empty() {
        return receipt.add_approximated("prompt", words.scenery.join(", "), reason);
    }
    let colours = match (words.colours.is_empty(), covered) {
        (false, true) => ", and the colours from the references",
        (false, false) => ", in its own colours",
        (true, _) => "",
    };
    receipt.add_dropped("prompt", format!("{reason}{colours}"));
}

/// Plans what becomes of the subject references: only a sketch gets the colours of all of them by
/// their weights.
pub(super) fn plan_subjects(request: &GenerateRequest, receipt: &mut Receipt) {
    let given = GivenInputs::of(request);
    if given.sketch {
        return;
    }
    for index in 0..request.refs.len() {
        let (input, weight) = (format!("refs[{index}]"), request.weight(index));
        if request.role(index).ok() != Some(Role::Subject) || weight == 0.0 {
            continue;
        }
        if given.base {
            receipt.add_dropped(input, "with a base, a subject counts only beside a sketch");
        } else if !may_lead(weight, given.subject) {
            receipt.add_dropped(input, "without a sketch, the heaviest subject is shown");
        } else if weight < 1.0 {
            receipt.add_approximated(
                input,
                "the subject of the picture",
                "without a sketch, a subject is shown whole, whatever its weight",
            );
        }
    }
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
            ..asking("a hat")
        };
        assert!(
            refusal(&edit)
                .expect("words do not paint")
                .contains("name a colour")
        );
        assert!(
            refusal(&with("subject", 0.5, edit.clone())).is_some(),
            "a subject is not painted under a mask"
        );
        assert!(
            refusal(&GenerateRequest {
                prompt: Some("a hat in the forest".to_owned()),
                ..edit.clone()
            })
            .is_some(),
            "a forest is no colour"
        );
        let recoloured = GenerateRequest {
            prompt: Some("the hat in red, not blue".to_owned()),
            ..edit.clone()
        };
        assert_eq!(refusal(&recoloured), None);
        let mut receipt = Receipt::new("local");
        plan_prompt(&recoloured, &mut receipt);
        let line = receipt.line("prompt").expect("a line");
        assert_eq!(line.treatment, Treatment::Approximated);
        assert!(
            format!("{line:?}").contains("under the mask in red"),
            "{line:?}"
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
        let subject = subject_to_find(&apple()).expect("a subject");
        assert_eq!(subject.prompt, "a red apple");
        for (prompt, names) in [
            ("a red apple", &["apple"] as &[&str]),
            ("an old man", &["man"]),
            ("Pixel art of a knight in the snow", &["knight"]),
            ("a face of a lion", &["lion"]),
            ("a cat sitting on a mat", &["sitting", "cat"]),
            ("a king", &["king"]),
            ("a cat and a red dog", &["cat"]),
            ("under water, a whale", &["whale"]),
            ("of apples", &["apples"]),
        ] {
            let found = subject_to_find(&asking(prompt)).expect(prompt);
            assert_eq!(found.names, names, "{prompt}");
        }
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
        let said = format!("{line:?}");
        assert!(
            said.contains("picture 7") && said.contains("in red"),
            "{said}"
        );
    }

    #[test]
    fn subjects_without_a_sketch_are_not_weighted() {
        let treatment = |request: &GenerateRequest, line: &str| {
            let mut receipt = Receipt::new("local");
            plan_subjects(request, &mut receipt);
            receipt.line(line).map(|line| line.treatment)
        };
        let one = |weight| with("subject", weight, asking("a cat"));
        assert_eq!(
            treatment(&one(0.3), "refs[0]"),
            Some(Treatment::Approximated)
        );
        assert_eq!(treatment(&one(1.0), "refs[0]"), None, "as it was planned");
        let mut two = one(0.9);
        two.refs.extend(one(0.2).refs);
        assert_eq!(treatment(&two, "refs[1]"), Some(Treatment::Dropped));
        let drawn = GenerateRequest {
            sketch: Some("AA".into()),
            ..two.clone()
        };
        assert_eq!(treatment(&drawn, "refs[1]"), None);
        let based = GenerateRequest {
            base: Some("AA".into()),
            ..two
        };
        assert_eq!(treatment(&based, "refs[0]"), Some(Treatment::Dropped));
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
                "from the references",
            ),
            (
                with("subject", 0.8, sketch("a red cat")),
                Treatment::Dropped,
                "from the references",
            ),
            (
                with("style", 0.2, sketch("a red cat")),
                Treatment::Approximated,
                "from the sketch",
            ),
            (base, Treatment::Dropped, "from the base"),
            (
                with("subject", 0.7, asking("a red cat")),
                Treatment::Approximated,
                "from the subject reference",
            ),
            (
                with("subject", 0.7, asking("a cat with a red hat")),
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
