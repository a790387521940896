//! The literal match of words with tags.
//!
//! A small text tower has never seen most words, and even a large one ranks "crescent moon" by what
//! it looks like. Tags are words that somebody wrote, so a query that names a tag should find the
//! pictures that have it. The score says how much of the query the tags of a picture cover;
//! [`super::words`] combines it with the cosines.

use std::collections::HashSet;

/// Longest run of words that is matched as one tag.
const LONGEST_TAG: usize = 5;
/// Words of a query that are matched; the rest of a long text is left to the text tower.
const MOST_WORDS: usize = 12;
/// Words that carry no subject: they count inside of a tag ("cup_with_straw"), never alone.
const STOP_WORDS: [&str; 14] = [
    "a", "an", "and", "the", "of", "in", "on", "with", "at", "for", "to", "or", "drawing",
    "picture",
];

/// A query's words, ready to be matched against tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexicalQuery {
    words: Vec<String>,
}

impl LexicalQuery {
    /// Reads the words of a text: lower case, everything but letters and digits is a gap.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words = lower
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(MOST_WORDS)
            .map(str::to_owned)
            .collect();
        Self { words }
    }

    /// Every tag that this query names: each run of up to five words, joined by underscores, as
    /// written and in the singular. Longest first, each once.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut tags = Vec::new();
        for length in (1..=LONGEST_TAG.min(self.words.len())).rev() {
            for run in self.words.windows(length) {
                if length == 1 && is_stop_word(&run[0]) {
                    continue;
                }
                let tag = run.join("_");
                for form in [singular(&tag), Some(tag)].into_iter().flatten() {
                    if seen.insert(form.clone()) {
                        tags.push(form);
                    }
                }
            }
        }
        tags
    }

    /// The words that carry a subject, in their order.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .map(String::as_str)
            .filter(|word| !is_stop_word(word))
    }

    /// The query without some of its words.
    pub(super) fn without(&self, left_out: impl Fn(&str) -> bool) -> Self {
        let words = self.words.iter().filter(|word| !left_out(word));
        Self {
            words: words.cloned().collect(),
        }
    }

    /// How much of the query these tags cover, from 0 (nothing) to 1 (one tag is the whole query).
    ///
    /// The words are tiled with runs that are tags; a run of `n` of `N` words is worth `(n /
    /// N)^1.5`, so that one tag for the whole phrase beats a tag for each word. Stop words are
    /// not counted in `N`.
    #[must_use]
    pub fn score<'a>(&self, tags: impl Iterator<Item = &'a str>) -> f32 {
        let total = self.words.iter().filter(|word| !is_stop_word(word)).count();
        if total == 0 {
            return 0.0;
        }
        let held: HashSet<String> = tags.map(normal_form).collect();
        // best[end]: the most that a tiling of the first `end` words is worth.
        let mut best = vec![0.0_f32; self.words.len() + 1];
        for end in 1..=self.words.len() {
            best[end] = best[end - 1];
            for start in end.saturating_sub(LONGEST_TAG)..end {
                let run = &self.words[start..end];
                let counted = run.iter().filter(|word| !is_stop_word(word)).count();
                if counted == 0 {
                    continue;
                }
                let tag = run.join("_");
                if held.contains(&tag) || singular(&tag).is_some_and(|form| held.contains(&form)) {
                    #[expect(clippy::cast_precision_loss, reason = "both are at most a dozen")]
                    let share = counted as f32 / total as f32;
                    best[end] = best[end].max(best[start] + share.powf(1.5));
                }
            }
        }
        best[self.words.len()].min(1.0)
    }
}

pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// A tag as it is compared: lower case, words joined by underscores.
fn normal_form(tag: &str) -> String {
    let mut form = String::with_capacity(tag.len());
    for character in tag.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            form.push(character);
        } else if !form.is_empty() && !form.ends_with('_') {
            form.push('_');
        }
    }
    if form.ends_with('_') {
        form.pop();
    }
    form
}

/// The last word's plural ending cut off, where there is one ("apples", "cherries", "boxes").
pub(super) fn singular(tag: &str) -> Option<String> {
    if tag.len() < 4 || tag.ends_with("ss") || tag.ends_with("us") || tag.ends_with("is") {
        return None;
    }
    if let Some(stem) = tag.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return Some(format!("{stem}y"));
    }
    for ending in ["xes", "ches", "shes", "sses"] {
        if tag.ends_with(ending) {
            return Some(tag[..tag.len() - 2].to_owned());
        }
    }
    tag.strip_suffix('s').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(query: &str, tags: &[&str]) -> f32 {
        LexicalQuery::new(query).score(tags.iter().copied())
    }

    #[test]
    fn one_tag_for_the_whole_phrase_beats_a_tag_for_each_word() {
        let whole = score("crescent moon", &["crescent_moon"]);
        let apart = score("crescent moon", &["crescent", "moon"]);
        let half = score("crescent moon", &["full_moon", "moon"]);
        assert!((whole - 1.0).abs() < 1e-6);
        assert!(
            whole > apart && apart > half && half > 0.0,
            "{whole} {apart} {half}"
        );
        assert_eq!(score("crescent moon", &["sun"]), 0.0);
    }

    #[test]
    fn case_punctuation_plurals_and_stop_words_do_not_matter() {
        assert!((score("An Apple!", &["apple"]) - 1.0).abs() < 1e-6);
        assert!((score("cherries", &["cherry"]) - 1.0).abs() < 1e-6);
        assert!((score("t-shirt", &["T-Shirt"]) - 1.0).abs() < 1e-6);
        assert!((score("cup with straw", &["cup_with_straw"]) - 1.0).abs() < 1e-6);
        assert_eq!(score("the of", &["the"]), 0.0);
    }

    #[test]
    fn the_tags_to_look_up_are_few_and_hold_every_run() {
        let tags = LexicalQuery::new("red apples on the table").tags();
        assert!(tags.contains(&"apple".to_owned()) && tags.contains(&"red_apples".to_owned()));
        assert!(!tags.contains(&"the".to_owned()));
        let long = LexicalQuery::new(&"word ".repeat(10_000)).tags();
        assert!(long.len() < 120, "{}", long.len());
    }
}
