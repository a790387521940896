//! Starts the log. It goes to standard error, since standard output is for the command's answer.

use std::io::IsTerminal;

use clippy_core::settings::{LogSettings, PROMPTS};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts the log. A server logs its requests; other commands only log warnings, unless `LOG_LEVEL`
/// asks for more.
pub fn start(settings: &LogSettings, serves: bool) -> Result<(), Failure> {
    let mut complaints = settings.complaints.clone();
    let filter = EnvFilter::try_new(directives(&settings.filter, serves, settings.prompts))
        .or_else(|error| {
            complaints.push(format!(
                "LOG_LEVEL is \"{}\", which is not a filter ({error}): info is used",
                settings.filter
            ));
            EnvFilter::try_new(directives("info", serves, settings.prompts))
        });
    let filter = filter.map_err(|error| Failure::run(format!("the log cannot start: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| Failure::run(format!("the log cannot start: {error}")))?;
    for complaint in complaints {
        tracing::warn!("{complaint}");
    }
    Ok(())
}

/// Checks the syntax of a filter, for `clippy doctor`.
pub fn check(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn directives(filter: &str, serves: bool, prompts: bool) -> String {
    let filter = match (filter, serves) {
        ("info", false) | ("warn", _) => "warn,qdrant_edge=error",
        // At this level the engine and the HTTP libraries report nothing that an operator needs.
        ("info", true) => {
            "warn,qdrant_edge=error,clippy=info,clippy_api=info,clippy_clip=info,\
             clippy_gallery=info,clippy_jobs=info,clippy_worker=info"
        }
        (other, _) => other,
    };
    format!(
        "{filter},{PROMPTS}={}",
        if prompts { "info" } else { "off" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_of_the_settings_is_valid_and_lets_errors_through() {
        for filter in [
            "error",
            "warn",
            "info",
            "trace",
            "error,clippy_api=debug",
            "warn,clippy_api::serve",
        ] {
            let parsed = EnvFilter::try_new(directives(filter, true, false)).expect(filter);
            let most = parsed.max_level_hint().expect("a level");
            assert!(
                most >= tracing::level_filters::LevelFilter::ERROR,
                "{filter}"
            );
        }
        assert!(directives("warn", true, false).contains("qdrant_edge=error"));
        assert!(directives("warn", false, true).contains("clippy_prompts=info"));
    }
}
