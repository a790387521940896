//! What open_clip does to a text before it is cut into tokens (`_clean_lower` in its
//! `tokenizer.py`).

use super::{html, mojibake};

/// Cleans a text: `ftfy.fix_text`, `html.unescape` twice, runs of whitespace to one space, lower
/// case.
pub fn clean(text: &str) -> String {
    let fixed = mojibake::fix_text(text);
    let unescaped = html::unescape(&html::unescape(&fixed));
    let mut output = String::with_capacity(unescaped.len());
    for word in unescaped
        .split(is_python_whitespace)
        .filter(|word| !word.is_empty())
    {
        if !output.is_empty() {
            output.push(' ');
        }
        output.push_str(word);
    }
    output.to_lowercase()
}

/// Does the same as Python's `str.isspace` for one character: Unicode's whitespace and the four
/// ASCII separators.
fn is_python_whitespace(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}
