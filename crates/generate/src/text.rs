//! Shortens callers' texts for messages.

/// The largest number of characters of a caller's text in a message.
const MOST: usize = 60;

/// Returns the beginning of a text that a caller sent.
#[must_use]
pub(crate) fn shorten(text: &str) -> String {
    clippy_common::shorten(text, MOST).into_owned()
}
