//! `LOG_LEVEL` and `PROMPT_LOG_LEVEL`.

use super::reader::Reader;

/// The target that prompts are logged under.
pub const PROMPTS: &str = "clippy_prompts";

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `LOG_LEVEL`: `error`, `warn`, `info`, `debug`, `trace`, `off`, or a tracing filter.
    pub filter: String,
    /// `PROMPT_LOG_LEVEL`: whether the prompts that are sent to providers are logged.
    pub prompts: bool,
    /// Problems of the two settings, and what is used instead. They are logged once the log runs.
    pub complaints: Vec<String>,
}

/// Returns tracing's name of a level, given by tracing's or Python's name.
fn level(name: &str) -> Option<&'static str> {
    Some(match name.trim().to_ascii_lowercase().as_str() {
        "off" => "off",
        "critical" | "fatal" | "error" => "error",
        "warning" | "warn" => "warn",
        "info" => "info",
        "debug" => "debug",
        "notset" | "trace" => "trace",
        _ => return None,
    })
}

pub(super) fn read(reader: &Reader) -> LogSettings {
    let mut complaints = Vec::new();
    let given = reader.text_or(&["LOG_LEVEL"], "info");
    let filter = filter(&given).unwrap_or_else(|| {
        complaints.push(complaint("LOG_LEVEL", &given, "info is used"));
        "info".to_owned()
    });
    let prompts = match reader.text(&["PROMPT_LOG_LEVEL"]) {
        None => false,
        // Clippy 0.2 logged prompts at the level info.
        Some(given) => match level(&given) {
            Some(level) => matches!(level, "info" | "debug" | "trace"),
            None => {
                complaints.push(complaint(
                    "PROMPT_LOG_LEVEL",
                    &given,
                    "prompts are not logged",
                ));
                false
            }
        },
    };
    LogSettings {
        filter,
        prompts,
        complaints,
    }
}

fn complaint(name: &str, value: &str, instead: &str) -> String {
    let shown: String = value
        .chars()
        .filter(|letter| !letter.is_control())
        .take(100)
        .collect();
    format!(
        "{name} is \"{shown}\", but must be error, warn, info, debug, trace, off, a name of \
         Python's (WARNING, CRITICAL, NOTSET) or a filter such as warn,clippy_api=debug: {instead}"
    )
}

/// Reads a level, or a list of `target=level` and levels. `None` for any other word, which a filter
/// would take for the name of the only target to log.
fn filter(given: &str) -> Option<String> {
    if let Some(level) = level(given) {
        return Some(level.to_owned());
    }
    let mut directives = Vec::new();
    let mut whole = false;
    for directive in given
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
    {
        match directive.rsplit_once('=') {
            // The filter of a span may contain another `=`: `[span{field=value}]=level`.
            Some((target, name)) if !name.contains([']', '}']) => {
                directives.push(format!("{target}={}", level(name)?))
            }
            _ if directive.contains([':', '[']) => directives.push(directive.to_owned()),
            _ => {
                whole = true;
                directives.push(level(directive)?.to_owned());
            }
        }
    }
    if directives.is_empty() {
        return None;
    }
    // Targets that the filter does not name still log errors.
    if !whole {
        directives.insert(0, "error".to_owned());
    }
    Some(directives.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> LogSettings {
        read(&Reader::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn the_level_names_of_python_are_accepted() {
        for (given, filter) in [
            ("WARNING", "warn"),
            ("CRITICAL", "error"),
            ("fatal", "error"),
            ("NOTSET", "trace"),
            ("Error", "error"),
            ("off", "off"),
            ("clippy_api=WARNING", "error,clippy_api=warn"),
            ("warn, clippy_api=debug", "warn,clippy_api=debug"),
            ("clippy_api::serve", "error,clippy_api::serve"),
        ] {
            let log = read_pairs(&[("LOG_LEVEL", given)]);
            assert_eq!(
                (log.filter.as_str(), log.complaints.len()),
                (filter, 0),
                "{given}"
            );
        }
    }

    #[test]
    fn an_unknown_level_is_reported_and_replaced_by_info() {
        for given in ["verbose", "loud,quiet", "clippy=loud", ",", "2"] {
            let log = read_pairs(&[("LOG_LEVEL", given)]);
            assert_eq!(log.filter, "info", "{given}");
            assert!(
                log.complaints[0].contains("LOG_LEVEL") && log.complaints[0].contains(given),
                "{log:?}"
            );
        }
    }

    #[test]
    fn prompts_are_logged_from_level_info_on_and_not_by_default() {
        for (given, logged) in [
            ("DEBUG", true),
            ("info", true),
            ("NOTSET", true),
            ("WARNING", false),
            ("off", false),
        ] {
            assert_eq!(
                read_pairs(&[("PROMPT_LOG_LEVEL", given)]).prompts,
                logged,
                "{given}"
            );
        }
        assert!(!read_pairs(&[]).prompts);
        let wrong = read_pairs(&[("PROMPT_LOG_LEVEL", "loud")]);
        assert!(
            !wrong.prompts && wrong.complaints[0].contains("PROMPT_LOG_LEVEL"),
            "{wrong:?}"
        );
    }
}
