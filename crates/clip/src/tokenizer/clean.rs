//! What is done to a text before it is cut into tokens: by open_clip (`_clean_*` in its
//! `tokenizer.py`), and by transformers.

use std::borrow::Cow;

use serde::Serialize;

use super::{html, mojibake};

/// What is done to a text before a tokenizer that a file describes sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Cleaning {
    /// Nothing.
    Nothing,
    /// open_clip's `whitespace`: repairs the text, and joins runs of whitespace.
    Whitespace,
    /// open_clip's `lower`: as [`Cleaning::Whitespace`], in lower case.
    Lower,
    /// open_clip's `canonicalize`: as [`Cleaning::Lower`], with spaces for underscores and without
    /// punctuation.
    Canonical,
    /// transformers' `SiglipTokenizer`: without punctuation, runs of whitespace joined.
    Siglip {
        /// Whether it is in lower case, too.
        is_lower: bool,
    },
    /// transformers' `Siglip2Tokenizer`: lower case, made by the tokenizer itself, so that the
    /// names of special tokens are left as they are.
    LowerInside,
}

impl Cleaning {
    /// Cleans a text.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        let cleaned = match self {
            Self::Nothing | Self::LowerInside => return Cow::Borrowed(text),
            Self::Whitespace => join_words(&repair(text)),
            Self::Lower => clean(text),
            Self::Canonical => {
                let spaced = repair(text).replace('_', " ");
                join_words(&without_punctuation(&spaced).to_lowercase())
            }
            Self::Siglip { is_lower: true } => {
                join_words(&without_punctuation(&text.to_lowercase()))
            }
            Self::Siglip { is_lower: false } => join_words(&without_punctuation(text)),
        };
        Cow::Owned(cleaned)
    }
}

/// Cleans a text: `ftfy.fix_text`, `html.unescape` twice, runs of whitespace to one space, lower
/// case.
pub fn clean(text: &str) -> String {
    join_words(&repair(text)).to_lowercase()
}

/// open_clip's `basic_clean`, but for the whitespace at both ends.
fn repair(text: &str) -> String {
    html::unescape(&html::unescape(&mojibake::fix_text(text)))
}

/// Removes whitespace at both ends, and makes one space of each other run of it.
fn join_words(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let words = text.split(is_python_whitespace);
    for word in words.filter(|word| !word.is_empty()) {
        if !output.is_empty() {
            output.push(' ');
        }
        output.push_str(word);
    }
    output
}

/// Removes the characters of Python's `string.punctuation`.
fn without_punctuation(text: &str) -> String {
    text.replace(|character: char| character.is_ascii_punctuation(), "")
}

/// Does the same as Python's `str.isspace` for one character: Unicode's whitespace and the four
/// ASCII separators.
fn is_python_whitespace(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}
