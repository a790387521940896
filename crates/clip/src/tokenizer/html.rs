//! Python's `html.unescape`, which is looser than HTML in some places and stricter in others.

/// Replaces entities as Python 3.11 does: numeric ones with or without a semicolon, named ones by
/// their longest known prefix.
pub fn unescape(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        output.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        let (replacement, used) = reference(after);
        match replacement {
            Some(replacement) => output.push_str(&replacement),
            None => output.push('&'),
        }
        rest = &after[used..];
    }
    output.push_str(rest);
    output
}

/// Returns the replacement of the reference that begins `text` (without the ampersand), and how
/// many bytes of it are used.
fn reference(text: &str) -> (Option<String>, usize) {
    match text.strip_prefix('#') {
        Some(number) => numeric(number).map_or((None, 0), |(replacement, used)| {
            (Some(replacement), used + 1)
        }),
        None => named(text),
    }
}

/// Reads `65;`, `65` or `x41;`. Returns the number, and its semicolon if there is one.
fn numeric(text: &str) -> Option<(String, usize)> {
    let (digits_at, radix) = if text.starts_with(['x', 'X']) {
        (1, 16)
    } else {
        (0, 10)
    };
    let digits = text[digits_at..]
        .bytes()
        .take_while(|byte| (*byte as char).is_digit(radix))
        .count();
    if digits == 0 {
        return None;
    }
    let end = digits_at + digits;
    // A number that does not fit is outside of Unicode anyway.
    let number = u32::from_str_radix(&text[digits_at..end], radix).unwrap_or(u32::MAX);
    let used = end + usize::from(text[end..].starts_with(';'));
    Some((code_point(number), used))
}

/// Does the same as CPython's `_replace_charref` for a number: Windows-1252 for the C1 controls,
/// U+FFFD for invalid code points, and nothing for controls and noncharacters.
fn code_point(number: u32) -> String {
    const WINDOWS_1252: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
        '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}',
        '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
        '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
        '\u{178}',
    ];
    match number {
        0 => "\u{fffd}".to_owned(),
        0x0d => "\r".to_owned(),
        0x80..=0x9f => WINDOWS_1252[(number - 0x80) as usize].to_string(),
        0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => String::new(),
        _ => match char::from_u32(number) {
            None => "\u{fffd}".to_owned(),
            Some(_) if number & 0xfffe == 0xfffe => String::new(),
            Some(character) => character.to_string(),
        },
    }
}

/// Reads a named entity: its longest known prefix. A name has at most 32 characters, and ends
/// before whitespace, `<`, `&` or `#`, or after `;`.
fn named(text: &str) -> (Option<String>, usize) {
    let mut end = 0;
    for (count, (at, character)) in text.char_indices().enumerate() {
        if count == 32
            || matches!(
                character,
                '\t' | '\n' | '\u{c}' | ' ' | '<' | '&' | '#' | ';'
            )
        {
            break;
        }
        end = at + character.len_utf8();
    }
    if end == 0 {
        return (None, 0);
    }
    let with_semicolon = end + usize::from(text[end..].starts_with(';'));
    // CPython tries the whole name, then shorter and shorter prefixes of two characters or more.
    let ends = (1..=with_semicolon)
        .rev()
        .filter(|&end| text.is_char_boundary(end));
    for (attempt, end) in ends.enumerate() {
        if attempt > 0 && text[..end].chars().count() < 2 {
            break;
        }
        if let Some(replacement) = lookup(&text[..end]) {
            return (Some(replacement), end);
        }
    }
    // Nothing matched: Python keeps the whole name and continues after it. Continuing after `&`
    // gives the same.
    (None, 0)
}

fn lookup(name: &str) -> Option<String> {
    let entity = format!("&{name}");
    let bytes = htmlize::ENTITIES.get(entity.as_bytes())?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::unescape;

    /// Answers of CPython 3.11's `html.unescape`.
    #[test]
    fn answers_are_pythons() {
        for (text, expected) in [
            ("no entity", "no entity"),
            ("&amp;&lt;&gt;&quot;&#39;", "&<>\"'"),
            ("this&not that", "this¬ that"),
            ("&notit;", "¬it;"),
            ("&notin;", "∉"),
            ("&amp", "&"),
            ("&ampamp;", "&amp;"),
            ("&#65&#x42;&#X43", "ABC"),
            ("&#128;&#x99;", "€™"),
            (
                "&#0;&#xD800;&#x110000;&#99999999999;",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("a&#1;b&#xFFFE;c&#xFDD0;d", "abcd"),
            ("&#; &#x; &; & &&amp;", "&#; &#x; &; & &&"),
            ("&NotEqualTilde;", "\u{2242}\u{338}"),
            ("&eacute &Eacute;", "é É"),
            ("&unknown; &é;", "&unknown; &é;"),
            ("&#13;|&#x85;", "\r|…"),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
    }
}
