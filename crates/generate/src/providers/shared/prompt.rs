//! Builds the prompt and the negative prompt from the artist's words and the analysis of the
//! sketch.

use super::analysis::SketchAnalysis;
use crate::contract::{Generation, Mode, Role, StyleTag};

/// A prompt and a negative prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltPrompt {
    /// What to make.
    pub prompt: String,
    /// What must not be in the picture: nouns separated by commas.
    pub negative: String,
}

impl BuiltPrompt {
    /// Logs the prompt, at the level that `PROMPT_LOG_LEVEL` sets. Call it when the prompt is sent.
    pub(crate) fn log(&self, provider: &str) {
        tracing::info!(target: clippy_core::settings::PROMPTS, provider, prompt = ?self.prompt,
        negative = ?self.negative);
    }
}

/// Whether the picture should show people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// They are asked for.
    Wanted,
    /// The sketch certainly shows something else.
    Unwanted,
    /// Not known, so the prompt does not mention them.
    Unknown,
}

const PEOPLE_WORDS: &[&str] = &[
    "person",
    "people",
    "man",
    "woman",
    "men",
    "women",
    "boy",
    "girl",
    "child",
    "children",
    "human",
    "face",
    "portrait",
    "character",
    "lady",
    "guy",
    "knight",
    "dancer",
    "king",
    "queen",
    "prince",
    "princess",
    "wizard",
    "witch",
    "soldier",
    "crowd",
    "couple",
    "baby",
    "smiley",
];

fn mentions_people(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| PEOPLE_WORDS.contains(&word))
}

/// Decides whether the picture should show people, from the prompt, the style tags, the sketch's
/// analysis and Clippy 0.2's subject type.
#[must_use]
pub fn people(generation: &Generation, analysis: Option<&SketchAnalysis>) -> People {
    let tag = |wanted: &StyleTag| {
        matches!(
            wanted,
            StyleTag::Portrait | StyleTag::CharacterDesign | StyleTag::Anatomy
        )
    };
    let subject_type = generation
        .subject_type
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    let guess = analysis
        .map(|analysis| analysis.subject_type_guess.to_lowercase())
        .unwrap_or_default();
    let described = analysis.is_some_and(|analysis| mentions_people(&analysis.subject_summary));
    if mentions_people(&generation.prompt)
        || generation.style_tags.iter().any(tag)
        || subject_type.contains("person")
        || guess.contains("person")
        || described
    {
        return People::Wanted;
    }
    let surely_not = ["animal", "product", "scene", "object"];
    if surely_not
        .iter()
        .any(|kind| guess.contains(kind) || subject_type.contains(kind))
    {
        return People::Unwanted;
    }
    People::Unknown
}

/// A weight as a word.
#[must_use]
pub fn weight_word(weight: f32) -> &'static str {
    if weight >= 0.7 {
        "strong"
    } else if weight >= 0.4 {
        "moderate"
    } else {
        "subtle"
    }
}

/// The prompt of a generation. Providers with labelled pictures put the labels before it.
#[must_use]
pub fn build_prompt(generation: &Generation, analysis: Option<&SketchAnalysis>) -> BuiltPrompt {
    sentences(generation, analysis, true)
}

/// The prompt of an edit at a provider that accepts only the base and its mask.
#[must_use]
pub fn build_edit_prompt(
    generation: &Generation,
    analysis: Option<&SketchAnalysis>,
) -> BuiltPrompt {
    sentences(generation, analysis, false)
}

fn sentences(
    generation: &Generation,
    analysis: Option<&SketchAnalysis>,
    with_pictures: bool,
) -> BuiltPrompt {
    let mut parts = vec![opening(generation, analysis, with_pictures)];
    if let Some(analysis) = analysis {
        parts.extend(analysis_sentences(analysis, !generation.prompt.is_empty()));
    }
    if with_pictures && generation.sketch.is_some() {
        parts.push(
            match weight_word(generation.sketch_weight) {
                "strong" => "Keep the sketch's layout, silhouette, pose and framing exactly.",
                "moderate" => "Keep the sketch's layout and pose; proportions may be refined.",
                _ => "Take the sketch as a loose idea of the layout.",
            }
            .to_owned(),
        );
    }
    let hints: Vec<&str> = generation.style_tags.iter().map(|tag| tag.hint()).collect();
    if !hints.is_empty() {
        parts.push(format!("Style: {}.", hints.join("; ")));
    }
    if with_pictures && generation.with_role(Role::Style).next().is_some() {
        parts.push(
            "Take medium, palette, line quality, texture and light from the style references, not \
             their objects."
                .to_owned(),
        );
    }
    let people = people(generation, analysis);
    if people == People::Unwanted {
        parts.push("There are no people in it.".to_owned());
    }
    BuiltPrompt {
        prompt: parts.join(" "),
        negative: negatives(generation, analysis, people).join(", "),
    }
}

