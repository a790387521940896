//! Texts for messages.

use std::borrow::Cow;

/// The beginning of a text that a caller sent, for a message: at most `most` characters, and an
/// ellipsis where something was left out.
#[must_use]
pub fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters_and_say_so() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "abc…");
        assert_eq!(shorten("äöüß", 2), "äö…");
        assert_eq!(shorten("", 0), "");
    }
}
