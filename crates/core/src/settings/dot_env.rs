//! Reads the text of a `.env` file as python-dotenv does, which Clippy 0.2 used: an unreadable line
//! does not stop the rest, and only `${NAME}` is replaced, never `$NAME`.
//!
//! A file may hold keys and passwords. Complaints therefore name lines, and variables where they
//! are Clippy's own settings, but never a value and never a name that could be part of one.

use std::collections::HashMap;

use super::table;

/// The contents of a `.env` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DotEnv {
    /// Names and values in the file's order. Where a name comes twice, the last value counts.
    pub variables: Vec<(String, String)>,
    /// Lines that cannot be used, or that are probably a mistake.
    pub complaints: Vec<Complaint>,
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The line, counted from 1.
    pub line: usize,
    /// The variable, if it is one of Clippy's settings.
    pub variable: Option<String>,
    /// What is wrong.
    pub fault: Fault,
    /// A setting of server keys that was left out with the line. Without it the server would be
    /// open.
    pub lost_keys: Option<&'static str>,
}

/// Settings of keys. With one of them, the server refuses callers without a key.
const KEYS: [&str; 2] = ["API_KEYS", "ADMIN_KEYS"];

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Neither `NAME=value`, a comment nor empty, or a quote that is not closed. The line is left
    /// out.
    Unreadable,
    /// Holds bytes that are not UTF-8. The line is left out.
    Encoding,
    /// Holds a NUL, which no environment variable can hold. The line is left out.
    Impossible,
    /// `${NAME}` names a variable that is not set, so it is replaced by nothing.
    UnknownReference,
    /// Like [`Fault::UnknownReference`], in a key or password that is empty because of it.
    SecretLost,
    /// The value begins with `#`, which is part of it: a comment needs a value before it.
    BeginsWithHash,
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "line {}", self.line)?;
        if let Some(variable) = &self.variable {
            write!(formatter, " ({variable})")?;
        }
        formatter.write_str(match self.fault {
            Fault::Unreadable => {
                " cannot be read and is left out: write NAME=value, and close quotes that were \
                 opened"
            }
            Fault::Encoding => {
                " holds bytes that are not UTF-8 and is left out: save the file as UTF-8"
            }
            Fault::Impossible => {
                " holds a character that no environment variable may hold, and is left out: remove \
                 it"
            }
            Fault::UnknownReference => {
                " refers by ${…} to a variable that is not set, so it is replaced by nothing: \
                 set it, or write $ without braces when it is part of the value"
            }
            Fault::SecretLost => {
                " refers by ${…} to a variable that is not set, so that the secret is empty: set \
                 it, or write $ without braces when it is part of the value"
            }
            Fault::BeginsWithHash => {
                " has a value that begins with #, which is taken as part of the value: remove it, \
                 or put the comment on a line of its own"
            }
        })
    }
}

/// Reads a file's bytes: UTF-8, with a byte order mark or not, or UTF-16 with one. `environment`
/// gives the variables that are set already, which win over the file's in `${NAME}`.
#[must_use]
pub fn parse(bytes: &[u8], environment: impl Fn(&str) -> Option<String>) -> DotEnv {
    let text = decoded(bytes);
    let mut position = Position {
        text: &text,
        at: 0,
        line: 1,
    };
    let mut found = DotEnv::default();
    let mut values: HashMap<String, String> = HashMap::new();
    while position.at < text.len() {
        let Statement {
            line,
            name,
            value,
            from,
            to,
        } = statement(&mut position);
        let complain = |fault, name: Option<&str>| Complaint {
            line,
            variable: name.filter(|name| table::is_known(name)).map(str::to_owned),
            fault,
            // An unclosed quote swallows the lines after it.
            lost_keys: match fault {
                Fault::Unreadable | Fault::Encoding | Fault::Impossible => {
                    KEYS.into_iter().find(|name| text[from..to].contains(name))
                }
                Fault::UnknownReference | Fault::SecretLost | Fault::BeginsWithHash => None,
            },
        };
        let broken = text[from..to].contains(char::REPLACEMENT_CHARACTER);
        let (name, value) = match (name, value) {
            (Some(name), Some(value)) if !broken => (name, value),
            (name, _) if broken => {
                found
                    .complaints
                    .push(complain(Fault::Encoding, name.as_deref()));
                continue;
            }
            (name, None) if !text[from..to].trim().is_empty() => {
                let comment = name.is_none() && text[from..to].trim_start().starts_with('#');
                if !comment {
                    found
                        .complaints
                        .push(complain(Fault::Unreadable, name.as_deref()));
                }
                continue;
            }
            _ => continue,
        };
        let (resolved, lost) = resolved(&value, |wanted| {
            environment(wanted).or_else(|| values.get(wanted).cloned())
        });
        if name.contains('\0') || resolved.contains('\0') {
            found
                .complaints
                .push(complain(Fault::Impossible, Some(&name)));
            continue;
        }
        if lost && resolved.trim().is_empty() && table::is_secret(&name) {
            found
                .complaints
                .push(complain(Fault::SecretLost, Some(&name)));
        } else if lost {
            found
                .complaints
                .push(complain(Fault::UnknownReference, Some(&name)));
        } else if value.starts_with('#') && table::is_known(&name) {
            found
                .complaints
                .push(complain(Fault::BeginsWithHash, Some(&name)));
        }
        values.insert(name.clone(), resolved.clone());
        found.variables.retain(|(known, _)| *known != name);
        found.variables.push((name, resolved));
    }
    found
}

