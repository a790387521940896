//! Texts of callers, short enough for a message.

/// The first sixty characters of something a caller sent.
#[must_use]
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
