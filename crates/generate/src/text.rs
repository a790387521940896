//! Texts of callers, short enough for a message.

/// Most characters of a caller's text in a message.
const MOST: usize = 60;

/// The beginning of something a caller sent.
#[must_use]
pub(crate) fn shorten(text: &str) -> String {
    clippy_common::shorten(text, MOST).into_owned()
}
