//! The log: on standard error, so that standard output stays the command's answer.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts the log. A server logs requests as they come; other commands only warn, unless `LOG_LEVEL` says more.
pub fn start(level: &str, serves: bool) -> Result<(), Failure> {
    let directives = match (level, serves) {
        ("info", false) => "warn,qdrant_edge=error".to_owned(),
        // What the engine and the HTTP libraries report at this level is of no use to whoever runs the server.
        ("info", true) => "warn,qdrant_edge=error,clippy=info,clippy_api=info,clippy_clip=info,clippy_gallery=info,clippy_jobs=info,clippy_worker=info".to_owned(),
        (other, _) => other.to_owned(),
    };
    let filter = EnvFilter::try_new(&directives)
        .map_err(|error| Failure::usage(format!("LOG_LEVEL is \"{level}\", which is no level or filter: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| Failure::run(format!("the log cannot start: {error}")))
}
