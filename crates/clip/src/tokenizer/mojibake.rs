//! `ftfy.fix_text` by the `plsfix` crate, put right where the two differ.

use std::borrow::Cow;

/// Repairs text that was decoded in a wrong encoding, and straightens quotes, widths, ligatures and
/// line breaks.
pub fn fix_text(text: &str) -> String {
    let text = &without_terminal_escapes(text);
    // plsfix replaces HTML entities always; ftfy no longer from the first line on that has a `<` in
    // it, since text with tags is HTML that was meant as such.
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

/// ftfy takes out the colour codes of terminals (`ESC [ 31 m`) whole; plsfix leaves all but the
/// first character.
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

/// Fixes a line but for its entities: the ampersands are hidden behind a character that no rule
/// looks at.
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
