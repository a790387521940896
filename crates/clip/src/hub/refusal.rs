//! What the hub's refusals mean, and what to do about each.

use clippy_common::shorten;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

use super::announcement::text;
use super::patience::Setback;
use super::repository::Repository;

/// Where tokens are made.
const TOKENS: &str = "https://huggingface.co/settings/tokens";
/// The most characters of a message of the server that are shown.
const LONGEST: usize = 200;

/// Returns the setback of an answer that another attempt may not get: too many requests, or a fault
/// of the server.
pub(super) fn setback(response: &Response) -> Option<Setback> {
    let status = response.status();
    let is_busy = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    is_busy.then(|| Setback {
        reason: format!("the server answered {status}"),
        asked: clippy_http::retry_after(response.headers()),
        is_unreached: false,
    })
}

/// Whether the repository is there, and has no such file.
pub(super) fn is_missing_file(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::NOT_FOUND && text(headers, "x-error-code") == Some("EntryNotFound")
}

/// Says why the hub refuses a file, and what to do. The token is not shown, even if the hub's
/// message has it.
pub(super) fn reason(
    repository: &Repository,
    file: &str,
    (status, headers): (StatusCode, &HeaderMap),
    token: Option<&str>,
) -> String {
    let (id, page, revision) = (repository.id(), repository.page(), repository.revision());
    let has_token = token.is_some();
    let said = message(headers, token).map_or_else(String::new, |said| format!(" (\"{said}\")"));
    let code = text(headers, "x-error-code").unwrap_or_default();
    let is_bad_token = text(headers, "x-error-message")
        .is_some_and(|message| message.starts_with("Invalid credentials"));
    match (status.as_u16(), code) {
        (401 | 403, _) if has_token && is_bad_token => format!(
            "the hub does not accept the token. Make a new one at {TOKENS}, and set HF_TOKEN or \
             write it to the file `token` in HF_HOME"
        ),
        (_, "GatedRepo") => {
            let token = if has_token {
                "with the account of your token, which must be allowed to read gated repositories"
            } else {
                "and set HF_TOKEN to a token of that account"
            };
            format!("{id} is gated. Accept its licence at {page}, {token} ({TOKENS})")
        }
        (_, "RevisionNotFound") => {
            format!("{id} has no branch, tag or commit `{revision}`. {page} lists them")
        }
        (404, "EntryNotFound") => format!("{id} has no file {file}"),
        (401, _) if !has_token => format!(
            "there is no public repository {id}. Check the name, or, if it is private, set \
             HF_TOKEN to a token that may read it ({TOKENS})"
        ),
        (401 | 404, _) => format!(
            "there is no repository {id}, or the token may not read it. Check the name at {page}"
        ),
        (403, _) => {
            let token = if has_token {
                "Perhaps the token may not read it"
            } else {
                "Perhaps it needs a token (HF_TOKEN)"
            };
            format!(
                "the server answered {status}{said}. {token}, or a proxy or a firewall refuses it. \
                 Check whether {page} opens in a browser on this machine, and the token's \
                 permissions at {TOKENS}"
            )
        }
        _ => format!("the server answered {status}{said}"),
    }
}

/// What the server says of its refusal, as it can be shown.
fn message(headers: &HeaderMap, token: Option<&str>) -> Option<String> {
    let message = headers.get("x-error-message")?;
    let message: String = String::from_utf8_lossy(message.as_bytes())
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let message = match token {
        Some(token) if !token.is_empty() => message.replace(token, "[hidden]"),
        _ => message,
    };
    let message = message.trim();
    (!message.is_empty()).then(|| shorten(message, LONGEST).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_short_and_without_the_token_and_control_characters() {
        let shown = |message: &str, token: Option<&str>| {
            let value = reqwest::header::HeaderValue::from_bytes(message.as_bytes());
            let headers = [(
                reqwest::header::HeaderName::from_static("x-error-message"),
                value.unwrap(),
            )];
            super::message(&headers.into_iter().collect(), token)
        };
        let plain = shown(" Blocked by\t\u{9b}31m \"policy\" é ", None);
        assert_eq!(plain.as_deref(), Some("Blocked by31m \"policy\" é"));
        let long = format!("{}hf_secret", "x".repeat(LONGEST - 3));
        let long = shown(&long, Some("hf_secret")).unwrap();
        assert!(long.chars().count() <= LONGEST + 1, "{long}");
        assert!(!long.contains("hf_"), "{long}");
        assert_eq!(shown(" \t ", None), None);
        assert_eq!(message(&HeaderMap::new(), None), None);
    }
}
