//! The description of a picture.

use clippy_core::changes::plain_tag;

/// The longest tag, in characters.
const LONGEST_TAG: usize = 100;
/// The maximum number of tags of one picture.
const MOST_TAGS: usize = 400;
/// The longest other text, in characters.
const LONGEST_TEXT: usize = 2000;

/// The description of a picture, from one source or several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Description {
    /// Its tags, each once.
    pub tags: Vec<String>,
    /// A sentence that describes it.
    pub caption: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Who made it.
    pub artist: Option<String>,
    /// Where it was taken from.
    pub source: Option<String>,
    /// The page of its post on an image board.
    pub post_url: Option<String>,
    /// Its licence.
    pub licence: Option<String>,
    /// Its rating, such as `general` or `explicit`.
    pub rating: Option<String>,
}

impl Description {
    /// Adds a tag, in normalised form.
    pub fn add_tag(&mut self, given: &str) {
        if self.tags.len() >= MOST_TAGS {
            return;
        }
        if let Some(tag) = tag(given)
            && !self.tags.contains(&tag)
        {
            self.tags.push(tag);
        }
    }

    /// Adds a tag that may have a namespace, as in `creator:wada`.
    pub fn add_namespaced(&mut self, given: &str) {
        let Some((namespace, value)) = given.split_once(':') else {
            return self.add_tag(given);
        };
        match namespace.trim().to_lowercase().as_str() {
            "creator" | "artist" => {
                fill(&mut self.artist, value);
                self.add_tag(value);
            }
            "rating" => fill(&mut self.rating, value),
            "source" => fill(&mut self.source, value),
            "title" => fill(&mut self.title, value),
            "character" | "series" | "copyright" | "species" | "person" | "studio" | "meta"
            | "general" => self.add_tag(value),
            _ => self.add_tag(given),
        }
    }

    /// Adds another source's description: all of its tags, and the fields that are still empty.
    pub fn merge(&mut self, other: Self) {
        for tag in other.tags {
            if self.tags.len() < MOST_TAGS && !self.tags.contains(&tag) {
                self.tags.push(tag);
            }
        }
        for (mine, theirs) in [
            (&mut self.caption, other.caption),
            (&mut self.title, other.title),
            (&mut self.artist, other.artist),
            (&mut self.source, other.source),
            (&mut self.post_url, other.post_url),
            (&mut self.licence, other.licence),
            (&mut self.rating, other.rating),
        ] {
            if mine.is_none() {
                *mine = theirs;
            }
        }
    }
}

/// Sets a field to a text, if the field is empty and the text is not.
pub(super) fn fill(field: &mut Option<String>, given: &str) {
    let plain: String = given
        .split(|character: char| character.is_control() || character.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(LONGEST_TEXT)
        .collect();
    if field.is_none() && !plain.is_empty() {
        *field = Some(plain);
    }
}

/// Returns a tag in the form that searches compare. `None` if it has no words, or is too long.
#[must_use]
pub fn tag(given: &str) -> Option<String> {
    plain_tag(given).filter(|tag| tag.chars().count() <= LONGEST_TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_one_form() {
        for (given, wanted) in [
            (" Red  Fox ", Some("red_fox")),
            ("cup_(with\nstraw)", Some("cup_(with_straw)")),
            ("fox \\(animal\\)", Some("fox_(animal)")),
            ("Cafe\u{301}", Some("café")),
            ("red\u{202e}fox\u{2069}", Some("red_fox")),
            ("", None),
            (" \t_", None),
        ] {
            assert_eq!(tag(given).as_deref(), wanted, "{given}");
        }
        assert_eq!(tag(&"long ".repeat(40)), None);
    }

    #[test]
    fn the_first_value_of_a_field_stays_and_tags_are_added() {
        let mut one = Description::default();
        one.add_namespaced("creator: Wada");
        one.add_namespaced("character:hatsune miku");
        one.add_namespaced("rating:safe");
        one.add_namespaced("re:zero");
        let mut other = Description::default();
        other.add_tag("hatsune_miku");
        other.add_tag("smile");
        fill(&mut other.artist, "somebody else");
        fill(&mut other.licence, "CC BY\n4.0");
        one.merge(other);
        assert_eq!(one.tags, ["wada", "hatsune_miku", "re:zero", "smile"]);
        assert_eq!(one.artist.as_deref(), Some("Wada"));
        assert_eq!(one.rating.as_deref(), Some("safe"));
        assert_eq!(one.licence.as_deref(), Some("CC BY 4.0"));
    }
}