/// Decodes the text, with `\n` at the end of each line, as Python reads text files. Bytes that are
/// not UTF-8 become U+FFFD.
fn decoded(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// One statement of the file.
struct Statement {
    /// The line that it begins at, after any empty lines.
    line: usize,
    name: Option<String>,
    /// `None` when it has none, and when the statement cannot be read.
    value: Option<String>,
    from: usize,
    to: usize,
}

/// A place in the text.
struct Position<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Position<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes this many bytes.
    fn take(&mut self, bytes: usize) -> &'a str {
        let taken = &self.rest()[..bytes];
        self.line += taken.matches('\n').count();
        self.at += bytes;
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        self.take(rest.find(|letter| !wanted(letter)).unwrap_or(rest.len()))
    }

    fn starts_with(&self, letter: char) -> bool {
        self.rest().starts_with(letter)
    }

    /// Skips whitespace within the line.
    fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Takes the rest of the line, without its end.
    fn take_line_rest(&mut self) -> &'a str {
        self.take_while(|letter| letter != '\n')
    }

    /// Takes the end of a line, or of the text.
    fn take_end_of_line(&mut self) -> Option<()> {
        let rest = self.rest();
        if rest.starts_with('\n') {
            self.take(1);
        }
        (rest.is_empty() || rest.starts_with('\n')).then_some(())
    }
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() && letter != '\n'
}

fn statement(position: &mut Position<'_>) -> Statement {
    position.take_while(char::is_whitespace);
    let (line, from) = (position.line, position.at);
    let mut name = None;
    let value = binding(position, &mut name);
    if value.is_none() {
        // Unreadable: skip the rest of this line, and continue with the next one.
        position.take_line_rest();
        let _ = position.take_end_of_line();
    }
    Statement {
        line,
        name,
        value: value.flatten(),
        from,
        to: position.at,
    }
}

/// Reads a value: outer `None` when the statement cannot be read, inner `None` when it has no `=`.
fn binding(position: &mut Position<'_>, name: &mut Option<String>) -> Option<Option<String>> {
    if position.rest().is_empty() {
        return Some(None);
    }
    if let Some(after) = position.rest().strip_prefix("export")
        && after.starts_with(is_blank)
    {
        position.take("export".len());
        position.skip_blanks();
    }
    if !position.starts_with('#') {
        *name = Some(key(position)?);
    }
    position.skip_blanks();
    let mut value = None;
    if position.starts_with('=') {
        position.take(1);
        position.skip_blanks();
        value = Some(match position.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(position, quote)?,
            None | Some('\n') => String::new(),
            Some(_) => unquoted(position.take_line_rest()),
        });
    }
    position.skip_blanks();
    if position.starts_with('#') {
        position.take_line_rest();
    }
    position.take_end_of_line()?;
    Some(value)
}

fn key(position: &mut Position<'_>) -> Option<String> {
    if position.starts_with('\'') {
        let end = position.rest()[1..]
            .find('\'')
            .filter(|length| *length > 0)?;
        return Some(position.take(end + 2).trim_matches('\'').to_owned());
    }
    let key =
        position.take_while(|letter| !letter.is_whitespace() && letter != '=' && letter != '#');
    (!key.is_empty()).then(|| key.to_owned())
}

/// Reads the text between quotes, which may span several lines.
fn quoted(position: &mut Position<'_>, quote: char) -> Option<String> {
    let rest = &position.rest()[1..];
    // As in python-dotenv's pattern: a backslash escapes the quote after it, even if the backslash
    // is escaped itself. If the text ends without an unescaped quote, the last escaped one closes.
    let (mut end, mut hidden) = (None, None);
    for (at, _) in rest.match_indices(quote) {
        if rest[..at].ends_with('\\') {
            hidden = Some(at);
        } else {
            end = Some(at);
            break;
        }
    }
    let end = end.or(hidden)?;
    let inner = &rest[..end];
    position.take(end + 2);
    Some(unescaped(inner, quote))
}

fn unescaped(text: &str, quote: char) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = match (letter, letters.peek().copied()) {
            ('\\', Some(next @ ('\\' | '\''))) => Some(next),
            ('\\', Some(next)) if quote == '"' => match next {
                '"' => Some('"'),
                'a' => Some('\x07'),
                'b' => Some('\x08'),
                'f' => Some('\x0C'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                'v' => Some('\x0B'),
                _ => None,
            },
            _ => None,
        };
        match escaped {
            Some(escaped) => {
                letters.next();
                plain.push(escaped);
            }
            None => plain.push(letter),
        }
    }
    plain
}

/// Returns a value without quotes, which ends at a `#` that follows whitespace.
fn unquoted(rest: &str) -> String {
    let comment = rest
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|at| rest[..*at].ends_with(char::is_whitespace));
    rest[..comment.unwrap_or(rest.len())].trim_end().to_owned()
}

/// Returns the value with `${NAME}` and `${NAME:-default}` replaced, and whether one of them was
/// not set.
fn resolved(value: &str, variable: impl Fn(&str) -> Option<String>) -> (String, bool) {
    let (mut text, mut rest, mut lost) = (String::with_capacity(value.len()), value, false);
    while let Some(at) = rest.find("${") {
        let inner = &rest[at + 2..];
        let Some(end) = inner.find('}') else { break };
        let (name, default) = match inner[..end].split_once(':') {
            None => (&inner[..end], None),
            Some((name, default)) => match default.strip_prefix('-') {
                Some(default) => (name, Some(default)),
                // `${A:B}` is no reference.
                None => {
                    text.push_str(&rest[..at + 2]);
                    rest = inner;
                    continue;
                }
            },
        };
        text.push_str(&rest[..at]);
        match (variable(name), default) {
            (Some(value), _) => text.push_str(&value),
            (None, Some(default)) => text.push_str(default),
            (None, None) => lost = true,
        }
        rest = &inner[end + 1..];
    }
    text.push_str(rest);
    (text, lost)
}

#[cfg(test)]
mod tests;
