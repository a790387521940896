//! `ftfy.fix_text` by the `plsfix` crate, corrected where the two differ.

use std::borrow::Cow;

/// Repairs text that was decoded in a wrong encoding, and straightens quotes, widths, ligatures and
/// line breaks.
pub fn fix_text(text: &str) -> String {
    let text = &without_terminal_escapes(text);
    // plsfix always replaces HTML entities. ftfy stops at the first line with a `<`: text with tags
    // is meant as HTML.
    let mut output = String::with_capacity(text.len());
    let mut is_html = false;
    for line in text.split_inclusive('\n') {
        is_html |= line.contains('<');
        if is_html && line.contains('&') {
            output.push_str(&fix_line_of_html(line));
        } else {
            output.push_str(&plsfix::fix_text(line, None));
        }
    }
    output
}

/// Removes the colour codes of terminals (`ESC [ 31 m`), as ftfy does; plsfix removes their first
/// character only.
fn without_terminal_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        let code = &rest[start + 2..];
        let letter = code.find(|character: char| !character.is_ascii_digit() && character != ';');
        let end = letter.filter(|&at| code.as_bytes()[at].is_ascii_alphabetic());
        output.push_str(&rest[..start]);
        rest = match end {
            Some(letter) => &code[letter + 1..],
            None => {
                output.push_str("\u{1b}[");
                code
            }
        };
    }
    output.push_str(rest);
    Cow::Owned(output)
}

/// Fixes a line except for its entities: the ampersands are replaced meanwhile by a character that
/// no rule changes.
fn fix_line_of_html(line: &str) -> String {
    const STAND_INS: [char; 8] = ['~', '^', '|', '`', '\\', '{', '}', '@'];
    match STAND_INS
        .into_iter()
        .find(|&character| !line.contains(character))
    {
        Some(stand_in) => {
            let hidden = line.replace('&', stand_in.encode_utf8(&mut [0; 4]));
            plsfix::fix_text(&hidden, None).replace(stand_in, "&")
        }
        None => plsfix::fix_text(line, None),
    }
}
