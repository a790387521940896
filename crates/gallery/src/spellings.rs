//! The spellings of tags: a filter for `haruhi` finds `Haruhi`, as in Clippy 0.2.
//!
//! The engines compare words byte by byte. So a filter asks for every spelling of a tag that the
//! collection has. Only those that are not in lower case are kept here, since they are few. The
//! common spellings are tried even when they are not in the list.

use std::collections::{BTreeSet, HashMap};

use clippy_core::gallery::{Filter, Payload, TAGS_FIELD};
use serde_json::Value;

/// Spellings that are not in lower case, by their lower case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spellings {
    known: HashMap<String, BTreeSet<String>>,
}

impl Spellings {
    /// Adds a tag; returns whether it was new.
    pub(crate) fn learn(&mut self, tag: &str) -> bool {
        let folded = tag.to_lowercase();
        folded != tag && self.known.entry(folded).or_default().insert(tag.to_owned())
    }

    /// Returns whether it has all tags of a payload.
    pub(crate) fn knows(&self, payload: &Payload) -> bool {
        tags_of(payload).all(|tag| {
            let folded = tag.to_lowercase();
            folded == tag
                || self
                    .known
                    .get(&folded)
                    .is_some_and(|known| known.contains(tag))
        })
    }

    /// Adds the tags of a point.
    pub(crate) fn learn_all(&mut self, payload: &Payload) {
        for tag in tags_of(payload) {
            self.learn(tag);
        }
    }

    /// Adds all spellings of another list.
    pub(crate) fn merge(&mut self, other: Self) {
        for (folded, spellings) in other.known {
            self.known.entry(folded).or_default().extend(spellings);
        }
    }

    /// Returns every spelling in which a word may be stored, each once.
    pub(crate) fn of(&self, word: &str) -> Vec<String> {
        let mut spellings = BTreeSet::from(common(word));
        if let Some(known) = self.known.get(&word.to_lowercase()) {
            spellings.extend(known.iter().cloned());
        }
        spellings.into_iter().collect()
    }
}

/// Returns whether a filter asks for tags.
pub(crate) fn asks_for_tags(filter: &Filter) -> bool {
    !(filter.tags.is_empty() && filter.any_tags.is_empty() && filter.exclude_tags.is_empty())
}

/// Returns the tags of a point, as they are written.
fn tags_of(payload: &Payload) -> impl Iterator<Item = &str> {
    let (list, single) = match payload.get(TAGS_FIELD) {
        Some(Value::Array(tags)) => (Some(tags), None),
        Some(Value::String(tag)) => (None, Some(tag.as_str())),
        _ => (None, None),
    };
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .chain(single)
}

/// Returns the common spellings: as given, in lower case, with the first letter, each word's first
/// letter, or all letters in upper case.
pub(crate) fn common(word: &str) -> [String; 5] {
    let small = word.to_lowercase();
    let (mut begins, mut each) = (
        String::with_capacity(small.len()),
        String::with_capacity(small.len()),
    );
    let mut at_beginning = true;
    for (index, letter) in small.chars().enumerate() {
        if index == 0 {
            begins.extend(letter.to_uppercase());
        } else {
            begins.push(letter);
        }
        if at_beginning {
            each.extend(letter.to_uppercase());
        } else {
            each.push(letter);
        }
        at_beginning = !letter.is_alphanumeric() && letter != '\'';
    }
    [word.to_owned(), begins, each, small.to_uppercase(), small]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_every_known_and_every_common_spelling() {
        let mut spellings = Spellings::default();
        let payload = serde_json::json!({ TAGS_FIELD: ["KanColle", "apple", "Hatsune_miku"] });
        let payload = payload.as_object().expect("an object");
        assert!(!spellings.knows(payload));
        spellings.learn_all(payload);
        assert!(spellings.knows(payload));
        for word in ["kancolle", "KANCOLLE", "KanColle"] {
            let found = spellings.of(word);
            assert!(
                found.contains(&"KanColle".to_owned()) && found.contains(&"kancolle".to_owned()),
                "{found:?}"
            );
        }
        assert!(
            spellings
                .of("hatsune_miku")
                .contains(&"Hatsune_Miku".to_owned()),
            "each word begins with a capital"
        );
        assert!(spellings.of("APPLE").contains(&"apple".to_owned()));
        assert!(spellings.of("ÉCOLE").contains(&"école".to_owned()));
    }
}