fn opening(
    generation: &Generation,
    analysis: Option<&SketchAnalysis>,
    with_pictures: bool,
) -> String {
    let seen = analysis
        .map(|analysis| sentence(&analysis.subject_summary))
        .filter(|summary| !summary.is_empty());
    let subject = if !generation.prompt.is_empty() {
        sentence(&generation.prompt)
    } else if let Some(seen) = seen {
        seen
    } else if with_pictures && generation.sketch.is_some() {
        "the sketched subject".to_owned()
    } else {
        "the subject".to_owned()
    };
    match generation.mode() {
        Mode::Edit => format!(
            "Repaint the masked part of the base picture: {subject}. Leave everything else as it \
             is, and match its light and perspective."
        ),
        Mode::Subject => format!(
            "Make a finished picture of the referenced subject, keeping its identity and \
             distinctive features: {subject}."
        ),
        Mode::Style if generation.base.is_some() => {
            format!("Repaint the base picture, keeping its composition: {subject}.")
        }
        Mode::Style => format!("Make a finished picture: {subject}."),
        Mode::Generate => format!("Make a picture: {subject}."),
    }
}

/// The sentences from the analysis. If the artist wrote a prompt, only those that are unlikely to
/// contradict it.
fn analysis_sentences(analysis: &SketchAnalysis, has_words: bool) -> Vec<String> {
    let mut parts = Vec::new();
    if !has_words && !analysis.natural_description.is_empty() {
        parts.push(format!("{}.", sentence(&analysis.natural_description)));
    }
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            parts.push(format!("{name}: {}.", sentence(value)));
        }
    };
    add("Pose", &analysis.pose_orientation);
    add("Viewpoint", &analysis.viewpoint);
    add("Composition", &analysis.composition);
    add("Camera", &analysis.camera);
    if !has_words {
        add("Surroundings", &analysis.environment);
    }
    add("In it", &analysis.key_objects.join(", "));
    add(
        "The lines suggest",
        &analysis.style_cues_from_lines.join(", "),
    );
    add("Style notes", &analysis.style_notes);
    add("Traits", &analysis.style_key_traits.join(", "));
    add("Palette", &analysis.style_palette_hint);
    parts
}

pub(crate) fn sentence(text: &str) -> String {
    text.trim().trim_end_matches(['.', ' ', ';']).to_owned()
}

/// The nouns of the negative prompt without duplicates: the artist's, the styles', the analysis's,
/// and what is never wanted.
pub(crate) fn negatives(
    generation: &Generation,
    analysis: Option<&SketchAnalysis>,
    people: People,
) -> Vec<String> {
    let mut all: Vec<String> = generation
        .negative_prompt
        .split(',')
        .map(strip_negation)
        .collect();
    all.extend(
        generation
            .style_tags
            .iter()
            .flat_map(|tag| tag.negatives())
            .map(|noun| (*noun).to_owned()),
    );
    if let Some(analysis) = analysis {
        all.extend(
            analysis
                .negative_cues
                .iter()
                .chain(&analysis.style_negative_notes)
                .map(|noun| strip_negation(noun)),
        );
    }
    if people == People::Unwanted {
        all.extend(["people", "human figures", "human faces"].map(str::to_owned));
    }
    all.extend(["text", "watermark", "signature", "border", "frame"].map(str::to_owned));
    let mut kept: Vec<String> = Vec::new();
    for noun in all {
        if !noun.is_empty() && !kept.iter().any(|other| other.eq_ignore_ascii_case(&noun)) {
            kept.push(noun);
        }
    }
    kept.truncate(40);
    kept
}

