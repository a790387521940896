//! Corrections of misspelt words, from the words of a gallery's tags.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::colours::is_colour_word;
use super::lexical::{is_stop_word, singular};

/// The most words of a query that are corrected.
const MOST_WORDS: usize = 12;
/// Longer words are names or noise, and are left as they are.
const LONGEST: usize = 40;

/// The words of a gallery's tags, with the number of pictures that have them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vocabulary {
    words: HashMap<String, u64>,
}

/// A word of a query, and the word of the gallery that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The word, in lower case.
    pub word: String,
    /// The word that was probably meant.
    pub instead: String,
}

impl Vocabulary {
    /// The words of tags, each with the number of its pictures.
    #[must_use]
    pub fn of_tags<'t>(tags: impl Iterator<Item = (&'t str, u64)>) -> Self {
        let mut words: HashMap<String, u64> = HashMap::new();
        for (tag, count) in tags {
            for word in words_of(tag) {
                *words.entry(word).or_default() += count;
            }
        }
        Self { words }
    }

    /// Whether there are no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a word, or its singular, is one of them.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.words.contains_key(word)
            || singular(word).is_some_and(|form| self.words.contains_key(&form))
    }

    /// Whether it knows one of the words of a text that carry a subject.
    #[must_use]
    pub fn knows_some_word_of(&self, text: &str) -> bool {
        let mut subjects = words_of(text).filter(|word| !is_stop_word(word));
        subjects.any(|word| self.knows(&word))
    }

    /// Returns the words of a text that are unknown but similar to a known one.
    #[must_use]
    pub fn corrections(&self, text: &str) -> Vec<Correction> {
        let mut corrections: Vec<Correction> = Vec::new();
        for word in words_of(text).take(MOST_WORDS) {
            if corrections.iter().any(|one| one.word == word) {
                continue;
            }
            if let Some(instead) = self.correct(&word) {
                let instead = instead.to_owned();
                corrections.push(Correction { word, instead });
            }
        }
        corrections
    }

    /// The known word that was probably meant; `None` for a known word, a number, and a word that is
    /// like none.
    fn correct(&self, word: &str) -> Option<&str> {
        let length = word.chars().count();
        let has_digits = word.chars().any(char::is_numeric);
        let is_known = is_stop_word(word) || is_colour_word(word) || self.knows(word);
        if has_digits || length > LONGEST || is_known {
            return None;
        }
        let most = most_edits(length);
        let similar = self.words.iter().filter_map(|(known, count)| {
            let known_length = known.chars().count();
            // A short word is similar to many, and each letter of it matters.
            let most = most.min(most_edits(known_length));
            if most == 0 || known_length.abs_diff(length) > most {
                return None;
            }
            let edits = strsim::osa_distance(word, known);
            let begins_alike = word.chars().next() == known.chars().next();
            // Few people mistype the first letter, so then nothing else may differ.
            let most = if begins_alike { most } else { 1 };
            let order = (edits, !begins_alike, Reverse(*count), known.as_str());
            (edits <= most).then_some(order)
        });
        similar.min().map(|(.., known)| known)
    }
}

/// Returns a text with its words replaced by the corrections. Everything else stays as it is.
#[must_use]
pub fn corrected(text: &str, corrections: &[Correction]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut word = String::new();
    let end = |word: &mut String, result: &mut String| {
        let lower = word.to_lowercase();
        let correction = corrections.iter().find(|one| one.word == lower);
        result.push_str(correction.map_or(word.as_str(), |one| &one.instead));
        word.clear();
    };
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            word.push(letter);
        } else {
            end(&mut word, &mut result);
            result.push(letter);
        }
    }
    end(&mut word, &mut result);
    result
}

/// The most letters that may be missing, wrong, too many or exchanged in a word of this length.
const fn most_edits(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    }
}

/// The words of a text or a tag, in lower case.
fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split(|letter: char| !letter.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let tags = [
            ("apple", 40),
            ("red_apple", 3),
            ("maple_leaf", 9),
            ("crescent_moon", 5),
            ("car", 30),
            ("cat", 31),
            ("Füllhorn", 1),
        ];
        Vocabulary::of_tags(tags.into_iter())
    }

    fn corrected_by(text: &str) -> String {
        corrected(text, &vocabulary().corrections(text))
    }

    #[test]
    fn misspelt_words_are_corrected_in_their_place() {
        for (text, expected) in [
            ("aplle", "apple"),
            ("a red Appel, please!", "a red apple, please!"),
            ("cresent moon", "crescent moon"),
            ("crescnet mooon", "crescent moon"),
            ("aples", "apple"),
            ("fulhorn", "füllhorn"),
        ] {
            assert_eq!(corrected_by(text), expected, "{text}");
        }
    }

    #[test]
    fn known_short_and_foreign_words_stay() {
        for text in [
            "apples",
            "Apple",
            "cars",
            "the cat",
            "",
            "ca",
            "xyzzyqwert",
            "2024",
            "img_4711",
            "日本",
            "please",
            "dog",
        ] {
            assert_eq!(vocabulary().corrections(text), [], "{text}");
        }
    }

    #[test]
    fn of_two_similar_words_the_one_with_more_pictures_is_meant() {
        // One letter away from both "car" and "cat".
        assert_eq!(corrected_by("cax"), "cat");
    }

    #[test]
    fn a_long_text_costs_little() {
        let text = "wrod ".repeat(100_000);
        assert!(vocabulary().corrections(&text).len() <= MOST_WORDS);
    }
}
