//! Builds prompts for SDXL: short phrases separated by commas, within the limit of its text
//! encoders.

use crate::contract::Generation;
use crate::providers::shared::analysis::SketchAnalysis;
use crate::providers::shared::prompt::{BuiltPrompt, People, negatives, people, sentence};

/// The number of tokens that the text encoders read at once.
pub const TOKENS: usize = 75;
/// The largest number of words of a phrase from a description.
const LONGEST_PHRASE: usize = 10;

/// Phrases up to a number of tokens.
#[derive(Default)]
struct Phrases {
    all: Vec<String>,
    tokens: usize,
}

impl Phrases {
    /// Adds a phrase whatever its length.
    fn add(&mut self, phrase: &str) {
        let phrase = phrase.split_whitespace().collect::<Vec<_>>().join(" ");
        if !phrase.is_empty() && !self.has(&phrase) {
            self.tokens += tokens(&phrase) + 1;
            self.all.push(phrase);
        }
    }

    /// Adds a phrase if it fits.
    fn add_if_fits(&mut self, phrase: &str) {
        let first = sentence(phrase.split(['.', ';', '\n']).next().unwrap_or_default());
        let words: Vec<&str> = first.split_whitespace().take(LONGEST_PHRASE).collect();
        // In SDXL prompts these characters set weights, which a vision model does not intend.
        let phrase = words.join(" ").replace(['(', ')', '[', ']', ':'], "");
        if !phrase.is_empty() && !self.has(&phrase) && self.tokens + tokens(&phrase) < TOKENS {
            self.tokens += tokens(&phrase) + 1;
            self.all.push(phrase);
        }
    }

    fn has(&self, phrase: &str) -> bool {
        self.all
            .iter()
            .any(|other| other.eq_ignore_ascii_case(phrase))
    }

    fn joined(self) -> String {
        self.all.join(", ")
    }
}

/// Estimates the number of tokens of a text: one for a short word, several for a long one, and one
/// for every other character.
#[must_use]
pub fn tokens(text: &str) -> usize {
    let (mut count, mut letters) = (0, 0);
    let word = |letters: usize| letters.div_ceil(6);
    for letter in text.chars() {
        if letter.is_ascii_alphabetic() {
            letters += 1;
            continue;
        }
        count += word(letters);
        letters = 0;
        count += match letter {
            letter if letter.is_whitespace() => 0,
            letter if letter.is_ascii() => 1,
            _ => 2,
        };
    }
    count + word(letters)
}

/// Builds the prompts as tags: the artist's words and styles completely, then as much of the
/// description as fits.
#[must_use]
pub fn build_tags(generation: &Generation, analysis: Option<&SketchAnalysis>) -> BuiltPrompt {
    let mut wanted = Phrases::default();
    let own = !generation.prompt.is_empty();
    wanted.add(generation.prompt.trim_end_matches(['.', ',', ' ']));
    if let Some(analysis) = analysis.filter(|_| !own) {
        wanted.add_if_fits(&analysis.subject_summary);
        if wanted.all.is_empty() {
            wanted.add_if_fits(&analysis.natural_description);
        }
    }
    for tag in &generation.style_tags {
        wanted.add(&tag.name().replace('_', " "));
    }
    if let Some(analysis) = analysis {
        for phrase in [&analysis.pose_orientation, &analysis.viewpoint] {
            wanted.add_if_fits(phrase);
        }
        if !own {
            analysis
                .key_objects
                .iter()
                .for_each(|object| wanted.add_if_fits(object));
            wanted.add_if_fits(&analysis.environment);
        }
        wanted.add_if_fits(&analysis.composition);
        analysis
            .style_key_traits
            .iter()
            .for_each(|quality| wanted.add_if_fits(quality));
        wanted.add_if_fits(&analysis.style_palette_hint);
    }
    if wanted.all.is_empty() {
        wanted.add("finished illustration");
    }
    let people = people(generation, analysis);
    let mut unwanted = Phrases::default();
    let asked = generation
        .negative_prompt
        .split(',')
        .filter(|noun| !noun.trim().is_empty())
        .count();
    for (index, noun) in negatives(generation, analysis, people).iter().enumerate() {
        // The artist's come first.
        if index < asked {
            unwanted.add(noun)
        } else {
            unwanted.add_if_fits(noun)
        }
    }
    if people == People::Unwanted {
        unwanted.add_if_fits("people");
    }
    BuiltPrompt {
        prompt: wanted.joined(),
        negative: unwanted.joined(),
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::contract::StyleTag;

    fn analysis() -> SketchAnalysis {
        let many = |word: &str| {
            (0..12)
                .map(|index| format!("{word} number {index} of many"))
                .collect()
        };
        SketchAnalysis {
            subject_summary: "a tiger in tall grass (walking)".into(),
            pose_orientation: "walking left. Its tail is up, its head is down".into(),
            viewpoint: "eye level".into(),
            environment: "a jungle".into(),
            key_objects: many("leaf"),
            style_key_traits: many("trait"),
            negative_cues: vec!["no cars".into()],
            subject_type_guess: "animal".into(),
            ..SketchAnalysis::default()
        }
    }

    #[test]
    fn a_description_becomes_tags_within_the_token_limit() {
        let sketch = Generation {
            sketch: Some(RgbImage::new(2, 2)),
            style_tags: vec![StyleTag::PopArt],
            ..Generation::default()
        };
        let built = build_tags(&sketch, Some(&analysis()));
        assert!(
            built.prompt.starts_with(
                "a tiger in tall grass walking, pop art, walking left, eye level, leaf number 0"
            ),
            "{}",
            built.prompt
        );
        assert!(
            tokens(&built.prompt) <= TOKENS && tokens(&built.negative) <= TOKENS,
            "{}",
            built.prompt
        );
        assert!(
            built.negative.contains("cars") && built.negative.contains("people"),
            "{}",
            built.negative
        );
        for word in ["Make", "picture:", "Keep the sketch"] {
            assert!(
                !built.prompt.contains(word),
                "no sentences: {}",
                built.prompt
            );
        }
    }

    #[test]
    fn the_artists_words_are_never_cut_and_take_precedence_over_a_description() {
        let long = "word ".repeat(100);
        let words = Generation {
            prompt: long.trim().to_owned(),
            ..Generation::default()
        };
        let built = build_tags(&words, Some(&analysis()));
        assert_eq!(built.prompt, long.trim());
        let words = Generation {
            prompt: "a lion on a beach.".into(),
            negative_prompt: "hats".into(),
            ..Generation::default()
        };
        let built = build_tags(&words, Some(&analysis()));
        assert!(
            built.prompt.starts_with("a lion on a beach, walking left"),
            "{}",
            built.prompt
        );
        assert!(
            !built.prompt.contains("tiger") && !built.prompt.contains("jungle"),
            "{}",
            built.prompt
        );
        assert!(built.negative.starts_with("hats"), "{}", built.negative);
        assert_eq!(
            build_tags(&Generation::default(), None).prompt,
            "finished illustration"
        );
    }
}
