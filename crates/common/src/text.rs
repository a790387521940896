//! Text for messages.

use std::borrow::Cow;
use std::error::Error;

/// Shortens a caller's text for a message: its first `most` characters, and an ellipsis if it is
/// longer.
#[must_use]
pub fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Returns an error's message with those of its causes. Many errors do not name their cause.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        message.push_str(": ");
        message.push_str(&inner.to_string());
        cause = inner.source();
    }
    message
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

    #[test]
    fn every_cause_of_an_error_is_named() {
        #[derive(Debug)]
        struct Caused(&'static str, Option<Box<Caused>>);
        impl std::fmt::Display for Caused {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.0)
            }
        }
        impl Error for Caused {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                self.1.as_deref().map(|cause| cause as &dyn Error)
            }
        }
        let cause = Caused("no file", Some(Box::new(Caused("no disk", None))));
        let error = Caused("no picture", Some(Box::new(cause)));
        assert_eq!(with_causes(&error), "no picture: no file: no disk");
    }
}
