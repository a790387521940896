//! Standard output and standard error of commands.
//!
//! `println!` panics when nobody reads any more, as in `clippy jobs list | head -1`, or when a disk
//! is full. Every command prints through this module instead; a lint refuses the others.
//!
//! A reader that goes away is no error. The rest of the output is dropped, and the command goes on:
//! a server serves, an ingest ingests, and the exit code is that of the work. Only `jobs watch`,
//! which does nothing but print, ends at once with 141, as if SIGPIPE had ended it. Any other error
//! of standard output makes a command fail that would have succeeded.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use parking_lot::Mutex;

use crate::failure::Failure;

/// Standard output of this process.
static OUTPUT: Mutex<State> = Mutex::new(State::Open);

enum State {
    Open,
    /// Its reader has gone away.
    Unread,
    Failed(io::Error),
}

/// Prints a line to standard output.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::write(&format_args!("{}\n", format_args!($($text)*)))
    };
}

/// Prints a line to standard error.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::output::write_note(&format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use {note, say};

/// Prints to standard output.
pub fn write(text: &dyn Display) {
    write_to(&mut OUTPUT.lock(), &mut io::stdout().lock(), |output| {
        output.write_all(printable(text.to_string()).as_bytes())
    });
}

/// Prints to standard error. A closed one changes nothing, since there is nowhere to say so.
pub fn write_note(text: &dyn Display) {
    let _ = io::stderr()
        .lock()
        .write_all(printable(text.to_string()).as_bytes());
}

/// Escapes what a terminal would obey instead of showing it, such as a title in the name of a
/// downloaded file. Line breaks, tabs, bold and colours stay.
fn printable(text: String) -> String {
    let is_obeyed = |character: char| {
        character.is_control() && !matches!(character, '\n' | '\t')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_obeyed) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        let style = style_at(rest);
        if !style.is_empty() {
            shown.push_str(style);
            rest = &rest[style.len()..];
            continue;
        }
        if is_obeyed(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    shown
}

/// Returns the code for bold or a colour that a text begins with, or nothing.
fn style_at(text: &str) -> &str {
    let Some(numbers) = text.strip_prefix("\u{1b}[") else {
        return "";
    };
    let end = numbers.find(|character: char| !character.is_ascii_digit() && character != ';');
    match end {
        Some(end) if numbers[end..].starts_with('m') => &text[..end + 3],
        _ => "",
    }
}

/// Whether the reader of standard output has gone away.
pub fn is_unread() -> bool {
    matches!(*OUTPUT.lock(), State::Unread)
}

/// Writes what is still in the buffer.
///
/// # Errors
/// The first error of standard output, unless it is that nobody reads.
pub fn finish() -> Result<(), Failure> {
    let mut state = OUTPUT.lock();
    write_to(&mut state, &mut io::stdout().lock(), Write::flush);
    match &*state {
        State::Failed(error) => Err(Failure::run(format!(
            "the output could not be written: {error}"
        ))),
        State::Open | State::Unread => Ok(()),
    }
}

fn write_to<W: Write>(
    state: &mut State,
    output: &mut W,
    work: impl FnOnce(&mut W) -> io::Result<()>,
) {
    if !matches!(state, State::Open) {
        return;
    }
    match work(output) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => *state = State::Unread,
        Err(error) => *state = State::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_do_not_command_the_terminal() {
        let shown = |text: &str| printable(text.to_owned());
        assert_eq!(
            shown("bad\u{1b}[2J\u{1b}]0;title\u{7}.png\r\n"),
            "bad\\u{1b}[2J\\u{1b}]0;title\\u{7}.png\\u{d}\n"
        );
        assert_eq!(shown("gnp\u{202e}.exe"), "gnp\\u{202e}.exe");
        for same in ["Grüße\tto 猫 🐈\n", "\u{1b}[1mTitle\u{1b}[0m\n"] {
            assert_eq!(shown(same), same);
        }
        assert_eq!(shown("\u{1b}"), "\\u{1b}");
    }

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_an_error_nothing_more_is_written() {
        for (kind, unread) in [
            (ErrorKind::BrokenPipe, true),
            (ErrorKind::StorageFull, false),
        ] {
            let mut state = State::Open;
            write_to(&mut state, &mut Broken(kind), |output| {
                output.write_all(b"a")
            });
            assert_eq!(matches!(state, State::Unread), unread, "{kind}");
            assert_eq!(matches!(state, State::Failed(_)), !unread, "{kind}");
            let mut later = Vec::new();
            write_to(&mut state, &mut later, |output| output.write_all(b"b"));
            assert!(later.is_empty(), "{kind}");
        }
    }
}
