//! Failures of commands, and their exit codes: 2 for bad arguments, 1 for a failed run, 130 and 141
//! for one that was ended from outside.

use std::fmt;

use clippy_common::with_causes;
use clippy_core::{Error, ErrorCode};

/// Why a command failed, printed as one paragraph on standard error.
#[derive(Debug)]
pub struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// Bad arguments: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        // The message must be one line, even if a value in it is not.
        let message: String = message.into();
        let message = message
            .split(char::is_control)
            .filter(|part| !part.trim().is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        Self {
            message,
            exit_code: 2,
        }
    }

    /// A signal stopped the command before it was done. The exit code is that of shells.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit_code: 130,
        }
    }

    /// Nobody reads the output of a command that does nothing else. The exit code is that of a
    /// program that SIGPIPE ended, and nothing is printed.
    pub fn unread() -> Self {
        Self {
            message: String::new(),
            exit_code: 141,
        }
    }

    /// Whether nothing is to be printed.
    pub fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The run failed: exit code 1.
    pub fn run(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit_code: 1,
        }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // Unlike a caller of the API, the user of a command may see an internal error's cause.
        if error.code == ErrorCode::Internal {
            Self::run(with_causes(&error))
        } else {
            Self::run(error.message)
        }
    }
}
