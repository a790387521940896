//! How a command ends when it does not succeed: 2 for bad arguments, 1 for a failed run.

use std::fmt;

use clippy_core::{Error, ErrorCode};

/// Why a command ended. Printed as one paragraph on standard error.
#[derive(Debug)]
pub struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// The command was called wrongly: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        // One line is promised, whatever the value that is named in it.
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

    /// The command was told to stop by a signal before it was done: the shell's exit code for that.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit_code: 130,
        }
    }

    /// The command was called rightly and could not do it: exit code 1.
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
        // On the command line the cause of an internal error is for the very person who reads it.
        let mut message = error.message.clone();
        if error.code == ErrorCode::Internal {
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                message.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
        }
        Self::run(message)
    }
}
