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
        write!(output, "{text}")
    });
}

/// Prints to standard error. A closed one changes nothing, since there is nowhere to say so.
pub fn write_note(text: &dyn Display) {
    let _ = write!(io::stderr().lock(), "{text}");
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