/// Removes a leading negation: "no text." becomes "text".
fn strip_negation(phrase: &str) -> String {
    let mut words = phrase.trim().trim_end_matches('.');
    for start in [
        "no ", "not ", "without ", "avoid ", "No ", "Not ", "Without ", "Avoid ",
    ] {
        words = words.strip_prefix(start).unwrap_or(words);
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, RgbImage};

    use super::*;
    use crate::contract::{Reference, ReferenceOrigin};

    fn empty() -> Generation {
        Generation {
            count: 1,
            sketch_weight: 0.8,
            ..Generation::default()
        }
    }

    fn reference(role: Role) -> Reference {
        let origin = ReferenceOrigin {
            id: None,
            source_url: None,
            licence: None,
            sha256: String::new(),
        };
        Reference {
            role,
            weight: 0.5,
            picture: RgbImage::new(2, 2),
            origin,
        }
    }

    #[test]
    fn every_style_tag_brings_its_hint_and_its_negatives() {
        for tag in StyleTag::ALL {
            let generation = Generation {
                prompt: "a boat".into(),
                style_tags: vec![*tag],
                ..empty()
            };
            let built = build_prompt(&generation, None);
            assert!(
                built.prompt.contains(tag.hint()),
                "{tag:?}: {}",
                built.prompt
            );
            for noun in tag.negatives() {
                assert!(built.negative.contains(noun), "{tag:?}: {}", built.negative);
            }
        }
    }

    #[test]
    fn every_mode_opens_in_its_own_way() {
        let picture = RgbImage::new(2, 2);
        let edit = Generation {
            base: Some(picture.clone().into()),
            mask: Some(GrayImage::new(2, 2).into()),
            ..empty()
        };
        let subject = Generation {
            references: vec![reference(Role::Subject)],
            ..empty()
        };
        let style = Generation {
            sketch: Some(picture.clone()),
            references: vec![reference(Role::Style)],
            ..empty()
        };
        let repaint = Generation {
            base: Some(picture.into()),
            ..empty()
        };
        let words = Generation {
            prompt: "A red boat.".into(),
            ..empty()
        };
        for (generation, mode, expected) in [
            (edit, Mode::Edit, "Repaint the masked part"),
            (
                subject,
                Mode::Subject,
                "referenced subject, keeping its identity",
            ),
            (
                style,
                Mode::Style,
                "the sketched subject. Keep the sketch's layout",
            ),
            (repaint, Mode::Style, "Repaint the base picture"),
            (words, Mode::Generate, "Make a picture: A red boat."),
        ] {
            assert_eq!(generation.mode(), mode);
            let prompt = build_prompt(&generation, None).prompt;
            assert!(prompt.contains(expected), "{prompt}");
        }
    }

    #[test]
    fn people_are_excluded_only_where_the_sketch_certainly_shows_something_else() {
        let analysis = |kind: &str| SketchAnalysis {
            subject_type_guess: kind.into(),
            ..SketchAnalysis::default()
        };
        let words = |text: &str| Generation {
            prompt: text.into(),
            ..empty()
        };
        assert_eq!(
            people(&words("a house"), Some(&analysis("product"))),
            People::Unwanted
        );
        assert_eq!(
            people(&words("a woman with a cat"), Some(&analysis("animal"))),
            People::Wanted
        );
        assert_eq!(people(&words("a humane mango"), None), People::Unknown);
        assert_eq!(
            people(&words(""), Some(&analysis("Person"))),
            People::Wanted
        );
        let built = build_prompt(&words("a house"), Some(&analysis("product")));
        assert!(built.negative.contains("people") && built.prompt.contains("no people"));
        let built = build_prompt(&words("a woman"), Some(&analysis("person")));
        assert!(!built.negative.contains("people") && !built.prompt.contains("no people"));
    }

    #[test]
    fn negatives_are_bare_nouns_without_duplicates() {
        let generation = Generation {
            negative_prompt: "no text, Watermark, without hats.".into(),
            ..empty()
        };
        assert_eq!(
            build_prompt(&generation, None).negative,
            "text, Watermark, hats, signature, border, frame"
        );
    }

    #[test]
    fn an_analysis_is_included_and_the_artists_words_take_precedence() {
        let analysis = SketchAnalysis {
            subject_summary: "a tiger".into(),
            natural_description: "A tiger walks left.".into(),
            pose_orientation: "walking left".into(),
            environment: "a jungle".into(),
            ..SketchAnalysis::default()
        };
        let sketch = Generation {
            sketch: Some(RgbImage::new(2, 2)),
            ..empty()
        };
        let alone = build_prompt(&sketch, Some(&analysis)).prompt;
        assert!(
            alone.contains("a tiger") && alone.contains("walks left") && alone.contains("a jungle"),
            "{alone}"
        );
        let with_prompt = Generation {
            prompt: "a lion on a beach".into(),
            ..sketch
        };
        let prompt = build_prompt(&with_prompt, Some(&analysis)).prompt;
        assert!(
            prompt.contains("a lion on a beach") && prompt.contains("walking left"),
            "{prompt}"
        );
        assert!(
            !prompt.contains("jungle") && !prompt.contains("tiger"),
            "{prompt}"
        );
    }
}
