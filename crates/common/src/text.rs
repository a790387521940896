//! Text for messages.

use std::borrow::Cow;

/// Shortens a caller's text for a message: its first `most` characters, and an ellipsis if it is
/// longer.
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
    fn long_texts_are_cut_between_characters_and_get_an_ellipsis() {
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 3), "abc…");
        assert_eq!(shorten("äöüß", 2), "äö…");
        assert_eq!(shorten("", 0), "");
    }
}
