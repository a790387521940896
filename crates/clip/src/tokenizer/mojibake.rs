//! `ftfy.fix_text` by the `plsfix` crate, put right where the two differ.

/// Repairs text that was decoded in a wrong encoding, and straightens quotes, widths, ligatures and line breaks.
pub fn fix_text(text: &str) -> String {
    // plsfix replaces HTML entities always; ftfy no longer from the first line on that has a `<` in it, since text
    // with tags is HTML that was meant as such.
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

/// Fixes a line but for its entities: the ampersands are hidden behind a character that no rule looks at.
fn fix_line_of_html(line: &str) -> String {
    const STAND_INS: [char; 8] = ['~', '^', '|', '`', '\\', '{', '}', '@'];
    match STAND_INS.into_iter().find(|&character| !line.contains(character)) {
        Some(stand_in) => {
            let hidden = line.replace('&', stand_in.encode_utf8(&mut [0; 4]));
            plsfix::fix_text(&hidden, None).replace(stand_in, "&")
        }
        None => plsfix::fix_text(line, None),
    }
}
